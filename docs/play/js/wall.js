// The held-out digits as one wall: ink on paper where the network reads them right, paper on ink where it does not.
import { SIDE } from "./centring.js";
import { make } from "./dom.js";
import { pixelOfBrightness } from "./palette.js";

const GAP = 2; // pixels between two digits
const ACROSS = 25;

export class Wall {
  /** `pick(number)` is called with the digit that the reader picks. */
  constructor({ count, pick }) {
    Object.assign(this, { count, images: null, reads: null, picked: null });
    this.canvas = make("canvas", {
      class: "wall-canvas",
      width: ACROSS * (SIDE + GAP),
      height: Math.ceil(count / ACROSS) * (SIDE + GAP),
      role: "img",
      onclick: (event) => {
        const number = this.numberAt(event);
        if (this.images !== null && number < count) {
          pick(number);
        }
      },
    });
    this.frame = make("span", { class: "wall-frame", hidden: true });
    const words = `Press Train: the ${count} digits come, and it reads them again and again.`;
    this.empty = make("p", { class: "wall-empty" }, words);
    this.element = make("div", { class: "wall" }, this.canvas, this.frame, this.empty);
  }

  numberAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * ACROSS);
    const rows = Math.ceil(this.count / ACROSS);
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    return Math.min(row, rows - 1) * ACROSS + Math.max(0, Math.min(column, ACROSS - 1));
  }

  /** The digits have come: {images, labels}. */
  hang({ images, labels }) {
    Object.assign(this, { images, labels });
    this.empty.remove();
  }

  /** Show what is read, the class for each digit; null before anything was read. */
  draw(reads, palette) {
    this.canvas.setAttribute("aria-label", this.words(reads));
    if (this.images === null) {
      return;
    }
    const context = this.canvas.getContext("2d");
    const tile = context.createImageData(SIDE, SIDE);
    const pixels = new Uint32Array(tile.data.buffer);
    this.images.forEach((image, number) => {
      const isRight = reads !== null && reads[number] === this.labels[number];
      const isDrawn = this.drawn === palette && this.reads !== null && reads !== null;
      if (isDrawn && isRight === (this.reads[number] === this.labels[number])) {
        return; // as it was
      }
      for (let place = 0; place < pixels.length; place += 1) {
        const x = image.data[place];
        pixels[place] = pixelOfBrightness(palette.ink, isRight || reads === null ? x : 1 - x);
      }
      const [row, column] = [Math.floor(number / ACROSS), number % ACROSS];
      context.putImageData(tile, column * (SIDE + GAP) + GAP / 2, row * (SIDE + GAP) + GAP / 2);
    });
    [this.reads, this.drawn] = [reads, palette];
  }

  words(reads) {
    if (reads === null) {
      return `The ${this.count} test digits, which nothing has read yet.`;
    }
    const right = reads.reduce((sum, read, number) => sum + (read === this.labels[number] ? 1 : 0), 0);
    return `The ${this.count} test digits, of which ${right} are read right; the others are inverted.`;
  }

  /** Frame a digit, or none (null). */
  mark(number) {
    this.picked = number;
    this.frame.hidden = number === null;
    if (number !== null) {
      const rows = Math.ceil(this.count / ACROSS);
      const [row, column] = [Math.floor(number / ACROSS), number % ACROSS];
      this.frame.style.cssText =
        `left: ${(100 * column) / ACROSS}%; top: ${(100 * row) / rows}%; ` +
        `width: ${100 / ACROSS}%; height: ${100 / rows}%`;
    }
  }

  /** The next digit that is read wrong, after the one that is framed; null where all are right. */
  nextWrong() {
    for (let step = 1; step <= this.count && this.reads !== null; step += 1) {
      const number = ((this.picked ?? -1) + step) % this.count;
      if (this.reads[number] !== this.labels[number]) {
        return number;
      }
    }
    return null;
  }
}
