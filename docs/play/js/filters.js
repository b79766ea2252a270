// A number for each weight of the network, as pictures: every kernel of the convolutions, the dense layers as tables.
import { make } from "./dom.js";
import { strongestOf } from "./flow.js";
import { cellOf, indexAt, layOut, Pictures } from "./pictures.js";

export class Filters {
  /**
   * `pick(place)` is called with the weight that the reader picks. `before` stands before the name of a weight,
   * `strongest` says what the largest number is, and `areTold` whether a caption says how the pictures lie.
   */
  constructor({ network, pick, before = "", strongest = "strongest weight", areTold = true }) {
    const words = { before, strongest, areTold };
    this.frame = make("span", { class: "filters-frame" });
    this.parts = network.layers.flatMap((layer, l) => (layer.weight ? [makePart(layer, l, pick, words)] : []));
    this.element = make(
      "div",
      { class: "filters" },
      [true, false].map((isKernel) => make("div", {}, this.partsOfKind(isKernel))),
    );
  }

  /** Kernels stand in one row, dense layers in the next. */
  partsOfKind(isKernel) {
    return this.parts.filter((part) => part.isKernel === isKernel).map(({ element }) => element);
  }

  /** Draw the numbers of each layer on a scale of its own. */
  draw(numbersOf, palette) {
    for (const { layer, pictures } of this.parts) {
      const numbers = numbersOf(layer);
      pictures.draw(numbers, largest(numbers), palette);
    }
  }

  /** Frame a weight, or none: a bias has no picture. */
  mark(place) {
    const part = place?.what === "weight" ? this.parts.find(({ layer }) => layer === place.layer) : undefined;
    if (part === undefined) {
      this.frame.remove();
      return;
    }
    const { layout, parts } = part.pictures;
    const { block, row, column } = cellOf(layout, place.index);
    this.frame.style.cssText =
      `left: ${(100 * column) / layout.columns}%; top: ${(100 * row) / layout.rows}%; ` +
      `width: ${100 / layout.columns}%; height: ${100 / layout.rows}%`;
    parts[block].block.append(this.frame);
  }
}

function makePart({ name, weight }, layer, pick, { before, strongest, areTold }) {
  const layout = layOut(weight.shape);
  const isKernel = weight.shape.length === 4;
  const pictures = new Pictures(layout, `aspect-ratio: ${layout.columns} / ${layout.rows}`);
  const open = (cell) => pick({ what: "weight", layer, index: indexAt(layout, cell) });
  const picture = make(
    "div",
    {
      class: isKernel ? "filters-kernels" : "filters-dense",
      style: `--across: ${isKernel ? weight.shape[0] : 1}; --wide: ${layout.columns}`,
      onclick: (event) => {
        const cell = pictures.cellUnder(event);
        if (cell !== null) {
          open(cell);
        }
      },
    },
    pictures.parts.map(({ block }) => block),
  );
  if (isKernel) {
    transpose(picture, weight.shape);
  }
  const words = isKernel
    ? `${weight.shape[0]} × ${weight.shape[1]} kernels, a column for each map`
    : `${weight.shape[0]} units, a row of ${weight.shape[1]} weights for each`;
  const toStrongest = () => open(strongestOf(pictures));
  const title = `Open the ${strongest} of ${name}`;
  const button = make(
    "button",
    { type: "button", class: "tracer-toggle", title, onclick: toStrongest },
    `${before}${name}.weight`,
  );
  const element = make("figure", {}, picture, make("figcaption", {}, button, areTold && make("span", {}, ` ${words}`)));
  return { layer, isKernel, pictures, element };
}

/** Kernels lie by output, then by input channel: a column for each output reads as what makes one map. */
function transpose(picture, [outputs, inputs]) {
  const blocks = [...picture.children];
  const order = Array.from(
    { length: outputs * inputs },
    (_, k) => blocks[(k % outputs) * inputs + Math.floor(k / outputs)],
  );
  picture.replaceChildren(...order);
}

const largest = (numbers) => numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
