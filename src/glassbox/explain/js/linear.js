// The dense layer: y[k] = b[k] + sum over p of w[k, p] x[p]; and Flatten, which lays an image out as a vector.
import { factor, term } from "./explanation.js";
import { ravel, tensor, unravel, wholeOf } from "./tensor.js";

/** Weigh and add: a vector (P), weights (K, P), a bias (K) give a vector (K). */
export function linearForward(input, weight, bias) {
  const [outputs, inputs] = weight.shape;
  const output = tensor([outputs], bias === null ? null : bias.data);
  const [w, x] = [weight.data, input.data];
  for (let k = 0; k < outputs; k += 1) {
    let sum = output.data[k];
    for (let p = 0; p < inputs; p += 1) {
      sum += w[k * inputs + p] * x[p];
    }
    output.data[k] = sum;
  }
  return output;
}

/** dL/dx[p] = sum over k of w[k, p] dL/dy[k]; dL/dw[k, p] = x[p] dL/dy[k]; dL/db[k] = dL/dy[k]. */
export function linearBackward(slope, input, weight) {
  const [outputs, inputs] = weight.shape;
  const [gradInput, gradWeight] = [tensor(input.shape), tensor(weight.shape)];
  const [w, x, dx, dw] = [weight.data, input.data, gradInput.data, gradWeight.data];
  for (let k = 0; k < outputs; k += 1) {
    const dy = slope.data[k];
    for (let p = 0; p < inputs; p += 1) {
      dx[p] += w[k * inputs + p] * dy;
      dw[k * inputs + p] = x[p] * dy;
    }
  }
  return { input: gradInput, weight: gradWeight, bias: tensor(slope.shape, slope.data) };
}

const weightAt = (weight, index) => factor("w", weight.data[ravel(index, weight.shape)], "weight", index);
const inputAt = (input, p) => factor("x", input.data[p], "input", [p]);
const upstream = (slope, k) => factor("∂L/∂y", slope.data[k], "slope", [k]);

/** y[k]: each input times its weight, and the bias. */
function explainWeightedSum(layer, { input }, [k]) {
  const terms = Array.from(input.data, (_, p) => term([weightAt(layer.weight, [k, p]), inputAt(input, p)]));
  return { rule: "sum", constant: layer.bias === null ? null : factor("b", layer.bias.data[k], "bias", [k]), terms };
}

/** dL/dx[p]: x[p] went into every output, each time with another weight. */
function explainDenseInputSlope(layer, { slope }, [p]) {
  const terms = Array.from(slope.data, (_, k) => term([weightAt(layer.weight, [k, p]), upstream(slope, k)]));
  return { rule: "sum", constant: null, terms };
}

export const Linear = {
  forward: (layer, input) => linearForward(input, layer.weight, layer.bias),
  backward: (layer, { input, slope }) => linearBackward(slope, input, layer.weight),
  reach: (layer) => wholeOf(layer.inputShape),
  explain: explainWeightedSum,
  explainSlope: {
    value: explainDenseInputSlope,
    weight: (layer, { input, slope }, [k, p]) => {
      return { rule: "sum", constant: null, terms: [term([inputAt(input, p), upstream(slope, k)])] };
    },
    bias: (layer, { slope }, [k]) => ({ rule: "sum", constant: null, terms: [term([upstream(slope, k)])] }),
  },
};

export const Flatten = {
  forward: (layer, input) => tensor([input.data.length], input.data),
  backward: (layer, { input, slope }) => ({ input: tensor(input.shape, slope.data) }),
  /** Numbers that follow each other fill whole rows, and whole channels, where they go past the end of one. */
  reach: ({ inputShape }, [[first, last]]) => {
    const [from, to] = [unravel(first, inputShape), unravel(last, inputShape)];
    const differs = from.findIndex((part, axis) => part !== to[axis]);
    return from.map((part, axis) => (differs < 0 || axis <= differs ? [part, to[axis]] : [0, inputShape[axis] - 1]));
  },
  explain: (layer, { input }, [place]) => {
    const copied = factor("x", input.data[place], "input", unravel(place, input.shape));
    return { rule: "copy", constant: null, terms: [term([copied])] };
  },
  explainSlope: {
    value: (layer, { input, slope }, index) => {
      return { rule: "copy", constant: null, terms: [term([upstream(slope, ravel(index, input.shape))])] };
    },
  },
};
