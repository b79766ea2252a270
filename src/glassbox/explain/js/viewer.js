// A network on the screen: the maps of every layer, its kernels and its outputs, each number open forward and
// backward. It shows one input; `read` gives it the next.
import { Bars } from "./bars.js";
import { make } from "./dom.js";
import { Layers } from "./layers.js";
import { Learn } from "./learn.js";
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
import { readPalette, watchTheme } from "./palette.js";
import { Panel } from "./panel.js";
import { addressOfPlace, placeOfAddress } from "./places.js";
import { ravel, tensor, unravel } from "./tensor.js";

export class Viewer {
  /**
   * `changed()` is called when something that belongs in the address has changed, `computed()` when the network has
   * another output. A page places `element`, the layers and the open number, `bars.element` and `learn.element`.
   */
  constructor({ network, changed = () => {}, computed = () => {} }) {
    Object.assign(this, { network, original: network, changed, computed });
    this.areShares = network.loss === "cross_entropy";
    const outputs = network.layers.at(-1).outputShape[0];
    const classes = network.classes ?? Array.from({ length: outputs }, (_, k) => String(k));
    const common = { network, classes, areShares: this.areShares };
    this.classes = classes;
    this.direction = "forward";
    this.place = null;
    this.target = this.areShares ? 0 : tensor([outputs]);
    [this.before, this.steps] = [null, 0];
    this.bars = new Bars({ ...common, open: (k) => this.open(this.outputPlace(k)) });
    this.learn = new Learn({
      ...common,
      aim: (target) => this.setTarget(target),
      open: () => this.open({ what: "loss" }),
      step: (rate) => this.takeStep(rate),
      reset: () => this.reset(),
    });
    this.layers = new Layers({
      ...common,
      numbersOf: (place) => this.numbersOf(place),
      pick: (place) => this.open(place, { keepFocus: true }),
    });
    this.panel = new Panel({
      turn: (direction) => this.setDirection(direction),
      walk: (key) => this.layers.plateOf(this.place)?.grid.walk(key),
      open: (place) => this.open(place),
    });
    this.status = make("p", { class: "tracer-status", role: "status" });
    const body = make("div", { class: "tracer-body" }, this.layers.element, this.panel.element);
    this.element = make("div", { class: "tracer" }, body, this.status);
    watchTheme(() => this.recolor());
  }

  outputPlace(k) {
    const value = this.network.layers.length;
    return this.areShares ? { what: "probability", index: [k] } : { what: "value", value, index: [k] };
  }

  // What the reader or the page asks for

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
    this.compute();
    this.changed();
  }

  /** Turn "forward", to the values, or "backward", to the gradient of the loss. */
  setDirection(direction) {
    this.direction = direction;
    this.panel.isShort = true;
    this.show();
    this.changed();
  }

  /** Open a number. */
  open(place, { keepFocus = false } = {}) {
    this.place = place.what === "slope" ? { ...place, what: "value" } : place;
    this.panel.isShort = true;
    this.showPlace();
    const { title, element } = this.panel;
    this.status.textContent = title.textContent;
    if (!keepFocus) {
      const shown = this.layers.plateOf(this.place)?.grid.element ?? element;
      shown.scrollIntoView({ block: "nearest", inline: "nearest" });
      title.focus({ preventScroll: true });
    }
    this.changed();
  }

  /** Open a number to begin with: the largest that the first layer made. */
  openFirst() {
    const { shape, data } = this.run.values[1];
    const index = unravel(data.indexOf(Math.max(...data)), shape);
    this.open({ what: "value", value: 1, index }, { keepFocus: true });
  }

  /** Move every weight one step against its gradient. */
  takeStep(rate) {
    this.before = { outputs: this.shownOutputs(), loss: this.slopes.loss };
    this.network = step(this.network, this.slopes, rate);
    this.steps += 1;
    this.compute();
  }

  /** Go back to the weights as they were. */
  reset() {
    [this.network, this.before, this.steps] = [this.original, null, 0];
    this.compute();
  }

  // What is shown

  compute() {
    this.run = forward(this.network, this.input);
    this.slopes = backward(this.run, this.target);
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
    if (!this.run || !this.element.isConnected) {
      return;
    }
    this.palette ??= readPalette(this.element);
    this.layers.draw(this.palette, this.direction === "backward");
    this.bars.draw(this.shownOutputs(), this.before?.outputs ?? null);
    this.learn.draw(this.target, this.slopes.loss, this.steps, this.before?.loss ?? null);
    this.showPlace();
  }

  showPlace() {
    if (this.place !== null && this.run) {
      const explanation = this.explain(this.place);
      this.layers.mark(this.place, explanation);
      this.panel.draw(this.network, this.place, explanation, this.direction, this.isSlope(this.place));
    }
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

  explain(place) {
    const { what, value, layer, index } = place;
    if (what === "loss") {
      return explainLoss(this.run, this.target);
    }
    if (what === "probability") {
      return explainProbability(this.run, index[0]);
    }
    if (this.direction === "backward") {
      return explainSlope(this.run, this.slopes, place);
    }
    if (what === "value") {
      return explainValue(this.run, value, index);
    }
    const parameter = this.network.layers[layer][what];
    return { rule: "input", result: parameter.data[ravel(index, parameter.shape)], constant: null, terms: [] };
  }

  // The address

  /** What belongs in the address of the page. */
  state() {
    const open = this.place && { open: addressOfPlace(this.network, this.place) };
    const direction = this.direction === "backward" && { direction: this.direction };
    const target = this.areShares && { true: this.target };
    return { ...open, ...direction, ...target };
  }

  /** Show what an address says; what it leaves out or gets wrong stays as it is. */
  restore({ open, direction, true: target }) {
    const place = placeOfAddress(this.network, open);
    if (this.areShares && target in this.classes) {
      this.setTarget(Number(target));
    }
    if (direction === "forward" || direction === "backward") {
      this.setDirection(direction);
    }
    if (place !== null) {
      this.open(place, { keepFocus: true });
    }
  }
}
