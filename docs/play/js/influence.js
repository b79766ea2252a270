// Two things to do with the gradient of the input: climb it until the network reads another digit, and ask which pixels
// the answer hangs on, beside what is lost where a part of the image is covered.
import { make } from "./dom.js";
import { backward, forward, probabilities } from "./network.js";
import { percent, written } from "./numbers.js";
import { layOut, Pictures } from "./pictures.js";
import { seededRandom } from "./random.js";
import { climb, cornersOf, lossOfCover, meanOfCovers } from "./saliency.js";
import { tensor } from "./tensor.js";

const COVER = 4; // pixels along a side
const DRAWS = 20; // of signs at random
const SLICE = 8; // ms of work between two frames

export class Influence {
  /** `use(pixels)` puts an image in place of the drawing. */
  constructor({ viewer, use }) {
    Object.assign(this, { viewer, use, shown: [], run: 0 });
    const button = (text, act) => make("button", { type: "button", class: "tracer-button", onclick: act }, text);
    const options = viewer.classes.map((name, k) => make("option", { value: k, selected: k === 9 }, name));
    this.aim = make("select", {}, options);
    this.climbed = make("div", { class: "influence-found", role: "status" });
    this.covered = make("div", { class: "influence-found", role: "status" });
    this.buttons = [button("Make it so", () => this.climb()), button("Which pixels mattered?", () => this.cover())];
    this.element = make(
      "section",
      { class: "influence", "aria-label": "Two things to do with a gradient" },
      make("p", { class: "influence-title", role: "heading", "aria-level": 2 }, "Two things to do with a gradient"),
      make(
        "div",
        { class: "influence-half" },
        make(
          "div",
          { class: "tracer-controls" },
          make("label", { class: "tracer-field" }, "Make it a ", this.aim),
          this.buttons[0],
        ),
        this.climbed,
      ),
      make(
        "div",
        { class: "influence-half" },
        make("div", { class: "tracer-controls" }, this.buttons[1]),
        this.covered,
      ),
    );
  }

  /** Another input or other weights: what was found no longer holds. */
  forget() {
    this.run += 1;
    this.shown = [];
    this.climbed.replaceChildren();
    this.covered.replaceChildren();
    this.buttons.forEach((button) => (button.disabled = this.viewer.isBlank));
  }

  /** Draw the pictures again in the colors of the page. */
  draw() {
    this.shown.forEach(({ pictures, values, scale, tone }) => pictures.draw(values, scale, this.viewer.palette, tone));
  }

  picture(values, caption, { scale = 1, tone = null } = {}) {
    const pictures = new Pictures(layOut(this.viewer.input.shape), "aspect-ratio: 1");
    this.shown.push({ pictures, values, scale, tone });
    const image = make("div", { role: "img", "aria-label": caption }, pictures.parts[0].block);
    return make("figure", {}, image, make("figcaption", {}, caption));
  }

  // Make it a 9

  climb() {
    const { viewer } = this;
    const { network, input } = viewer;
    const target = Number(this.aim.value);
    const [read, name] = [viewer.classes[viewer.readClass], viewer.classes[target]];
    if (viewer.readClass === target) {
      this.climbed.replaceChildren(make("p", {}, `It reads ${name} already: choose another digit.`));
      return;
    }
    const { inputs, shares } = climb(network, input, target);
    const after = tensor(input.shape, inputs.at(-1).data.map(stepOfGray)); // as an address can say it
    const share = probabilities(forward(network, after)).data[target];
    const moved = after.data.map((x, place) => x - input.data[place]);
    const most = largest(moved);
    const answer = (image) => {
      const { data } = probabilities(forward(network, image));
      const best = data.indexOf(Math.max(...data));
      return `reads ${viewer.classes[best]}, ${percent(data[best])}`;
    };
    const steps = inputs.length - 1;
    const hasCome = share > 0.5;
    const how = hasCome ? `The ${read} became a ${name}` : `The ${read} did not become a ${name}`;
    const words = [
      `${how} in ${steps} ${steps === 1 ? "step" : "steps"} up the gradient: ` +
        `its probability went from ${percent(shares[0])} to ${percent(share)}.`,
      `No pixel moved by more than ${written(most, 2)} of the way from paper to ink; ` +
        `on average it was ${written(mean(moved), 3)}.`,
      this.whySoLittle(moved, target),
    ];
    this.climbed.replaceChildren(
      make(
        "div",
        { class: "influence-row" },
        this.picture(input.data, `before: ${answer(input)}`, { tone: "ink" }),
        this.picture(after.data, `after: ${answer(after)}`, { tone: "ink" }),
        this.picture(moved, `difference, up to ±${written(most, 2)}`, { scale: most }),
      ),
      ...words.map((text) => make("p", {}, text)),
      make(
        "button",
        { type: "button", class: "tracer-button", onclick: () => this.use(after.data) },
        "Open this one above",
      ),
    );
    this.draw();
  }

  /** What the changes did to the gap between two scores, beside the same changes with random signs. */
  whySoLittle(moved, target) {
    const { network, input, readClass, classes } = this.viewer;
    const gap = (data) => {
      const scores = forward(network, tensor(input.shape, data)).values.at(-1).data;
      return scores[target] - scores[readClass];
    };
    const before = gap(input.data);
    const after = gap(input.data.map((x, k) => x + moved[k]));
    const random = seededRandom(1);
    const aimless = Array.from({ length: DRAWS }, () => {
      return gap(input.data.map((x, place) => x + (random() < 0.5 ? -1 : 1) * moved[place])) - before;
    });
    const count = moved.filter((change) => Math.abs(change) > 1 / 255).length;
    return (
      `Why so little is enough: ${count} pixels moved, each by the sign and size of its own gradient, and what they do ` +
      `adds up. Together they moved the score of ${classes[target]} over that of ${classes[readClass]} by ` +
      `${written(after - before, 1)}. The same changes with signs drawn at random, ${DRAWS} times, move it by ` +
      `${written(aimless.reduce((sum, change) => sum + change, 0) / DRAWS, 1)} on average, and by ` +
      `${written(Math.max(...aimless), 1)} at most.`
    );
  }

  // Which pixels mattered

  /** Cover each square in turn, a few between two frames. */
  cover() {
    const { network, input, readClass } = this.viewer;
    this.run += 1;
    const run = this.run;
    const corners = cornersOf(input.shape, COVER);
    const losses = [];
    const progress = make("progress", { max: corners.length, value: 0, "aria-label": "squares covered" });
    this.covered.replaceChildren(progress);
    const work = () => {
      if (run !== this.run) {
        return;
      }
      for (const end = performance.now() + SLICE; losses.length < corners.length && performance.now() < end;) {
        losses.push(lossOfCover(network, input, readClass, corners[losses.length], COVER));
      }
      progress.value = losses.length;
      if (losses.length < corners.length) {
        requestAnimationFrame(work);
      } else {
        this.showCover(corners, losses);
      }
    };
    work();
  }

  showCover(corners, losses) {
    const { run, input, readClass, classes } = this.viewer;
    const [name, share] = [classes[readClass], probabilities(run).data[readClass]];
    const map = meanOfCovers(input.shape, COVER, losses).data;
    const gradient = backward(run, readClass).values[0].data.map((slope) => (slope === 0 ? 0 : -slope));
    const worst = losses.indexOf(Math.max(...losses));
    const [top, left] = corners[worst];
    const words =
      losses[worst] < 0.005
        ? `No cover of ${COVER} × ${COVER} pixels takes more than ${percent(Math.max(0, losses[worst]))} from the ${name}: ` +
          "no small part decides alone."
        : `Covering rows ${top} to ${top + COVER - 1}, columns ${left} to ${left + COVER - 1} with paper costs the ${name} ` +
          `most: its probability falls from ${percent(share)} to ${percent(share - losses[worst])}.`;
    this.covered.replaceChildren(
      make(
        "div",
        { class: "influence-row" },
        this.picture(input.data, `the image: reads ${name}`, { tone: "ink" }),
        this.picture(map, `lost under a pixel's covers, on average: up to ${written(largest(map), 2)}`, {
          scale: largest(map),
        }),
        this.picture(gradient, `gradient of log p, up to ±${written(largest(gradient), 2)}`, {
          scale: largest(gradient),
        }),
      ),
      make("p", {}, words),
      make(
        "p",
        {},
        "The two maps answer different questions. A cover takes away what is there; the gradient says what a little more " +
          "ink would do at each pixel, also where there is only paper.",
      ),
    );
    this.draw();
  }
}

const stepOfGray = (x) => Math.round(255 * x) / 255;
const largest = (numbers) => numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
const mean = (numbers) => numbers.reduce((sum, number) => sum + Math.abs(number), 0) / numbers.length;
