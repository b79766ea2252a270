// The loss and one step of gradient descent: what was right, how wrong the output is, how far the weights move.
import { make, makeNumber } from "./dom.js";
import { written } from "./numbers.js";
import { tensor } from "./tensor.js";

const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
const USUAL_RATE = 0.001;

export class Learn {
  /** `aim(target)`, `open()`, `step(rate)` and `reset()` are called when the reader asks for it. */
  constructor({ classes, areShares, aim, open, step, reset }) {
    Object.assign(this, { classes, areShares, aim });
    const button = (kind, text, act) => {
      return make("button", { type: "button", class: `tracer-button ${kind}`, onclick: act }, text);
    };
    const rate = make(
      "select",
      {},
      RATES.map((each) => make("option", { selected: each === USUAL_RATE }, String(each))),
    );
    this.loss = make("button", { type: "button", class: "tracer-loss", onclick: open });
    this.resetButton = button("", "Reset", reset);
    this.note = make("p", { class: "tracer-note", role: "status" });
    this.element = make(
      "section",
      { class: "tracer-learn", "aria-label": "Loss, and one step of gradient descent" },
      make(
        "div",
        { class: "tracer-controls" },
        areShares ? this.makeClassField() : this.makeNumberFields(),
        make("p", { class: "tracer-field" }, "Loss ", this.loss),
      ),
      make(
        "div",
        { class: "tracer-controls" },
        make("label", { class: "tracer-field" }, "Step size ", rate),
        button("is-main", "Take one step", () => step(Number(rate.value))),
        this.resetButton,
      ),
      this.note,
    );
  }

  makeClassField() {
    const options = this.classes.map((name, k) => make("option", { value: k }, name));
    const field = make("select", { onchange: () => this.aim(Number(field.value)) }, options);
    this.showTarget = (target) => (field.value = String(target));
    return make("label", { class: "tracer-field" }, "True class ", field);
  }

  makeNumberFields() {
    const read = () => fields.map(({ value }) => Number(value) || 0);
    const change = () => this.aim(tensor([fields.length], read()));
    const fields = this.classes.map((name) => {
      return make("input", { type: "number", step: "any", "aria-label": `target of output ${name}`, onchange: change });
    });
    this.showTarget = ({ data }) => fields.forEach((field, k) => (field.value = data[k]));
    return make("div", { class: "tracer-field" }, "Target ", fields);
  }

  /** Show the loss, after so many steps; `before` is the loss ahead of the last one, or null. */
  draw(target, loss, steps, before) {
    this.showTarget(target);
    this.loss.replaceChildren(makeNumber(written(loss), loss));
    this.resetButton.disabled = steps === 0;
    const note = noteOf(loss, steps, before);
    if (this.note.textContent !== note) {
      this.note.textContent = note;
    }
  }
}

function noteOf(loss, steps, before) {
  if (steps === 0) {
    return "One step moves every weight a little against its gradient.";
  }
  const count = `After ${steps} ${steps === 1 ? "step" : "steps"}`;
  if (before === null) {
    return `${count}.`;
  }
  const change = `${count}: the loss went from ${written(before)} to ${written(loss)}.`;
  return loss > before ? `${change} The step was too long: a smaller one lowers the loss.` : change;
}
