// Batch normalization when the network predicts: y = w[c] (x - m[c]) / s[c] + b[c], with the mean m and the standard
// deviation s of each channel as training has kept them, as in glassbox.nn.
import { factor, term } from "./explanation.js";
import { ravel, tensor, unravel } from "./tensor.js";

/** What one channel subtracts, multiplies with, and has learned. */
function channelOf(layer, c) {
  const inverse = 1 / Math.sqrt(layer.runningVar.data[c] + layer.eps);
  return {
    mean: layer.runningMean.data[c],
    inverse,
    weight: layer.weight?.data[c] ?? 1,
    bias: layer.bias?.data[c] ?? 0,
  };
}

/** Visit all numbers of a tensor, channel by channel: visit(place, channel, what the channel does). */
function eachNumber(layer, { data, shape }, visit) {
  const perChannel = data.length / shape[0];
  for (let c = 0; c < shape[0]; c += 1) {
    const channel = channelOf(layer, c);
    for (let place = c * perChannel; place < (c + 1) * perChannel; place += 1) {
      visit(place, c, channel);
    }
  }
}

export function batchNormForward(layer, input) {
  const output = tensor(input.shape);
  eachNumber(layer, input, (place, c, { mean, inverse, weight, bias }) => {
    output.data[place] = weight * (input.data[place] - mean) * inverse + bias;
  });
  return output;
}

/** dL/dx = w / s dL/dy; dL/dw[c] sums (x - m) / s dL/dy over the channel, dL/db[c] sums dL/dy. */
export function batchNormBackward(layer, { input, slope }) {
  const grads = { input: tensor(input.shape), weight: tensor([input.shape[0]]), bias: tensor([input.shape[0]]) };
  eachNumber(layer, input, (place, c, { mean, inverse, weight }) => {
    const d = slope.data[place];
    grads.input.data[place] = weight * inverse * d;
    grads.weight.data[c] += (input.data[place] - mean) * inverse * d;
    grads.bias.data[c] += d;
  });
  return grads;
}

const learnedAt = (layer, what, c) => (layer[what] === null ? [] : [factor(what[0], layer[what].data[c], what, [c])]);
const centeredAt = (layer, input, index) =>
  factor("x − m", input.data[ravel(index, input.shape)] - channelOf(layer, index[0]).mean, "input", index);
const arrivedAt = (slope, index) => factor("∂L/∂y", slope.data[ravel(index, slope.shape)], "slope", index);
const scaleAt = (layer, c) => factor("1/s", channelOf(layer, c).inverse);

/** The indices of the numbers of a channel. */
function indicesOf({ data, shape }, c) {
  const perChannel = data.length / shape[0];
  return Array.from({ length: perChannel }, (_, place) => unravel(c * perChannel + place, shape));
}

const sumOver = (terms) => ({ rule: "sum", constant: null, terms });

export const BatchNorm = {
  forward: batchNormForward,
  backward: batchNormBackward,
  reach: (layer, box) => box,
  explain: (layer, { input }, index) => {
    const [c] = index;
    const alone = term([...learnedAt(layer, "weight", c), scaleAt(layer, c), centeredAt(layer, input, index)]);
    return { ...sumOver([alone]), constant: learnedAt(layer, "bias", c)[0] ?? null };
  },
  explainSlope: {
    value: (layer, { slope }, index) => {
      const [c] = index;
      return sumOver([term([...learnedAt(layer, "weight", c), scaleAt(layer, c), arrivedAt(slope, index)])]);
    },
    weight: (layer, { input, slope }, [c]) => {
      const ofPlace = (index) => term([scaleAt(layer, c), centeredAt(layer, input, index), arrivedAt(slope, index)]);
      return sumOver(indicesOf(input, c).map(ofPlace));
    },
    bias: (layer, { slope }, [c]) => sumOver(indicesOf(slope, c).map((index) => term([arrivedAt(slope, index)]))),
  },
};
