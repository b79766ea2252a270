// Two drawings of a descent: its path on the contours of the risk, and its risk against the iterations.
import { brief } from "./brief.js";
import { riskSlice } from "./risk.js";
import { makeSvg } from "./svg.js";

const MAP_SIZE = 400;
const MAP_MARGIN = { left: 46, bottom: 40, top: 8, right: 8 };
const CURVE = { width: 400, height: 190 };
const LABEL = 30; // pixels that the number on a contour needs
const MOST_CORNERS = 1500; // of a drawn path

/** Round numbers that divide [low, high] into about `count` parts. */
export function axisTicks(low, high, count = 4) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const gap = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / gap - 1e-9);
  const last = Math.floor(high / gap + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * gap).toPrecision(12)));
}

/** A square around the points, with the same scale along both axes. */
export function squareAround(points) {
  const sides = [0, 1].map((axis) => points.map((point) => point[axis]));
  const centers = sides.map((side) => (Math.min(...side) + Math.max(...side)) / 2);
  const spread = Math.max(...sides.map((side) => Math.max(...side) - Math.min(...side)));
  const half = 0.75 * spread || 0.5;
  return centers.map((center) => [center - half, center + half]);
}

/** Heights of the contours above the lowest point of the slice: four times the start's, then down by halves. */
export function contourHeights(slice, top) {
  return Array.from({ length: 10 }, (_, k) => (4 * (top - slice.lowest)) / 2 ** k).filter((height) => height > 0);
}

/** The map over two weights: the contours of a slice of the risk, and the paths of descents. */
export class RiskMap {
  constructor() {
    const { left, bottom, top, right } = MAP_MARGIN;
    this.inner = { x: left, y: top, width: MAP_SIZE - left - right, height: MAP_SIZE - top - bottom };
    const clip = makeSvg("clipPath", { id: "risk-map-clip" }, makeSvg("rect", this.inner));
    this.frame = makeSvg("rect", { ...this.inner, class: "frame" });
    this.axes = makeSvg("g", { class: "axes" });
    this.contours = makeSvg("g", { class: "contours", "clip-path": "url(#risk-map-clip)" });
    this.paths = makeSvg("g", { class: "paths", "clip-path": "url(#risk-map-clip)" });
    this.svg = makeSvg(
      "svg",
      { viewBox: `0 0 ${MAP_SIZE} ${MAP_SIZE}`, class: "risk-map" },
      makeSvg("defs", {}, clip),
      this.frame,
      this.contours,
      this.axes,
      this.paths,
    );
  }

  /** Show this square of weights, [[low, high], [low, high]]. */
  look(square, names) {
    this.square = square;
    const { x, y, width, height } = this.inner;
    const marks = [];
    for (const tick of axisTicks(...square[0])) {
      const [across] = this.place([tick, square[1][0]]);
      marks.push(makeSvg("line", { x1: across, x2: across, y1: y + height, y2: y + height + 4 }));
      marks.push(makeSvg("text", { x: across, y: y + height + 16, "text-anchor": "middle" }, brief(tick)));
    }
    for (const tick of axisTicks(...square[1])) {
      const [, down] = this.place([square[0][0], tick]);
      marks.push(makeSvg("line", { x1: x - 4, x2: x, y1: down, y2: down }));
      marks.push(makeSvg("text", { x: x - 7, y: down + 4, "text-anchor": "end" }, brief(tick)));
    }
    const middle = [x + width / 2, y + height / 2];
    marks.push(makeSvg("text", { x: middle[0], y: MAP_SIZE - 6, "text-anchor": "middle" }, names[0]));
    const upright = { x: 0, y: 0, "text-anchor": "middle", transform: `translate(12 ${middle[1]}) rotate(-90)` };
    marks.push(makeSvg("text", upright, names[1]));
    this.axes.replaceChildren(...marks);
  }

  /** Pixels of a pair of weights. */
  place([first, second]) {
    const { x, y, width, height } = this.inner;
    const [[left, right], [low, high]] = this.square;
    return [x + ((first - left) / (right - left)) * width, y + ((high - second) / (high - low)) * height];
  }

  /** The pair of weights under a pointer, or null outside of the map. */
  pairAt(event) {
    const box = this.svg.getBoundingClientRect();
    const { x, y, width, height } = this.inner;
    const [[left, right], [low, high]] = this.square;
    const across = ((event.clientX - box.left) / box.width) * MAP_SIZE;
    const down = ((event.clientY - box.top) / box.height) * MAP_SIZE;
    if (across < x || across > x + width || down < y || down > y + height) {
      return null;
    }
    return [left + ((across - x) / width) * (right - left), high - ((down - y) / height) * (high - low)];
  }

  /** Draw runs {points, className}, seen over a pair of weights, and the slice of the risk at some weights. */
  draw(runs, pair, weights, data, top) {
    const slice = riskSlice(weights, data, ...pair);
    const heights = contourHeights(slice, top);
    const ellipses = heights.map((height) => this.ellipse(slice, height));
    this.contours.replaceChildren(...ellipses, ...this.labels(slice, heights));
    this.paths.replaceChildren(...runs.flatMap((run) => this.path(run, pair)));
  }

  ellipse({ center, curvatures, directions }, height) {
    const scale = this.inner.width / (this.square[0][1] - this.square[0][0]);
    const [x, y] = this.place(center);
    // The axis of screens points down: angles turn the other way.
    const angle = (-Math.atan2(directions[0][1], directions[0][0]) * 180) / Math.PI;
    const [rx, ry] = curvatures.map((curvature) => Math.min(scale * Math.sqrt((2 * height) / curvature), 1e5));
    return makeSvg("ellipse", { rx, ry, transform: `translate(${x} ${y}) rotate(${angle})` });
  }

  /** The risk of the contours, each on its line where it has room. */
  labels({ center, lowest, curvatures, directions }, heights) {
    const { x, y, width, height: tall } = this.inner;
    const taken = [];
    const labels = heights.flatMap((height) => {
      const radii = curvatures.map((curvature) => Math.sqrt((2 * height) / curvature));
      const spots = Array.from({ length: 48 }, (_, k) => {
        const along = [Math.cos((k * Math.PI) / 24) * radii[0], Math.sin((k * Math.PI) / 24) * radii[1]];
        return this.place(
          center.map((from, axis) => from + along[0] * directions[0][axis] + along[1] * directions[1][axis]),
        );
      });
      const hasRoom = ([across, down]) =>
        Math.abs(across - x - width / 2) < width / 2 - LABEL &&
        Math.abs(down - y - tall / 2) < tall / 2 - 10 &&
        taken.every(([u, v]) => Math.abs(across - u) > 2 * LABEL || Math.abs(down - v) > LABEL);
      const spot = spots.find(hasRoom);
      if (spot === undefined) {
        return [];
      }
      taken.push(spot);
      const text = brief(Number((lowest + height).toPrecision(2)));
      return [makeSvg("text", { x: spot[0], y: spot[1] + 4, "text-anchor": "middle", class: "height" }, text)];
    });
    return labels;
  }

  path({ points, className }, pair) {
    const every = Math.ceil(points.length / MOST_CORNERS);
    const shown = points.filter((_, k) => k % every === 0 || k === points.length - 1);
    const places = shown.map((weights) => this.place(pair.map((j) => weights[j])).map(clipped));
    const line = makeSvg("polyline", { points: places.map((place) => place.join(",")).join(" "), class: className });
    const few = points.length <= 60;
    const dots = few ? places.map(([cx, cy]) => makeSvg("circle", { cx, cy, r: 2.5, class: className })) : [];
    const [sx, sy] = places[0];
    const start = makeSvg("rect", { x: sx - 5, y: sy - 5, width: 10, height: 10, class: `start ${className}` });
    const [cx, cy] = places.at(-1);
    return [line, ...dots, start, makeSvg("circle", { cx, cy, r: 6, class: `now ${className}` })];
  }
}

function clipped(pixel) {
  return Math.max(-4000, Math.min(4000, Math.round(pixel * 10) / 10));
}

/**
 * Risk against iterations, on a logarithmic axis: the risks of a run stand at `first`, then every `unit`. `draw` takes
 * runs {risks, className}, the risk to reach, and for how many risks there is to be room.
 */
export class RiskCurve {
  constructor({ label = "iteration", first = 1, unit = 1 } = {}) {
    Object.assign(this, { label, first, unit });
    this.svg = makeSvg("svg", { viewBox: `0 0 ${CURVE.width} ${CURVE.height}`, class: "risk-curve" });
  }

  draw(runs, goal, room = 10) {
    const { first, unit } = this;
    const { left, bottom, top, right } = MAP_MARGIN;
    const inner = { x: left, y: top, width: CURVE.width - left - right, height: CURVE.height - top - bottom };
    const risks = runs.flatMap((run) => run.risks).filter((risk) => risk > 0);
    const high = Math.ceil(Math.log10(Math.max(...risks, goal)));
    const low = Math.max(Math.floor(Math.log10(Math.min(...risks, goal))), high - 12);
    const last = first + unit * (Math.max(room, ...runs.map((run) => run.risks.length)) - 1);
    const across = (iteration) => inner.x + ((iteration - first) / (last - first)) * inner.width;
    const down = (risk) => {
      const share = (high - Math.log10(Math.max(risk, 1e-300))) / (high - low);
      return inner.y + Math.min(share, 1) * inner.height;
    };
    const marks = [makeSvg("rect", { ...inner, class: "frame" })];
    const gap = Math.ceil((high - low) / 4);
    for (let power = high; power >= low; power -= gap) {
      const y = down(10 ** power);
      marks.push(makeSvg("line", { x1: inner.x - 4, x2: inner.x, y1: y, y2: y }));
      marks.push(makeSvg("text", { x: inner.x - 7, y: y + 4, "text-anchor": "end" }, powerOfTen(power)));
    }
    for (const tick of axisTicks(first, last).filter((each) => each >= first)) {
      const x = across(tick);
      const y = inner.y + inner.height;
      marks.push(makeSvg("line", { x1: x, x2: x, y1: y, y2: y + 4 }));
      marks.push(makeSvg("text", { x, y: y + 16, "text-anchor": "middle" }, brief(tick)));
    }
    const middle = inner.x + inner.width / 2;
    marks.push(makeSvg("text", { x: middle, y: CURVE.height - 6, "text-anchor": "middle" }, this.label));
    marks.push(
      makeSvg("line", { class: "goal", x1: inner.x, x2: inner.x + inner.width, y1: down(goal), y2: down(goal) }),
    );
    const lines = runs.map(({ risks: each, className }) => {
      const every = Math.ceil(each.length / MOST_CORNERS);
      const shown = each.map((risk, k) => [k, risk]).filter(([k]) => k % every === 0 || k === each.length - 1);
      const points = shown
        .map(([k, risk]) => `${across(first + unit * k).toFixed(1)},${down(risk).toFixed(1)}`)
        .join(" ");
      return makeSvg("polyline", { points, class: className });
    });
    this.svg.replaceChildren(makeSvg("g", { class: "axes" }, ...marks), ...lines);
  }
}

function powerOfTen(power) {
  return power >= -3 && power <= 3 ? String(Number((10 ** power).toPrecision(1))) : brief(10 ** power);
}
