// The slider that goes back in a recorded run, on the page that trains and on an exported one.
import { make } from "./dom.js";

export class Slider {
  /** `go(number)` is called with the state of the run that the reader asks for. */
  constructor({ go }) {
    this.input = make("input", {
      type: "range",
      min: 0,
      max: 0,
      value: 0,
      "aria-label": "Step of the run that is shown",
      oninput: () => go(Number(this.input.value)),
    });
    this.output = make("output");
    this.element = make("label", { class: "film" }, make("span", {}, "Back in the run"), this.input, this.output);
  }

  /** There are states up to the number `last`; `number` is shown, and `words` say which that is. */
  show({ number, last, words, spoken = words }) {
    this.input.max = last;
    this.input.value = number;
    this.input.disabled = last === 0;
    this.input.setAttribute("aria-valuetext", spoken);
    this.output.textContent = words;
  }
}
