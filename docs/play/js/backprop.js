// Back-propagate by hand: the perceptron of lesson 3.3, one number after the other.
import { Address, readAddress, whole } from "./address.js";
import { brief } from "./brief.js";
import { make } from "./dom.js";
import { RiskCurve } from "./landscape.js";
import { step } from "./network.js";
import { perceptronDrawing } from "./perceptron.js";
import { judge, networkOf, passThrough, questionsOf } from "./questions.js";
import { seededRandom } from "./random.js";

const SIZES = [2, 3, 2, 2];
const MOST_SEEDS = 10000;
const RATES = [0.1, 0.5, 1, 2, 5];

/** What the address may say: the exercise, and how many of its numbers are known. */
export const BACKPROP_KEYS = { seed: whole(0, MOST_SEEDS - 1), at: whole(0, 999) };

/** A random exercise: numbers of one decimal, so that a pocket calculator will do. Seed 0 is lesson 3.3's. */
export function exerciseOf(seed, lesson) {
  if (seed === 0) {
    return lesson;
  }
  const random = seededRandom(seed);
  const decimal = (size) => (Math.round(random() * 10 * size) || 1) / 10;
  const signed = (size) => (random() < 0.5 ? -1 : 1) * decimal(size);
  const several = (count, draw) => Array.from({ length: count }, draw);
  const w = SIZES.slice(1).map((count, l) => several(count, () => several(SIZES[l], () => signed(1.5))));
  const b = SIZES.slice(1).map((count) => several(count, () => signed(0.6)));
  const right = random() < 0.5 ? 1 : 0;
  return { x: several(SIZES[0], () => signed(1)), y: [right, 1 - right], w, b };
}

/**
 * @param root element whose content is replaced
 * @param lesson {x, y, w, b}: input, right answer, w[l][k][p] from p to k, b[l][k], layers from the first
 */
export function main(root, lesson) {
  root.classList.add("play-form");
  new BackpropPlay(root, lesson).open();
}

class BackpropPlay {
  constructor(root, lesson) {
    Object.assign(this, { root, lesson });
    this.isEmbedded = "embed" in root.dataset;
    this.seed = 0;
    this.address = null;
  }

  open() {
    this.build();
    this.restore(this.isEmbedded ? {} : readAddress(BACKPROP_KEYS));
    if (!this.isEmbedded) {
      this.address = new Address({
        readers: BACKPROP_KEYS,
        element: this.root,
        describe: () => this.place(),
        restore: (found) => this.restore(found),
      });
    }
  }

  /** Exercise and question, for the address. */
  place() {
    return { ...(this.seed > 0 && { seed: this.seed }), ...(this.at > 0 && { at: this.at }) };
  }

  restore({ seed = 0, at = 0 }) {
    this.seed = seed;
    this.begin(at);
  }

  begin(at = 0) {
    this.exercise = exerciseOf(this.seed, this.lesson);
    this.network = networkOf(this.exercise);
    this.pass = passThrough(this.network, this.exercise.x, this.exercise.y);
    this.questions = questionsOf(this.pass);
    this.at = Math.min(at, this.questions.length);
    this.risks = [this.pass.loss];
    this.show("");
  }

  get question() {
    return this.questions[this.at] ?? null;
  }

  // The questions ---------------------------------------------------------------------------------------------------

  answer() {
    const text = this.input.value.trim().replace(",", ".").replace("\u2212", "-");
    const number = Number(text);
    if (text === "" || !Number.isFinite(number)) {
      this.say("Type a number in decimals, such as 0.25 or \u22120.1.");
      return;
    }
    const { isRight, words } = judge(this.question, number);
    if (isRight) {
      this.next(`${words} ${this.resultInWords()}`);
    } else {
      this.say(words);
      this.input.select();
    }
  }

  /** Write the number down and go on. */
  next(words = this.resultInWords()) {
    this.at += 1;
    this.show(words);
  }

  nextGroup() {
    const { group } = this.question;
    while (this.question?.group === group) {
      this.at += 1;
    }
    this.show(`${group}: done.`);
  }

  resultInWords() {
    const { symbol, formula, value } = this.question;
    return `${symbol} = ${formula} = ${brief(value)}`;
  }

  // The training ----------------------------------------------------------------------------------------------------

  train(steps) {
    const { x, y } = this.exercise;
    for (let k = 0; k < steps; k++) {
      this.network = step(this.network, this.slopesOfPass(), Number(this.rate.value));
      this.pass = passThrough(this.network, x, y);
      this.risks.push(this.pass.loss);
    }
    this.at = this.questions.length;
    const outputs = this.pass.o
      .at(-1)
      .map((o) => o.toFixed(3))
      .join(" and ");
    this.show(`After ${this.risks.length - 1} steps the risk is ${brief(this.pass.loss)}, the outputs ${outputs}.`);
  }

  slopesOfPass() {
    const stored = (numbers) => ({ data: numbers.flat() });
    const spread = (gradients) => gradients.slice(1).flatMap((each) => [stored(each), null]);
    return { weight: spread(this.pass.gradW), bias: spread(this.pass.gradB) };
  }

  // The page --------------------------------------------------------------------------------------------------------

  show(words) {
    const { question, at, questions, pass } = this;
    const isDone = question === null;
    const asked = questions.slice(at);
    const isOutput =
      ([l, k]) =>
      (each) =>
        each.symbol[0] === "o" && each.unit[0] === l && each.unit[1] === k;
    const known = (unit) => unit[0] === 1 || !asked.some(isOutput(unit));
    this.drawing.replaceChildren(
      perceptronDrawing(pass, { known, question, found: questions.slice(0, at) }, this.drawingInWords()),
    );
    if (isDone && this.form.contains(document.activeElement)) {
      this.training.hidden = false;
      this.rate.focus(); // what had the focus goes away
    }
    this.form.hidden = isDone;
    this.progress.textContent = isDone
      ? "All numbers are known: every weight has its gradient."
      : `${question.group}. Number ${at + 1} of ${questions.length}.`;
    if (!isDone) {
      this.asked.textContent = `${question.symbol} =`;
      this.formula.textContent = question.formula;
      this.input.value = "";
      this.input.setAttribute("aria-label", `${question.symbol} equals`);
    }
    this.training.hidden = !isDone;
    this.curve.draw([{ risks: this.risks, className: "current" }], 0.001);
    this.curve.svg.setAttribute(
      "aria-label",
      `Risk against steps: ${brief(this.risks[0])} at first, ${brief(this.risks.at(-1))} now.`,
    );
    this.known.replaceChildren(...this.knownRows());
    this.weights.replaceChildren(...this.weightRows());
    this.seedInput.value = this.seed;
    this.say(words);
    this.address?.changed();
  }

  say(words) {
    this.feedback.textContent = words;
  }

  drawingInWords() {
    const { x, y } = this.exercise;
    const asked = this.question === null ? "" : ` Asked: ${this.question.symbol}.`;
    return `A network of ${SIZES.join(", ")} units. Input ${x.join(" and ")}, right answer ${y.join(" and ")}.${asked}`;
  }

  /** The numbers found so far, the newest first. */
  knownRows() {
    return this.questions
      .slice(0, this.at)
      .reverse()
      .map(({ symbol, formula, value }) =>
        make("tr", {}, make("th", { scope: "row" }, symbol), make("td", {}, formula), make("td", {}, brief(value))),
      );
  }

  /** Every weight and bias: its value at first and now. */
  weightRows() {
    const before = this.exercise;
    return this.pass.w
      .slice(1)
      .map((rows, l) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, `${l + 1} → ${l + 2}`),
          make("td", {}, [...before.w[l].flat(), ...before.b[l]].map(brief).join("  ")),
          make(
            "td",
            {},
            [...rows.flat(), ...this.pass.b[l + 1]].map((w) => w.toFixed(2).replace("-", "\u2212")).join("  "),
          ),
        ),
      );
  }

  build() {
    const button = (label, action, type = "button") => make("button", { type, onclick: action }, label);
    this.drawing = make("div");
    this.progress = make("p", { class: "progress" });
    this.asked = make("span", { class: "asked" });
    this.formula = make("p", { class: "formula" });
    this.input = make("input", { type: "text", inputmode: "text", autocomplete: "off", size: 8 });
    this.feedback = make("p", { class: "feedback", "aria-live": "polite" });
    const submit = (event) => {
      event.preventDefault();
      this.answer();
    };
    this.form = make(
      "form",
      { onsubmit: submit },
      make("p", { class: "ask" }, this.asked, this.input, make("button", { type: "submit" }, "Check")),
      make(
        "p",
        { class: "notation" },
        "The lower index is the unit (of a weight: from, to), the upper one the layer; it is no power.",
      ),
      make("details", {}, make("summary", {}, "The formula, in numbers"), this.formula),
      make(
        "div",
        { class: "buttons" },
        button("Show this number", () => this.next()),
        button("Show the whole layer", () => this.nextGroup()),
      ),
    );
    this.rate = make(
      "select",
      { name: "rate" },
      ...RATES.map((rate) => make("option", { value: rate, selected: rate === 1 }, rate)),
    );
    this.curve = new RiskCurve();
    this.curve.svg.setAttribute("role", "img");
    this.weights = make("tbody");
    this.training = make(
      "div",
      {},
      make("label", {}, make("span", {}, "Step λ"), this.rate),
      make(
        "div",
        { class: "buttons" },
        button("Take one step", () => this.train(1)),
        button("Take 100 steps", () => this.train(100)),
      ),
      this.curve.svg,
      tableOf("Weights, then biases", ["layers", "at first", "now"], this.weights),
    );
    this.seedInput = make("input", { type: "number", min: 0, max: MOST_SEEDS - 1, step: 1, name: "seed" });
    this.seedInput.addEventListener("change", () => this.choose(Number(this.seedInput.value)));
    const another = make(
      "div",
      { class: "another" },
      make("label", {}, make("span", {}, "Exercise number; 0 is lesson 3.3"), this.seedInput),
      button("A new exercise", () => this.choose(1 + Math.floor(Math.random() * (MOST_SEEDS - 1)))),
      button("Start over", () => this.begin()),
    );
    this.known = make("tbody");
    const soFar = tableOf("The numbers so far, the newest first", ["symbol", "formula", "value"], this.known);
    this.root.replaceChildren(
      make(
        "div",
        { class: "sides" },
        this.drawing,
        make("div", {}, this.progress, this.feedback, this.form, this.training),
      ),
      another,
      soFar,
    );
  }

  choose(seed) {
    if (Number.isInteger(seed) && seed >= 0 && seed < MOST_SEEDS) {
      this.seed = seed;
      this.begin();
    } else {
      this.say(`An exercise has a whole number from 0 to ${MOST_SEEDS - 1}.`);
    }
  }
}

function tableOf(caption, columns, body) {
  const head = columns.map((text) => make("th", { scope: "col" }, text));
  const table = make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...head)), body);
  return make("div", { class: "table-wrapper", tabindex: "0" }, table);
}
