// A perceptron as circles and lines: the outputs in the circles, what is being asked in color.
import { brief } from "./brief.js";
import { makeSvg } from "./svg.js";

const WIDTH = 440;
const HEIGHT = 320;
const RADIUS = 26;

/** Where the unit k of layer l stands. */
function placeOf(sizes, [l, k]) {
  const x = RADIUS + 8 + ((l - 1) / (sizes.length - 1)) * (WIDTH - 2 * RADIUS - 16);
  const gap = Math.min(104, HEIGHT / sizes[l - 1]);
  return [x, HEIGHT / 2 + (k - (sizes[l - 1] - 1) / 2) * gap];
}

/**
 * Draw a pass (of questions.js). `known` tells which outputs [layer, unit] are written, `question` what is asked, and
 * `found` are the questions that are answered: the errors that they gave stand under the units, gradients on the lines.
 */
export function perceptronDrawing(pass, { known, question, found }, label) {
  const sizes = pass.o.slice(1).map((outputs) => outputs.length);
  const isRead = ([l, k]) => question?.units.some(([layer, unit]) => layer === l && unit === k);
  const isAsked = ([l, k]) => question?.unit !== null && question?.unit[0] === l && question.unit[1] === k;
  const lines = [];
  const circles = [];
  for (let l = 1; l <= sizes.length; l++) {
    for (let k = 0; k < sizes[l - 1]; k++) {
      if (l > 1) {
        pass.o[l - 1].forEach((_, p) => lines.push(line(pass, sizes, [l - 1, p, k], { question, found })));
      }
      const [cx, cy] = placeOf(sizes, [l, k]);
      const state = isAsked([l, k]) ? "asked" : isRead([l, k]) ? "read" : "";
      circles.push(makeSvg("circle", { cx, cy, r: RADIUS, class: state }));
      const text = known([l, k]) ? pass.o[l][k].toFixed(3).replace("-", "\u2212") : "?";
      circles.push(makeSvg("text", { x: cx, y: cy + 4, "text-anchor": "middle" }, text));
      if (question?.readsBias && isAsked([l, k])) {
        const bias = { x: cx, y: cy - RADIUS - 7, "text-anchor": "middle", class: "weight bias" };
        circles.push(makeSvg("text", bias, `bias ${brief(pass.b[l - 1][k])}`));
      }
      const error = found.find(({ symbol, unit }) => symbol.startsWith("∂R/∂o") && unit[0] === l && unit[1] === k);
      if (error !== undefined) {
        circles.push(foundNumber(cx, cy + RADIUS + 14, error.value, "error"));
      }
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
    return false; // of a gradient: the weight itself is no factor
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

const isEdge = ({ edge }, place) => edge !== null && edge.every((part, axis) => part === place[axis]);

/** A weight as a line, with what is known of it: the weight where it enters the product, or its gradient. */
function line(pass, sizes, place, { question, found }) {
  const [l, p, k] = place;
  const [x1, y1] = placeOf(sizes, [l, p]);
  const [x2, y2] = placeOf(sizes, [l + 1, k]);
  const weight = pass.w[l][k][p];
  const isAsked = question !== null && isEdge(question, place);
  const isOn = isLit(question, l, p, k);
  const drawn = makeSvg("line", {
    ...{ x1, y1, x2, y2 },
    class: isAsked ? "asked" : isOn ? "lit" : weight < 0 ? "negative" : "positive",
    "stroke-width": 0.8 + Math.min(Math.abs(weight), 2),
  });
  const share = 0.5 + 0.16 * ((p % 3) - 1); // labels of neighboring lines stand apart
  const [x, y] = [x1 + share * (x2 - x1), y1 + share * (y2 - y1) + 4];
  const gradient = found.find((each) => isEdge(each, place));
  if (isAsked) {
    return [drawn, [makeSvg("text", { x, y, "text-anchor": "middle", class: "weight" }, "?")]];
  }
  if (isOn) {
    return [drawn, [makeSvg("text", { x, y, "text-anchor": "middle", class: "weight" }, brief(weight))]];
  }
  return [drawn, gradient === undefined ? [] : [foundNumber(x, y, gradient.value, "gradient")]];
}

/** A gradient or an error with three decimals, or with two digits where these would be zeros. */
function foundNumber(x, y, value, kind) {
  const text = Math.abs(value) < 0.01 ? brief(Number(value.toPrecision(2))) : value.toFixed(3).replace("-", "\u2212");
  return makeSvg("text", { x, y, "text-anchor": "middle", class: `found ${kind}` }, text);
}
