// What lies around the drawing board: its tools, and digits to start from.
import { SIDE } from "./centring.js";
import { make } from "./dom.js";

const THICKNESSES = { thin: 1.6, usual: 2.2, thick: 3 };

/** The tools of a board: take back, clear, three pens. */
export function makeTools(board) {
  const button = (text, act) => make("button", { type: "button", class: "tracer-button", onclick: act }, text);
  const pens = Object.entries(THICKNESSES).map(([name, thickness]) => {
    const choose = () => {
      board.thickness = thickness;
      board.showPen();
    };
    const input = make("input", {
      type: "radio",
      name: "thickness",
      value: name,
      checked: name === "usual",
      onchange: choose,
    });
    return make(
      "label",
      { title: `${name} pen` },
      input,
      make("span", { class: "digit-pen", style: `--pen: ${thickness * 4}px` }),
      make("span", { class: "tracer-hidden" }, name),
    );
  });
  return make(
    "div",
    { class: "digit-tools" },
    button("Undo", () => board.undo()),
    button("Clear", () => board.clear()),
    make("fieldset", { class: "digit-pens" }, make("legend", { class: "tracer-hidden" }, "Pen"), pens),
  );
}

/** The test images, and what stands beside them. */
export class Samples {
  /** `choose(number)` is called when the reader chooses one; `beside` is an element or null. */
  constructor({ digits, labels, choose, beside = null }) {
    this.parts = digits.map((digit, number) => {
      const canvas = make("canvas", { width: SIDE, height: SIDE });
      const label = `Start from a ${labels[number]} of the test images`;
      const attributes = { type: "button", class: "digit-sample", "aria-label": label, onclick: () => choose(number) };
      return { canvas, button: make("button", attributes, canvas), digit };
    });
    this.element = make(
      "div",
      { class: "digit-samples" },
      make("p", {}, "Or a test image"),
      make(
        "div",
        {},
        this.parts.map(({ button }) => button),
      ),
      beside,
    );
  }

  /** Draw them in the ink of the page. */
  show() {
    const color = getComputedStyle(this.element).getPropertyValue("--tracer-ink").trim();
    const parts = [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
    this.parts.forEach(({ canvas, digit }) => {
      const context = canvas.getContext("2d");
      const image = context.createImageData(SIDE, SIDE);
      digit.forEach((value, place) => image.data.set([...parts, 255 * value], 4 * place));
      context.putImageData(image, 0, 0);
    });
  }
}
