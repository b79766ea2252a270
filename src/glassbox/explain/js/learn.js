// The loss and steps of gradient descent: what was right, how wrong the output is, how far the weights move and have
// moved, and what came of it.
import { make, makeNumber } from "./dom.js";
import { parameterCount } from "./network.js";
import { counted, written } from "./numbers.js";
import { codeOfPlace } from "./places.js";
import { makeSvg } from "./svg.js";
import { tensor, unravel } from "./tensor.js";

const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
const USUAL_RATE = 0.001;
const [CURVE_WIDTH, CURVE_HEIGHT] = [160, 44];

export class Learn {
  /** `aim(target)`, `open()`, `step(rate)`, `undo()` and `reset()` are called when the reader asks for it. */
  constructor({ classes, areShares, aim, open, step, undo, reset }) {
    Object.assign(this, { classes, areShares, aim });
    this.losses = []; // of this input and this answer: at first, and after each step
    this.moves = [];
    const button = (kind, text, act) => {
      return make("button", { type: "button", class: `tracer-button ${kind}`, onclick: act }, text);
    };
    this.rate = make(
      "select",
      { onchange: () => this.drawNote() },
      RATES.map((each) => make("option", { selected: each === USUAL_RATE }, String(each))),
    );
    this.loss = make("button", { type: "button", class: "tracer-loss", onclick: open });
    this.undoButton = button("", "Undo the step", undo);
    this.resetButton = button("", "Reset the weights", reset);
    this.stepButton = button("is-main", "Take one step", () => step(Number(this.rate.value)));
    this.plan = make("p", { class: "tracer-note" });
    this.note = make("p", { class: "tracer-note", role: "status" });
    this.curve = makeSvg("svg", { class: "tracer-curve", role: "img", viewBox: `0 0 ${CURVE_WIDTH} ${CURVE_HEIGHT}` });
    this.element = make(
      "section",
      { class: "tracer-learn", "aria-label": "Loss, and steps of gradient descent" },
      make(
        "div",
        { class: "tracer-controls" },
        areShares ? this.makeClassField() : this.makeNumberFields(),
        make("p", { class: "tracer-field" }, "Loss ", this.loss),
      ),
      make(
        "div",
        { class: "tracer-controls" },
        make("label", { class: "tracer-field" }, "Step size ", this.rate),
        this.stepButton,
        this.undoButton,
        this.resetButton,
      ),
      this.plan,
      make("div", { class: "tracer-controls tracer-after" }, this.curve, this.note),
    );
  }

  makeClassField() {
    const asRead = make("option", { value: "" });
    const options = this.classes.map((name, k) => make("option", { value: k }, name));
    const field = make(
      "select",
      { onchange: () => this.aim(field.value === "" ? null : Number(field.value)) },
      asRead,
      options,
    );
    this.showTarget = ({ chosen, suggested, readClass, isBlank }) => {
      const words = suggested === null ? "as read" : "of the image";
      asRead.textContent = isBlank ? "as read" : `${words}: ${this.classes[suggested ?? readClass]}`;
      field.value = chosen ?? "";
    };
    return make("label", { class: "tracer-field" }, "True class ", field);
  }

  makeNumberFields() {
    const read = () => fields.map(({ value }) => Number(value) || 0);
    const change = () => this.aim(tensor([fields.length], read()));
    const fields = this.classes.map((name) => {
      return make("input", { type: "number", step: "any", "aria-label": `target of output ${name}`, onchange: change });
    });
    this.showTarget = ({ target }) => fields.forEach((field, k) => (field.value = target.data[k]));
    return make("div", { class: "tracer-field" }, "Target ", fields);
  }

  /** Another input or answer: its loss has a curve of its own. */
  forget() {
    [this.losses, this.moves] = [[], []];
  }

  /** A step has led from one network to another. */
  stepped(before, after) {
    this.moves.push(largestMove(before, after));
  }

  undone() {
    this.losses.splice(-2); // the loss now is written down again
    this.moves.pop();
  }

  /** By how much the loss falls if it goes on as steeply as it begins: the step times the square of the gradient. */
  hope() {
    const { weight, bias } = this.viewer.slopes;
    const squares = [...weight, ...bias].map((slope) => slope?.data.reduce((sum, d) => sum + d * d, 0) ?? 0);
    return Number(this.rate.value) * squares.reduce((sum, square) => sum + square, 0);
  }

  /** Show the loss of a viewer. */
  draw(viewer) {
    this.viewer = viewer;
    const { slopes, steps } = viewer;
    if (this.losses.length <= this.moves.length) {
      this.losses.push(slopes.loss);
    } else {
      this.losses[this.losses.length - 1] = slopes.loss;
    }
    this.showTarget(viewer);
    this.loss.replaceChildren(viewer.isBlank ? "–" : makeNumber(written(slopes.loss), slopes.loss));
    this.stepButton.disabled = this.loss.disabled = viewer.isBlank;
    this.undoButton.disabled = this.resetButton.disabled = steps.length === 0;
    this.drawNote();
    this.drawCurve();
  }

  drawNote() {
    setText(this.plan, this.wordsOfNext());
    setText(this.note, this.wordsOfPast());
  }

  wordsOfPast() {
    const { network, steps, address } = this.viewer;
    if (steps.length === 0) {
      return "";
    }
    const count = `${steps.length} ${steps.length === 1 ? "step" : "steps"}`;
    const link = address === null ? "" : "A link to this page opens it with the weights as they were.";
    if (this.moves.length === 0) {
      return `The weights are ${count} away from where they were. ${link}`.trim();
    }
    const [first, before, after] = [this.losses[0], ...this.losses.slice(-2)];
    const { place, from, to } = this.moves.at(-1);
    const verdict =
      after > before ? "The last step was too long: the loss has grown, and a smaller one would lower it." : "";
    const most = `${codeOfPlace(network, place)} moved the most, from ${written(from)} to ${written(to)}${differenceOf(from, to)}`;
    const own = this.moves.length < steps.length ? `, ${this.moves.length} of them with this input and answer` : "";
    const change = `After ${count}${own}: the loss went from ${written(first)} to ${written(after)}${differenceOf(first, after)}.`;
    return `${change} ${verdict} In the last step ${most}. ${link}`.replace("  ", " ").trim();
  }

  wordsOfNext() {
    const { network, slopes, isBlank } = this.viewer;
    if (isBlank) {
      return "Draw a digit first: a step makes the network read it more surely, or as another digit.";
    }
    const count = counted(parameterCount(network));
    const fall = this.hope();
    const what = `One step subtracts ${this.rate.value} times its gradient from each of the ${count} weights.`;
    const hoped =
      fall < slopes.loss
        ? `If the loss went on falling as steeply as it begins, it would come to ${written(slopes.loss - fall)}.`
        : "So steep is the loss here that a straight line would lead below zero: the step may be too long.";
    return slopes.loss < 1e-4
      ? `${what} Here there is little left to gain: choose another true class.`
      : `${what} ${hoped}`;
  }

  drawCurve() {
    const { losses, curve } = this;
    curve.toggleAttribute("hidden", losses.length < 2);
    const most = Math.max(...losses, 1e-12);
    const x = (k) => 4 + (k * (CURVE_WIDTH - 8)) / Math.max(1, losses.length - 1);
    const y = (loss) => 4 + (1 - Math.min(1, loss / most)) * (CURVE_HEIGHT - 8);
    const points = losses.map((loss, k) => `${x(k).toFixed(1)},${y(loss).toFixed(1)}`).join(" ");
    const last = losses.length - 1;
    curve.replaceChildren(
      makeSvg("line", { x1: 4, x2: CURVE_WIDTH - 4, y1: y(0), y2: y(0) }),
      makeSvg("polyline", { points }),
      makeSvg("circle", { cx: x(last), cy: y(losses[last]), r: 3 }),
    );
    curve.setAttribute("aria-label", `Loss: ${written(losses[0])} at first, ${written(losses[last])} now.`);
  }
}

/** By how much a number has changed, where four decimals do not show it. */
function differenceOf(from, to) {
  return written(from) === written(to) ? `, by ${written(to - from)}` : "";
}

/** Write a text where it is another: a status that is written again is read again. */
function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** The weight or bias that moved the most, and from where to where. */
function largestMove(before, after) {
  let largest = null;
  before.layers.forEach((layer, l) => {
    for (const what of ["weight", "bias"]) {
      layer[what]?.data.forEach((from, k) => {
        const to = after.layers[l][what].data[k];
        if (largest === null || Math.abs(to - from) > Math.abs(largest.to - largest.from)) {
          largest = { layer: l, what, k, from, to };
        }
      });
    }
  });
  const { layer, what, k, from, to } = largest;
  return { place: { what, layer, index: unravel(k, before.layers[layer][what].shape) }, from, to };
}
