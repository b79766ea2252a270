// The landscape that a run goes through, on request: the loss on a plane through three of its states, and its way.
import { make } from "./dom.js";
import { counted, written } from "./numbers.js";
import { pixelOfBrightness } from "./palette.js";
import { farthestFromTheWay, Landscape, Plane, rangesAround } from "./plane.js";
import { makeSvg } from "./svg.js";

const GRID = 19; // places along a side
const EXAMPLES = 60; // of the digits that are learned from
const SIZE = 400;

export class Terrain {
  /** `count` is that of the weights. `ask()` gives the run, or null where there is nothing to draw; `wake()` is called when there is work to do. */
  constructor({ count, ask, wake }) {
    Object.assign(this, { count: counted(count), ask, wake, job: null, map: null });
    this.button = make(
      "button",
      { type: "button", class: "tracer-button", onclick: () => this.begin() },
      "Draw the landscape",
    );
    this.body = make("div", { class: "terrain-body", role: "status" });
    this.element = make(
      "section",
      { class: "terrain", "aria-label": "The landscape of the loss" },
      make("p", { class: "train-heading", role: "heading", "aria-level": 2 }, "The landscape that it went through"),
      make(
        "p",
        { class: "tracer-note" },
        `All weights together are one point, with ${this.count} directions to go. Three states of the run span a plane: ` +
          "this draws the loss on it.",
      ),
      this.button,
      this.body,
    );
  }

  /** Another run has begun. */
  forget() {
    [this.job, this.map, this.here] = [null, null, null];
    this.body.replaceChildren();
  }

  begin() {
    const asked = this.ask();
    if (asked === null) {
      this.forget();
      this.body.append(make("p", {}, "Train for three steps or more: three points span a plane."));
      return;
    }
    const { training, states, best } = asked;
    const [start, now] = [states[0], states.at(-1)];
    const third =
      best !== null && best.step !== start.step && best.step !== now.step ? best : farthestFromTheWay(states);
    const plane = new Plane(start.theta, now.theta, third.theta);
    const way = states.map((state) => ({ step: state.step, ...plane.project(state.theta) }));
    const { images, labels } = training.examples;
    const landscape = new Landscape({
      plane,
      ranges: rangesAround(way.map(({ place }) => place)),
      side: GRID,
      examples: { images: images.slice(0, EXAMPLES), labels: labels.slice(0, EXAMPLES) },
      networkOf: (theta) => training.networkOf({ theta }),
    });
    this.map = this.here = null;
    this.job = { landscape, way, now, third, isBest: third === best };
    this.progress = make("progress", { max: GRID * GRID, value: 0, "aria-label": "places of the plane" });
    this.body.replaceChildren(this.progress);
    this.wake();
  }

  /** Work out a little more; false when there is nothing left to do. */
  advance() {
    const { job } = this;
    if (job === null) {
      return false;
    }
    job.landscape.advance();
    if (job.landscape.seen === 0) {
      this.progress.value = job.landscape.losses.length;
    }
    if (job.landscape.isDone) {
      [this.map, this.job] = [job, null];
      this.draw();
    }
    return true;
  }

  /** Mark the state that the page shows. */
  mark(state) {
    this.state = state;
    if (this.here !== null) {
      const [cx, cy] = this.placeOfState(state);
      Object.entries({ cx, cy }).forEach(([name, value]) => this.here.setAttribute(name, value));
      const words = `The way of the run over the landscape of its loss; the page stands at step ${state.step}, the ring`;
      this.svg.setAttribute("aria-label", words);
    }
  }

  /** Draw what was worked out, in the colors of the page. */
  draw(palette = this.palette) {
    this.palette = palette;
    if (this.map === null) {
      return;
    }
    const { landscape, way, now, third, isBest } = this.map;
    const { losses, ranges } = landscape;
    const [least, most] = [Math.min(...losses), Math.max(...losses)];
    const depth = (loss) => Math.log(loss / least) / Math.log(most / least);
    const canvas = make("canvas", { width: GRID, height: GRID, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    const image = context.createImageData(GRID, GRID);
    const pixels = new Uint32Array(image.data.buffer);
    losses.forEach((loss, place) => (pixels[place] = pixelOfBrightness(palette.ink, 0.75 * depth(loss))));
    context.putImageData(image, 0, 0);
    const at = (place) =>
      place.map((part, axis) => {
        const [low, high] = ranges[axis];
        const share = (part - low) / (high - low);
        return Math.round(10 * ((axis === 0 ? share : 1 - share) * (SIZE - SIZE / GRID) + SIZE / GRID / 2)) / 10;
      });
    const points = way.map(({ place }) => at(place).join(",")).join(" ");
    const placeOf = (step) =>
      at(way.find((point) => point.step === step)?.place ?? landscape.plane.project(third.theta).place);
    const mark = (step, words) => {
      const [x, y] = placeOf(step);
      const isRight = x > SIZE / 2;
      const text = { x: x + (isRight ? -9 : 9), y: y - 7, "text-anchor": isRight ? "end" : "start" };
      return makeSvg("g", {}, makeSvg("circle", { cx: x, cy: y, r: 5 }), makeSvg("text", text, words));
    };
    const name = isBest ? `lowest test loss, step ${third.step}` : `step ${third.step}`;
    const svg = makeSvg(
      "svg",
      {
        viewBox: `0 0 ${SIZE} ${SIZE}`,
        role: "img",
      },
      makeSvg("polyline", { points }),
      mark(0, "start"),
      mark(third.step, name),
      mark(now.step, `last, step ${now.step}`),
      (this.here = makeSvg("circle", { r: 8, class: "terrain-here" })),
    );
    this.svg = svg;
    this.placeOfState = ({ theta }) => at(landscape.plane.project(theta).place);
    this.mark(this.state);
    const farthest = way.reduce((most_, point) => (point.distance > most_.distance ? point : most_));
    const whole = Math.hypot(...way.at(-1).place);
    this.body.replaceChildren(
      make("div", { class: "terrain-map" }, canvas, svg),
      make(
        "div",
        {},
        make(
          "p",
          {},
          `Dark is high: the loss over ${EXAMPLES} of the digits that it learns from goes from ${written(least, 2)} to ` +
            `${written(most, 2)} here, drawn on a logarithmic scale. The ring is the step that the page shows.`,
        ),
        make(
          "p",
          {},
          `What such a plane hides: it shows two directions of ${this.count}. The line is the shadow of the way, which leaves ` +
            `the plane: at step ${farthest.step} it is ${written(farthest.distance, 2)} away from it, while start and last lie ` +
            `${written(whole, 2)} apart. A wall or a valley that you see here may not stand in the way elsewhere.`,
        ),
      ),
    );
  }
}
