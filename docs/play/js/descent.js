// Roll down the risk: the descents of lessons 2.1 to 2.3, under the reader's hands.
import { Address, decimal, readAddress, several, whole } from "./address.js";
import { brief } from "./brief.js";
import { make } from "./dom.js";
import { RiskCurve, RiskMap, squareAround } from "./landscape.js";
import {
  RiskDescent,
  empiricalRisk,
  leastSquares,
  riskGradient,
  standardizeFeatures,
  standardizedWeights,
  stepLimit,
  unscaledWeights,
} from "./risk.js";

const GOAL = 0.01; // above the lowest risk
const MOST_ITERATIONS = 20000;
const LAST_SEED = 999;
const GROWN = 1e4; // times the risk at the start: the descent has diverged
const CHOICES = { data: 0, first: 2, second: 3, scaled: 0, share: 0.4, momentum: 0, batch: 0, seed: 1, start: "" };

/** What the address may say, as in #scaled=1&share=0.9. */
export const DESCENT_KEYS = {
  data: whole(0, 9),
  first: whole(0, 9),
  second: whole(0, 9),
  scaled: whole(0, 1),
  share: decimal(0.001, 10),
  momentum: decimal(0, 0.99),
  batch: whole(0, 9999),
  seed: whole(0, LAST_SEED),
  start: several(decimal(-1e4, 1e4), [3, 4]),
};

/**
 * @param root element whose content is replaced
 * @param data {sets: [{name, columns, features, targets, start}]}: n rows of p numbers, n targets, p + 1 weights
 */
export function main(root, data) {
  root.classList.add("play-form");
  new DescentPlay(root, data).open();
}

class DescentPlay {
  constructor(root, data) {
    Object.assign(this, { root, data });
    this.isEmbedded = "embed" in root.dataset;
    this.choices = { ...CHOICES, ...(this.isEmbedded ? {} : choicesOf(readAddress(DESCENT_KEYS))) };
    this.kept = null;
    this.address = null;
    this.frame = 0;
    this.map = new RiskMap();
    this.curve = new RiskCurve();
  }

  open() {
    this.build();
    this.settle();
    if (!this.isEmbedded) {
      this.address = new Address({
        readers: DESCENT_KEYS,
        element: this.root,
        describe: () => this.changes(),
        restore: (found) => this.restore(found),
      });
    }
  }

  /** The choices that differ from those at first, for the address. */
  changes() {
    return Object.fromEntries(Object.entries(this.choices).filter(([name, value]) => value !== CHOICES[name]));
  }

  restore(found) {
    this.choices = { ...CHOICES, ...choicesOf(found) };
    this.settle();
  }

  // What is descended on --------------------------------------------------------------------------------------------

  /** Work out the problem that the choices make, and begin at its start. */
  settle() {
    const { choices } = this;
    choices.data = Math.min(choices.data, this.data.sets.length - 1);
    const set = this.data.sets[choices.data];
    const features = choices.scaled ? standardizeFeatures(set.features) : set.features;
    const rows = { features, targets: set.targets };
    const best = leastSquares(rows);
    const names = best.map((_, j) => (j === 0 ? "w0" : `w${j} ${set.columns[j - 1]}`));
    this.problem = { set, rows, best, names, limit: stepLimit(features), lowest: empiricalRisk(best, rows) };
    const last = best.length - 1;
    choices.first = Math.min(choices.first, last);
    choices.second = Math.min(choices.second, last);
    if (choices.first === choices.second) {
      choices.second = choices.first === 0 ? 1 : choices.first - 1;
    }
    this.fillForm();
    this.begin();
  }

  begin() {
    this.pause();
    const { choices, problem } = this;
    const count = problem.rows.targets.length;
    const batchSize = choices.batch === 0 ? count : Math.min(choices.batch, count);
    const settings = { step: choices.share * problem.limit, momentum: choices.momentum, batchSize, seed: choices.seed };
    this.descent = new RiskDescent(problem.rows, this.startWeights(), settings);
    const ends = [this.startWeights(), problem.best].map((weights) => this.pair.map((j) => weights[j]));
    this.map.look(
      squareAround(ends),
      this.pair.map((j) => problem.names[j]),
    );
    this.show();
  }

  get pair() {
    return [this.choices.first, this.choices.second];
  }

  startWeights() {
    const given = this.choices.start === "" ? [] : this.choices.start.split(",").map(Number);
    const fits = given.length === this.problem.best.length && given.every(Number.isFinite);
    const { start, features } = this.problem.set;
    return fits ? given : this.choices.scaled ? standardizedWeights(start, features) : start;
  }

  moveStart(place) {
    const weights = [...this.startWeights()];
    this.pair.forEach((j, k) => (weights[j] = Number(place[k].toPrecision(4))));
    this.choices.start = weights.join(",");
    const square = this.map.square;
    this.begin();
    this.map.look(
      square,
      this.pair.map((j) => this.problem.names[j]),
    ); // the map stays under the pointer
    this.show();
    this.fillForm();
  }

  // The descent -----------------------------------------------------------------------------------------------------

  get hasDiverged() {
    return this.descent.diverged || this.descent.risks.at(-1) > GROWN * Math.max(this.descent.risks[0], 1);
  }

  /** Take steps; stop where the goal is reached for the first time, or the descent has ended. */
  take(steps) {
    const { descent } = this;
    const wasThere = this.reached(descent, this.goal) !== null;
    const arrives = () => !wasThere && descent.risks.at(-1) <= this.goal;
    for (let k = 0; k < steps && !this.hasEnded && !arrives(); k++) {
      descent.advance();
    }
    if (this.frame !== 0 && (this.hasEnded || arrives())) {
      this.pause();
      this.show();
      this.say();
    }
  }

  get hasEnded() {
    return this.hasDiverged || this.descent.risks.length >= MOST_ITERATIONS;
  }

  run() {
    this.runButton.textContent = "Pause";
    const tick = () => {
      this.frame = requestAnimationFrame(tick);
      this.take(1 + Math.floor(this.descent.risks.length / 50)); // the longer the way, the faster
      if (this.frame !== 0) {
        this.show();
      }
    };
    this.frame = requestAnimationFrame(tick);
  }

  pause() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.runButton.textContent = "Run";
  }

  toggle() {
    if (this.frame) {
      this.pause();
      this.say();
    } else if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.take(200);
      this.show();
      this.say();
    } else {
      this.run();
    }
  }

  step() {
    this.pause();
    this.take(1);
    this.show();
    this.say();
  }

  keepRun() {
    const { descent, goal, choices } = this;
    this.kept = { descent, goal, data: choices.data, scaled: choices.scaled, words: this.settingsInWords() };
    this.begin();
  }

  // What the page says ----------------------------------------------------------------------------------------------

  get goal() {
    return this.problem.lowest + GOAL;
  }

  show() {
    const { descent, problem, kept } = this;
    const runs = [{ points: descent.points, risks: descent.risks, className: "current" }];
    if (kept !== null) {
      runs.unshift({ points: kept.descent.points, risks: kept.descent.risks, className: "kept" });
    }
    const onMap = runs.filter((run) => run.className === "current" || this.keptFits);
    this.map.draw(onMap, this.pair, descent.weights, problem.rows, descent.risks[0]);
    this.curve.draw(runs, this.goal);
    this.map.svg.setAttribute("aria-label", this.mapInWords());
    this.curve.svg.setAttribute("aria-label", this.curveInWords());
    this.status.textContent = this.statusInWords();
    this.warning.textContent = this.warningInWords();
    this.warning.hidden = this.warning.textContent === "";
    this.comparison.textContent = kept === null ? "" : this.comparisonInWords();
    this.numbers.replaceChildren(...this.numberRows());
    this.address?.changed();
  }

  say() {
    this.live.textContent = [this.status.textContent, this.warning.textContent].join(" ");
  }

  /** Whether the weights of the run kept are weights of the same data. */
  get keptFits() {
    return this.kept.data === this.choices.data && this.kept.scaled === this.choices.scaled;
  }

  reached(descent, goal) {
    const index = descent.risks.findIndex((risk) => risk <= goal);
    return index < 0 ? null : index + 1;
  }

  statusInWords() {
    const { descent } = this;
    const count = descent.risks.length;
    const now = `Iteration ${count}${count === 1 ? ", the start" : ""}: risk ${brief(descent.risks.at(-1))}.`;
    if (this.hasDiverged) {
      return now; // the warning says the rest
    }
    const reached = this.reached(descent, this.goal);
    const target = this.goalInWords();
    if (reached !== null) {
      const goesOn = reached === descent.risks.length ? " Run goes on from here." : "";
      return `${now} It came to ${target} at iteration ${reached}.${goesOn}`;
    }
    const end = descent.risks.length >= MOST_ITERATIONS ? ` The page stops after ${MOST_ITERATIONS} iterations.` : "";
    return `${now} Not yet at ${target}.${end}`;
  }

  goalInWords() {
    const { lowest } = this.problem;
    return lowest < 1e-9 ? `a risk of ${GOAL}` : `a risk of ${brief(this.goal)}, ${GOAL} above the lowest`;
  }

  warningInWords() {
    const { choices, problem } = this;
    const allowed = 1 + choices.momentum;
    const limit = choices.momentum === 0 ? "2/L" : `2(1 + μ)/L`;
    const bound = `the limit ${limit} = ${brief(allowed * problem.limit)}`;
    if (this.hasDiverged) {
      return `The descent diverges. The step is ${brief(this.stepSize)}, ${bound}.`;
    }
    if (choices.share > allowed) {
      return `The step is beyond ${bound}: in the steepest direction each move overshoots.`;
    }
    return "";
  }

  get stepSize() {
    return this.choices.share * this.problem.limit;
  }

  settingsInWords() {
    const { choices, descent } = this;
    const count = descent.data.targets.length;
    const batch = descent.batchSize >= count ? "all pupils at once" : `batches of ${descent.batchSize}`;
    const scaled = choices.scaled ? "standardized marks" : "marks as they are";
    return `${scaled}, step ${brief(this.stepSize)}, momentum ${brief(choices.momentum)}, ${batch}`;
  }

  comparisonInWords() {
    const { kept } = this;
    const reached = this.reached(kept.descent, kept.goal);
    const end = reached === null ? "did not come to the goal" : `came to the goal at iteration ${reached}`;
    const drawn = this.keptFits ? "" : " Its weights mean something else, so only its curve is drawn.";
    return `The run kept, in blue (${kept.words}), ${end}.${drawn}`;
  }

  mapInWords() {
    const [first, second] = this.pair.map((j) => `${this.problem.names[j]} ${brief(this.descent.weights[j])}`);
    return `Map of the risk over two weights. The descent is at ${first}, ${second}. Arrow keys move the start.`;
  }

  curveInWords() {
    const { risks } = this.descent;
    return `Risk against iterations: ${brief(risks[0])} at first, ${brief(risks.at(-1))} at iteration ${risks.length}.`;
  }

  /** One row for each weight: what the last step read and did. */
  numberRows() {
    const { descent, problem } = this;
    const isStart = descent.points.length === 1;
    const before = isStart ? descent.weights : descent.points.at(-2);
    const slopes = riskGradient(before, problem.rows, isStart ? undefined : descent.batch);
    return descent.weights.map((weight, j) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, problem.names[j]),
        make("td", {}, brief(before[j])),
        make("td", {}, brief(slopes[j])),
        make("td", {}, isStart ? "–" : brief(-descent.step * descent.velocity[j])),
        make("td", {}, isStart ? "–" : brief(weight)),
      ),
    );
  }

  // The form --------------------------------------------------------------------------------------------------------

  build() {
    const choose = (name, label, options) => this.field(name, label, make("select", {}, ...options));
    this.form = make("form", { class: "controls", onsubmit: (event) => event.preventDefault() });
    this.form.append(
      choose(
        "data",
        "Pupils",
        this.data.sets.map((set, k) => make("option", { value: k }, set.name)),
      ),
      choose("scaled", "Marks", [
        make("option", { value: 0 }, "as they are"),
        make("option", { value: 1 }, "standardized"),
      ]),
      choose("first", "Across", []),
      choose("second", "Up", []),
      this.slider("share", "Step λ", { min: -2, max: 0.5, step: 0.01 }),
      this.slider("momentum", "Momentum μ", { min: 0, max: 0.95, step: 0.05 }),
      this.slider("batch", "Batch size", { min: 1, max: 1, step: 1 }),
      this.field("seed", "Seed", make("input", { type: "number", min: 0, max: LAST_SEED, step: 1 })),
    );
    this.runButton = make("button", { type: "button", onclick: () => this.toggle() }, "Run");
    const button = (label, action) => make("button", { type: "button", onclick: action }, label);
    const buttons = make(
      "div",
      { class: "buttons" },
      button("Step", () => this.step()),
      this.runButton,
      button("Reset", () => this.begin()),
      button("Keep to compare", () => this.keepRun()),
    );
    this.status = make("p", { class: "status" });
    this.warning = make("p", { class: "warning", hidden: true });
    this.comparison = make("p", { class: "comparison" });
    this.live = make("p", { class: "for-screen-readers", "aria-live": "polite" });
    this.numbers = make("tbody");
    const head = ["weight", "before", "slope ∂R/∂w", "move", "after"].map((text) => make("th", { scope: "col" }, text));
    const table = make(
      "table",
      {},
      make("caption", {}, "The last step, in numbers"),
      make("thead", {}, make("tr", {}, ...head)),
      this.numbers,
    );
    const { svg } = this.map;
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "application");
    svg.addEventListener("pointerdown", (event) => {
      const place = this.map.pairAt(event);
      if (place !== null) {
        this.moveStart(place);
      }
    });
    svg.addEventListener("keydown", (event) => this.nudge(event));
    this.curve.svg.setAttribute("role", "img");
    this.root.replaceChildren(
      make(
        "div",
        { class: "sides" },
        make("div", { class: "pictures" }, buttons, svg, this.curve.svg),
        make("div", { class: "words" }, this.status, this.warning, this.comparison, this.form),
      ),
      make("div", { class: "table-wrapper", tabindex: "0" }, table),
      this.live,
    );
  }

  field(name, label, control) {
    control.setAttribute("name", name);
    control.addEventListener("change", () => this.changed(name, control.value === "" ? NaN : Number(control.value)));
    return make("label", {}, make("span", {}, label), control);
  }

  slider(name, label, range) {
    const control = make("input", { type: "range", name, ...range });
    const output = make("output");
    control.addEventListener("input", () => {
      const value = Number(control.value);
      const isAll = name === "batch" && value === Number(control.max);
      this.changed(name, name === "share" ? 10 ** value : isAll ? 0 : value);
    });
    return make("label", {}, make("span", {}, label, " ", output), control);
  }

  changed(name, value) {
    if (name === "seed" && !(Number.isInteger(value) && value >= 0 && value <= LAST_SEED)) {
      this.fillForm();
      this.warning.textContent = `A seed is a whole number from 0 to ${LAST_SEED}.`;
      this.warning.hidden = false;
      this.say();
      return;
    }
    const { set } = this.problem;
    const start = this.choices.start === "" ? null : this.startWeights();
    this.choices[name] = value;
    if (name === "data") {
      Object.assign(this.choices, { start: "", batch: 0 });
    } else if (name === "scaled" && start !== null) {
      const rescaled = value ? standardizedWeights : unscaledWeights; // the same predictions, the same risk
      this.choices.start = rescaled(start, set.features).join(",");
    }
    this.settle();
  }

  nudge(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (way === undefined) {
      return;
    }
    event.preventDefault();
    const start = this.startWeights();
    const size = (this.map.square[0][1] - this.map.square[0][0]) / 40;
    this.moveStart(this.pair.map((j, axis) => start[j] + size * way[axis]));
    this.live.textContent = this.mapInWords();
  }

  /** Write the choices into the form. */
  fillForm() {
    const { choices, problem, form } = this;
    const count = problem.rows.targets.length;
    for (const name of ["first", "second"]) {
      const options = problem.names.map((text, j) => make("option", { value: j }, text));
      form.elements[name].replaceChildren(...options);
    }
    form.elements.batch.max = count;
    for (const name of ["data", "scaled", "first", "second", "momentum", "seed"]) {
      form.elements[name].value = choices[name];
    }
    form.elements.share.value = Math.log10(choices.share);
    form.elements.batch.value = choices.batch === 0 ? count : choices.batch;
    const beside = (name, text) => (form.elements[name].closest("label").querySelector("output").value = text);
    beside("share", `${brief(this.stepSize)} = ${brief(choices.share)} × 2/L, 2/L = ${brief(problem.limit)}`);
    beside("momentum", brief(choices.momentum));
    beside("batch", choices.batch === 0 ? `all ${count}` : `${choices.batch} of ${count}`);
  }
}

/** The choices that what an address says makes. */
function choicesOf({ start, ...found }) {
  return start === undefined ? found : { ...found, start: start.join(",") };
}
