// Draw a digit: the board, what the network reads on it, and every number in between.
import { keepAddress, readAddress } from "./address.js";
import { Board } from "./canvas.js";
import { centred, SIDE } from "./centring.js";
import { make } from "./dom.js";
import { decode } from "./network.js";
import { percent } from "./numbers.js";
import { watchTheme } from "./palette.js";
import { packed, unpacked } from "./sharing.js";
import { decodeTensor, tensor } from "./tensor.js";
import { Viewer } from "./viewer.js";

const THICKNESSES = { thin: 1.6, usual: 2.2, thick: 3 };

/** Build the page in its root. */
export function main(root, data) {
  const samples = decodeTensor(data.samples).data;
  const digits = data.labels.map((_, number) => samples.slice(number * SIDE * SIDE, (number + 1) * SIDE * SIDE));
  const isEmbedded = "embed" in root.dataset;
  const page = new DigitPage(decode(data.network), digits, data.labels, isEmbedded);
  document.documentElement.classList.toggle("is-bare", new URLSearchParams(location.search).has("bare"));
  root.replaceChildren(page.element);
  root.classList.add("is-alive");
  page.begin();
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
  constructor(network, digits, labels, isEmbedded) {
    Object.assign(this, { digits, labels, isEmbedded, shown: null, frame: null, isSilent: true });
    this.viewer = new Viewer({ network, changed: () => this.changed(), computed: () => this.showAnswer() });
    this.board = new Board({
      changed: (change) => this.drawn(change),
      told: (words) => (this.status.textContent = words),
    });
    this.changed = isEmbedded
      ? () => {}
      : keepAddress(
          () => this.state(),
          (address) => this.restore(address),
        );
    this.status = make("p", { class: "tracer-status", role: "status" });
    this.answer = make("p", { class: "digit-answer" });
    this.element = make(
      "div",
      { class: "digit" },
      make(
        "div",
        { class: "digit-top" },
        make("div", { class: "digit-draw" }, this.board.element, this.makeTools(), this.makeSamples()),
        make("div", { class: "digit-read" }, this.answer, this.viewer.bars.element, this.viewer.learn.element),
      ),
      this.viewer.element,
      this.status,
    );
    watchTheme(() => {
      this.board.recolor();
      this.showSamples();
    });
  }

  makeTools() {
    const button = (text, act) => make("button", { type: "button", class: "tracer-button", onclick: act }, text);
    const pens = Object.entries(THICKNESSES).map(([name, thickness]) => {
      const choose = () => {
        this.board.thickness = thickness;
        this.board.showPen();
      };
      const input = make("input", {
        type: "radio",
        name: "thickness",
        value: name,
        checked: name === "usual",
        onchange: choose,
      });
      return make(
        "label",
        { title: `${name} pen` },
        input,
        make("span", { class: "digit-pen", style: `--pen: ${thickness * 4}px` }),
        make("span", { class: "tracer-hidden" }, name),
      );
    });
    return make(
      "div",
      { class: "digit-tools" },
      button("Undo", () => this.board.undo()),
      button("Clear", () => this.board.clear()),
      make("fieldset", { class: "digit-pens" }, make("legend", { class: "tracer-hidden" }, "Pen"), pens),
    );
  }

  makeSamples() {
    const buttons = this.digits.map((digit, number) => {
      const canvas = make("canvas", { width: SIDE, height: SIDE });
      const label = `Start from a ${this.labels[number]} of the test images`;
      const button = make(
        "button",
        { type: "button", class: "digit-sample", "aria-label": label, onclick: () => this.choose(number) },
        canvas,
      );
      return { canvas, button, digit };
    });
    this.samples = buttons;
    return make(
      "div",
      { class: "digit-samples" },
      make("p", {}, "Or start from a test image"),
      make(
        "div",
        {},
        buttons.map(({ button }) => button),
      ),
    );
  }

  /** Show what the address says, or a first digit. */
  begin() {
    this.showSamples();
    const address = readAddress();
    const first = Math.max(0, this.labels.indexOf(7));
    this.choose(first);
    this.viewer.openFirst();
    if (!this.isEmbedded) {
      this.restore(address);
    }
    this.isSilent = false;
  }

  showSamples() {
    const color = getComputedStyle(this.viewer.element).getPropertyValue("--tracer-ink").trim();
    this.samples.forEach(({ canvas, digit }) => {
      const context = canvas.getContext("2d");
      const image = context.createImageData(SIDE, SIDE);
      const parts = [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
      digit.forEach((value, place) => image.data.set([...parts, 255 * value], 4 * place));
      context.putImageData(image, 0, 0);
    });
  }

  // What is read

  choose(number) {
    this.board.start(this.digits[number]);
    this.update();
    this.viewer.setTarget(this.labels[number]);
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

  /** The board has changed: read it in the next frame, once. */
  drawn({ isDone = false } = {}) {
    this.isDone ||= isDone;
    this.frame ??= requestAnimationFrame(() => this.update());
  }

  update() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.board.show();
    this.viewer.read(tensor([1, SIDE, SIDE], this.board.pixels()));
    this.changed();
  }

  showAnswer() {
    const outputs = this.viewer.shownOutputs();
    const best = outputs.indexOf(Math.max(...outputs));
    const words = this.board.isEmpty
      ? "Draw a digit."
      : `It reads ${best}, with probability ${percent(outputs[best])}.`;
    this.answer.textContent = words;
    if (this.isDone && !this.isSilent) {
      this.status.textContent = words;
    }
    this.isDone = false;
  }

  // The address

  state() {
    const { digit, strokes } = this.board.drawing;
    const number = strokes.length === 0 ? this.digits.indexOf(digit) : -1;
    const shown = number >= 0 ? { digit: number } : { pixels: packed(this.board.pixels()) };
    return { ...shown, ...this.viewer.state() };
  }

  restore(address) {
    const pixels = unpacked(address.pixels ?? "", SIDE * SIDE);
    if (address.digit in this.digits) {
      this.choose(Number(address.digit));
    } else if (pixels !== null) {
      this.readPixels(pixels, false);
    }
    this.viewer.restore(address);
  }
}
