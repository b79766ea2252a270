// Draw a digit: the board, what the network reads on it, and every number in between.
import { Address, readAddress, whole } from "./address.js";
import { Board } from "./canvas.js";
import { centred, SIDE } from "./centring.js";
import { makeTools, Samples } from "./desk.js";
import { make } from "./dom.js";
import { Influence } from "./influence.js";
import { decode } from "./network.js";
import { percent } from "./numbers.js";
import { watchTheme } from "./palette.js";
import { packed, unpacked } from "./sharing.js";
import { decodeTensor, tensor } from "./tensor.js";
import { Tour } from "./tour.js";
import { Viewer } from "./viewer.js";

/** Build the page in its root. */
export function main(root, data) {
  const samples = decodeTensor(data.samples).data;
  const digits = data.labels.map((_, number) => samples.slice(number * SIDE * SIDE, (number + 1) * SIDE * SIDE));
  const isBare = new URLSearchParams(location.search).has("bare");
  const page = new DigitPage(decode(data.network), digits, data.labels);
  root.replaceChildren(page.element);
  root.classList.add("is-alive");
  page.begin({ isEmbedded: "embed" in root.dataset, isBare });
  /**
   * The page for programs. read(pixels, {center}) reads 784 numbers from 0 to 1, row by row, as a drawing that was
   * already made ready; with `center` it scales and centers them first. pixels() gives back what the network reads,
   * and probabilities() what it answers.
   */
  window.glassbox = {
    read: (pixels, { center = false } = {}) => page.readPixels(Float64Array.from(pixels), center),
    pixels: () => Array.from(page.viewer.input.data),
    probabilities: () => page.viewer.shownOutputs(),
  };
}

class DigitPage {
  constructor(network, digits, labels) {
    Object.assign(this, { digits, labels, frame: null, isDone: false });
    this.board = new Board({
      changed: (change) => this.drawn(change),
      begun: () => this.begun(),
      told: (words) => (this.status.textContent = words),
    });
    this.status = make("p", { class: "tracer-status", role: "status" });
    this.answer = make("p", { class: "digit-answer" });
    this.changes = make("p", { class: "digit-changes" });
    const ask = make(
      "button",
      { type: "button", class: "digit-ask", onclick: () => this.tour.show(0) },
      "Show the tour",
    );
    const begin = make("div", {}, this.board.element, makeTools(this.board));
    const more = make("div", { class: "digit-more" });
    this.samples = new Samples({ digits, labels, choose: (number) => this.choose(number), beside: ask });
    this.viewer = new Viewer({
      network,
      begin,
      beneath: this.samples.element,
      more,
      computed: () => this.showAnswer(),
      changed: () => this.viewer.isOwnNumber && this.tour?.reached(2),
    });
    this.influence = new Influence({ viewer: this.viewer, use: (pixels) => this.readAbove(pixels) });
    more.append(this.viewer.learn.element, this.influence.element);
    this.tour = this.makeTour();
    this.element = make(
      "div",
      { class: "digit" },
      make("div", { class: "digit-head" }, this.answer, this.changes),
      this.tour.element,
      this.viewer.element,
      this.status,
    );
    watchTheme(() => {
      this.board.recolor();
      this.samples.show();
      this.influence.draw();
    });
  }

  makeTour() {
    const { flow, panel, element } = this.viewer;
    const steps = [
      {
        element: this.board.element,
        above: element,
        words: "Draw a digit over this one: your first stroke clears the board. What is read stands above it.",
      },
      {
        element: flow.element,
        above: this.samples.element,
        words: "This is the whole network. Each column is a layer, the lines say what feeds what. Tap any pixel of it.",
      },
      {
        element: panel.element,
        above: panel.title,
        words:
          "The open number, as the sum that made it. Open a term of it to go on, down to your drawing; Back returns.",
        enter: () => panel.fold(false),
        leave: () => panel.fold(true),
      },
      {
        element: this.influence.element,
        above: this.influence.element,
        words: "Two things that the gradient of every pixel is good for. The first: make your digit a 9.",
      },
    ];
    return new Tour({ steps, key: "glassbox-digit-tour" });
  }

  /** Show what the address says, or a first digit. */
  begin({ isEmbedded, isBare }) {
    this.samples.show();
    this.choose(Math.max(0, this.labels.indexOf(7)));
    if (isEmbedded) {
      return;
    }
    const { viewer } = this;
    const readers = {
      digit: whole(0, this.digits.length - 1),
      pixels: (text) => unpacked(text, SIDE * SIDE) ?? undefined,
      ...viewer.readers(),
    };
    this.restore(readAddress(readers));
    viewer.address = new Address({
      readers,
      element: this.element.parentElement,
      describe: () => this.state(),
      restore: (found) => this.restore(found),
      note: () => viewer.note(),
      travel: (note) => viewer.travel(note),
    });
    viewer.address.resume();
    if (!isBare) {
      this.tour.showOnce();
    }
  }

  // What is read

  choose(number) {
    this.board.start(this.digits[number]);
    this.begun();
    this.update();
  }

  /** Read pixels that a program gives. */
  readPixels(pixels, center) {
    if (pixels.length !== SIDE * SIDE) {
      throw new RangeError(`read expects ${SIDE * SIDE} numbers from 0 to 1, got ${pixels.length}`);
    }
    this.board.start(center ? centred(pixels, SIDE, SIDE) : pixels);
    this.update();
    return this.viewer.shownOutputs();
  }

  /** Read pixels that were made further down, and go where they are read. */
  readAbove(pixels) {
    this.readPixels(pixels, false);
    this.board.element.scrollIntoView({ block: "center" });
    this.board.canvas.focus({ preventScroll: true });
  }

  /** Another digit begins: the true class that the reader chose was of the one before. */
  begun() {
    this.viewer.chosen = null;
  }

  /** The board has changed: read it in the next frame, once. */
  drawn({ isDone = false } = {}) {
    this.isDone ||= isDone;
    this.frame ??= requestAnimationFrame(() => this.update());
  }

  update() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.board.show();
    const number = this.sample;
    this.viewer.read(tensor([1, SIDE, SIDE], this.board.pixels()), number < 0 ? null : this.labels[number]);
    this.viewer.address?.changed();
  }

  /** Which of the test images the board shows, or -1. */
  get sample() {
    return this.board.isSample ? this.digits.indexOf(this.board.drawing.digit) : -1;
  }

  showAnswer() {
    const { viewer } = this;
    const outputs = viewer.shownOutputs();
    const best = outputs.indexOf(Math.max(...outputs));
    const words = viewer.isBlank ? "Draw a digit." : `It reads ${best}, with probability ${percent(outputs[best])}.`;
    this.answer.textContent = words;
    const steps = viewer.steps.length;
    this.changes.textContent = steps > 0 ? `Weights changed by ${steps} ${steps === 1 ? "step" : "steps"}` : "";
    this.influence.forget();
    if (this.isDone && viewer.address !== null) {
      this.status.textContent = words;
    }
    this.isDone = false;
  }

  // The address

  state() {
    const shown = this.sample >= 0 ? { digit: this.sample } : { pixels: packed(this.board.pixels()) };
    return { ...shown, ...this.viewer.state() };
  }

  restore({ digit, pixels, ...address }) {
    if (digit !== undefined) {
      this.choose(digit);
    } else if (pixels !== undefined) {
      this.begun();
      this.readPixels(pixels, false);
    }
    this.viewer.restore(address);
  }
}
