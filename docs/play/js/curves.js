// Two plots of runs against the epochs: the loss, and the share of test digits that are read right.
import { makeSvg } from "./svg.js";

const [WIDTH, HEIGHT] = [420, 204];
const INNER = { x: 44, y: 22, width: WIDTH - 54, height: HEIGHT - 58 };
const BINS = 160; // of the losses of single batches, over the plot
const CHANCE = Math.log(10); // the loss of ten equal probabilities

/**
 * A run as it is drawn: {losses, perEpoch, evaluations: [{epoch, loss, share}]}; the batch of step k is drawn at
 * k / perEpoch.
 */
export class Curves {
  constructor() {
    this.loss = new Plot("loss", [0, 1, 2, 3], (value) => value / 3);
    this.share = new Plot(
      "test digits read right",
      [0, 0.25, 0.5, 0.75, 1],
      (value) => value,
      (tick) => `${100 * tick} %`,
    );
    this.element = makeGroup([this.loss.svg, this.share.svg]);
  }

  /** Draw the run, the one before it or null, and where in the run the reader stands: an epoch. */
  draw(run, before, epoch) {
    const runs = [...(before ? [{ ...before, kind: "kept" }] : []), { ...run, kind: "now" }];
    const last = Math.max(1, ...runs.map(lastEpoch));
    this.loss.draw(runs, last, epoch, {
      fine: (each) => binned(each, last),
      bold: (each) => each.evaluations.map(({ epoch: at, loss }) => [at, loss]),
      guide: CHANCE,
    });
    this.share.draw(runs, last, epoch, {
      fine: () => [],
      bold: (each) => each.evaluations.map(({ epoch: at, share }) => [at, share]),
      guide: 0.1,
    });
    const { losses, evaluations } = run;
    const of = evaluations.at(-1);
    const words = of ? `The test digits: loss ${of.loss.toFixed(2)}, ${Math.round(100 * of.share)} % read right.` : "";
    this.loss.svg.setAttribute("aria-label", `Loss against epochs, ${losses.length} steps. ${words}`);
    this.share.svg.setAttribute("aria-label", `Share of test digits read right against epochs. ${words}`);
  }
}

const lastEpoch = ({ losses, perEpoch, evaluations }) =>
  Math.max(losses.length / perEpoch, evaluations.at(-1)?.epoch ?? 0);

function makeGroup(parts) {
  const element = document.createElement("div");
  element.className = "curves";
  element.append(...parts);
  return element;
}

/** The means of equal parts, each at its middle; they are as wide for every run of a plot. */
function binned({ losses, perEpoch }, last) {
  const size = Math.max(1, (last * perEpoch) / BINS);
  const start = (bin) => Math.round(bin * size);
  return Array.from({ length: Math.ceil((losses.length - 0.5) / size) }, (_, bin) => {
    const part = losses.slice(start(bin), start(bin + 1));
    return [(bin + 0.5) * (size / perEpoch), part.reduce((sum, loss) => sum + loss, 0) / part.length];
  });
}

class Plot {
  constructor(name, ticks, shareOf, textOf = String) {
    Object.assign(this, { shareOf, lines: makeSvg("g"), across: makeSvg("g", { class: "axes" }) });
    const { x, y, width, height } = INNER;
    const marks = ticks.map((tick) => {
      const level = this.y(tick);
      return makeSvg(
        "g",
        {},
        makeSvg("line", { x1: x - 4, x2: x, y1: level, y2: level }),
        makeSvg("text", { x: x - 7, y: level + 4, "text-anchor": "end" }, textOf(tick)),
      );
    });
    this.svg = makeSvg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" },
      makeSvg("rect", { x, y, width, height, class: "frame" }),
      makeSvg("g", { class: "axes" }, ...marks, makeSvg("text", { x, y: y - 8, class: "curves-name" }, name)),
      this.across,
      this.lines,
    );
  }

  y(value) {
    return INNER.y + INNER.height * (1 - Math.max(0, Math.min(1, this.shareOf(value))));
  }

  draw(runs, last, epoch, { fine, bold, guide }) {
    const { x, y, width, height } = INNER;
    const at = (epochs) => x + (width * epochs) / last;
    const points = (pairs) => pairs.map(([e, value]) => `${at(e).toFixed(1)},${this.y(value).toFixed(1)}`).join(" ");
    const gap = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => last / each <= 6) ?? last;
    const ticks = Array.from({ length: Math.floor(last / gap) + 1 }, (_, k) => k * gap);
    this.across.replaceChildren(
      ...ticks.map((tick) =>
        makeSvg("text", { x: at(tick), y: y + height + 15, "text-anchor": "middle" }, String(tick)),
      ),
      makeSvg("text", { x: x + width / 2, y: HEIGHT - 3, "text-anchor": "middle" }, "epochs"),
    );
    const level = this.y(guide);
    this.lines.replaceChildren(
      makeSvg("line", { x1: x, x2: x + width, y1: level, y2: level, class: "curves-guide" }),
      ...runs.map((run) => makeSvg("polyline", { points: points(fine(run)), class: `curves-fine ${run.kind}` })),
      ...runs.map((run) => makeSvg("polyline", { points: points(bold(run)), class: run.kind })),
      makeSvg("line", { x1: at(epoch), x2: at(epoch), y1: y, y2: y + height, class: "curves-here" }),
    );
  }
}
