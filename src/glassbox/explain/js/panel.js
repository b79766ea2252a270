// The number that is open: the way that led to it, its name and value, one sentence, and the sum that made it. Beside
// the layers where there is room, a sheet at the bottom of a narrow screen, which folds.
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

const BEGINNING =
  "This number stays as it is: backward begins at the loss, and comes to the outputs of the last layer first. Open one " +
  "below for its gradient.";

let panels = 0; // each needs a name of its own for its radio buttons

export class Panel {
  /**
   * `turn(direction)`, `walk(key)`, `open(place)`, `back()` and `leave()`, back to the number's place among the others,
   * are called when the reader asks for it.
   */
  constructor({ turn, walk, open, back, leave }) {
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
    this.path = make("ol", { class: "tracer-path" });
    this.backButton = make("button", { type: "button", class: "tracer-back", onclick: back }, "← Back");
    this.foldButton = make("button", {
      type: "button",
      class: "tracer-fold",
      onclick: () => this.fold(!this.isFolded),
    });
    const [ahead, behind] = radios;
    const body = make(
      "div",
      { class: "tracer-panel-body" },
      make(
        "div",
        { class: "tracer-panel-head" },
        make(
          "fieldset",
          { class: "tracer-direction" },
          make("legend", {}, "Direction"),
          make("label", {}, ahead, make("span", {}, "Forward")),
          make("label", {}, behind, make("span", {}, "Backward")),
        ),
        make("div", { class: "tracer-arrows" }, this.arrows),
      ),
      this.sum,
    );
    this.element = make(
      "section",
      { class: "tracer-panel", "aria-label": "The number that is open" },
      make(
        "div",
        { class: "tracer-way" },
        this.backButton,
        make("nav", { "aria-label": "The way to this number" }, this.path),
        this.foldButton,
      ),
      this.title,
      body,
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        leave();
        event.preventDefault();
      }
    });
    this.fold(true);
  }

  /** Fold the sheet of a narrow screen to one line; beside the layers the number stays open. */
  fold(isFolded) {
    this.isFolded = isFolded;
    this.element.classList.toggle("is-folded", isFolded);
    this.foldButton.setAttribute("aria-expanded", String(!isFolded));
    this.foldButton.setAttribute("aria-label", isFolded ? "Show the sum" : "Fold the sum away");
    this.foldButton.textContent = isFolded ? "▴" : "▾";
  }

  /** Go on to the terms of the sum. */
  focusSum() {
    (this.sum.querySelector(".formula-sum th button") ?? this.title).focus({ preventScroll: true });
    this.sum.scrollTop = 0;
  }

  /** Show the open number of a viewer, with its explanation. */
  draw(viewer, explanation) {
    const { network, place, path, direction } = viewer;
    const isSlope = viewer.isSlope(place);
    this.radios[direction].checked = true;
    this.arrows.forEach((button) => (button.disabled = place.index === undefined));
    this.backButton.disabled = !viewer.canGoBack;
    this.drawPath(network, path);
    const { result } = explanation;
    this.title.replaceChildren(make("code", {}, viewer.codeOf(place)), " = ", makeNumber(written(result), result));
    const where = place.index === undefined ? "" : `${wordsOfIndex(place.index)}. `;
    const parts = [
      make("p", {}, make("span", { class: "tracer-where" }, where), sentenceOf(network, place, isSlope)),
      direction === "backward" && (place.what === "probability" || place.what === "loss")
        ? make("p", { class: "tracer-note" }, BEGINNING)
        : null,
      pictureOf(explanation, network, place, isSlope, this.open),
      explanation.terms.length > 0 ? this.makeSum(viewer, explanation) : null,
    ];
    this.sum.replaceChildren(...parts.filter((part) => part !== null));
  }

  drawPath(network, path) {
    const shown = path.map((place) => codeOfPlace(network, place)).join(" ");
    if (shown === this.shownPath) {
      return; // to scroll it asks for the layout
    }
    this.shownPath = shown;
    const steps = path.map((place, k) => {
      const code = codeOfPlace(network, place);
      const isLast = k === path.length - 1;
      const step = isLast
        ? make("span", { "aria-current": "step" }, code)
        : make("button", { type: "button", onclick: () => this.open(place) }, code);
      return make("li", {}, step);
    });
    this.path.replaceChildren(...steps);
    this.path.scrollLeft = this.path.scrollWidth;
  }

  makeSum(viewer, explanation) {
    const showAll = () => {
      this.isShort = false;
      this.draw(viewer, explanation);
      this.sum.focus({ preventScroll: true }); // the button is gone
    };
    return sumOf(explanation, {
      nameOf: (at) => shortNameOf(viewer.network, at),
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
