// A network: layers one after the other. Forward keeps every value, backward gives the slope of the loss at each of
// them, and any number of either opens into the terms that made it.
import { GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, softmaxForward, Tanh } from "./activation.js";
import { Conv2d } from "./conv2d.js";
import { powers } from "./explanation.js";
import { Flatten, Linear } from "./linear.js";
import { LOSSES } from "./loss.js";
import { BatchNorm } from "./normalization.js";
import { AvgPool2d, MaxPool2d } from "./pooling.js";
import { decodeTensor, map, ravel, tensor, unravel } from "./tensor.js";

const KINDS = {
  AvgPool2d,
  BatchNorm1d: BatchNorm,
  BatchNorm2d: BatchNorm,
  Conv2d,
  Flatten,
  GELU,
  LeakyReLU,
  Linear,
  MaxPool2d,
  ReLU,
  Sigmoid,
  SiLU,
  Softmax,
  Tanh,
};
const TENSORS = ["weight", "bias", "runningMean", "runningVar"];

/**
 * @typedef {{name: string, kind: string, weight: Tensor|null, bias: Tensor|null, inputShape: number[],
 *   outputShape: number[]}} Layer  and the options of its kind, named as in torch
 * @typedef {{input: number[], classes: string[]|null, loss: string, layers: Layer[]}} Network
 * @typedef {{network: Network, values: Tensor[]}} Run  values[0] is the input, values[l + 1] the output of layer l
 */

/** Make a network of its description, which Python wrote. */
export function decode(description) {
  let value = tensor(description.input);
  const layers = description.layers.map((described) => {
    const stored = TENSORS.map((name) => [name, described[name] ? decodeTensor(described[name]) : null]);
    const tensors = Object.fromEntries(stored);
    const layer = { ...described, ...tensors, inputShape: value.shape };
    value = KINDS[layer.kind].forward(layer, value);
    return { ...layer, outputShape: value.shape };
  });
  return { input: description.input, classes: description.classes, loss: description.loss, layers };
}

/** The network with other numbers in its layers, as Python stored them: a list of {weight, bias, ...}. */
export function withTensors(network, stored) {
  const layers = network.layers.map((layer, l) => {
    const tensors = Object.entries(stored[l]).map(([name, numbers]) => {
      return [name, numbers && decodeTensor(numbers)];
    });
    return { ...layer, ...Object.fromEntries(tensors) };
  });
  return { ...network, layers };
}

/** How many numbers the network has learned. */
export function parameterCount(network) {
  const counts = network.layers.map(({ weight, bias }) => (weight?.data.length ?? 0) + (bias?.data.length ?? 0));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Run the network on an input of its shape, and keep what every layer made. */
export function forward(network, input) {
  const values = [input];
  for (const layer of network.layers) {
    values.push(KINDS[layer.kind].forward(layer, values.at(-1)));
  }
  return { network, values };
}

/** The loss of a run. Its target is the right class for the cross-entropy, the right output for the squared error. */
export function lossOf(run, target) {
  return LOSSES[run.network.loss].forward(run.values.at(-1), target);
}

/** Go from the loss back to the input: the slope of the loss at every value, weight and bias. */
export function backward(run, target) {
  const { layers, loss } = run.network;
  const values = new Array(layers.length + 1);
  const [weight, bias] = [new Array(layers.length).fill(null), new Array(layers.length).fill(null)];
  values[layers.length] = LOSSES[loss].backward(run.values.at(-1), target);
  for (let l = layers.length - 1; l >= 0; l -= 1) {
    const grads = KINDS[layers[l].kind].backward(layers[l], around(run, values, l));
    values[l] = grads.input;
    weight[l] = layers[l].weight && grads.weight;
    bias[l] = layers[l].bias && grads.bias;
  }
  return { loss: lossOf(run, target), target, values, weight, bias };
}

/** What one layer received, made, and is told about the loss. */
function around(run, slopes, l) {
  return { input: run.values[l], output: run.values[l + 1], slope: slopes?.[l + 1] };
}

/** One step of gradient descent: a network whose weights have moved against the gradient. The given one stays. */
export function step(network, slopes, rate) {
  const moved = (numbers, slope) => numbers && map(numbers, (number, place) => number - rate * slope.data[place]);
  const layers = network.layers.map((layer, l) => {
    return { ...layer, weight: moved(layer.weight, slopes.weight[l]), bias: moved(layer.bias, slopes.bias[l]) };
  });
  return { ...network, layers };
}

/** The probabilities of the classes: the softmax of the last value. */
export function probabilities(run) {
  return softmaxForward(run.values.at(-1));
}

/** Open values[i] at an index, or a place in its data: the terms of which the layer before made it. */
export function explainValue(run, i, index) {
  const value = run.values[i];
  const full = indexOf(index, value.shape);
  const result = value.data[ravel(full, value.shape)];
  if (i === 0) {
    return { rule: "input", result, constant: null, terms: [] };
  }
  const layer = run.network.layers[i - 1];
  return placed(KINDS[layer.kind].explain(layer, around(run, null, i - 1), full), result, i - 1);
}

/** Open the slope of the loss at a value, a weight or a bias: its sum by the chain rule. */
export function explainSlope(run, slopes, { what, value, layer, index }) {
  const { layers, loss } = run.network;
  const l = what === "value" ? value : layer; // the layer that takes the value in, or that holds the weight
  const slope = what === "value" ? slopes.values[value] : slopes[what][layer];
  const full = indexOf(index, slope.shape);
  const result = slope.data[ravel(full, slope.shape)];
  if (l === layers.length) {
    return placed(LOSSES[loss].explainSlope(run.values.at(-1), slopes.target, full), result, l - 1);
  }
  return placed(KINDS[layers[l].kind].explainSlope[what](layers[l], around(run, slopes.values, l), full), result, l);
}

/** Open the loss itself. */
export function explainLoss(run, target) {
  const explained = LOSSES[run.network.loss].explain(run.values.at(-1), target);
  return placed(explained, lossOf(run, target), run.network.layers.length - 1);
}

/** Open the probability of a class: its share among the powers of all scores. */
export function explainProbability(run, k) {
  const explained = { rule: "softmax", constant: null, ...powers(run.values.at(-1), k, "output") };
  return placed(explained, probabilities(run).data[k], run.network.layers.length - 1);
}

/**
 * The receptive field: for each value up to values[i], the box in it that the number at an index comes from, as the
 * first and the last index along each dimension.
 */
export function reachOf(network, i, index) {
  const boxes = new Array(i + 1);
  boxes[i] = index.map((part) => [part, part]);
  for (let l = i - 1; l >= 0; l -= 1) {
    boxes[l] = KINDS[network.layers[l].kind].reach(network.layers[l], boxes[l + 1]);
  }
  return boxes;
}

function indexOf(index, shape) {
  return typeof index === "number" ? unravel(index, shape) : [...index];
}

/** Say where in the run each factor of layer l stands: its input is value l, its output value l + 1. */
function placed(explained, result, l) {
  const places = {
    input: { what: "value", value: l },
    padding: { what: "padding", value: l },
    output: { what: "value", value: l + 1 },
    slope: { what: "slope", value: l + 1 },
    weight: { what: "weight", layer: l },
    bias: { what: "bias", layer: l },
  };
  const place = (factor) => {
    return factor?.at ? { ...factor, at: { ...factor.at, ...places[factor.at.what] } } : factor;
  };
  const terms = explained.terms.map((term) => ({ ...term, factors: term.factors.map(place) }));
  return { ...explained, result, constant: place(explained.constant), terms };
}
