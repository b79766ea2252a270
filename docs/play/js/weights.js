// Weigh the marks: the dense layer of lesson 1.1, with a slider for every weight.
import { Address, decimal, readAddress, several, whole } from "./address.js";
import { make } from "./dom.js";
import { pixelOfShare, readPalette, styleOfPixel, watchTheme } from "./palette.js";
import { makeSvg } from "./svg.js";
import { axisEnd, productsOf, short, sumInWords, weightedSums } from "./weighing.js";

const LARGEST_WEIGHT = 1;
const LARGEST_BIAS = 20;
const FULL = 8; // a product of this size, or the largest there is, has the full color
const SUBJECTS = 7;
const OUTPUTS = ["first", "second"];
const MAP = { size: 320, margin: 34 };
const DOT = 5.5;
const LABEL = { width: 31, height: 15 };

/** What the address may say, as in #w1=0.5,0,0,0.5,0,0,0&b1=-10&relu=1; the rest is as at first. */
export const WEIGHTS_KEYS = {
  w1: several(decimal(-LARGEST_WEIGHT, LARGEST_WEIGHT), [SUBJECTS]),
  b1: decimal(-LARGEST_BIAS, LARGEST_BIAS),
  w2: several(decimal(-LARGEST_WEIGHT, LARGEST_WEIGHT), [SUBJECTS]),
  b2: decimal(-LARGEST_BIAS, LARGEST_BIAS),
  output: whole(1, 2),
  relu: whole(0, 1),
  pupil: whole(0, 99),
};

/**
 * @param root element whose content is replaced
 * @param data {pupils, columns: names, rows: marks, questions: [{name, weights, bias}]}, the first two questions at first
 */
export function main(root, data) {
  root.classList.add("play-form");
  new WeightsPlay(root, data).open();
}

class WeightsPlay {
  constructor(root, data) {
    Object.assign(this, { root, data });
    this.isEmbedded = "embed" in root.dataset;
    this.choices = this.choicesOf(this.isEmbedded ? {} : readAddress(WEIGHTS_KEYS));
    this.address = null;
  }

  open() {
    this.build();
    watchTheme(() => this.show());
    this.show();
    if (!this.isEmbedded) {
      this.address = new Address({
        readers: WEIGHTS_KEYS,
        element: this.root,
        describe: () => this.changes(),
        restore: (found) => {
          this.choices = this.choicesOf(found);
          this.show();
        },
      });
    }
  }

  /** The choices at first, and what an address says in their place. */
  choicesOf(found) {
    const outputs = [0, 1].map((k) => {
      const { weights, bias } = this.data.questions[k];
      return { weights: [...(found[`w${k + 1}`] ?? weights)], bias: found[`b${k + 1}`] ?? bias };
    });
    const pupil = Math.min(found.pupil ?? 0, this.data.pupils.length - 1);
    return { outputs, output: found.output ?? 1, relu: found.relu ?? 0, pupil };
  }

  /** The choices that differ from those at first, for the address. */
  changes() {
    const first = this.choicesOf({});
    const said = ({ outputs: [one, two], output, relu, pupil }) => {
      return { w1: one.weights.join(), b1: one.bias, w2: two.weights.join(), b2: two.bias, output, relu, pupil };
    };
    const before = said(first);
    return Object.fromEntries(Object.entries(said(this.choices)).filter(([key, value]) => value !== before[key]));
  }

  /** The output whose weights are on the sliders. */
  get output() {
    return this.choices.outputs[this.choices.output - 1];
  }

  // The numbers -----------------------------------------------------------------------------------------------------

  /** The sums of every pupil, of both outputs, before ReLU. */
  sums() {
    return this.choices.outputs.map((output) => weightedSums(this.data.rows, output));
  }

  /** What the layer gives for a sum. */
  given(sum) {
    return this.choices.relu ? Math.max(0, sum) : sum;
  }

  // What the page says ----------------------------------------------------------------------------------------------

  show() {
    const sums = this.sums();
    this.showSliders();
    this.showTable(sums[this.choices.output - 1]);
    this.showMap(sums);
    this.sentence.textContent = this.sentenceOf(sums[this.choices.output - 1]);
    this.answer.textContent = this.answerOf(sums[this.choices.output - 1]);
    this.address?.changed();
  }

  showSliders() {
    const { output, choices } = this;
    [...output.weights, output.bias].forEach((value, j) => {
      const { input, text } = this.sliders[j];
      input.value = value;
      input.setAttribute("aria-valuetext", short(value, 3));
      text.textContent = short(value, 2);
      for (const { classList } of [input, text]) {
        classList.toggle("is-above", value > 0);
        classList.toggle("is-below", value < 0);
      }
    });
    this.radios.forEach((radio, k) => (radio.checked = choices.output === k + 1));
    this.relu.checked = choices.relu === 1;
  }

  showTable(sums) {
    const palette = readPalette(this.root);
    const products = this.data.rows.map((row) => productsOf(row, this.output));
    const full = Math.max(FULL, ...products.flat().map(Math.abs));
    const end = axisEnd(sums);
    this.lines.forEach(({ line, cells, bar, dropped, number }, i) => {
      line.classList.toggle("is-picked", i === this.choices.pupil);
      cells.forEach((cell, j) => {
        const { background, ink } = styleOfPixel(pixelOfShare(palette, products[i][j] / full));
        Object.assign(cell.style, { background, color: ink });
        cell.classList.toggle("is-off", this.output.weights[j] === 0);
      });
      const kept = this.given(sums[i]);
      stretch(bar, kept / end);
      stretch(dropped, kept === sums[i] ? 0 : sums[i] / end);
      number.textContent = short(kept);
    });
  }

  showMap(sums) {
    const end = axisEnd(sums.flat());
    const at = (number, axis) => MAP.size * (0.5 + (axis === 0 ? 0.5 : -0.5) * (number / end));
    const places = (change) => this.data.pupils.map((_, i) => sums.map((each, axis) => at(change(each[i]), axis)));
    const [starts, ends] = [places((sum) => sum), places((sum) => this.given(sum))];
    const taken = ends.map(([x, y]) => [x - DOT, x + DOT, y + DOT]);
    const { pupil } = this.choices;
    const picked = (i) => (i === pupil ? " is-picked" : "");
    const hasMoved = (i) => starts[i].some((place, axis) => place !== ends[i][axis]);
    const moves = this.data.pupils.flatMap((_, i) => (hasMoved(i) ? ghost(starts[i], ends[i]) : []));
    const dots = ends.map(([cx, cy], i) => makeSvg("circle", { cx, cy, r: DOT, class: `pupil${picked(i)}` }));
    const order = [pupil, ...this.data.pupils.keys()].filter((i, k) => k === 0 || i !== pupil); // its name first
    const names = order.flatMap((i) => label(this.data.pupils[i], hasMoved(i) ? starts[i] : ends[i], taken, picked(i)));
    this.dots.replaceChildren(...moves, ...dots, ...names);
    for (const [sign, texts] of [
      ["−", this.ends.low],
      ["", this.ends.high],
    ]) {
      texts.forEach((text) => (text.textContent = `${sign}${end}`));
    }
    this.map.setAttribute("aria-label", this.mapInWords(sums));
  }

  mapInWords(sums) {
    const places = this.data.pupils.map(
      (name, i) => `${name} ${sums.map((each) => short(this.given(each[i]))).join(", ")}`,
    );
    return `Map of the pupils: first output across, second output up. ${places.join("; ")}.`;
  }

  sentenceOf(sums) {
    const { pupil } = this.choices;
    const made = this.given(sums[pupil]) === sums[pupil] ? "" : ", and ReLU makes 0 of it";
    return `${this.data.pupils[pupil]}: ${sumInWords(this.data.rows[pupil], this.output)}${made}.`;
  }

  answerOf(sums) {
    const above = this.data.pupils.filter((_, i) => sums[i] > 0);
    const all = this.data.pupils.length;
    return above.length === all || above.length === 0
      ? `${above.length === all ? "All" : "None"} of the ${all} pupils are above zero.`
      : `Above zero, ${above.length} of ${all}: ${above.join(", ")}.`;
  }

  say() {
    this.live.textContent = `${this.answer.textContent} ${this.sentence.textContent}`;
  }

  // The form --------------------------------------------------------------------------------------------------------

  build() {
    const { data } = this;
    this.sliders = [...data.columns.map((name) => [name, LARGEST_WEIGHT, 0.05]), ["bias", LARGEST_BIAS, 0.5]].map(
      ([name, largest, step], j) => this.slider(name, j, largest, step),
    );
    this.lines = data.pupils.map((name, i) => this.line(name, i));
    const head = this.sliders.map(({ head: element }) => element);
    const table = make(
      "table",
      { class: "marks" },
      make("caption", { class: "for-screen-readers" }, "A slider for each weight, the marks, and each pupil's sum"),
      make("thead", {}, make("tr", {}, make("td"), ...head)),
      make(
        "tbody",
        {},
        this.lines.map(({ line }) => line),
      ),
    );
    this.radios = OUTPUTS.map((word, k) =>
      make("input", { type: "radio", name: "output", value: k + 1, onchange: () => this.choose({ output: k + 1 }) }),
    );
    this.relu = make("input", {
      type: "checkbox",
      name: "relu",
      onchange: () => this.choose({ relu: Number(this.relu.checked) }),
    });
    const choice = (control, ...words) => make("label", { class: "choice" }, control, make("span", {}, ...words));
    const outputs = this.radios.map((radio, k) => choice(radio, `${OUTPUTS[k]} output`, k === 0 ? " →" : " ↑"));
    const questions = data.questions.map(({ name, weights, bias }) =>
      make("button", { type: "button", onclick: () => this.ask(weights, bias) }, name),
    );
    this.sentence = make("p", { class: "sentence" });
    this.answer = make("p", { class: "answer" });
    this.live = make("p", { class: "for-screen-readers", "aria-live": "polite" });
    this.buildMap();
    const form = make(
      "form",
      { onsubmit: (event) => event.preventDefault() },
      make("div", { class: "buttons questions" }, questions),
      make("div", { class: "choices" }, outputs, choice(this.relu, "ReLU")),
      table,
    );
    this.root.replaceChildren(
      make("div", { class: "sides" }, form, make("div", {}, this.map, this.answer, this.sentence)),
      this.live,
    );
  }

  /** The head of a column: the weight, its slider, and the name. */
  slider(name, j, largest, step) {
    const isBias = j === SUBJECTS;
    const words = isBias ? "Bias" : `Weight of ${name}`;
    const text = make("output", { class: "weight" });
    const input = make("input", {
      type: "range",
      name: isBias ? "bias" : `weight${j}`,
      min: -largest,
      max: largest,
      step,
      "aria-label": words,
      oninput: () => this.move(j, Number(input.value)),
      onchange: () => this.say(),
      ondblclick: () => this.move(j, 0),
    });
    const title = make("span", { class: "name" }, name);
    const fader = make("div", { class: "fader" }, text, input, title);
    return { input, text, head: make("th", { scope: "col", class: isBias ? "bias" : false }, fader) };
  }

  line(name, i) {
    const pick = make("button", { type: "button", class: "pick", onclick: () => this.choose({ pupil: i }) }, name);
    const cells = this.data.rows[i].map((mark) => make("td", { class: "mark" }, mark.toFixed(1)));
    const [bar, dropped, number] = ["bar", "dropped", "number"].map((kind) => make("span", { class: kind }));
    const line = make(
      "tr",
      { onpointerdown: () => this.choose({ pupil: i }) },
      make("th", { scope: "row" }, pick),
      cells,
      make("td", {}, make("div", { class: "sum" }, make("span", { class: "track" }, bar, dropped), number)),
    );
    return { line, cells, bar, dropped, number };
  }

  buildMap() {
    const { size, margin } = MAP;
    const middle = size / 2;
    const text = (x, y, anchor, words, more = {}) => makeSvg("text", { x, y, "text-anchor": anchor, ...more }, words);
    this.ends = {
      low: [text(0, size + 16, "start", ""), text(-6, size, "end", "")],
      high: [text(size, size + 16, "end", ""), text(-6, 10, "end", "")],
    };
    const upright = { transform: `translate(-10 ${middle}) rotate(-90)` };
    this.dots = makeSvg("g", { class: "dots" });
    this.map = makeSvg(
      "svg",
      { viewBox: `${-margin} -8 ${size + margin + 12} ${size + margin}`, class: "pupils", role: "img" },
      makeSvg("rect", { x: 0, y: 0, width: size, height: size, class: "frame" }),
      makeSvg("rect", { x: middle, y: 0, width: middle, height: middle, class: "kept" }),
      makeSvg(
        "g",
        { class: "axes" },
        makeSvg("line", { x1: 0, x2: size, y1: middle, y2: middle }),
        makeSvg("line", { x1: middle, x2: middle, y1: 0, y2: size }),
        ...this.ends.low,
        ...this.ends.high,
        text(middle, size + 16, "middle", "first output"),
        text(0, 0, "middle", "second output", upright),
      ),
      this.dots,
    );
  }

  // What the reader does --------------------------------------------------------------------------------------------

  move(j, value) {
    if (j === SUBJECTS) {
      this.output.bias = value;
    } else {
      this.output.weights[j] = value;
    }
    this.show();
  }

  ask(weights, bias) {
    Object.assign(this.output, { weights: [...weights], bias });
    this.show();
    this.say();
  }

  choose(choice) {
    Object.assign(this.choices, choice);
    this.show();
    this.say();
  }
}

/** Draw a bar from the middle of its track: `share` is -1 to 1. */
function stretch(bar, share) {
  bar.style.width = `${50 * Math.abs(share)}%`;
  bar.style.left = `${50 + 50 * Math.min(0, share)}%`;
  bar.classList.toggle("is-below", share < 0);
  bar.hidden = share === 0;
}

/** Where a pupil was before ReLU, and the way from there. */
function ghost([x1, y1], [x2, y2]) {
  return [
    makeSvg("line", { x1, y1, x2, y2, class: "move" }),
    makeSvg("circle", { cx: x1, cy: y1, r: 4, class: "ghost" }),
  ];
}

/** A name right of its dot, or left of it, or above or below; nowhere if all four are taken. */
function label(name, [x, y], taken, className) {
  const { width, height } = LABEL;
  const spots = [
    { x: x + 9, y: y + 4, "text-anchor": "start", left: x + 9 },
    { x: x - 9, y: y + 4, "text-anchor": "end", left: x - 9 - width },
    { x, y: y - 9, "text-anchor": "middle", left: x - width / 2 },
    { x, y: y + 18, "text-anchor": "middle", left: x - width / 2 },
  ];
  const isFree = (spot) =>
    spot.left >= 0 &&
    spot.left + width <= MAP.size &&
    taken.every(
      ([from, to, foot]) => to <= spot.left || from >= spot.left + width || Math.abs(foot - spot.y) >= height,
    );
  const spot = spots.find(isFree) ?? (className === "" ? undefined : spots[2]); // the one picked bears its name
  if (spot === undefined) {
    return [];
  }
  const { left, ...attributes } = spot;
  taken.push([left, left + width, spot.y]);
  return [makeSvg("text", { ...attributes, class: `label${className}` }, name)];
}
