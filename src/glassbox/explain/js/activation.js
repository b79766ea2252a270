// Activations: what a layer does to each number on its own, and the softmax that makes probabilities of scores.
import { factor, powers, term } from "./explanation.js";
import { map, ravel, tensor, wholeOf } from "./tensor.js";

/** y = f(x), number by number. `derivative` gives dy/dx as named factors, from x and y. */
function elementwise(rule, f, derivative) {
  const slopeOf = (x, y) => derivative(x, y).reduce((product, [, value]) => product * value, 1);
  return {
    forward: (layer, input) => map(input, f),
    backward: (layer, { input, output, slope }) => {
      const data = slope.data.map((d, place) => d * slopeOf(input.data[place], output.data[place]));
      return { input: tensor(input.shape, data) };
    },
    reach: (layer, box) => box,
    explain: (layer, { input }, index) => {
      const x = input.data[ravel(index, input.shape)];
      const alone = term([factor("x", x, "input", index)], rule === "relu" ? x > 0 : undefined);
      return { rule, constant: null, terms: [alone] };
    },
    explainSlope: {
      value: (layer, { input, output, slope }, index) => {
        const place = ravel(index, input.shape);
        const local = derivative(input.data[place], output.data[place]).map(([symbol, value]) => factor(symbol, value));
        const arrived = factor("∂L/∂y", slope.data[place], "slope", index);
        return { rule: "sum", constant: null, terms: [term([...local, arrived])] };
      },
    },
  };
}

/** max(0, x); its derivative at 0 is 0. */
export const ReLU = elementwise(
  "relu",
  (x) => (x < 0 ? 0 : x), // NaN stays NaN
  (x) => [["ReLU′", x > 0 ? 1 : 0]],
);

/** 1 / (1 + e^-x); dy/dx = y (1 - y). */
export const Sigmoid = elementwise(
  "sigmoid",
  (x) => 1 / (1 + Math.exp(-x)),
  (x, y) => [
    ["y", y],
    ["1 − y", 1 - y],
  ],
);

/** (e^x - e^-x) / (e^x + e^-x); dy/dx = 1 - y². */
export const Tanh = elementwise("tanh", Math.tanh, (x, y) => [["1 − y²", 1 - y * y]]);

/** Make probabilities of scores (F): y[k] = e^x[k] / sum over j of e^x[j]. */
export function softmaxForward(scores) {
  const largest = scores.data.reduce((most, score) => Math.max(most, score), -Infinity); // becomes e^0: no overflow
  const exponentials = map(scores, (score) => Math.exp(score - largest));
  const all = exponentials.data.reduce((sum, exponential) => sum + exponential, 0);
  return map(exponentials, (exponential) => exponential / all);
}

/** dL/dx[k] = y[k] (dL/dy[k] - sum over j of dL/dy[j] y[j]). */
export function softmaxBackward(slope, output) {
  const mean = slope.data.reduce((sum, d, j) => sum + d * output.data[j], 0);
  return {
    input: tensor(
      output.shape,
      output.data.map((y, k) => y * (slope.data[k] - mean)),
    ),
  };
}

export const Softmax = {
  forward: (layer, input) => softmaxForward(input),
  backward: (layer, { output, slope }) => softmaxBackward(slope, output),
  reach: (layer) => wholeOf(layer.inputShape),
  explain: (layer, { input }, [k]) => ({ rule: "softmax", constant: null, ...powers(input, k, "input") }),
  explainSlope: {
    /** dL/dx[k] = sum over j of dL/dy[j] dy[j]/dx[k], with dy[j]/dx[k] = y[j] ((1 if j = k) - y[k]). */
    value: (layer, { output, slope }, [k]) => {
      const y = output.data;
      const terms = Array.from(y, (yj, j) => {
        const rest = factor(j === k ? "1 − y" : "−y", (j === k ? 1 : 0) - y[k], "output", [k]);
        return term([factor("y", yj, "output", [j]), rest, factor("∂L/∂y", slope.data[j], "slope", [j])]);
      });
      return { rule: "sum", constant: null, terms };
    },
  },
};
