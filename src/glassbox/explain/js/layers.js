// The layers of a network as cards: for each what it makes, its kernels or weights and its bias, drawn as grids. Those
// that hold the open number and what it came from are shown.
import { make } from "./dom.js";
import { Grid, makeTables } from "./grid.js";
import { written } from "./numbers.js";
import { layOut } from "./pictures.js";
import { wordsOfIndex } from "./places.js";

const CELLS_AT_ONCE = 800; // of a table: 20 ms on a slow machine
const KERNEL_SIDE = 56; // pixels, of which a kernel's numbers take an equal part
const WEIGHT = [6, 18]; // pixels, the least and the most
const KEEPS_SCALE = ["ReLU", "MaxPool2d", "AvgPool2d", "Flatten"]; // what they make is colored as what they received

const WORDS = {
  Conv2d: ({ weight, stride, padding }) =>
    `convolution ${weight.shape.slice(2).join("×")}${option("stride", stride, 1)}${option("padding", padding, 0)}`,
  Linear: () => "dense layer",
  MaxPool2d: ({ kernelSize }) => `largest of ${kernelSize.join("×")}`,
  AvgPool2d: ({ kernelSize }) => `mean of ${kernelSize.join("×")}`,
  BatchNorm1d: () => "normalized by feature",
  BatchNorm2d: () => "normalized by channel",
  ReLU: () => "max(0, x)",
  LeakyReLU: ({ negativeSlope }) => `x, or ${negativeSlope} x below 0`,
  GELU: () => "x times its normal share",
  SiLU: () => "x times its sigmoid",
  Sigmoid: () => "sigmoid",
  Tanh: () => "tanh",
  Softmax: () => "softmax",
  Flatten: () => "in one line",
};

const option = (name, sizes, usual) =>
  sizes.every((size) => size === usual) ? "" : `, ${name} ${[...new Set(sizes)].join("×")}`;

/** What a layer does, in a few words. */
export function wordsOfLayer(layer) {
  return WORDS[layer.kind](layer);
}

/**
 * The cards. `numbersOf(place)` gives the numbers of a tensor; `pick(place)` is called when the reader picks one,
 * `enter(place)` to go on to its sum, and `look(place, event)` for the one under the pointer or the cursor. `classes`
 * names the outputs, and `areShares` says that a softmax makes probabilities of them.
 */
export class Layers {
  constructor({ network, classes, areShares, numbersOf, pick, enter, look }) {
    Object.assign(this, { network, classes, areShares, numbersOf, pick, enter, look });
    /** What is drawn: {place, name, grid, legend, part}, the place without an index. */
    this.plates = [];
    /** Each with its plates, and the region of its tables. */
    this.cards = [];
    this.filling = new Map(); // the timer of each region whose tables are being written
    this.makeCards();
    this.element = make(
      "div",
      { class: "tracer-layers" },
      this.cards.map(({ element }) => element),
    );
  }

  // Cards

  makeCards() {
    const { input, layers } = this.network;
    this.makeCard("input", input, "what the network reads", [this.addPlate("value", { value: 0 }, input)]);
    layers.forEach((layer, l) => this.makeLayerCard(layer, l));
    if (this.areShares) {
      const shape = [this.classes.length];
      const plate = this.addPlate("probability", {}, shape, "probability");
      this.makeCard("probability", shape, "softmax of the scores", [plate]);
    }
  }

  makeLayerCard(layer, l) {
    const plates = [this.addPlate("value", { value: l + 1 }, layer.outputShape, layer.name)];
    for (const what of ["weight", "bias"]) {
      if (layer[what] !== null) {
        plates.push(this.addPlate(what, { layer: l }, layer[what].shape, `${layer.name}.${what}`));
      }
    }
    this.makeCard(layer.name, layer.outputShape, wordsOfLayer(layer), plates);
  }

  makeCard(name, shape, words, plates) {
    const head = make(
      "div",
      { class: "tracer-card-head" },
      make("span", { class: "tracer-name" }, name),
      make("span", { class: "tracer-shape" }, shape.join(" × ")),
      make("span", { class: "tracer-words" }, words),
    );
    const [own, ...learned] = plates.map((plate) => {
      plate.part = plate.place.layer === undefined ? null : make("span", { class: "tracer-part" }, plate.place.what);
      return make("div", { class: "tracer-plate" }, plate.part, plate.grid.element, plate.legend);
    });
    const isStacked = plates[1]?.grid.layout.shape.length === 2;
    const body = make(
      "div",
      { class: isStacked ? "tracer-plates is-stacked" : "tracer-plates" },
      own,
      learned.length > 0 && make("div", {}, learned),
    );
    const { button, region } = this.makeTableToggle(name, plates);
    const element = make(
      "section",
      { class: "tracer-card", "aria-label": name, hidden: true },
      head,
      body,
      button,
      region,
    );
    this.cards.push({ element, plates, region });
  }

  addPlate(what, where, shape, name = "input") {
    const place = { what, ...where };
    const layout = layOut(shape, columnsOf(this.network, place, shape));
    const isOutput = what === "probability" || place.value === this.network.layers.length;
    const areBrief = this.classes.length <= 16 && this.classes.every((each) => each.length <= 2);
    const grid = new Grid({
      label: `${name}: ${shape.join(" by ")}`,
      layout,
      isKernels: shape.length === 4,
      cellSize: cellSizeOf(layout, place),
      perRow: perRowOf(layout, shape),
      heads: isOutput && areBrief ? this.classes : null,
      words: (index) => `${name}, ${wordsOfIndex(index, isOutput ? this.classes : null)}`,
      pick: (index) => this.pick({ ...place, index }),
      enter: (index) => this.enter({ ...place, index }),
      look: (index, event) => this.look(index && { ...place, index }, event),
    });
    const plate = { place, name, grid, legend: make("div", { class: "tracer-legend" }) };
    this.plates.push(plate);
    return plate;
  }

  /** A button that shows the card's numbers as tables, and the place for them. */
  makeTableToggle(name, plates) {
    const label = `${name} as tables`;
    const region = make("div", {
      class: "tracer-tables",
      role: "region",
      tabindex: 0,
      "aria-label": label,
      hidden: true,
    });
    const toggle = () => {
      region.hidden = !region.hidden;
      button.setAttribute("aria-expanded", String(!region.hidden));
      button.closest(".tracer-card").classList.toggle("is-wide", !region.hidden);
      this.fillTables({ region, plates });
    };
    const attributes = { type: "button", class: "tracer-toggle", "aria-expanded": "false", onclick: toggle };
    const button = make("button", attributes, "as a table", make("span", { class: "tracer-hidden" }, ` of ${name}`));
    return { button, region };
  }

  // Numbers

  /**
   * Draw the numbers of the cards that are shown anew. `isBackward` says that they are gradients, `tone` that the input
   * is drawn as ink or as a photograph.
   */
  draw(palette, { isBackward, scales, tone }) {
    Object.assign(this, { palette, isBackward, scales, tone });
    this.cards.filter(({ element }) => !element.hidden).forEach((card) => this.drawCard(card));
  }

  drawCard(card) {
    for (const { place, grid, legend, part } of card.plates) {
      const numbers = this.numbersOf(place);
      const tone = place.value === 0 ? this.tone : null;
      const scale = tone || place.what === "probability" ? 1 : (this.scales[place.value] ?? largestSize(numbers));
      grid.draw(numbers, scale, this.palette, tone);
      this.drawLegend(legend, scale, { tone, isAside: place.layer !== undefined });
      if (part !== null) {
        part.textContent = this.isBackward ? `∂L/∂ ${place.what}` : place.what;
      }
    }
    this.fillTables(card);
  }

  /** Show the cards of these plates alone. */
  show(plates) {
    for (const card of this.cards) {
      const isShown = card.plates.some((plate) => plates.has(plate));
      if (card.element.hidden === isShown) {
        card.element.hidden = !isShown;
        if (isShown) {
          this.drawCard(card);
        }
      }
    }
  }

  drawLegend(legend, scale, { tone, isAside }) {
    const least = isAside ? "" : tone ? "0" : written(-scale, 2);
    const most = isAside ? `±${written(scale, 2)}` : tone ? "1" : written(scale, 2);
    if (legend.dataset.ends !== `${least} ${most}`) {
      legend.dataset.ends = `${least} ${most}`;
      legend.classList.toggle("is-ink", tone === "ink");
      legend.classList.toggle("is-photo", tone === "photo");
      const ramp = make("span", { class: "tracer-ramp" });
      legend.replaceChildren(make("span", {}, least), ramp, make("span", {}, most));
    }
  }

  /** Write the tables of a card: so many cells at once that no one waits, the others after what the browser must do. */
  fillTables({ region, plates }) {
    clearTimeout(this.filling.get(region));
    const parts = region.hidden ? [] : plates.map((plate) => this.makeTablesOf(plate));
    region.replaceChildren(...parts.flatMap(({ tables }) => tables));
    const rows = parts.flatMap(({ rows: those, columns }) => those.map((add) => ({ add, columns })));
    let next = 0;
    const go = () => {
      for (let cells = 0; cells < CELLS_AT_ONCE && next < rows.length; next += 1) {
        rows[next].add();
        cells += rows[next].columns;
      }
      if (next < rows.length) {
        this.filling.set(region, setTimeout(go));
      }
    };
    go();
  }

  makeTablesOf({ place, name, grid }) {
    const kind = this.isBackward && place.what !== "probability" ? ", gradients" : "";
    const caption = (block) => `${name}${blockInWords(grid.layout, block)}${kind}`;
    const pick = (index) => this.pick({ ...place, index });
    return { ...makeTables(grid.layout, this.numbersOf(place), { caption, pick }), columns: grid.layout.columns };
  }

  // The number that is open

  /** What draws the tensor of a place. */
  plateOf({ what, value, layer }) {
    const kind = what === "slope" || what === "padding" ? "value" : what;
    return this.plates.find(({ place }) => place.what === kind && place.value === value && place.layer === layer);
  }

  /** Show a number and what it came from, both framed. */
  mark(place, { terms, constant }) {
    const own = this.plateOf(place);
    const seen = [...terms.flatMap(({ factors }) => factors.map(({ at }) => at)), constant?.at];
    const chosen = terms.filter((term) => term.chosen).flatMap(({ factors }) => factors.map(({ at }) => at));
    const found = [place, ...seen].map((at) => at && this.plateOf(at));
    this.show(new Set(found.filter(Boolean)));
    const marked = JSON.stringify([place, seen, chosen]);
    if (marked === this.marked) {
      return; // the numbers are others, the places are the same
    }
    this.marked = marked;
    for (const plate of this.plates) {
      plate.grid.clearMarks();
      plate.grid.select(place.index, plate === own);
    }
    this.markAll(seen, "seen");
    this.markAll(chosen, "chosen");
    const first = new Map(seen.filter((at) => at?.what === "weight").map((at) => [this.plateOf(at), at.index]));
    first.forEach((index, plate) => plate.grid.reveal(index));
  }

  /** Frame boxes of the values, while a number is looked at. */
  markReach(boxes) {
    for (const { place, grid } of this.plates) {
      grid.clearMarks("reach");
      if (place.what === "value" && boxes[place.value] !== undefined) {
        grid.markBox(boxes[place.value], "reach");
      }
    }
  }

  markAll(places, kind) {
    const found = new Map();
    for (const place of places) {
      const plate = place && this.plateOf(place);
      if (plate) {
        found.set(plate, found.get(plate) ?? []);
        found.get(plate).push(place.index);
      }
    }
    found.forEach((indices, { grid }) => grid.mark(indices, kind));
  }
}

/** The largest size among each value and those that only passed it on, so that their colors can be compared. */
export function scalesOf(network, numbersOf) {
  const { layers } = network;
  const sizes = [0, ...layers.keys()].map((_, value) => largestSize(numbersOf(value)));
  for (let value = 1; value < sizes.length; value += 1) {
    let end = value;
    while (KEEPS_SCALE.includes(layers[end]?.kind)) {
      end += 1;
    }
    sizes.fill(Math.max(...sizes.slice(value, end + 1)), value, end + 1);
    value = end;
  }
  return sizes;
}

const largestSize = (numbers) => numbers.reduce((largest, number) => Math.max(largest, Math.abs(number)), 0);

/** How many numbers of a vector stand in a row: where it was an image, a channel or a row of pixels. */
function columnsOf(network, place, shape) {
  const before = place.what === "value" ? network.layers[place.value - 1] : undefined;
  if (before?.kind === "Flatten" && before.inputShape.length === 3) {
    const [, height, width] = before.inputShape;
    return height * width <= 32 ? height * width : width;
  }
  return shape[0] <= 10 ? shape[0] : shape[0] <= 32 ? 8 : 16;
}

/** Pixels for one number: as large as a row of maps allows, in a vector large enough to tap. */
function cellSizeOf({ blocks, rows, columns, shape }, { layer }) {
  if (layer !== undefined) {
    const [least, most] = WEIGHT;
    return shape.length === 4
      ? Math.max(least, Math.min(most, Math.floor(KERNEL_SIDE / Math.max(rows, columns))))
      : Math.max(1, Math.min(12, 210 / columns));
  }
  if (shape.length === 1) {
    return Math.max(6, Math.min(18, Math.floor(160 / columns)));
  }
  const side = blocks === 1 ? 200 : blocks <= 2 ? 150 : blocks <= 4 ? 120 : 80;
  return Math.max(2, Math.min(20, Math.floor(side / Math.max(rows, columns))));
}

/** Maps stand in a near square; kernels in one row for each output channel. */
function perRowOf({ blocks }, shape) {
  return shape.length === 4 ? shape[1] : 2 ** Math.floor(Math.log2(Math.sqrt(blocks)));
}

function blockInWords({ shape, blocks }, block) {
  if (blocks === 1) {
    return "";
  }
  const [output, input] = [Math.floor(block / shape[1]), block % shape[1]];
  return shape.length === 4 ? `, output channel ${output}, input channel ${input}` : `, channel ${block}`;
}
