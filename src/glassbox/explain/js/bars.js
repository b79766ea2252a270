// The outputs of a network as bars, one for each class: what they are, and, after a step, what they were.
import { make, makeNumber } from "./dom.js";
import { percent, written } from "./numbers.js";

export class Bars {
  /**
   * `classes` names the outputs; `areShares` when they are probabilities; `open(k)` opens one of them, and
   * `look(k, event)` is called for the one under the pointer, `look(null)` when it leaves.
   */
  constructor({ classes, areShares, open, look }) {
    this.areShares = areShares;
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
    this.element = make(
      "ol",
      { class: "bars" },
      this.parts.map(({ item }) => item),
    );
  }

  /** Show outputs; `before` are those ahead of the last step, or null. With `isBlank` there is nothing to answer. */
  draw(outputs, before, isBlank = false) {
    const scale = this.areShares ? 1 : Math.max(...outputs.map(Math.abs), 1e-300);
    const best = outputs.indexOf(Math.max(...outputs));
    const text = (value) => (this.areShares ? percent(value) : written(value));
    this.element.classList.toggle("has-before", before !== null);
    this.parts.forEach((part, k) => {
      part.bar.style.transform = `scaleX(${isBlank ? 0 : Math.min(1, Math.abs(outputs[k]) / scale) || 0})`;
      part.before.hidden = before === null;
      part.before.style.left = before === null ? "0" : `${100 * Math.min(1, Math.abs(before[k]) / scale)}%`;
      const was = before === null ? [] : [make("span", { class: "bars-was" }, `${text(before[k])} → `)];
      part.number.replaceChildren(...was, isBlank ? "–" : makeNumber(text(outputs[k]), outputs[k]));
      part.button.classList.toggle("is-best", k === best && !isBlank);
    });
  }
}
