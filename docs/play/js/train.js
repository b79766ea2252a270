// Train in the page: a network learns digits while its reader watches, and every number of the run can be opened.
import { Address, decimal, oneOf, readAddress, whole } from "./address.js";
import { Board } from "./canvas.js";
import { SIDE } from "./centring.js";
import { Curves } from "./curves.js";
import { makeTools, Samples } from "./desk.js";
import { fetchDigits } from "./digits.js";
import { make } from "./dom.js";
import { Evaluation } from "./evaluation.js";
import { Film } from "./film.js";
import { Filters } from "./filters.js";
import { Gradients } from "./gradients.js";
import { decode } from "./network.js";
import { counted, percent, written } from "./numbers.js";
import { readPalette, watchTheme } from "./palette.js";
import { breathe, Slices } from "./slices.js";
import { Slider } from "./slider.js";
import { tell } from "./telling.js";
import { decodeTensor, tensor } from "./tensor.js";
import { Terrain } from "./terrain.js";
import { initialWeights, partsOf, Training, withWeights } from "./training.js";
import { Update } from "./update.js";
import { Viewer } from "./viewer.js";
import { Wall } from "./wall.js";

const SEEDS = [0, 1, 2, 3, 4];
const BATCHES = ["1", "5", "10", "20", "50", "200", "all"];
const STEP_SIZES = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
const METHODS = {
  adam: { name: "Adam", rate: 0.005 },
  momentum: { name: "momentum", rate: 0.05 },
  plain: { name: "plain descent", rate: 0.2 },
};
const DEFAULTS = { seed: 0, batch: "20", rule: "adam", rate: METHODS.adam.rate };
const [OFTEN, SELDOM] = [200, 1000]; // ms between two drawings of a run; the second where motion is not wanted
const SPOKEN = 10_000; // ms between two sentences of a run for who does not see it
const [SOONEST, LATEST] = [500, 4000]; // digits to learn from between two looks at the test digits

/** What the address may say of the run and the digit, as in #seed=3&rule=plain&rate=0.1. */
export const TRAIN_KEYS = {
  seed: whole(0, 999_999),
  batch: oneOf(...BATCHES),
  rule: oneOf(...Object.keys(METHODS)),
  rate: decimal(1e-6, 100),
  digit: whole(0, 9),
};

/** Build the page in its root, part by part: all of it at once would be a long task. */
export async function main(root, data) {
  root.setAttribute("aria-busy", "true");
  const page = new TrainPage(data, new URL("train-data.js", document.currentScript.src).href);
  await breathe();
  page.makeBoard();
  await breathe();
  page.build();
  root.replaceChildren(page.element);
  /** The page for programs: of the step that is shown the weights in one line, its number, and the share of test digits that are read right, null until they are read. */
  window.glassbox = {
    weights: () => Array.from(page.shownState.theta),
    step: () => page.shownState.step,
    share: () => (page.evaluation?.step === page.shownState.step ? page.evaluation.share : null),
  };
  await page.begin("embed" in root.dataset);
  root.removeAttribute("aria-busy");
}

class TrainPage {
  constructor(data, address) {
    Object.assign(this, { data, address, network: decode(data.network), digits: null, run: null, before: null });
    const samples = decodeTensor(data.samples).data;
    this.samples = data.labels.map((_, number) => samples.slice(number * SIDE * SIDE, (number + 1) * SIDE * SIDE));
    this.settings = { ...DEFAULTS };
    this.parts = partsOf(this.network);
    this.isTraining = this.isSingle = false;
    this.shown = null; // the number of a frame; null is where the run stands
    this.known = null; // {digit, label} of the last digit that was not drawn
    this.weight = { what: "weight", layer: 0, index: [0, 0, 0, 0] }; // the last one that was open
    this.drawnAt = 0;
    this.slices = new Slices(() => this.work());
  }

  // What stands on the page ------------------------------------------------------------------------------------------

  build() {
    const button = (text, kind, act) =>
      make("button", { type: "button", class: `tracer-button ${kind}`, onclick: act }, text);
    this.trainButton = button("Train", "is-main", () => this.toggle());
    this.stepButton = button("One step", "", () => this.stepOnce());
    this.resetButton = button("Reset", "", () => this.reset());
    this.figures = make("p", { class: "train-figures" });
    this.slider = new Slider({ go: (number) => this.goTo(number) });
    this.status = make("p", { class: "tracer-status", role: "status" });
    this.telling = make("p", { class: "train-telling" });
    this.wall = new Wall({ count: this.data.counts.heldOut, pick: (number) => this.pickHeldOut(number) });
    this.curves = new Curves();
    this.legend = make("p", { class: "train-legend" });
    this.wrongButton = button("Next one that it misreads", "", () => this.pickHeldOut(this.wall.nextWrong()));
    this.filters = new Filters({ network: this.network, pick: (place) => this.openWeight(place) });
    this.gradients = new Gradients({
      network: this.network,
      parts: this.parts,
      pickOwn: (place) => this.openSlope(place),
      pickMean: (place) => this.openMean(place),
    });
    this.update = new Update({
      open: (example, place) => this.openGradient(example, place),
      wake: () => this.slices.wake(),
      found: () => this.showGradients(),
    });
    this.terrain = new Terrain({
      count: this.countOfWeights,
      ask: () => this.statesOfRun(),
      wake: () => this.slices.wake(),
    });
    this.confusion = make("div", { class: "table-wrapper", tabindex: "0", role: "region", "aria-label": "Confusions" });
    this.element = make(
      "div",
      { class: "train" },
      make(
        "div",
        { class: "train-head" },
        make("div", { class: "train-buttons" }, this.trainButton, this.stepButton, this.resetButton),
        this.figures,
        this.slider.element,
      ),
      this.makeForm(),
      make(
        "div",
        { class: "train-watch" },
        make(
          "figure",
          { class: "train-wall" },
          make("figcaption", {}, this.wordsOfWall()),
          this.wall.element,
          this.wrongButton,
        ),
        make("div", { class: "play-form train-told" }, this.telling, this.curves.element, this.legend),
      ),
      this.makeHeading("What the network does with one digit"),
      this.viewer.element,
      this.makeHeading("Every weight that it learns"),
      make("p", { class: "tracer-note" }, this.wordsOfWeights()),
      this.filters.element,
      this.gradients.element,
      this.update.element,
      this.terrain.element,
      make(
        "details",
        { class: "train-confusion" },
        make("summary", {}, "Which digit it takes for which"),
        this.confusion,
      ),
      this.status,
    );
    watchTheme(() => {
      this.palette = null;
      this.board.recolor();
      this.desk.show();
      this.show();
      this.terrain.draw(this.palette);
    });
  }

  makeHeading(text) {
    return make("p", { class: "train-heading", role: "heading", "aria-level": 2 }, text);
  }

  makeBoard() {
    this.board = new Board({
      changed: () => (this.boardFrame ??= requestAnimationFrame(() => this.readBoard())),
      begun: () => (this.known = null),
      told: (words) => (this.status.textContent = words),
    });
    const { labels } = this.data;
    this.desk = new Samples({ digits: this.samples, labels, choose: (number) => this.choose(number) });
    this.viewer = new Viewer({
      network: this.network,
      begin: make("div", {}, this.board.element, makeTools(this.board)),
      beneath: this.desk.element,
      changed: () => this.showUpdate(),
    });
  }

  makeForm() {
    const field = (name, label, options) => {
      const change = () =>
        this.change({ [name]: name === "seed" || name === "rate" ? Number(select.value) : select.value });
      const select = make("select", { name, onchange: change }, options);
      return make("label", {}, make("span", {}, label), select);
    };
    const options = (values) => values.map((value) => make("option", { value }, String(value)));
    const rules = Object.entries(METHODS).map(([value, { name }]) => make("option", { value }, name));
    this.form = make(
      "form",
      { class: "controls train-form", onsubmit: (event) => event.preventDefault() },
      field("rule", "Method", rules),
      field("rate", "Step size", options(STEP_SIZES)),
      field("batch", "Digits in a batch", options(BATCHES)),
      field("seed", "Seed", options(SEEDS)),
    );
    this.formNote = make("p", { class: "train-note", role: "status" }, "A change begins a new run at step 0.");
    return make("div", { class: "play-form" }, this.form, this.formNote);
  }

  /** Write the settings into the form; one that an address gave may be none of those offered. */
  fillForm() {
    for (const [name, value] of Object.entries(this.settings)) {
      const select = this.form.elements[name];
      if (![...select.options].some((option) => option.value === String(value))) {
        select.append(make("option", { value }, String(value)));
      }
      select.value = value;
    }
  }

  wordsOfWall() {
    const { source, counts } = this.data;
    return `${counts.heldOut} digits that it never learns from (${source}). Those that it misreads are inverted.`;
  }

  get countOfWeights() {
    return this.parts.at(-1).end;
  }

  wordsOfWeights() {
    const count = counted(this.countOfWeights);
    return (
      `${count} numbers, biases included, and nothing else. Orange is positive, blue negative, each layer on a scale ` +
      "of its own. Pick any of them to see its next step written out."
    );
  }

  /** Show what the address says, or a first digit, part by part. */
  async begin(isEmbedded) {
    const { viewer } = this;
    const readers = { ...TRAIN_KEYS, ...viewer.readers() };
    const { digit = Math.max(0, this.data.labels.indexOf(7)), ...found } = isEmbedded ? {} : readAddress(readers);
    await breathe();
    this.settings = this.settingsOf(found);
    this.desk.show();
    this.newRun();
    await breathe();
    viewer.isHeld = true;
    this.choose(digit);
    await breathe();
    viewer.isHeld = false;
    viewer.show();
    if (isEmbedded) {
      return;
    }
    if (Object.keys(viewer.readers()).some((key) => key in found)) {
      await breathe();
      viewer.restore(found);
    }
    viewer.address = new Address({
      readers,
      element: this.element.parentElement,
      describe: () => ({ ...this.settings, ...(this.sample >= 0 && { digit: this.sample }), ...viewer.state() }),
      restore: (said) => this.restore(said),
      note: () => viewer.note(),
      travel: (note) => viewer.travel(note),
    });
    viewer.address.resume();
  }

  /** The settings that an address says; those that it leaves out stay as they are. */
  settingsOf({ seed, batch, rule, rate }) {
    const given = Object.entries({ seed, batch, rule, rate }).filter(([, value]) => value !== undefined);
    const usual = rule !== undefined && rate === undefined ? { rate: METHODS[rule].rate } : {};
    return { ...this.settings, ...usual, ...Object.fromEntries(given) };
  }

  restore({ digit, ...address }) {
    const settings = this.settingsOf(address);
    if (Object.keys(settings).some((name) => settings[name] !== this.settings[name])) {
      this.settings = settings;
      this.newRun();
    }
    if (digit !== undefined) {
      this.choose(digit);
    }
    this.viewer.restore(address);
  }

  // The run ----------------------------------------------------------------------------------------------------------

  /** Begin again; what was learned before stays on the plots. */
  newRun() {
    const { run } = this;
    if (run !== null && run.training !== null && run.training.losses.length > 0) {
      this.before = { ...run.drawn(), words: run.words };
    }
    this.pause();
    this.run = this.makeRun();
    this.shown = null;
    this.wall.reads = null;
    this.terrain.forget();
    this.fillForm();
    this.show();
    this.slices.wake();
  }

  makeRun() {
    const { digits, network, settings } = this;
    const words = wordsOfSettings(settings);
    if (digits === null) {
      const state = { step: 0, theta: initialWeights(network, settings.seed) };
      return { training: null, state, evaluations: [], words };
    }
    const { labels } = digits.training;
    const batchSize = settings.batch === "all" ? labels.length : Number(settings.batch);
    const { seed, rule, rate } = settings;
    return new RunOfPage(
      new Training(network, digits.training, { seed, rule, rate, batchSize }),
      digits.heldOut,
      words,
    );
  }

  change(change) {
    const method = METHODS[change.rule];
    const usual = method ? { rate: method.rate } : {};
    this.settings = { ...this.settings, ...usual, ...change };
    this.newRun();
    const name = method?.name.replace(/^./, (letter) => letter.toUpperCase());
    const words = method ? `${name} takes its usual step size, ${method.rate}. ` : "";
    this.formNote.textContent = `${words}A new run begins at step 0.`;
    this.viewer.address?.changed();
  }

  reset() {
    this.newRun();
    this.status.textContent = "The run begins again, from the same random weights.";
  }

  async toggle() {
    if (this.isTraining) {
      this.pause();
      this.show();
      this.say();
    } else if (await this.getDigits()) {
      this.start();
    }
  }

  async stepOnce() {
    this.pause();
    if (await this.getDigits()) {
      this.isSingle = true;
      this.start();
    }
  }

  start() {
    if (this.run.training.hasDiverged) {
      this.pause();
      this.show();
      this.say();
      return;
    }
    this.shown = null;
    this.isTraining = true;
    this.spokenAt = performance.now();
    this.trainButton.textContent = this.isSingle ? "Train" : "Pause";
    this.slices.wake();
  }

  pause() {
    this.isTraining = this.isSingle = false;
    this.trainButton.textContent = "Train";
  }

  /** Fetch the digits, once; false where they do not come. */
  async getDigits() {
    if (this.digits !== null) {
      return true;
    }
    this.trainButton.disabled = this.stepButton.disabled = true;
    this.figures.textContent = `Fetching ${this.data.counts.training + this.data.counts.heldOut} digits …`;
    try {
      this.digits = await fetchDigits(this.address);
      this.wall.hang(this.digits.heldOut);
      await breathe();
      this.newRun();
    } catch (error) {
      this.figures.textContent = `${error.message}.`;
    }
    this.trainButton.disabled = this.stepButton.disabled = false;
    return this.digits !== null;
  }

  /** Do a little: look at a test digit, learn from one, or write out a step. False when all is done. */
  work() {
    const { run } = this;
    if (run.training === null) {
      return false;
    }
    if (run.look(this.shownState, !this.isTraining)) {
      if (run.hasLooked) {
        this.later();
      }
      return true;
    }
    if (!this.isTraining) {
      return this.update.advance() || this.terrain.advance();
    }
    if (run.training.advance()) {
      run.film.take(run.training.state);
      if (run.training.hasDiverged || this.isSingle) {
        this.pause();
        this.show();
        this.say();
      } else {
        this.later();
      }
    }
    return true;
  }

  /** What a landscape is drawn from: the run, its states, and that with the lowest loss of the test digits. */
  statesOfRun() {
    const { training, film, evaluations } = this.run;
    this.pause();
    this.show();
    if (training === null || training.state.step < 3) {
      return null;
    }
    const states = film.frames.at(-1) === training.state ? film.frames : [...film.frames, training.state];
    const lowest = evaluations.reduce((best, each) => (each.loss < best.loss ? each : best));
    return { training, states, best: lowest.state };
  }

  get shownState() {
    const { run, shown } = this;
    return shown === null ? (run.training?.state ?? run.state) : run.film.frames[shown];
  }

  /** Go to a frame of the film; past the last of them is where the run stands. */
  goTo(number) {
    this.pause();
    const { frames } = this.run.film ?? { frames: [] };
    this.shown = number < frames.length && frames[number] !== this.run.training.state ? number : null;
    this.show();
    this.slices.wake();
  }

  // One digit --------------------------------------------------------------------------------------------------------

  /** Which of the ten test images the board shows, or -1. */
  get sample() {
    return this.isKnown ? this.samples.indexOf(this.known.digit) : -1;
  }

  /** Whether the board shows the last digit that the page put there. */
  get isKnown() {
    return this.known !== null && this.board.isSample && this.board.drawing.digit === this.known.digit;
  }

  choose(number) {
    this.present(this.samples[number], this.data.labels[number]);
    this.viewer.address?.changed();
  }

  /** Put a digit on the board whose class is known. */
  present(digit, label) {
    this.wall.mark(null);
    this.known = { digit, label };
    this.board.start(digit);
    this.readBoard();
  }

  pickHeldOut(number) {
    if (number !== null) {
      const { images, labels } = this.digits.heldOut;
      this.present(images[number].data, labels[number]);
      this.wall.mark(number);
      const read = this.viewer.readClass;
      const share = percent(this.viewer.shownOutputs()[read]);
      this.status.textContent = `Test digit ${number}, a ${labels[number]}: it reads ${read}, with probability ${share}.`;
    }
  }

  readBoard() {
    cancelAnimationFrame(this.boardFrame);
    this.boardFrame = null;
    this.board.show();
    if (!this.isKnown) {
      this.wall.mark(null);
    }
    this.viewer.read(tensor([1, SIDE, SIDE], this.board.pixels()), this.isKnown ? this.known.label : null);
    this.viewer.address?.changed();
  }

  openWeight(place) {
    this.pause();
    this.show();
    this.viewer.open(place, { keepFocus: true });
    this.update.title.scrollIntoView();
  }

  /** Open the gradient of one digit of the batch for a weight, as the sum that made it. */
  openGradient(example, place) {
    const { images, labels } = this.digits.training;
    this.present(images[example].data, labels[example]);
    this.openSlope(place);
  }

  /** Open the gradient of the digit on the board for a weight. */
  openSlope(place) {
    this.viewer.direction = "backward";
    this.viewer.open(place);
  }

  /** Open the mean gradient of the batch for a weight: the gradients of its digits, and what the step makes of them. */
  openMean(place) {
    this.openWeight(place);
  }

  // What is shown ----------------------------------------------------------------------------------------------------

  /** Draw soon, in two frames: neither may take long, and each costs a layout of the page. */
  later() {
    const gap = matchMedia("(prefers-reduced-motion: reduce)").matches ? SELDOM : OFTEN;
    if (this.isTraining && performance.now() - this.drawnAt < gap) {
      return;
    }
    if (this.drawing) {
      this.isStale = true;
      return;
    }
    [this.drawing, this.isStale] = [true, false];
    const finish = () => {
      this.showWall();
      this.showRun();
      [this.drawing, this.drawnAt] = [false, performance.now()];
      if (this.isTraining && performance.now() - this.spokenAt > SPOKEN) {
        this.say();
      }
      if (this.isStale) {
        this.later();
      }
    };
    requestAnimationFrame(() => {
      this.showNetwork();
      requestAnimationFrame(finish);
    });
  }

  show() {
    this.showNetwork();
    this.showWall();
    this.showRun();
  }

  showNetwork() {
    this.palette ??= readPalette(this.element);
    this.terrain.palette = this.palette;
    const { theta } = this.shownState;
    const network = withWeights(this.network, this.parts, theta);
    if (theta !== this.theta) {
      this.theta = theta;
      this.viewer.use(network);
    }
    this.filters.draw((layer) => network.layers[layer].weight.data, this.palette);
    this.showUpdate();
  }

  showUpdate() {
    const { place } = this.viewer;
    if (place !== null && (place.what === "weight" || place.what === "bias")) {
      this.weight = place;
    }
    this.update.show(this.run.training, this.shownState, this.isTraining ? null : this.weight);
    this.filters.mark(this.isTraining ? null : this.weight);
    this.terrain.mark(this.shownState);
    this.showGradients();
  }

  showGradients() {
    const { run, viewer, update, shownState } = this;
    const { training } = run;
    if (training === null || this.isTraining || !viewer.slopes) {
      this.gradients.show(null);
      return;
    }
    const digit = { name: viewer.classes[viewer.target], slopes: viewer.slopes.weight };
    this.gradients.show(shownState.step + 1, digit, update.gradient, this.palette);
  }

  /** The evaluation of what is shown, or the last one before it. */
  get evaluation() {
    return this.run.evaluations.findLast(({ step }) => step <= this.shownState.step) ?? null;
  }

  showWall() {
    this.palette ??= readPalette(this.element);
    const { evaluation } = this;
    this.wall.draw(evaluation?.reads ?? null, this.palette);
    this.wrongButton.disabled = evaluation === null;
    this.showConfusion(evaluation);
  }

  showConfusion(evaluation) {
    const { confusion } = this;
    if (evaluation === null || evaluation === this.confused) {
      confusion.hidden = evaluation === null;
      return;
    }
    this.confused = evaluation;
    confusion.hidden = false;
    const names = this.viewer.classes;
    const head = (scope, text) => make("th", { scope }, text);
    const rows = evaluation.confusion.map((reads, label) => {
      const all = Math.max(
        1,
        reads.reduce((sum, count) => sum + count, 0),
      );
      const cells = Array.from(reads, (count, read) =>
        make(
          "td",
          { class: read === label ? "is-right" : "", style: `--share: ${Math.round((30 * count) / all)}%` },
          String(count),
        ),
      );
      return make("tr", {}, head("row", `a ${names[label]}`), cells);
    });
    const caption = "Rows: what the digit is. Columns: what is read.";
    confusion.replaceChildren(
      make(
        "table",
        {},
        make("caption", {}, caption),
        make(
          "thead",
          {},
          make(
            "tr",
            {},
            make("td"),
            names.map((name) => head("col", name)),
          ),
        ),
        make("tbody", {}, rows),
      ),
    );
  }

  showRun() {
    const { run, shownState, evaluation } = this;
    const { training } = run;
    this.figures.replaceChildren(...this.wordsOfFigures());
    const frames = run.film?.frames ?? [];
    const isKept = training === null || frames.at(-1) === training.state;
    const last = Math.max(0, isKept ? frames.length - 1 : frames.length);
    const spoken = `step ${shownState.step}`;
    this.slider.show({ number: this.shown ?? last, last, words: this.shown === null ? "now" : spoken, spoken });
    const past = run.evaluations.filter(({ step }) => step <= shownState.step);
    this.telling.textContent =
      evaluation === null
        ? `Press Train: a network of random weights learns from ${this.data.counts.training} digits, here, in your browser.`
        : tell({ settings: this.settings, hasDiverged: training.hasDiverged && this.shown === null }, past);
    if (training !== null) {
      this.curves.draw(run.drawn(), this.before, shownState.step / training.stepsPerEpoch);
    } else {
      this.curves.draw({ losses: [], perEpoch: 1, evaluations: [] }, this.before, 0);
    }
    const lines = `Thick: the ${this.data.counts.heldOut} test digits. Thin: the batches. Dotted: chance.`;
    const legend = [make("span", {}, lines), make("span", { class: "now" }, run.words)];
    if (this.before !== null) {
      const forget = () => {
        this.before = null;
        this.showRun();
      };
      const button = make("button", { type: "button", class: "tracer-toggle", onclick: forget }, "forget it");
      legend.push(make("span", { class: "kept" }, `before: ${this.before.words} `, button));
    }
    this.legend.replaceChildren(...legend);
  }

  /** Step, epoch, loss and test digits, in words. */
  wordsOfFigures() {
    const { training } = this.run;
    const { step } = this.shownState;
    const { evaluation } = this;
    const epoch = training === null ? 0 : step / training.stepsPerEpoch;
    const loss = training?.losses[step - 1] ?? evaluation?.loss;
    const count = this.data.counts.heldOut;
    const strong = (text) => make("strong", {}, text);
    return [
      make("span", {}, "step ", strong(counted(step))),
      make("span", {}, "epoch ", strong(epoch.toFixed(1))),
      make("span", {}, "loss ", strong(loss === undefined ? "–" : written(loss, 3))),
      make(
        "span",
        {},
        strong(evaluation === null ? "–" : `${Math.round(100 * evaluation.share)} %`),
        ` of ${count} test digits`,
      ),
    ].flatMap((part, k) => (k === 0 ? [part] : [" ", part]));
  }

  say() {
    this.spokenAt = performance.now();
    this.status.textContent = this.wordsOfFigures()
      .map((part) => part.textContent ?? part)
      .join("");
  }
}

/** A run, the film of it, and what it made of the test digits at some of its steps. */
class RunOfPage {
  constructor(training, heldOut, words) {
    Object.assign(this, { training, heldOut, words, film: new Film(), evaluations: [], pending: null, due: 0 });
    this.film.take(training.state);
  }

  /**
   * Look at the next test digit where it is time for it: in a run after so many digits, at rest (`isAtRest`) at the state
   * that is shown. False where it is not.
   */
  look(state, isAtRest) {
    this.hasLooked = false;
    if (this.pending === null) {
      const isDue = this.training.learned >= this.due;
      const isKnown = this.evaluations.some(({ step }) => step === state.step);
      if (isAtRest ? isKnown : !isDue) {
        return false;
      }
      if (isDue) {
        this.due = this.training.learned + Math.max(SOONEST, Math.min(LATEST, this.training.learned / 3));
      }
      this.pending = new Evaluation(this.training.networkOf(state), this.heldOut);
      Object.assign(this.pending, { state, step: state.step });
    }
    this.pending.advance();
    if (this.pending.isDone) {
      const { pending } = this;
      this.evaluations = [...this.evaluations.filter(({ step }) => step !== pending.step), pending];
      this.evaluations.sort((a, b) => a.step - b.step);
      [this.pending, this.hasLooked] = [null, true];
    }
    return true;
  }

  /** What the plots draw. */
  drawn() {
    const perEpoch = this.training.stepsPerEpoch;
    const evaluations = this.evaluations.map(({ step, loss, share }) => ({ epoch: step / perEpoch, loss, share }));
    return { losses: this.training.losses, perEpoch, evaluations };
  }
}

function wordsOfSettings({ seed, batch, rule, rate }) {
  const digits = batch === "all" ? "all digits at once" : `batches of ${batch}`;
  return `${METHODS[rule].name}, step size ${rate}, ${digits}, seed ${seed}`;
}
