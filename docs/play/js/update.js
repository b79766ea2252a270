// The next step of a run, written out for one weight: the gradient of each digit of the batch, their mean, and what the
// optimizer makes of it.
import { make, makeNumber } from "./dom.js";
import { written } from "./numbers.js";
import { codeOfPlace } from "./places.js";
import { lengthOf } from "./plane.js";
import { addGradient, BETA1, BETA2, MOMENTUM, MOVE, placeInLine } from "./training.js";

const SHOWN_AT_FIRST = 10; // digits of a batch
const NOTE =
  "Pick any other weight in the pictures above. A digit's gradient opens into the sum that made it, with the digit.";

export class Update {
  /**
   * `open(example)` is called when the reader opens the gradient of one digit, `wake()` when there is work to do,
   * `found()` when the gradient of the batch is: `gradient`, {mean, length, count}, the mean of so many for all weights
   * in one line, and how long one of them is on average.
   */
  constructor({ open, wake, found }) {
    Object.assign(this, { open, wake, found, job: null, shown: null, gradient: null });
    this.title = make("p", { class: "train-heading", role: "heading", "aria-level": 2 });
    this.body = make("div", {});
    this.element = make(
      "section",
      { class: "update", "aria-label": "The next step, written out" },
      this.title,
      this.body,
    );
  }

  /** Write out the step that follows a state of a run, for the weight at a place; null while the run goes on. */
  show(training, state, place) {
    const isReady = training !== null && place !== null;
    const key = isReady ? `${place.what} ${place.layer} ${place.index}` : `no weight, ${training === null}`;
    if (key === this.shown?.key && (!isReady || (training === this.shown.training && state === this.shown.state))) {
      return;
    }
    if (training !== this.shown?.training || state !== this.shown.state) {
      this.gradient = null;
    }
    [this.shown, this.job] = [{ key, training, state }, null];
    if (!isReady) {
      const words =
        training === null
          ? "Once a run has begun, each of its steps can be written out here, number by number."
          : "Pause, or go back in the run, and the step that follows is written out here for one weight.";
      this.title.textContent = "A step, written out";
      this.body.replaceChildren(make("p", { class: "tracer-note" }, words));
      return;
    }
    const network = training.networkOf(state);
    const batch = training.batchOf(state.step);
    const at = placeInLine(training.parts, place);
    const sum = new Float64Array(state.theta.length);
    this.job = { training, state, place, network, batch, at, sum, length: 0, gradients: [] };
    this.title.textContent = `Step ${state.step + 1}, written out for ${codeOfPlace(network, place)}`;
    this.body.replaceChildren(
      make("progress", { max: batch.length, value: 0, "aria-label": "gradients of the batch" }),
    );
    this.wake();
  }

  /** Work out the gradient of the next digit; false when there is nothing left to do. */
  advance() {
    const { job } = this;
    if (job === null || job.gradients.length === job.batch.length) {
      return false;
    }
    const { batch, sum, gradients, training } = job;
    const { images, labels } = training.examples;
    const example = batch[gradients.length];
    const own = new Float64Array(sum.length);
    addGradient(job.network, training.parts, images[example], labels[example], own);
    own.forEach((slope, k) => (sum[k] += slope));
    gradients.push(own[job.at]);
    job.length += lengthOf(own);
    if (gradients.length === batch.length) {
      const count = batch.length;
      this.gradient = { mean: sum.map((total) => total / count), length: job.length / count, count };
      this.write(SHOWN_AT_FIRST);
      this.found();
    } else if (gradients.length % 50 === 0) {
      this.body.firstChild.value = gradients.length;
    }
    return true;
  }

  write(most) {
    const { training, place, batch, gradients } = this.job;
    const { labels } = training.examples;
    const n = gradients.length;
    const mean = gradients.reduce((sum, gradient) => sum + gradient, 0) / n;
    const shown = n > most + 2 ? most : n;
    const rows = gradients.slice(0, shown).map((gradient, k) => {
      const example = batch[k];
      const name = `digit ${example}, a ${labels[example]}`;
      const button = make("button", { type: "button", onclick: () => this.open(example, place) }, name);
      return row(button, gradient);
    });
    if (shown < n) {
      const rest = gradients.slice(shown).reduce((sum, gradient) => sum + gradient, 0);
      const button = make("button", { type: "button", onclick: () => this.write(Infinity) }, `${n - shown} more`);
      rows.push(row(button, rest));
    }
    const sum = mean * n;
    const table = make(
      "table",
      { class: "formula-sum" },
      make("caption", {}, `What each of the ${n} digits of the batch says: its gradient of the loss`),
      make("tbody", {}, rows),
      make(
        "tfoot",
        {},
        row("sum", sum),
        make("tr", { class: "formula-result" }, ...cells(`mean g, the sum / ${n}`, mean)),
      ),
    );
    const focused = this.body.contains(document.activeElement);
    this.body.replaceChildren(
      make("p", { class: "tracer-note" }, NOTE),
      make("div", { class: "update-parts" }, make("div", { class: "update-gradients" }, table), this.writeMove(mean)),
    );
    if (focused) {
      this.body.querySelector("button").focus({ preventScroll: true });
    }
  }

  /** The optimizer's equations, in numbers. */
  writeMove(g) {
    const { training, state, place, at } = this.job;
    const { rule, rate } = training.settings;
    const [theta, memory, step] = [state.theta[at], { m: state.m?.[at], v: state.v?.[at] }, state.step + 1];
    const moved = MOVE[rule](g, theta, memory, { rate, step });
    const code = codeOfPlace(training.network, place);
    return make(
      "div",
      { class: "update-move" },
      make("p", {}, WORDS_OF_RULE[rule]),
      make("dl", {}, LINES[rule]({ g, theta, rate, step, ...memory, moved })),
      make(
        "p",
        { class: "update-result" },
        make("code", {}, code),
        ` goes from ${written(theta)} to `,
        makeNumber(written(moved.theta), moved.theta),
        `, by ${written(moved.theta - theta, 5)}.`,
      ),
    );
  }
}

function row(name, number) {
  return make("tr", {}, ...cells(name, number));
}

function cells(name, number) {
  return [make("th", { scope: "row" }, name), make("td", {}, makeNumber(written(number, 6), number))];
}

const WORDS_OF_RULE = {
  plain: "Plain descent subtracts the step size times the mean gradient.",
  momentum: "Momentum adds the gradient to what it kept of the earlier ones, and subtracts the step size times that.",
  adam:
    "Adam keeps a running mean m of the gradient and a running mean v of its square, corrects both for their start at " +
    "zero, and divides: at first a weight moves by about the step size, however small its gradient, unless that is zero.",
};

const line = (left, formula, value) => [
  make("dt", {}, left),
  make("dd", {}, formula === "" ? "" : `${formula} = `, makeNumber(written(value, 6), value)),
];
const n6 = (value) => written(value, 6);

/** Each line: what it is, the formula in numbers, the number. */
const LINES = {
  plain: ({ g, theta, rate, moved }) => [line("θ − λ g", `${n6(theta)} − ${rate} · ${n6(g)}`, moved.theta)],
  momentum: ({ g, m, theta, rate, moved }) => [
    line("b = μ b + g", `${MOMENTUM} · ${n6(m)} + ${n6(g)}`, moved.m),
    line("θ − λ b", `${n6(theta)} − ${rate} · ${n6(moved.m)}`, moved.theta),
  ],
  adam: ({ g, m, v, theta, rate, step, moved }) => {
    const [whole, square] = [moved.m / (1 - BETA1 ** step), moved.v / (1 - BETA2 ** step)];
    return [
      line("m = β₁ m + (1 − β₁) g", `${BETA1} · ${n6(m)} + ${n6(1 - BETA1)} · ${n6(g)}`, moved.m),
      line("v = β₂ v + (1 − β₂) g²", `${BETA2} · ${n6(v)} + ${n6(1 - BETA2)} · ${n6(g * g)}`, moved.v),
      line("m̂ = m / (1 − β₁ᵗ)", `t = ${step}: ${n6(moved.m)} / ${n6(1 - BETA1 ** step)}`, whole),
      line("v̂ = v / (1 − β₂ᵗ)", `${n6(moved.v)} / ${n6(1 - BETA2 ** step)}`, square),
      line(
        "θ − λ m̂ / (√v̂ + 10⁻⁸)",
        `${n6(theta)} − ${rate} · ${n6(whole)} / (${n6(Math.sqrt(square))} + 10⁻⁸)`,
        moved.theta,
      ),
    ];
  },
};
