// How one number came about: the terms that made it, and the rule that made it of them.

/**
 * @typedef {{what: string, index: number[], value?: number, layer?: number}} Place  where a number stands in the run
 * @typedef {{symbol: string, value: number, at: Place|null, argument?: number}} Factor  value: of the argument, if any
 * @typedef {{factors: Factor[], product: number, chosen?: boolean}} Term  product: that of the factors' values
 * @typedef {{rule: string, result: number, constant: Factor|null, terms: Term[], shift?: number}} Explanation
 */

/** Name a number, and say where in a layer it is: "input", "output", "slope", "weight", "bias" or "padding". */
export function factor(symbol, value, what = null, index = null) {
  return { symbol, value, at: what === null ? null : { what, index } };
}

/** Multiply factors. `chosen` marks the term that a rule picks among others. */
export function term(factors, chosen = undefined) {
  const product = factors.reduce((result, { value }) => result * value, 1);
  return chosen === undefined ? { factors, product } : { factors, product, chosen };
}

/** Powers of e, each in proportion to e^(largest), so that none overflows: the terms of a softmax. */
export function powers(scores, chosen, what) {
  const shift = scores.data.reduce((largest, score) => Math.max(largest, score), -Infinity);
  const terms = Array.from(scores.data, (score, k) => {
    const power = { ...factor("exp", Math.exp(score - shift), what, [k]), argument: score - shift };
    return term([power], k === chosen);
  });
  return { terms, shift };
}

const sum = (terms) => terms.reduce((result, { product }) => result + product, 0);
const ofChosen = (terms) => sum(terms.filter(({ chosen }) => chosen));

const RULES = {
  input: () => NaN, // nothing made it
  copy: sum,
  sum,
  mean: sum,
  mse_loss: sum,
  max: ofChosen,
  relu: ofChosen,
  sigmoid: (terms) => 1 / (1 + Math.exp(-sum(terms))),
  tanh: (terms) => Math.tanh(sum(terms)),
  softmax: (terms) => ofChosen(terms) / sum(terms),
  cross_entropy: (terms) => -Math.log(ofChosen(terms) / sum(terms)),
};

/** Apply the rule of an explanation to its terms: what the number must be. */
export function total({ rule, terms, constant }) {
  return RULES[rule](terms) + (constant === null ? 0 : constant.value);
}
