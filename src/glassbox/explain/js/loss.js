// Losses: one number that says how wrong a prediction is, and its slope, as in glassbox.nn.
import { sigmoidOf, softmaxForward } from "./activation.js";
import { factor, powers, term } from "./explanation.js";
import { tensor } from "./tensor.js";

/** Minus the logarithm of the probability of the right class: -log(e^x[target] / sum over j of e^x[j]). */
export function crossEntropyForward(scores, target) {
  const largest = scores.data.reduce((most, score) => Math.max(most, score), -Infinity);
  const all = scores.data.reduce((sum, score) => sum + Math.exp(score - largest), 0);
  return Math.log(all) - (scores.data[target] - largest);
}

/** dL/dx[k] = p[k] - (1 if k is the target). */
export function crossEntropyBackward(scores, target) {
  const slope = softmaxForward(scores);
  slope.data[target] -= 1;
  return slope;
}

/** The mean of the squared differences. */
export function mseLossForward(input, target) {
  return input.data.reduce((sum, y, i) => sum + (y - target.data[i]) ** 2, 0) / input.data.length;
}

/** dL/dy[i] = 2 / n (y[i] - t[i]). */
export function mseLossBackward(input, target) {
  return tensor(
    input.shape,
    input.data.map((y, i) => (2 / input.data.length) * (y - target.data[i])),
  );
}

/** The mean of -t log p - (1 - t) log(1 - p), where p is the sigmoid of a score: max(x, 0) - t x + log(1 + e^-|x|). */
export function binaryCrossEntropyForward(scores, target) {
  return scores.data.reduce((sum, x, i) => sum + surprise(x, target.data[i]), 0) / scores.data.length;
}

/** dL/dx[i] = (p[i] - t[i]) / n. */
export function binaryCrossEntropyBackward(scores, target) {
  const slopes = scores.data.map((x, i) => (sigmoidOf(x) - target.data[i]) / scores.data.length);
  return tensor(scores.shape, slopes);
}

const surprise = (x, t) => Math.max(x, 0) - t * x + Math.log1p(Math.exp(-Math.abs(x)));

const difference = (output, target, i) => factor("y − t", output.data[i] - target.data[i], "output", [i]);

/** The losses by the names of their functions in torch. Each explains itself and dL/dy of one output. */
export const LOSSES = {
  cross_entropy: {
    forward: crossEntropyForward,
    backward: crossEntropyBackward,
    explain: (output, target) => ({ rule: "cross_entropy", constant: null, ...powers(output, target, "output") }),
    explainSlope: (output, target, [k]) => {
      const terms = [term([factor("p", softmaxForward(output).data[k], "probability", [k])])];
      if (k === target) {
        terms.push(term([factor("−1", -1, "target", [k])]));
      }
      return { rule: "sum", constant: null, terms };
    },
  },
  mse_loss: {
    forward: mseLossForward,
    backward: mseLossBackward,
    explain: (output, target) => {
      const share = factor("1/n", 1 / output.data.length);
      const terms = Array.from(output.data, (_, i) => {
        return term([share, difference(output, target, i), difference(output, target, i)]);
      });
      return { rule: "mse_loss", constant: null, terms };
    },
    explainSlope: (output, target, [i]) => {
      const terms = [term([factor("2/n", 2 / output.data.length), difference(output, target, i)])];
      return { rule: "sum", constant: null, terms };
    },
  },
  binary_cross_entropy_with_logits: {
    forward: binaryCrossEntropyForward,
    backward: binaryCrossEntropyBackward,
    explain: (output, target) => {
      const share = factor("1/n", 1 / output.data.length);
      const terms = Array.from(output.data, (x, i) => {
        return term([share, factor("−log p", surprise(x, target.data[i]), "output", [i])]);
      });
      return { rule: "sum", constant: null, terms };
    },
    explainSlope: (output, target, [i]) => {
      const wrong = factor("p − t", sigmoidOf(output.data[i]) - target.data[i], "output", [i]);
      return { rule: "sum", constant: null, terms: [term([factor("1/n", 1 / output.data.length), wrong])] };
    },
  },
};
