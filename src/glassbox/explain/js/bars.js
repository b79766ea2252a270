// The outputs of a network as bars on one scale, one for each class: what they are, and, after a step, what they were.
// Probabilities go from 0 to 1; scores to either side of a zero in the middle, to the next round number.
import { make, makeNumber } from "./dom.js";
import { percent, written } from "./numbers.js";

const MOST_LETTERS = 3; // of a name beside its bar: longer ones stand above

/** The next of 1, 2, 5, 10, 20 ... that is no smaller; 1 for zero and what is no number. */
function roundedUp(size) {
  if (!(size > 0 && size < Infinity)) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(size));
  return power * [1, 2, 5, 10].find((step) => step * power >= size * (1 - 1e-12));
}

export class Bars {
  /**
   * `classes` names the outputs; `areShares` when they are probabilities; `open(k)` opens one of them, and
   * `look(k, event)` is called for the one under the pointer, `look(null)` when it leaves.
   */
  constructor({ classes, areShares, open, look }) {
    this.areShares = areShares;
    this.ends = ["", "0", ""].map((text) => make("span", {}, text));
    this.parts = classes.map((name, k) => {
      const [bar, before, number] = [
        make("span", { class: "bars-bar" }),
        make("span", { class: "bars-before" }),
        make("span"),
      ];
      const track = make("span", { class: "bars-track" }, bar, before);
      const label = make("span", { class: "bars-class" }, name);
      const title = `Open the ${areShares ? "probability" : "output"} of ${name}`;
      const button = make(
        "button",
        {
          type: "button",
          class: "bars-row",
          title,
          onclick: () => open(k),
          onpointermove: (event) => event.pointerType !== "touch" && look(k, event),
          onpointerleave: () => look(null),
        },
        label,
        track,
        number,
      );
      number.className = "bars-number";
      return { bar, before, number, button, item: make("li", {}, button) };
    });
    const areLong = classes.some(({ length }) => length > MOST_LETTERS);
    this.element = make(
      "div",
      { class: `bars${areShares ? "" : " has-signs"}${areLong ? " has-names" : ""}` },
      make(
        "ol",
        {},
        this.parts.map(({ item }) => item),
      ),
      !areShares && make("div", { class: "bars-ends", "aria-hidden": "true" }, make("div", {}, this.ends)),
    );
  }

  /** Show outputs; `before` are those ahead of the last step, or null. With `isBlank` there is nothing to answer. */
  draw(outputs, before, isBlank = false) {
    const scale = this.areShares ? 1 : roundedUp(Math.max(...outputs.map(Math.abs)));
    const share = (value) => Math.max(-1, Math.min(1, value / scale)) || 0;
    const best = outputs.indexOf(Math.max(...outputs));
    const text = (value) => (this.areShares ? percent(value) : written(value));
    this.element.classList.toggle("has-before", before !== null);
    [this.ends[0].textContent, this.ends[2].textContent] = ["−", ""].map((sign) => sign + Number(scale.toPrecision(1)));
    this.parts.forEach((part, k) => {
      part.bar.style.transform = `scaleX(${isBlank ? 0 : share(outputs[k])})`;
      part.bar.classList.toggle("is-below", outputs[k] < 0);
      part.before.hidden = before === null;
      const left = before === null ? 0 : share(before[k]);
      part.before.style.left = `${this.areShares ? 100 * left : 50 + 50 * left}%`;
      const was = before === null ? [] : [make("span", { class: "bars-was" }, `${text(before[k])} → `)];
      part.number.replaceChildren(...was, isBlank ? "–" : makeNumber(text(outputs[k]), outputs[k]));
      part.button.classList.toggle("is-best", k === best && !isBlank);
    });
  }
}
