// A perceptron as circles and lines: the outputs in the circles, what is being asked in color.
import { brief } from "./brief.js";
import { makeSvg } from "./svg.js";

const WIDTH = 340;
const HEIGHT = 250;
const RADIUS = 21;

/** Where the unit k of layer l stands. */
function placeOf(sizes, [l, k]) {
  const x = RADIUS + 8 + ((l - 1) / (sizes.length - 1)) * (WIDTH - 2 * RADIUS - 16);
  const gap = Math.min(78, HEIGHT / sizes[l - 1]);
  return [x, HEIGHT / 2 + (k - (sizes[l - 1] - 1) / 2) * gap];
}

/**
 * Draw a pass (of questions.js). `known` tells which outputs [layer, unit] are written, `question` what is asked.
 */
export function perceptronDrawing(pass, known, question, label) {
  const sizes = pass.o.slice(1).map((outputs) => outputs.length);
  const isRead = ([l, k]) => question?.units.some(([layer, unit]) => layer === l && unit === k);
  const isAsked = ([l, k]) => question?.unit !== null && question?.unit[0] === l && question.unit[1] === k;
  const lines = [];
  const circles = [];
  for (let l = 1; l <= sizes.length; l++) {
    for (let k = 0; k < sizes[l - 1]; k++) {
      if (l > 1) {
        pass.o[l - 1].forEach((_, p) => lines.push(line(pass, sizes, l - 1, p, k, isLit(question, l - 1, p, k))));
      }
      const [cx, cy] = placeOf(sizes, [l, k]);
      const state = isAsked([l, k]) ? "asked" : isRead([l, k]) ? "read" : "";
      circles.push(makeSvg("circle", { cx, cy, r: RADIUS, class: state }));
      const text = known([l, k]) ? pass.o[l][k].toFixed(3).replace("-", "\u2212") : "?";
      circles.push(makeSvg("text", { x: cx, y: cy + 4, "text-anchor": "middle" }, text));
    }
  }
  const labels = lines.flatMap(([, text]) => text);
  return makeSvg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "perceptron" },
    ...lines.map(([drawn]) => drawn),
    ...circles,
    ...labels,
  );
}

/** Whether the question reads the weight from unit p of layer l to unit k. */
function isLit(question, l, p, k) {
  if (question === null) {
    return false;
  }
  if (question.edge !== null) {
    return question.edge[0] === l && question.edge[1] === p && question.edge[2] === k;
  }
  const ends = [
    [l, p],
    [l + 1, k],
  ];
  const isUnit = ([layer, unit], [otherLayer, otherUnit]) => layer === otherLayer && unit === otherUnit;
  const [from, to] = ends;
  const reads = (end) => question.units.some((unit) => isUnit(unit, end));
  const asks = (end) => question.unit !== null && isUnit(question.unit, end);
  return (reads(from) && asks(to)) || (asks(from) && reads(to));
}

function line(pass, sizes, l, p, k, isOn) {
  const [x1, y1] = placeOf(sizes, [l, p]);
  const [x2, y2] = placeOf(sizes, [l + 1, k]);
  const weight = pass.w[l][k][p];
  const drawn = makeSvg("line", {
    ...{ x1, y1, x2, y2 },
    class: isOn ? "lit" : weight < 0 ? "negative" : "positive",
    "stroke-width": 0.8 + Math.min(Math.abs(weight), 2),
  });
  if (!isOn) {
    return [drawn, []];
  }
  const share = 0.5 + 0.16 * ((p % 3) - 1); // labels of neighboring lines stand apart
  const at = { x: x1 + share * (x2 - x1), y: y1 + share * (y2 - y1) + 4, "text-anchor": "middle", class: "weight" };
  return [drawn, [makeSvg("text", at, brief(weight))]];
}
