// A race of three descents on one risk: all pupils for a step, some, or one, with a clock that counts gradients.
import { Address, decimal, readAddress, whole } from "./address.js";
import { brief } from "./brief.js";
import { make } from "./dom.js";
import { RiskCurve, RiskMap, squareAround } from "./landscape.js";
import { RiskDescent, empiricalRisk, leastSquares, standardizeFeatures } from "./risk.js";

const EPOCHS = 6; // the length of the race
const PER_SECOND = 240; // gradients of one pupil, for each racer
const TICK = 10; // gradients between two points of a curve
const PAIR = [1, 2]; // the weights of the map
const LAST_SEED = 999;
const CHOICES = { some: 20, step: 0.05, price: 0, seed: 1 };

/** What the address may say, as in #some=50&price=20. */
export const RACE_KEYS = {
  some: whole(2, 100),
  step: decimal(0.005, 0.4),
  price: whole(0, 100),
  seed: whole(0, LAST_SEED),
};

/**
 * @param root element whose content is replaced
 * @param data {columns, features, targets, start}: n rows of two numbers, n targets, three weights for the standardized
 */
export function main(root, data) {
  root.classList.add("play-form");
  new Race(root, data).open();
}

/** One descent that pays for its steps: `price` for each, and one for each gradient of a pupil. */
export class Racer {
  constructor(name, className, rows, start, { step, batchSize, price, seed }) {
    Object.assign(this, { name, className, cost: batchSize + price });
    this.descent = new RiskDescent(rows, start, { step, batchSize, seed });
    this.curve = [this.descent.risks[0]];
  }

  get steps() {
    return this.descent.points.length - 1;
  }

  /** Take the steps that `clock` pays for, and note the risk at every tick of it. */
  advanceTo(clock) {
    for (let tick = this.curve.length * TICK; tick <= clock; tick += TICK) {
      while ((this.steps + 1) * this.cost <= tick && this.descent.advance());
      this.curve.push(this.descent.risks.at(-1));
    }
  }
}

class Race {
  constructor(root, data) {
    Object.assign(this, { root, data });
    this.isEmbedded = "embed" in root.dataset;
    this.choices = { ...CHOICES, ...(this.isEmbedded ? {} : readAddress(RACE_KEYS)) };
    this.rows = { features: standardizeFeatures(data.features), targets: data.targets };
    this.best = leastSquares(this.rows);
    this.lowest = empiricalRisk(this.best, this.rows);
    this.length = EPOCHS * data.targets.length;
    this.frame = 0;
    this.address = null;
    this.map = new RiskMap();
    this.curve = new RiskCurve({ label: "gradients of one pupil", first: 0, unit: TICK });
  }

  open() {
    this.build();
    this.map.look(
      squareAround([this.data.start, this.best].map((weights) => PAIR.map((j) => weights[j]))),
      PAIR.map((j) => `w${j} ${this.data.columns[j - 1]}`),
    );
    this.begin();
    if (!this.isEmbedded) {
      this.address = new Address({
        readers: RACE_KEYS,
        element: this.root,
        describe: () =>
          Object.fromEntries(Object.entries(this.choices).filter(([name, value]) => value !== CHOICES[name])),
        restore: (found) => {
          this.choices = { ...CHOICES, ...found };
          this.begin();
        },
      });
    }
  }

  /** Put the three at the start. */
  begin() {
    this.pause();
    const { choices, rows, data } = this;
    const racer = (name, className, batchSize) =>
      new Racer(name, className, rows, data.start, { ...choices, batchSize });
    this.racers = [
      racer(`all ${data.targets.length}`, "all", data.targets.length),
      racer(`${choices.some} at a time`, "some", choices.some),
      racer("one at a time", "one", 1),
    ];
    this.clock = 0;
    this.fillForm();
    this.show();
  }

  advance(gradients) {
    this.clock = Math.min(this.clock + gradients, this.length);
    this.racers.forEach((racer) => racer.advanceTo(this.clock));
    this.show();
  }

  run() {
    this.goButton.textContent = "Pause";
    let before = null;
    let owed = 0;
    const tick = (now) => {
      this.frame = requestAnimationFrame(tick);
      owed += before === null ? 0 : Math.min((now - before) / 1000, 0.25) * PER_SECOND;
      before = now;
      const paid = Math.floor(owed / TICK) * TICK;
      owed -= paid;
      if (paid > 0) {
        this.advance(paid);
      }
      if (this.clock >= this.length) {
        this.pause();
        this.say();
      }
    };
    this.frame = requestAnimationFrame(tick);
  }

  pause() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.goButton.textContent = "Go";
  }

  toggle() {
    if (this.frame) {
      this.pause();
      this.say();
      return;
    }
    if (this.clock >= this.length) {
      this.begin();
    }
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.advance(this.length);
      this.say();
    } else {
      this.run();
    }
  }

  oneEpoch() {
    this.pause();
    this.advance(this.data.targets.length);
    this.say();
  }

  // What the page says ----------------------------------------------------------------------------------------------

  show() {
    const { racers } = this;
    const [all, some, one] = racers.map(({ descent, className }) => ({ points: descent.points, className }));
    const top = racers[0].descent.risks[0];
    this.map.draw([one, all, some], PAIR, this.best, this.rows, top);
    this.curve.draw(
      racers.map(({ curve, className }) => ({ risks: curve.map((risk) => risk - this.lowest), className })),
      (top - this.lowest) / 10,
      this.length / TICK + 1,
    );
    this.map.svg.setAttribute("aria-label", `Map of the risk with three descents. ${this.standInWords()}`);
    this.curve.svg.setAttribute("aria-label", `Risk above the lowest against the gradients. ${this.standInWords()}`);
    this.status.textContent = this.standInWords();
    this.names.replaceChildren(...racers.map(({ name, className }) => make("span", { class: className }, name)));
    this.numbers.replaceChildren(...racers.map((racer) => this.row(racer)));
    this.address?.changed();
  }

  say() {
    this.live.textContent = this.standInWords();
  }

  excess(racer) {
    return racer.curve.at(-1) - this.lowest;
  }

  standInWords() {
    const epochs = brief(this.clock / this.data.targets.length);
    if (this.clock === 0) {
      return "Three at the start, one clock: each racer may compute as many gradients as the others.";
    }
    const [first] = [...this.racers].sort((one, other) => this.excess(one) - this.excess(other));
    const words = this.clock >= this.length ? "At the end" : `After ${epochs} of ${EPOCHS} epochs`;
    return `${words} the lowest is ${first.name}, ${brief(this.excess(first))} above the lowest risk.`;
  }

  row(racer) {
    return make(
      "tr",
      { class: racer.className },
      make("th", { scope: "row" }, racer.name),
      make("td", {}, String(racer.steps)),
      make("td", {}, brief(this.excess(racer))),
    );
  }

  // The form --------------------------------------------------------------------------------------------------------

  build() {
    this.form = make("form", { class: "controls", onsubmit: (event) => event.preventDefault() });
    this.form.append(
      this.slider("some", "Pupils at a time, of the second", { min: 2, max: 100, step: 1 }),
      this.slider("step", "Step λ", { min: 0.005, max: 0.4, step: 0.005 }),
      this.slider("price", "Price of a step, in gradients", { min: 0, max: 100, step: 1 }),
      this.slider("seed", "Seed", { min: 0, max: LAST_SEED, step: 1 }),
    );
    this.goButton = make("button", { type: "button", onclick: () => this.toggle() }, "Go");
    const button = (label, action) => make("button", { type: "button", onclick: action }, label);
    const buttons = make(
      "div",
      { class: "buttons" },
      this.goButton,
      button("One epoch", () => this.oneEpoch()),
      button("Back to the start", () => this.begin()),
    );
    this.status = make("p", { class: "status" });
    this.live = make("p", { class: "for-screen-readers", "aria-live": "polite" });
    this.numbers = make("tbody");
    this.names = make("p", { class: "racers" });
    const head = ["racer", "steps", "above the lowest"].map((text) => make("th", { scope: "col" }, text));
    const table = make(
      "table",
      {},
      make("caption", {}, "Where they are"),
      make("thead", {}, make("tr", {}, ...head)),
      this.numbers,
    );
    for (const { svg } of [this.map, this.curve]) {
      svg.setAttribute("role", "img");
    }
    this.root.replaceChildren(
      make(
        "div",
        { class: "sides" },
        make("div", { class: "pictures" }, buttons, this.names, this.map.svg, this.curve.svg),
        make("div", { class: "words" }, this.status, table, this.form),
      ),
      this.live,
    );
  }

  slider(name, label, range) {
    const control = make("input", { type: "range", name, ...range });
    control.addEventListener("input", () => {
      this.choices[name] = Number(control.value);
      this.begin();
    });
    return make("label", {}, make("span", {}, label, " ", make("output")), control);
  }

  /** Write the choices into the form. */
  fillForm() {
    for (const [name, value] of Object.entries(this.choices)) {
      const control = this.form.elements[name];
      control.value = value;
      control.closest("label").querySelector("output").value = brief(value);
    }
  }
}
