// A network on the screen: the maps of every layer, its kernels and its outputs, each number open forward and
// backward. It shows one input; `read` gives it the next.
import { addressOfPlace, codeOfPlace, nameOfPlace, nameOfValue, placeOfAddress, wordsOfIndex } from "./places.js";
import { Bars } from "./bars.js";
import { make, makeNumber } from "./dom.js";
import { pictureOf, sentenceOf, sumOf } from "./formula.js";
import { Grid, layOut, makeTables } from "./grid.js";
import {
  backward,
  explainLoss,
  explainProbability,
  explainSlope,
  explainValue,
  forward,
  probabilities,
  step,
} from "./network.js";
import { written } from "./numbers.js";
import { readPalette, watchTheme } from "./palette.js";
import { ravel, tensor, unravel } from "./tensor.js";

const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
const USUAL_RATE = 0.001;
const KEEPS_SCALE = ["ReLU", "MaxPool2d", "AvgPool2d", "Flatten"]; // what they make is colored as what they received
const STARTS_ROW = ["Conv2d", "Linear"];

const WORDS = {
  Conv2d: ({ weight, stride, padding }) =>
    `convolution ${weight.shape.slice(2).join("×")}${option("stride", stride, 1)}${option("padding", padding, 0)}`,
  Linear: () => "dense layer",
  MaxPool2d: ({ kernelSize }) => `largest of ${kernelSize.join("×")}`,
  AvgPool2d: ({ kernelSize }) => `mean of ${kernelSize.join("×")}`,
  ReLU: () => "max(0, x)",
  Sigmoid: () => "sigmoid",
  Tanh: () => "tanh",
  Softmax: () => "softmax",
  Flatten: () => "in one line",
};

const option = (name, sizes, usual) =>
  sizes.every((size) => size === usual) ? "" : `, ${name} ${[...new Set(sizes)].join("×")}`;

/**
 * A viewer of a network. `changed()` is called when something that belongs in the address has changed, `computed()`
 * when the network has another output.
 */
export class Viewer {
  constructor({ network, changed = () => {}, computed = () => {} }) {
    Object.assign(this, { network, original: network, changed, computed });
    this.isShares = network.loss === "cross_entropy";
    this.outputs = network.layers.at(-1).outputShape[0];
    this.classes = network.classes ?? Array.from({ length: this.outputs }, (_, k) => String(k));
    this.direction = "forward";
    this.place = null;
    this.target = this.isShares ? 0 : tensor([this.outputs]);
    [this.before, this.steps, this.isShort] = [null, 0, true];
    this.plates = [];
    this.bars = new Bars({
      classes: this.classes,
      areShares: this.isShares,
      open: (k) => this.open(this.outputPlace(k)),
    });
    this.learn = this.makeLearn();
    this.build();
    watchTheme(() => this.recolor());
  }

  outputPlace(k) {
    return this.isShares
      ? { what: "probability", index: [k] }
      : { what: "value", value: this.network.layers.length, index: [k] };
  }

  // The page

  build() {
    this.status = make("p", { class: "tracer-status", role: "status" });
    this.layers = make("div", { class: "tracer-layers" }, this.makeRows());
    this.panel = this.makePanel();
    const body = make("div", { class: "tracer-body" }, this.layers, this.panel);
    this.element = make("div", { class: "tracer" }, body, this.status);
  }

  makeRows() {
    const rows = [[this.makeInputCard()]];
    this.network.layers.forEach((layer, l) => {
      const before = this.network.layers[l - 1]?.kind;
      if (l === 0 || layer.kind === "Flatten" || (STARTS_ROW.includes(layer.kind) && before !== "Flatten")) {
        rows.push([]);
      }
      rows.at(-1).push(this.makeLayerCard(layer, l));
    });
    if (this.isShares) {
      rows.at(-1).push(this.makeProbabilityCard());
    }
    return rows.map((cards) => make("div", { class: "tracer-row" }, cards));
  }

  makeInputCard() {
    const { input } = this.network;
    const plate = this.addPlate({ what: "value", value: 0 }, input, "input");
    return this.makeCard("input", input, "what the network reads", [plate]);
  }

  makeLayerCard(layer, l) {
    const plates = [this.addPlate({ what: "value", value: l + 1 }, layer.outputShape, layer.name)];
    for (const what of ["weight", "bias"]) {
      if (layer[what] !== null) {
        plates.push(this.addPlate({ what, layer: l }, layer[what].shape, `${layer.name}.${what}`));
      }
    }
    return this.makeCard(layer.name, layer.outputShape, WORDS[layer.kind](layer), plates);
  }

  makeProbabilityCard() {
    const plate = this.addPlate({ what: "probability" }, [this.outputs], "probability");
    return this.makeCard("probability", [this.outputs], "softmax of the scores", [plate]);
  }

  makeCard(name, shape, words, plates) {
    const head = make(
      "div",
      { class: "tracer-card-head" },
      make("span", { class: "tracer-name" }, name),
      make("span", { class: "tracer-shape" }, shape.join(" × ")),
      make("span", { class: "tracer-words" }, words),
    );
    const parts = plates.map((plate, k) => {
      const label = k > 0 ? [make("span", { class: "tracer-part" }, plate.place.what)] : [];
      return make("div", { class: "tracer-plate" }, label, plate.grid.element, plate.legend);
    });
    const isFlat = plates[1]?.grid.layout.shape.length === 2;
    const body = make(
      "div",
      { class: isFlat ? "tracer-plates is-stacked" : "tracer-plates" },
      parts[0],
      parts.length > 1 && make("div", {}, parts.slice(1)),
    );
    return make(
      "section",
      { class: "tracer-card", "aria-label": name },
      head,
      body,
      this.makeTableToggle(name, plates),
    );
  }

  makeTableToggle(name, plates) {
    const tables = make("div", {
      class: "tracer-tables",
      role: "region",
      tabindex: 0,
      "aria-label": `${name} as tables`,
      hidden: true,
    });
    const button = make("button", { type: "button", class: "tracer-toggle", "aria-expanded": "false" }, "as a table");
    button.setAttribute("aria-label", `${name} as a table`);
    const holder = { tables, plates, isOpen: false };
    this.tables = [...(this.tables ?? []), holder];
    button.addEventListener("click", () => {
      holder.isOpen = !holder.isOpen;
      tables.hidden = !holder.isOpen;
      button.setAttribute("aria-expanded", String(holder.isOpen));
      button.closest(".tracer-card").classList.toggle("is-wide", holder.isOpen);
      this.fillTables(holder);
    });
    return [button, tables];
  }

  addPlate(place, shape, name) {
    const layout = layOut(shape, columnsOf(this.network, place, shape));
    const isInk = place.what === "value" && place.value === 0 && shape.length === 3;
    const heads =
      place.what === "probability" || place.value === this.network.layers.length ? this.shortClasses() : null;
    const grid = new Grid({
      label: `${name}: ${shape.join(" by ")}`,
      layout,
      cellSize: cellSizeOf(layout, place),
      perRow: perRowOf(layout, shape),
      isInk,
      heads: shape.length === 1 ? heads : null,
      words: (index) => `${name}, ${wordsOfIndex(index, heads && this.classes)}`,
      pick: (index) => this.open({ ...place, index }, { keepFocus: true }),
    });
    const legend = make("div", { class: "tracer-legend" });
    const plate = { place, name, grid, legend };
    this.plates.push(plate);
    return plate;
  }

  shortClasses() {
    return this.classes.length <= 16 && this.classes.every((name) => name.length <= 2) ? this.classes : null;
  }

  /** The loss, and a step that makes it smaller. */
  makeLearn() {
    this.lossButton = make("button", {
      type: "button",
      class: "tracer-loss",
      onclick: () => this.open({ what: "loss" }),
    });
    this.note = make("p", { class: "tracer-note" });
    this.rate = make(
      "select",
      {},
      RATES.map((rate) => make("option", { value: rate, selected: rate === USUAL_RATE }, String(rate))),
    );
    const button = (kind, text, act) =>
      make("button", { type: "button", class: `tracer-button ${kind}`, onclick: act }, text);
    this.resetButton = button("", "Reset", () => this.reset());
    return make(
      "section",
      { class: "tracer-learn", "aria-label": "Loss, and one step of gradient descent" },
      make(
        "div",
        { class: "tracer-controls" },
        this.makeTargetControls(),
        make("p", { class: "tracer-field" }, "Loss ", this.lossButton),
      ),
      make(
        "div",
        { class: "tracer-controls" },
        make("label", { class: "tracer-field" }, "Step size ", this.rate),
        button("is-main", "Take one step", () => this.takeStep()),
        this.resetButton,
      ),
      this.note,
    );
  }

  makeTargetControls() {
    if (this.isShares) {
      this.targetField = make("select", { onchange: () => this.setTarget(Number(this.targetField.value)) });
      this.targetField.append(...this.classes.map((name, k) => make("option", { value: k }, name)));
      return make("label", { class: "tracer-field" }, "True class ", this.targetField);
    }
    this.targetFields = this.classes.map((name, k) => {
      const change = () =>
        this.setTarget(
          tensor(
            [this.outputs],
            this.targetFields.map(({ value }) => Number(value) || 0),
          ),
        );
      return make("input", {
        type: "number",
        step: "any",
        value: 0,
        "aria-label": `target of output ${name}`,
        onchange: change,
      });
    });
    return make("div", { class: "tracer-field" }, "Target ", this.targetFields);
  }

  makePanel() {
    const radio = (value, label) => {
      const input = make("input", {
        type: "radio",
        name: `direction-${(directions += 1)}`,
        value,
        onchange: () => this.setDirection(value),
      });
      return { input, label: make("label", {}, input, make("span", {}, label)) };
    };
    const [ahead, back] = [radio("forward", "Forward"), radio("backward", "Backward")];
    back.input.name = ahead.input.name;
    this.radios = { forward: ahead.input, backward: back.input };
    ahead.input.checked = true;
    const arrows = [
      ["ArrowLeft", "←", "left"],
      ["ArrowUp", "↑", "up"],
      ["ArrowDown", "↓", "down"],
      ["ArrowRight", "→", "right"],
    ];
    this.arrows = arrows.map(([key, sign, word]) => {
      return make(
        "button",
        { type: "button", "aria-label": `one number ${word}`, onclick: () => this.plateOf(this.place)?.grid.walk(key) },
        sign,
      );
    });
    this.title = make("h3", { class: "tracer-title", tabindex: -1 });
    this.sum = make("div", {
      class: "tracer-sum",
      role: "region",
      tabindex: 0,
      "aria-label": "How this number came about",
    });
    return make(
      "aside",
      { class: "tracer-panel", "aria-label": "The number that you opened" },
      make(
        "div",
        { class: "tracer-panel-head" },
        make("fieldset", { class: "tracer-direction" }, make("legend", {}, "Direction"), ahead.label, back.label),
        make("div", { class: "tracer-arrows" }, this.arrows),
      ),
      this.title,
      this.sum,
    );
  }

  // What it shows

  /** Read the next input, a tensor of the network's input shape. */
  read(input) {
    this.input = input;
    this.before = null;
    this.compute();
  }

  /** Choose the right answer: a class, or a tensor of outputs. */
  setTarget(target) {
    this.target = target;
    this.before = null;
    if (this.isShares) {
      this.targetField.value = String(target);
    } else {
      this.targetFields.forEach((field, k) => (field.value = target.data[k]));
    }
    this.compute();
    this.changed();
  }

  setDirection(direction) {
    this.direction = direction;
    this.radios[direction].checked = true;
    this.isShort = true;
    this.show();
    this.changed();
  }

  /** Open a number. */
  open(place, { keepFocus = false } = {}) {
    this.place = place.what === "slope" ? { ...place, what: "value" } : place;
    this.isShort = true;
    this.showPlace();
    const plate = this.plateOf(this.place);
    this.status.textContent = `${this.title.textContent}`;
    if (!keepFocus) {
      (plate?.grid.element ?? this.panel).scrollIntoView({ block: "nearest", inline: "nearest" });
      this.title.focus({ preventScroll: true });
    }
    this.changed();
  }

  /** Open a number to begin with: the largest that the first layer made. */
  openFirst() {
    const { shape, data } = this.run.values[1];
    this.open({ what: "value", value: 1, index: unravel(data.indexOf(Math.max(...data)), shape) }, { keepFocus: true });
  }

  /** Move every weight one step against its gradient. */
  takeStep() {
    this.before = { outputs: this.shownOutputs(), loss: this.slopes.loss };
    this.network = step(this.network, this.slopes, Number(this.rate.value));
    this.steps += 1;
    this.compute();
  }

  reset() {
    [this.network, this.before, this.steps] = [this.original, null, 0];
    this.compute();
    this.title.focus({ preventScroll: true }); // the button is off now
  }

  compute() {
    this.run = forward(this.network, this.input);
    this.slopes = backward(this.run, this.target);
    this.show();
    this.computed();
  }

  shownOutputs() {
    return Array.from((this.isShares ? probabilities(this.run) : this.run.values.at(-1)).data);
  }

  recolor() {
    this.palette = null;
    this.show();
  }

  show() {
    if (!this.run || !this.element.isConnected) {
      return;
    }
    this.palette ??= readPalette(this.element);
    this.element.dataset.direction = this.direction;
    const scales = this.scales();
    this.plates.forEach((plate) => this.showPlate(plate, scales));
    this.tables.forEach((holder) => this.fillTables(holder));
    this.bars.draw(this.shownOutputs(), this.before?.outputs ?? null, this.isShares ? this.target : null);
    this.showLoss();
    this.showPlace();
  }

  /** The numbers of a plate: values forward, gradients backward. */
  numbersOf({ what, value, layer }) {
    if (what === "probability") {
      return probabilities(this.run).data;
    }
    if (this.direction === "forward") {
      return what === "value" ? this.run.values[value].data : this.network.layers[layer][what].data;
    }
    return what === "value" ? this.slopes.values[value].data : this.slopes[what][layer].data;
  }

  /** The largest size among each value and those that only passed it on, so that their colors can be compared. */
  scales() {
    const sizes = this.run.values.map((_, value) => largestSize(this.numbersOf({ what: "value", value })));
    for (let value = 1; value < sizes.length; value += 1) {
      let end = value;
      while (KEEPS_SCALE.includes(this.network.layers[end]?.kind)) {
        end += 1;
      }
      sizes.fill(Math.max(...sizes.slice(value, end + 1)), value, end + 1);
      value = end;
    }
    return sizes;
  }

  showPlate({ place, grid, legend }, scales) {
    const numbers = this.numbersOf(place);
    grid.isInk = grid.canBeInk && this.direction === "forward";
    const scale =
      place.what === "value" ? scales[place.value] : place.what === "probability" ? 1 : largestSize(numbers);
    grid.draw(numbers, grid.isInk ? 1 : scale, this.palette);
    const isAside = place.layer !== undefined;
    const ends = grid.isInk
      ? ["0", "1"]
      : isAside
        ? ["", `±${written(scale, 2)}`]
        : [written(-scale, 2), written(scale, 2)];
    if (legend.dataset.ends !== ends.join()) {
      legend.dataset.ends = ends.join();
      legend.className = grid.isInk ? "tracer-legend is-ink" : "tracer-legend";
      legend.replaceChildren(
        make("span", {}, ends[0]),
        make("span", { class: "tracer-ramp" }),
        make("span", {}, ends[1]),
      );
    }
  }

  fillTables({ tables, plates, isOpen }) {
    if (!isOpen) {
      tables.replaceChildren();
      return;
    }
    const all = plates.flatMap(({ place, name, grid }) => {
      const { blocks } = grid.layout;
      const kind = this.direction === "backward" && place.what !== "probability" ? ", gradients" : "";
      const caption = (block) => `${name}${blocks > 1 ? `, ${blockWords(grid.layout, block)}` : ""}${kind}`;
      return makeTables(grid.layout, this.numbersOf(place), {
        caption,
        pick: (index) => this.open({ ...place, index }, { keepFocus: true }),
      });
    });
    tables.replaceChildren(...all);
  }

  showLoss() {
    const { loss } = this.slopes;
    this.lossButton.replaceChildren(makeNumber(written(loss), loss));
    this.resetButton.disabled = this.steps === 0;
    this.note.textContent = this.stepInWords(loss);
  }

  stepInWords(loss) {
    if (this.steps === 0) {
      return "One step moves every weight a little against its gradient.";
    }
    const count = `After ${this.steps} ${this.steps === 1 ? "step" : "steps"}`;
    if (this.before === null) {
      return `${count}.`;
    }
    const change = `${count}: the loss went from ${written(this.before.loss)} to ${written(loss)}.`;
    return loss > this.before.loss ? `${change} The step was too long: a smaller one lowers the loss.` : change;
  }

  // The number that is open

  plateOf(place) {
    const isSame = (own) => own.what === place.what && own.value === place.value && own.layer === place.layer;
    return place && this.plates.find((plate) => isSame(plate.place));
  }

  explain(place) {
    const isBackward = this.direction === "backward";
    switch (place.what) {
      case "loss":
        return explainLoss(this.run, this.target);
      case "probability":
        return explainProbability(this.run, place.index[0]);
      case "value":
        return isBackward
          ? explainSlope(this.run, this.slopes, place)
          : explainValue(this.run, place.value, place.index);
      default: {
        const { [place.what]: parameter } = this.network.layers[place.layer];
        const result = parameter.data[ravel(place.index, parameter.shape)];
        return isBackward
          ? explainSlope(this.run, this.slopes, place)
          : { rule: "input", result, constant: null, terms: [] };
      }
    }
  }

  showPlace() {
    if (this.place === null || !this.run) {
      return;
    }
    const { place, network } = this;
    const explanation = this.explain(place);
    const isSlope =
      this.direction === "backward" && (place.what === "value" || this.plateOf(place)?.place.layer !== undefined);
    this.markTerms(explanation);
    const code = codeOfPlace(network, place);
    const name = isSlope ? `∂L/∂ ${code}` : code;
    this.title.replaceChildren(
      make("code", {}, name),
      " = ",
      makeNumber(written(explanation.result), explanation.result),
    );
    this.arrows.forEach((button) => (button.disabled = place.index === undefined));
    const picture = pictureOf(explanation, network, place, isSlope);
    const sum = sumOf(explanation, {
      nameOf: (at) => this.shortName(at, place),
      open: (at) => this.open(at),
      isShort: this.isShort,
      showAll: () => {
        this.isShort = false;
        this.showPlace();
        this.title.focus({ preventScroll: true });
      },
    });
    const where = place.index === undefined ? "" : `${wordsOfIndex(place.index)}. `;
    const sentence = make("p", {}, make("span", { class: "tracer-where" }, where), sentenceOf(network, place, isSlope));
    this.sum.replaceChildren(...[sentence, picture, explanation.terms.length > 0 ? sum : null].filter(Boolean));
  }

  /** A term's name: the number in code, or "padding". */
  shortName(at) {
    if (at.what === "padding") {
      return "padding";
    }
    if (at.what === "target") {
      return "true class";
    }
    const code = codeOfPlace(this.network, at);
    return at.what === "slope" ? `∂L/∂ ${code}` : code;
  }

  markTerms({ terms, constant }) {
    this.plates.forEach(({ grid }) => grid.clearMarks());
    const own = this.plateOf(this.place);
    this.plates.forEach((plate) => plate.grid.select(this.place.index, plate === own));
    const found = new Map();
    const note = (at, kind) => {
      const plate = at && this.plateOf(plateOfTerm(at));
      if (plate) {
        const key = `${kind} ${nameOfPlace(this.network, plateOfTerm(at))}`;
        found.set(key, { plate, kind, indices: [...(found.get(key)?.indices ?? []), at.index] });
      }
    };
    terms.forEach((term) => term.factors.forEach(({ at }) => note(at, "seen")));
    terms.filter(({ chosen }) => chosen).forEach((term) => term.factors.forEach(({ at }) => note(at, "chosen")));
    note(constant?.at, "seen");
    found.forEach(({ plate, kind, indices }) => plate.grid.mark(indices, kind));
  }

  // The address

  /** What belongs in the address of the page. */
  state() {
    const state = {};
    if (this.place !== null) {
      state.open = addressOfPlace(this.network, this.place);
    }
    if (this.direction === "backward") {
      state.direction = this.direction;
    }
    return this.isShares ? { ...state, true: this.target } : state;
  }

  /** Show what an address says; what it leaves out or gets wrong stays as it is. */
  restore({ open, direction, true: target }) {
    const place = placeOfAddress(this.network, open);
    if (this.isShares && target in this.classes) {
      this.setTarget(Number(target));
    }
    if (direction in this.radios) {
      this.setDirection(direction);
    }
    if (place !== null) {
      this.open(place, { keepFocus: true });
    }
  }
}

let directions = 0; // each viewer of a page needs radio buttons of its own

const plateOfTerm = ({ what, value, layer }) => ({
  what: what === "slope" || what === "padding" ? "value" : what,
  value,
  layer,
});

const largestSize = (numbers) => numbers.reduce((largest, number) => Math.max(largest, Math.abs(number)), 0);

/** A vector that was an image keeps a row for each channel or for each row of pixels. */
function columnsOf(network, place, shape) {
  const before = place.what === "value" && place.value > 0 ? network.layers[place.value - 1] : null;
  if (before?.kind === "Flatten" && before.inputShape.length === 3) {
    const [, height, width] = before.inputShape;
    return height * width <= 32 ? height * width : width;
  }
  return shape[0] <= 10 ? shape[0] : shape[0] <= 32 ? 8 : 16;
}

/** Pixels for one number: as large as a row of maps allows, in a vector large enough to tap. */
function cellSizeOf({ blocks, rows, columns, shape }, { what }) {
  if (what === "weight" || what === "bias") {
    return shape.length === 2 ? Math.max(1, Math.min(12, Math.floor(256 / columns))) : 12;
  }
  if (shape.length === 1) {
    return Math.max(6, Math.min(18, Math.floor(160 / columns)));
  }
  const side = blocks <= 2 ? 120 : blocks <= 4 ? 78 : 66;
  return Math.max(2, Math.min(16, Math.floor(side / Math.max(rows, columns))));
}

/** Maps stand in a near square; kernels in one row for each output channel. */
function perRowOf({ blocks }, shape) {
  return shape.length === 4 ? shape[1] : 2 ** Math.floor(Math.log2(Math.sqrt(blocks)));
}

function blockWords({ shape }, block) {
  return shape.length === 4
    ? `output channel ${Math.floor(block / shape[1])}, input channel ${block % shape[1]}`
    : `channel ${block}`;
}
