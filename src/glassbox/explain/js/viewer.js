// A network on the screen: the connected picture of it, the layers of the open number, and that number's sum, forward
// and backward. It shows one input; `read` gives it the next.
import { oneOf, whole } from "./address.js";
import { Bars } from "./bars.js";
import { make } from "./dom.js";
import { Flow } from "./flow.js";
import { Layers, scalesOf, wordsOfLayer } from "./layers.js";
import { Learn } from "./learn.js";
import {
  backward,
  explainLoss,
  explainProbability,
  explainSlope,
  explainValue,
  forward,
  probabilities,
  reachOf,
  step,
} from "./network.js";
import { written } from "./numbers.js";
import { readPalette, watchTheme } from "./palette.js";
import { toneOf } from "./pictures.js";
import { Panel } from "./panel.js";
import { addressOfPlace, codeOfPlace, placeOfAddress } from "./places.js";
import { ravel, tensor, unravel, wholeOf } from "./tensor.js";

const TIP = 14; // px from the pointer to the number beside it

export class Viewer {
  /**
   * `arePhotos` says that the inputs are photographs, not drawings. `computed()` is called when the network has another
   * output, `changed()` when it has, or another number is open. `begin`, an element, stands before the layers, `beneath`
   * under the picture, and `more` under the layers' cards. `past` holds notes of what was open before, where no address
   * keeps them. A page places `element` and `learn.element`, and sets `address` where it keeps one.
   */
  constructor({ network, begin = null, beneath = [], more = [], past = [], ...options }) {
    const { arePhotos = false, computed = () => {}, changed = () => {} } = options;
    Object.assign(this, { network, original: network, past, arePhotos, computed, changed, address: null });
    this.areShares = network.loss === "cross_entropy";
    const outputs = network.layers.at(-1).outputShape[0];
    const classes = network.classes ?? Array.from({ length: outputs }, (_, k) => String(k));
    const common = { network, classes, areShares: this.areShares };
    this.classes = classes;
    this.direction = "forward";
    this.isHeld = false; // whether the page shows what is computed later
    this.path = []; // the numbers that led to the open one, which is its last
    this.isOwnNumber = false; // whether the reader has opened it
    this.chosen = null; // the right answer that the reader chose
    this.suggested = this.areShares ? null : tensor([outputs]);
    this.steps = []; // {network, outputs, loss} ahead of each step that was taken
    const handlers = {
      pick: (place) => this.open(place, { keepFocus: true }),
      look: (place, event) => this.lookAt(place, event),
    };
    this.bars = new Bars({
      ...common,
      open: (k) => this.open(this.outputPlace(k)),
      look: (k, event) => this.lookAt(k === null ? null : this.outputPlace(k), event),
    });
    this.learn = new Learn({
      ...common,
      aim: (target) => this.aim(target),
      open: () => this.open({ what: "loss" }),
      step: (rate) => this.takeStep(rate),
      undo: () => this.undoStep(),
      reset: () => this.reset(),
    });
    this.flow = new Flow({
      network,
      words: wordsOfLayer,
      begin,
      end: this.bars.element,
      rows: this.bars.parts.map(({ button }) => button),
      ...handlers,
    });
    this.layers = new Layers({
      ...common,
      numbersOf: (place) => this.numbersOf(place),
      enter: (place) => this.open(place),
      ...handlers,
    });
    this.panel = new Panel({
      turn: (direction) => this.setDirection(direction),
      walk: (key) => this.walk(key),
      open: (place) => this.open(place, { isTerm: true }),
      back: () => (this.address === null ? this.travel(this.past.pop()) : this.address.back()),
      leave: () => this.layers.plateOf(this.place)?.grid.focus(),
    });
    this.tip = make("div", { class: "tracer-tip", "aria-hidden": "true", hidden: true });
    this.status = make("p", { class: "tracer-status", role: "status" });
    this.element = make(
      "div",
      { class: "tracer" },
      make("div", { class: "tracer-body" }, this.flow.element, beneath, this.layers.element, more, this.panel.element),
      this.tip,
      this.status,
    );
    watchTheme(() => this.recolor());
  }

  outputPlace(k) {
    const value = this.network.layers.length;
    return this.areShares ? { what: "probability", index: [k] } : { what: "value", value, index: [k] };
  }

  /** The number that is open, or null. */
  get place() {
    return this.path.at(-1) ?? null;
  }

  /** The right answer: the one chosen, the one that came with the input, or else the class that is read. */
  get target() {
    return this.chosen ?? this.suggested ?? this.readClass;
  }

  get readClass() {
    const { data } = this.run.values.at(-1);
    return data.indexOf(Math.max(...data));
  }

  // What the reader or the page asks for

  /** Read the next input, a tensor of the network's input shape; `target` is its right answer, where it is known. */
  read(input, target = this.areShares ? null : this.suggested) {
    [this.input, this.suggested] = [input, target];
    this.learn.forget();
    this.compute();
  }

  /** Choose the right answer: a class, or a tensor of outputs; null follows the input again. */
  aim(target) {
    this.chosen = target;
    this.learn.forget();
    this.compute();
    this.address?.changed();
  }

  /** Show the network with other weights; steps that were taken from the ones before are forgotten. */
  use(network) {
    [this.network, this.original, this.steps] = [network, network, []];
    this.learn.forget();
    if (this.input !== undefined) {
      this.compute();
    }
  }

  /** Turn "forward", to the values, or "backward", to the gradient of the loss. */
  setDirection(direction) {
    this.direction = direction;
    this.panel.isShort = true;
    this.show();
    this.address?.changed();
  }

  /** Open a number: a term of the open one goes on with the path, any other begins one. */
  open(place, { keepFocus = false, isTerm = false } = {}) {
    const next = place.what === "slope" ? { ...place, what: "value" } : place;
    if (this.address === null) {
      this.past.push(this.note());
    }
    this.path = this.pathTo(next, isTerm);
    this.isOwnNumber = true;
    this.panel.isShort = true;
    this.panel.fold(false);
    this.address?.opened();
    this.lookAt(null);
    this.showPlace();
    const { title } = this.panel;
    this.status.textContent = title.textContent;
    if (!keepFocus) {
      const shown = this.layers.plateOf(this.place)?.grid.element;
      shown?.scrollIntoView({ block: "nearest", inline: "nearest" });
      this.panel.focusSum();
    }
  }

  get canGoBack() {
    return this.address?.canGoBack ?? this.past.length > 0;
  }

  pathTo(next, isTerm) {
    const [address, addresses] = [this.addressOf(next), this.path.map((place) => this.addressOf(place))];
    if (addresses.includes(address)) {
      return this.path.slice(0, addresses.indexOf(address) + 1);
    }
    const isSeen = ({ at }) =>
      at && this.addressOf({ ...at, what: at.what === "slope" ? "value" : at.what }) === address;
    const follows =
      isTerm || (this.place && this.explain(this.place).terms.some(({ factors }) => factors.some(isSeen)));
    return follows ? [...this.path, next] : [next];
  }

  /** Go on to a neighbor of the open number. */
  walk(key) {
    const index = this.place && this.layers.plateOf(this.place)?.grid.indexAfter(key);
    if (index) {
      this.path = [...this.path.slice(0, -1), { ...this.place, index }];
      this.isOwnNumber = true;
      this.showPlace();
      this.status.textContent = this.panel.title.textContent;
      this.address?.changed();
    }
  }

  /** Open a number to begin with, one that tells something: the largest of the first sums that saw no even ground. */
  openFirst() {
    this.isOwnNumber = false;
    this.path = [];
    if (this.isBlank) {
      return;
    }
    const seenBy = (value, place) =>
      explainValue(this.run, value, place).terms.map(({ factors }) => factors.at(-1).value);
    const isSum = (_, l) => seenBy(l + 1, 0).length > 1;
    const value = Math.max(1, 1 + this.network.layers.findIndex(isSum));
    const { data, shape } = this.run.values[value];
    const places = Array.from(data.keys()).sort((a, b) => data[b] - data[a]);
    const isTelling = (place) => seenBy(value, place).some((number, _, all) => number !== all[0]);
    const place = places.slice(0, 200).find(isTelling) ?? places[0];
    this.path = [{ what: "value", value, index: unravel(place, shape) }];
  }

  /** Move every weight one step against its gradient. */
  takeStep(rate) {
    const { network, slopes } = this;
    this.steps.push({ network, outputs: this.shownOutputs(), loss: slopes.loss });
    this.network = step(network, slopes, rate);
    this.learn.stepped(network, this.network);
    this.compute();
  }

  undoStep() {
    this.network = this.steps.pop().network;
    this.learn.undone();
    this.compute();
  }

  /** Show what another viewer of the same input shows: its number, direction and right answer. */
  follow(other) {
    this.chosen = other.chosen;
    this.compute();
    this.travel({ ...other.note(), isOwn: true });
  }

  /** Go back to the weights as they were. */
  reset() {
    [this.network, this.steps] = [this.original, []];
    this.learn.forget();
    this.compute();
  }

  // What is shown

  compute() {
    this.run = forward(this.network, this.input);
    this.slopes = backward(this.run, this.target);
    if (!this.isOwnNumber) {
      this.openFirst();
    }
    this.show();
    this.computed();
  }

  /** The outputs as the reader sees them: probabilities, or the last values. */
  shownOutputs() {
    return Array.from((this.areShares ? probabilities(this.run) : this.run.values.at(-1)).data);
  }

  recolor() {
    this.palette = null;
    this.show();
  }

  show() {
    if (!this.run || this.isHeld || !this.element.isConnected) {
      return;
    }
    this.palette ??= readPalette(this.element);
    const isBackward = this.direction === "backward";
    const numbersOf = (value) => this.numbersOf({ what: "value", value });
    const scales = scalesOf(this.network, numbersOf);
    const tone = isBackward ? null : toneOf(this.input, this.arePhotos);
    this.flow.draw(numbersOf, scales, this.palette, (value) => (value === 0 ? tone : null));
    this.layers.draw(this.palette, { isBackward, scales, tone });
    const before = this.learn.moves.length > 0 ? this.steps.at(-1).outputs : null;
    this.bars.draw(this.shownOutputs(), before, this.isBlank);
    this.learn.draw(this);
    this.showPlace();
  }

  /** Whether there is nothing to read. */
  get isBlank() {
    return this.areShares && this.input.data.every((number) => number === this.input.data[0]);
  }

  showPlace() {
    this.panel.element.hidden = this.place === null;
    if (this.place !== null) {
      const explanation = this.explain(this.place);
      this.layers.mark(this.place, explanation);
      this.panel.draw(this, explanation);
    }
    this.showReach(this.place);
    this.changed();
  }

  /** Frame what a number comes from, in all values up to it. */
  showReach(place) {
    const last = this.network.layers.length;
    const isOutput = place?.what === "probability";
    const value = isOutput ? last : place?.what === "value" ? place.value : -1;
    const boxes = value < 0 ? [] : reachOf(this.network, value, isOutput ? [0] : place.index);
    if (isOutput) {
      boxes[last] = wholeOf(this.network.layers.at(-1).outputShape);
    }
    const output = isOutput || value === last ? place.index[0] : null;
    const reach = `${place && this.addressOf(place)} ${this.openValues()} ${this.layers.marked}`;
    if (reach !== this.reach) {
      this.reach = reach;
      this.flow.mark({ boxes, output });
      this.flow.showOpen(new Set(this.openValues()));
      this.layers.markReach(boxes);
    }
  }

  /** The values whose cards are shown. */
  openValues() {
    const shown = this.layers.cards.filter(({ element }) => !element.hidden);
    return shown.flatMap(({ plates }) => plates.map(({ place }) => place.value)).filter((value) => value !== undefined);
  }

  /** Show a number under the pointer or the cursor, and what it comes from, until it leaves (null). */
  lookAt(place, event = null) {
    const [address, before] = [place && this.addressOf(place), this.lookedAt ?? null];
    this.lookedAt = address;
    this.tip.hidden = place === null || event === null;
    if (!this.tip.hidden) {
      this.tip.textContent = `${this.codeOf(place)} = ${written(this.numberAt(place))}`;
      const isRight = event.clientX > innerWidth / 2;
      this.tip.style.cssText =
        `top: ${event.clientY + TIP}px; ` +
        (isRight ? `right: ${innerWidth - event.clientX + TIP}px` : `left: ${event.clientX + TIP}px`);
    }
    if (address !== before) {
      this.showReach(place ?? this.place);
    }
  }

  /** The number at a place, as it is shown now: a value, or a gradient. */
  numberAt({ index, ...of }) {
    const shape =
      of.what === "probability"
        ? [this.classes.length]
        : of.what === "value"
          ? this.run.values[of.value].shape
          : this.network.layers[of.layer][of.what].shape;
    return this.numbersOf(of)[ravel(index, shape)];
  }

  /** The name of a place in code, and of its gradient where that is what is shown. */
  codeOf(place) {
    return `${this.isSlope(place) ? "∂L/∂ " : ""}${codeOfPlace(this.network, place)}`;
  }

  /** The numbers of a tensor: values forward, gradients backward. */
  numbersOf({ what, value, layer }) {
    if (what === "probability") {
      return probabilities(this.run).data;
    }
    if (this.direction === "forward") {
      return what === "value" ? this.run.values[value].data : this.network.layers[layer][what].data;
    }
    return what === "value" ? this.slopes.values[value].data : this.slopes[what][layer].data;
  }

  /** Whether the number at a place is now a gradient. */
  isSlope({ what }) {
    return this.direction === "backward" && ["value", "weight", "bias"].includes(what);
  }

  explain(place, direction = this.direction) {
    const { what, value, layer, index } = place;
    if (what === "loss") {
      return explainLoss(this.run, this.target);
    }
    if (what === "probability") {
      return explainProbability(this.run, index[0]);
    }
    if (direction === "backward") {
      return explainSlope(this.run, this.slopes, place);
    }
    if (what === "value") {
      return explainValue(this.run, value, index);
    }
    const parameter = this.network.layers[layer][what];
    return { rule: "input", result: parameter.data[ravel(index, parameter.shape)], constant: null, terms: [] };
  }

  // The address, and the way back

  addressOf(place) {
    return addressOfPlace(this.network, place);
  }

  /** What the address may say of a network. */
  readers() {
    const ofClasses = this.areShares && { true: whole(0, this.classes.length - 1) };
    return {
      open: (text) => placeOfAddress(this.network, text) ?? undefined,
      direction: oneOf("forward", "backward"),
      ...ofClasses,
    };
  }

  /** What belongs in the address of the page. */
  state() {
    const open = this.isOwnNumber && this.place && { open: this.addressOf(this.place) };
    const direction = this.direction === "backward" && { direction: this.direction };
    const target = this.areShares && this.chosen !== null && { true: this.chosen };
    return { ...open, ...direction, ...target };
  }

  /** Show what an address says; what it leaves out stays as it is. */
  restore({ open, direction = this.direction, true: target = this.chosen }) {
    this.direction = direction;
    if (open !== undefined) {
      [this.path, this.isOwnNumber] = [[open], true];
    }
    this.chosen = target;
    this.learn.forget();
    this.compute();
  }

  /** What the way back must know of the open number. */
  note() {
    return {
      path: this.path.map((place) => this.addressOf(place)),
      direction: this.direction,
      isOwn: this.isOwnNumber,
    };
  }

  /** Return to what was open before. */
  travel({ path, direction, isOwn }) {
    this.path = path.map((address) => placeOfAddress(this.network, address)).filter((place) => place !== null);
    this.isOwnNumber = isOwn && this.path.length > 0;
    this.direction = direction;
    if (!this.isOwnNumber) {
      this.openFirst();
      this.panel.fold(true); // back where the reader had opened none
    }
    this.show();
    this.status.textContent = this.panel.title.textContent;
  }
}
