// Learning: batches of examples, the mean of their gradients, and the step that an optimizer makes of it, as in
// glassbox.training and glassbox.optim. All weights of a network lie in one line, theta, of which its tensors are parts.
import { epochOrder, mersenne, uniform } from "./mersenne.js";
import { backward, forward } from "./network.js";
import { ravel } from "./tensor.js";

/**
 * @typedef {{step: number, theta: Float64Array, m?: Float64Array, v?: Float64Array}} State  where a run stands: the steps
 *   made, the weights, and what the optimizer remembers. A state is never changed: each step makes another.
 */

export const BETA1 = 0.9;
export const BETA2 = 0.999;
const EPSILON = 1e-8;
export const MOMENTUM = 0.9;

// Weights in one line

/** Where each weight and bias of a network lies in theta: {layer, what, shape, start, end}. */
export function partsOf(network) {
  let end = 0;
  return network.layers.flatMap((described, layer) =>
    ["weight", "bias"]
      .filter((what) => described[what])
      .map((what) => {
        const { shape, data } = described[what];
        end += data.length;
        return { layer, what, shape, start: end - data.length, end };
      }),
  );
}

/** The network with the weights of theta, and not a copy of them. */
export function withWeights(network, parts, theta) {
  const layers = network.layers.map((layer) => ({ ...layer }));
  for (const { layer, what, shape, start, end } of parts) {
    layers[layer][what] = { shape, data: theta.subarray(start, end) };
  }
  return { ...network, layers };
}

/** The place in theta of a weight or a bias. */
export function placeInLine(parts, { layer, what, index }) {
  const part = parts.find((each) => each.layer === layer && each.what === what);
  return part.start + ravel(index, part.shape);
}

/** The weights that torch draws after manual_seed(seed): between plus and minus 1/sqrt(how many numbers a sum weighs). */
export function initialWeights(network, seed) {
  const draw = mersenne(seed);
  const numbers = partsOf(network).flatMap(({ layer, start, end }) => {
    const [, ...weighed] = network.layers[layer].weight.shape;
    const inputs = weighed.reduce((product, length) => product * length, 1);
    return Array.from(uniform(draw, end - start, 1 / Math.sqrt(inputs)));
  });
  return Float64Array.from(numbers);
}

// Gradients

/** Add the gradient of one example's loss to a line of numbers; return the loss. */
export function addGradient(network, parts, image, label, sum) {
  const slopes = backward(forward(network, image), label);
  for (const { layer, what, start, end } of parts) {
    const { data } = slopes[what][layer];
    for (let k = start; k < end; k += 1) {
      sum[k] += data[k - start];
    }
  }
  return slopes.loss;
}

// Optimizers

/** What an optimizer remembers before its first step. */
const NOTHING_YET = {
  plain: () => ({}),
  momentum: (count) => ({ m: new Float64Array(count) }),
  adam: (count) => ({ m: new Float64Array(count), v: new Float64Array(count) }),
};

/** The state before the first step. */
export function beginning(theta, rule) {
  return { step: 0, theta, ...NOTHING_YET[rule](theta.length) };
}

/** One weight after a step, with all that leads to it: g is its gradient, m and v what the optimizer remembers of it. */
export const MOVE = {
  plain: (g, theta, memory, { rate }) => ({ theta: theta - rate * g }),
  momentum: (g, theta, { m }, { rate }) => {
    const kept = MOMENTUM * m + g; // the first is g: m began at 0
    return { theta: theta - rate * kept, m: kept };
  },
  adam: (g, theta, { m, v }, { rate, step }) => {
    const [mean, square] = [BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g];
    const [whole, size] = [mean / (1 - BETA1 ** step), Math.sqrt(square / (1 - BETA2 ** step))];
    return { theta: theta - (rate * whole) / (size + EPSILON), m: mean, v: square };
  },
};

/** The state after one step against a gradient. */
export function stepped(state, gradient, { rule, rate }) {
  const [move, step, count] = [MOVE[rule], state.step + 1, gradient.length];
  const next = { ...beginning(new Float64Array(count), rule), step };
  const [options, memory] = [
    { rate, step },
    { m: 0, v: 0 },
  ];
  for (let k = 0; k < count; k += 1) {
    memory.m = state.m?.[k];
    memory.v = state.v?.[k];
    const moved = move(gradient[k], state.theta[k], memory, options);
    next.theta[k] = moved.theta;
    if (next.m) {
      next.m[k] = moved.m;
    }
    if (next.v) {
      next.v[k] = moved.v;
    }
  }
  return next;
}

// A run

export class Training {
  /**
   * Learn examples, {images, labels}, from a seed. `settings` are {seed, batchSize, rule, rate}, the rule "plain",
   * "momentum" or "adam"; a batch size of the count of the examples takes all of them for each step.
   */
  constructor(network, examples, settings) {
    Object.assign(this, { network, examples, settings, parts: partsOf(network) });
    this.state = beginning(initialWeights(network, settings.seed), settings.rule);
    this.losses = []; // the mean of each batch, before its step
    this.order = { epoch: -1, places: null };
    this.hasDiverged = false;
    this.beginBatch();
  }

  get stepsPerEpoch() {
    return Math.ceil(this.examples.labels.length / this.settings.batchSize);
  }

  /** The examples from which a step learns, the first being step 0. */
  batchOf(step) {
    const { seed, batchSize } = this.settings;
    const [epoch, batch] = [Math.floor(step / this.stepsPerEpoch), step % this.stepsPerEpoch];
    if (this.order.epoch !== epoch) {
      this.order = { epoch, places: epochOrder(this.examples.labels.length, seed, epoch) };
    }
    return this.order.places.slice(batch * batchSize, (batch + 1) * batchSize);
  }

  /** The network as a state has it. */
  networkOf(state = this.state) {
    return withWeights(this.network, this.parts, state.theta);
  }

  beginBatch() {
    this.batch = this.batchOf(this.state.step);
    this.current = this.networkOf();
    this.sum = new Float64Array(this.state.theta.length);
    this.sumOfLosses = 0;
    this.seen = 0; // of the batch
  }

  /** Take the next example of the batch in; true when it was the last, and the weights have moved. */
  advance() {
    const { images, labels } = this.examples;
    const example = this.batch[this.seen];
    this.sumOfLosses += addGradient(this.current, this.parts, images[example], labels[example], this.sum);
    this.seen += 1;
    if (this.seen < this.batch.length) {
      return false;
    }
    const gradient = this.sum.map((total) => total / this.seen);
    const next = stepped(this.state, gradient, this.settings);
    this.hasDiverged = !Number.isFinite(this.sumOfLosses) || !next.theta.every(Number.isFinite);
    if (!this.hasDiverged) {
      this.losses.push(this.sumOfLosses / this.seen);
      this.state = next;
    }
    this.beginBatch();
    return true;
  }

  /** How many examples the run has learned from, those of the batch under way left out. */
  get learned() {
    const { length } = this.examples.labels;
    const [epochs, batches] = [Math.floor(this.state.step / this.stepsPerEpoch), this.state.step % this.stepsPerEpoch];
    return epochs * length + batches * this.settings.batchSize;
  }
}
