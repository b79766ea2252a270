// Two gradients as pictures: that of one digit, and the mean of the batch that the next step follows.
import { make } from "./dom.js";
import { Filters } from "./filters.js";
import { written } from "./numbers.js";
import { lengthOf } from "./plane.js";

export class Gradients {
  /** `pickOwn(place)` and `pickMean(place)` are called with the weight that the reader picks in one. */
  constructor({ network, parts, pickOwn, pickMean }) {
    this.parts = parts;
    const drawing = (pick) =>
      new Filters({ network, pick, before: "∂L/∂ ", strongest: "steepest slope", areTold: false });
    [this.own, this.mean] = [drawing(pickOwn), drawing(pickMean)];
    this.title = make("p", { class: "train-heading", role: "heading", "aria-level": 2 });
    this.words = [make("p", { class: "tracer-note" }), make("p", { class: "tracer-note" })];
    const group = (label, filters, words) =>
      make("div", { role: "group", "aria-label": label }, words, filters.element);
    this.element = make(
      "section",
      { class: "gradients", "aria-label": "Gradients", hidden: true },
      this.title,
      make(
        "div",
        { class: "gradients-pair" },
        group("Gradient of the digit", this.own, this.words[0]),
        group("Mean gradient of the batch", this.mean, this.words[1]),
      ),
    );
  }

  /**
   * Draw the gradients ahead of a step: of a digit, {name, slopes}, by layer, and of a batch, {mean, length, count}: the
   * mean of so many, in one line, and how long one of them is on average; null until it is worked out. Nothing where
   * there is no step (null).
   */
  show(step, digit, batch, palette) {
    this.element.hidden = step === null;
    if (step === null || this.drawn?.every((each, k) => each === [digit.slopes, batch, palette][k])) {
      return;
    }
    this.drawn = [digit.slopes, batch, palette];
    this.title.textContent = `The gradient that step ${step} follows`;
    this.words[0].textContent = `Of the digit above alone, as a ${digit.name}: how its loss rises with each weight.`;
    this.words[1].textContent = batch === null ? "Of the batch." : wordsOfBatch(batch);
    this.own.draw((layer) => digit.slopes[layer].data, palette);
    this.mean.draw((layer) => this.weightsIn(batch?.mean, layer), palette);
  }

  /** The part of a line of numbers that belongs to the weights of a layer; zeros where there is no line. */
  weightsIn(line, layer) {
    const { start, end } = this.parts.find((part) => part.layer === layer && part.what === "weight");
    return line?.subarray(start, end) ?? new Float64Array(end - start);
  }
}

function wordsOfBatch({ mean, length, count }) {
  return count === 1
    ? "Of the one digit of the batch: the step goes against it."
    : `The mean over the batch: the step goes against it. It is ${written(lengthOf(mean), 2)} long, a digit's own ` +
        `${written(length, 2)} on average over the ${count}: where they point apart, they cancel.`;
}
