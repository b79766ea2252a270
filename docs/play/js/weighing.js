// The dense layer of lesson 1.1: what each mark contributes to a pupil's sum, and what ReLU leaves of it.
import { linearForward } from "./linear.js";
import { tensor } from "./tensor.js";

const SCALES = [1, 2, 5];

/** The sum of every row: b + sum over j of w[j] x[j]. */
export function weightedSums(rows, { weights, bias }) {
  const [weight, constant] = [tensor([1, weights.length], weights), tensor([1], [bias])];
  return rows.map((row) => linearForward(tensor([row.length], row), weight, constant).data[0]);
}

/** The products w[j] x[j] of a row. */
export function productsOf(row, { weights }) {
  return row.map((mark, j) => weights[j] * mark);
}

/** The end of an axis from zero that holds all the numbers: 1, 2, 5, 10, 20 ... */
export function axisEnd(numbers) {
  const largest = Math.max(1, ...numbers.map(Math.abs));
  const power = 10 ** Math.floor(Math.log10(largest));
  return power * ([...SCALES, 10].find((scale) => scale * power >= largest * (1 - 1e-9)) ?? 10);
}

/** A number with at most so many decimals, and a true minus. */
export function short(number, decimals = 2) {
  const rounded = Number(number.toFixed(decimals));
  return String(rounded === 0 ? 0 : rounded).replace("-", "−");
}

/** The sum of a row as it is computed, without the terms that count zero times: 0.5 × 12 − 1 × 8 + 3 = 1. */
export function sumInWords(row, output) {
  const used = output.weights.map((weight, j) => [weight, row[j]]).filter(([weight]) => weight !== 0);
  const terms = used.map(([weight, mark]) => [weight < 0, `${short(Math.abs(weight), 3)} × ${short(mark)}`]);
  if (output.bias !== 0 || terms.length === 0) {
    terms.push([output.bias < 0, short(Math.abs(output.bias))]);
  }
  const signed = terms.map(([isBelow, text], k) => (k === 0 ? "" : " ") + sign(isBelow, k) + text);
  return `${signed.join("")} = ${short(weightedSums([row], output)[0])}`;
}

function sign(isBelow, place) {
  return place === 0 ? (isBelow ? "−" : "") : isBelow ? "− " : "+ ";
}
