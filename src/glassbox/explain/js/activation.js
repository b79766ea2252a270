// Activations: what a layer does to each number on its own, and the softmax that makes probabilities of scores.
import { factor, powers, term } from "./explanation.js";
import { map, ravel, tensor, wholeOf } from "./tensor.js";

/**
 * y = f(x), number by number. `derivative` gives dy/dx from x and y, and `factors` the same as named factors; `explain`
 * gives the rule and the one term that makes y of x.
 */
function elementwise(f, derivative, explain, factors = (x, y, layer) => [["dy/dx", derivative(x, y, layer)]]) {
  return {
    forward: (layer, input) => map(input, (x) => f(x, layer)),
    backward: (layer, { input, output, slope }) => {
      const grad = tensor(input.shape, slope.data);
      for (let place = 0; place < grad.data.length; place += 1) {
        grad.data[place] *= derivative(input.data[place], output.data[place], layer);
      }
      return { input: grad };
    },
    reach: (layer, box) => box,
    explain: (layer, { input }, index) => {
      const x = factor("x", input.data[ravel(index, input.shape)], "input", index);
      const { rule, alone } = explain(x, layer);
      return { rule, constant: null, terms: [alone] };
    },
    explainSlope: {
      value: (layer, { input, output, slope }, index) => {
        const place = ravel(index, input.shape);
        const local = factors(input.data[place], output.data[place], layer);
        const arrived = factor("∂L/∂y", slope.data[place], "slope", index);
        const named = local.map(([symbol, value]) => factor(symbol, value));
        return { rule: "sum", constant: null, terms: [term([...named, arrived])] };
      },
    },
  };
}

/** y = gate(x) x: an activation that lets a share of x through. */
function gated(symbol, gate, derivative) {
  return elementwise(
    (x, layer) => gate(x, layer) * x,
    (x, y, layer) => derivative(x, layer),
    (x, layer) => ({ rule: "sum", alone: term([factor(symbol, gate(x.value, layer)), x]) }),
  );
}

/** max(0, x); its derivative at 0 is 0. */
export const ReLU = elementwise(
  (x) => (x < 0 ? 0 : x), // NaN stays NaN
  (x) => (x > 0 ? 1 : 0),
  (x) => ({ rule: "relu", alone: term([x], x.value > 0) }),
  (x) => [["ReLU′", x > 0 ? 1 : 0]],
);

const shareOfLeaky = (x, { negativeSlope }) => (x > 0 ? 1 : negativeSlope);

/** x above 0, a fixed share of it below; its derivative at 0 is that share. */
export const LeakyReLU = gated("share", shareOfLeaky, shareOfLeaky);

/** 1 / (1 + e^-x). */
export const sigmoidOf = (x) => 1 / (1 + Math.exp(-x));

/** x times its sigmoid s; dy/dx = s (1 + x (1 - s)). */
export const SiLU = gated("σ(x)", sigmoidOf, (x) => sigmoidOf(x) * (1 + x * (1 - sigmoidOf(x))));

/** The normal distribution function: the sum for the error function has positive terms alone and converges anywhere. */
function normalShare(x) {
  const u = Math.abs(x) / Math.SQRT2;
  let sum = 0;
  for (let n = 1, power = u; power > sum * 1e-17 && u < 6; n += 1, power *= (2 * u * u) / (2 * n - 1)) {
    sum += power;
  }
  const error = u < 6 ? (2 / Math.sqrt(Math.PI)) * Math.exp(-u * u) * sum : 1;
  return (1 + Math.sign(x) * error) / 2;
}

const normalDensity = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const [BEND, CUBE] = [Math.sqrt(2 / Math.PI), 0.044715];
const tanhShare = (x) => (1 + Math.tanh(BEND * (x + CUBE * x ** 3))) / 2;
const tanhShareSlope = (x) => 2 * tanhShare(x) * (1 - tanhShare(x)) * BEND * (1 + 3 * CUBE * x * x);

/** x times the share of a normal distribution below it, or torch's approximation of that by a hyperbolic tangent. */
export const GELU = gated(
  "Φ(x)",
  (x, { approximate }) => (approximate === "tanh" ? tanhShare(x) : normalShare(x)),
  (x, { approximate }) =>
    approximate === "tanh" ? tanhShare(x) + x * tanhShareSlope(x) : normalShare(x) + x * normalDensity(x),
);

/** 1 / (1 + e^-x); dy/dx = y (1 - y). */
export const Sigmoid = elementwise(
  sigmoidOf,
  (x, y) => y * (1 - y),
  (x) => ({ rule: "sigmoid", alone: term([x]) }),
  (x, y) => [
    ["y", y],
    ["1 − y", 1 - y],
  ],
);

/** (e^x - e^-x) / (e^x + e^-x); dy/dx = 1 - y². */
export const Tanh = elementwise(
  (x) => Math.tanh(x),
  (x, y) => 1 - y * y,
  (x) => ({ rule: "tanh", alone: term([x]) }),
  (x, y) => [["1 − y²", 1 - y * y]],
);

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
