// The number that is open: its name and value, one sentence, and the sum that made it. Beside the layers where there is
// room, a sheet at the bottom of a narrow screen.
import { make, makeNumber } from "./dom.js";
import { pictureOf, sentenceOf, sumOf } from "./formula.js";
import { written } from "./numbers.js";
import { codeOfPlace, wordsOfIndex } from "./places.js";

const ARROWS = [
  ["ArrowLeft", "←", "left"],
  ["ArrowUp", "↑", "up"],
  ["ArrowDown", "↓", "down"],
  ["ArrowRight", "→", "right"],
];

let panels = 0; // each needs a name of its own for its radio buttons

export class Panel {
  /** `turn(direction)`, `walk(key)` and `open(place)` are called when the reader asks for it. */
  constructor({ turn, walk, open }) {
    this.open = open;
    this.isShort = true;
    panels += 1;
    const radios = ["forward", "backward"].map((direction) => {
      return make("input", {
        type: "radio",
        name: `direction-${panels}`,
        value: direction,
        onchange: () => turn(direction),
      });
    });
    this.radios = Object.fromEntries(radios.map((radio) => [radio.value, radio]));
    this.arrows = ARROWS.map(([key, sign, word]) => {
      return make("button", { type: "button", "aria-label": `one number ${word}`, onclick: () => walk(key) }, sign);
    });
    this.title = make("p", { class: "tracer-title", role: "heading", "aria-level": 2, tabindex: -1 });
    this.sum = make("div", {
      class: "tracer-sum",
      role: "region",
      tabindex: 0,
      "aria-label": "How this number came about",
    });
    const [ahead, back] = radios;
    this.element = make(
      "section",
      { class: "tracer-panel", "aria-label": "The number that is open" },
      make(
        "div",
        { class: "tracer-panel-head" },
        make(
          "fieldset",
          { class: "tracer-direction" },
          make("legend", {}, "Direction"),
          make("label", {}, ahead, make("span", {}, "Forward")),
          make("label", {}, back, make("span", {}, "Backward")),
        ),
        make("div", { class: "tracer-arrows" }, this.arrows),
      ),
      this.title,
      this.sum,
    );
  }

  /** Show the number at a place of a network, with its explanation. `isSlope` says that it is a gradient. */
  draw(network, place, explanation, direction, isSlope) {
    this.radios[direction].checked = true;
    this.arrows.forEach((button) => (button.disabled = place.index === undefined));
    const code = codeOfPlace(network, place);
    const { result } = explanation;
    this.title.replaceChildren(
      make("code", {}, isSlope ? `∂L/∂ ${code}` : code),
      " = ",
      makeNumber(written(result), result),
    );
    const where = place.index === undefined ? "" : `${wordsOfIndex(place.index)}. `;
    const parts = [
      make("p", {}, make("span", { class: "tracer-where" }, where), sentenceOf(network, place, isSlope)),
      pictureOf(explanation, network, place, isSlope),
      explanation.terms.length > 0 ? this.makeSum(network, place, explanation, direction, isSlope) : null,
    ];
    this.sum.replaceChildren(...parts.filter((part) => part !== null));
  }

  makeSum(network, place, explanation, direction, isSlope) {
    const showAll = () => {
      this.isShort = false;
      this.draw(network, place, explanation, direction, isSlope);
      this.sum.focus({ preventScroll: true }); // the button is gone
    };
    return sumOf(explanation, {
      nameOf: (at) => shortNameOf(network, at),
      open: this.open,
      isShort: this.isShort,
      showAll,
    });
  }
}

/** A term's name: the number in code, or what it is where it has none. */
function shortNameOf(network, place) {
  if (place.what === "padding" || place.what === "target") {
    return place.what === "padding" ? "padding" : "true class";
  }
  const code = codeOfPlace(network, place);
  return place.what === "slope" ? `∂L/∂ ${code}` : code;
}
