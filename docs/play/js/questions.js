// Every number of one pass through a perceptron of logistic units, forward and back, as a question: its formula in
// numbers, and what a wrong answer would be after each likely slip.
//
// Layers are counted from 1, the input, as in lesson 3.3. A question is {group, symbol, formula, value, slips, units,
// edge}: slips are [value, words], units the [layer, unit] that it reads, edge the weight [layer, from, to]. One that
// reads the bias of its unit says so by readsBias.
import { brief } from "./brief.js";
import { backward, forward } from "./network.js";
import { tensor } from "./tensor.js";

// An answer to three decimals is right, and where these would be zeros, one to two digits.
const tolerance = (value) => Math.max(Math.min(0.0006, 0.06 * Math.abs(value)), 0.002 * Math.abs(value));

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const LOWERED = "₀₁₂₃₄₅₆₇₈₉";

/** A symbol with its indices: s with 2 below and 3 above. */
export function indexed(letter, below, above) {
  return letter + [...String(below)].map((digit) => LOWERED[digit]).join("") + RAISED[above];
}

/** The perceptron {x, y, w, b}, w[l][k][p] leading from p to k, as a network of the engine. */
export function networkOf({ x, w, b }) {
  const layers = w.flatMap((rows, l) => {
    const weight = tensor([rows.length, rows[0].length], rows.flat());
    return [
      { name: `fc${l + 1}`, kind: "Linear", weight, bias: tensor([rows.length], b[l]) },
      { name: `sigmoid${l + 1}`, kind: "Sigmoid", weight: null, bias: null },
    ];
  });
  return { input: [x.length], classes: null, loss: "mse_loss", layers };
}

/**
 * One pass: o[l] and s[l] by layer from 1, the loss, and its slopes. With two outputs the mean of the squared errors is
 * half of their sum, the loss of lesson 3.3.
 */
export function passThrough(network, x, y) {
  const run = forward(network, tensor([x.length], x));
  const slopes = backward(run, tensor([y.length], y));
  const count = network.layers.length / 2;
  const pass = { y, loss: slopes.loss, s: [null, null], o: [null, [...x]], slope: [null, null], error: [null, null] };
  Object.assign(pass, { w: [null], b: [null], gradW: [null], gradB: [null], last: count + 1 });
  for (let l = 0; l < count; l++) {
    const o = [...run.values[2 * l + 2].data];
    pass.s.push([...run.values[2 * l + 1].data]);
    pass.o.push(o);
    pass.slope.push(o.map((value) => value * (1 - value)));
    pass.error.push([...slopes.values[2 * l + 2].data]);
    pass.w.push(rowsOf(network.layers[2 * l].weight));
    pass.b.push([...network.layers[2 * l].bias.data]);
    pass.gradW.push(rowsOf(slopes.weight[2 * l]));
    pass.gradB.push([...slopes.bias[2 * l].data]);
  }
  return pass;
}

function rowsOf({ shape: [count, length], data }) {
  return Array.from({ length: count }, (_, k) => [...data.slice(k * length, (k + 1) * length)]);
}

/** All questions of a pass, in the order in which their numbers become known. */
export function questionsOf(pass) {
  const layers = Array.from({ length: pass.last - 1 }, (_, k) => k + 1);
  return [
    ...layers.flatMap((l) => forwardQuestions(pass, l)),
    lossQuestion(pass),
    ...pass.y.map((_, k) => outputErrorQuestion(pass, k)),
    ...layers
      .reverse()
      .flatMap((l) => [
        ...gradientQuestions(pass, l),
        ...(l > 1 ? pass.o[l].map((_, k) => hiddenErrorQuestion(pass, l, k)) : []),
      ]),
  ];
}

/** Tell whether an answer is right, and if not, the slip that it looks like. */
export function judge(question, answer) {
  const near = (value) => Math.abs(answer - value) <= tolerance(value);
  if (near(question.value)) {
    return { isRight: true, words: "Right." };
  }
  if (Math.abs(question.value) < 0.01 && Math.abs(answer - question.value) <= 0.0006) {
    return { isRight: false, words: "Not yet: so small a number is asked for with two digits that are not zero." };
  }
  const slip = question.slips.find(([value]) => !nearEachOther(value, question.value) && near(value));
  return { isRight: false, words: slip === undefined ? "Not that. Go through the factors once more." : slip[1] };
}

function nearEachOther(a, b) {
  return Math.abs(a - b) <= 2 * tolerance(b);
}

const inBrackets = (value) => (value < 0 ? `(${brief(value)})` : brief(value));
const multiplied = (factors) => factors.map(inBrackets).join(" · ");
const sumOf = (values) => values.reduce((total, value) => total + value, 0);

function forwardQuestions(pass, l) {
  return pass.s[l + 1].flatMap((s, k) => {
    const terms = pass.o[l].map((o, p) => pass.w[l][k][p] * o);
    const products = pass.o[l].map((o, p) => multiplied([pass.w[l][k][p], o]));
    const here = { units: pass.o[l].map((_, p) => [l, p]), edge: null, group: `Forward to layer ${l + 1}` };
    const o = pass.o[l + 1][k];
    return [
      {
        ...here,
        symbol: indexed("s", k + 1, l + 1),
        formula: `${brief(pass.b[l][k])} + ${products.join(" + ")}`,
        value: s,
        unit: [l + 1, k],
        readsBias: true,
        slips: [
          [s - pass.b[l][k], "The bias is missing."],
          [s - 2 * pass.b[l][k], "The bias has the wrong sign."],
          ...terms.map((term, p) => [s - term, `The product of input ${p + 1} is missing.`]),
          ...terms.map((term, p) => [s - 2 * term, `The product of input ${p + 1} has the wrong sign.`]),
          ...pass.w[l].map((row, other) => [
            pass.b[l][k] + sumOf(row.map((w, p) => w * pass.o[l][p])),
            `Those are the weights to unit ${other + 1}.`,
          ]),
        ],
      },
      {
        ...here,
        symbol: indexed("o", k + 1, l + 1),
        formula: `φ(${brief(s)}) = 1 / (1 + e^${inBrackets(-s)})`,
        value: o,
        unit: [l + 1, k],
        units: [],
        slips: [
          [s, "That is s. The logistic function φ is missing."],
          [1 - o, "The sign in the power of e is wrong: it is minus s."],
          [Math.max(s, 0), "That is ReLU. These units are logistic."],
          [1 + Math.exp(-s), "Turn it over: 1 divided by that."],
          [o * (1 - o), "That is the slope φ′. Asked is φ itself."],
        ],
      },
    ];
  });
}

function lossQuestion(pass) {
  const squares = pass.o[pass.last].map((o, k) => (o - pass.y[k]) ** 2);
  const parts = pass.o[pass.last].map((o, k) => `(${brief(o)} − ${brief(pass.y[k])})²`);
  return {
    group: "The loss",
    symbol: "R",
    formula: `½ · [${parts.join(" + ")}]`,
    value: pass.loss,
    unit: null,
    units: squares.map((_, k) => [pass.last, k]),
    edge: null,
    slips: [
      [sumOf(squares), "The half is missing."],
      ...squares.map((square, k) => [square / 2, `Only output ${k + 1} is in it. Add the other.`]),
      [sumOf(squares.map(Math.sqrt)) / 2, "The errors are not squared."],
    ],
  };
}

function outputErrorQuestion(pass, k) {
  const o = pass.o[pass.last][k];
  const error = o - pass.y[k];
  return {
    group: "Back to the outputs",
    symbol: `∂R/∂${indexed("o", k + 1, pass.last)}`,
    formula: `${brief(o)} − ${brief(pass.y[k])}`,
    value: error,
    unit: [pass.last, k],
    units: [],
    edge: null,
    slips: [
      [-error, "The sign is wrong: the output minus the right answer."],
      [2 * error, "The half in R cancels the 2 of the square."],
      [error ** 2, "That is the square. Asked is its derivative."],
    ],
  };
}

/** The slope of each unit of layer l + 1, and the gradients of what leads to it. */
function gradientQuestions(pass, l) {
  const group = `Gradients from layer ${l + 1} to layer ${l}`;
  return pass.o[l + 1].flatMap((o, k) => {
    const [error, slope] = [pass.error[l + 1][k], pass.slope[l + 1][k]];
    const unit = [l + 1, k];
    const slopeQuestion = {
      group,
      symbol: `φ′(${indexed("s", k + 1, l + 1)})`,
      formula: `${brief(o)} · (1 − ${brief(o)})`,
      value: slope,
      unit,
      units: [],
      edge: null,
      slips: [
        [o, "That is φ itself. Its slope is φ · (1 − φ)."],
        [1 - o, "The factor φ is missing."],
        [-slope, "A logistic function rises: its slope is positive."],
        [pass.s[l + 1][k] * (1 - pass.s[l + 1][k]), "Take o, not s, in o · (1 − o)."],
      ],
    };
    const weights = pass.o[l].map((input, p) => ({
      group,
      symbol: `∂R/∂${indexed("w", `${p + 1}${k + 1}`, l)}`,
      formula: multiplied([error, slope, input]),
      value: error * slope * input,
      unit,
      units: [[l, p]],
      edge: [l, p, k],
      slips: [
        ...factorSlips(pass, l, k, input),
        [error * slope, `The last factor, the input ${indexed("o", p + 1, l)}, is missing.`],
        [error * slope * pass.w[l][k][p], "The last factor is the input of the weight, not the weight."],
        ...pass.o[l].map((other, q) => [
          error * slope * other,
          `The last factor is ${indexed("o", q + 1, l)}. This weight comes from unit ${p + 1}.`,
        ]),
      ],
    }));
    const bias = {
      group,
      symbol: `∂R/∂${indexed("b", k + 1, l)}`,
      formula: multiplied([error, slope]),
      value: error * slope,
      unit,
      units: [],
      edge: null,
      slips: [
        ...factorSlips(pass, l, k, 1),
        ...pass.o[l].map((input) => [error * slope * input, "A bias has no input: its last factor is 1."]),
      ],
    };
    return [slopeQuestion, ...weights, bias];
  });
}

/** Slips in the first two factors of a gradient, the third being right. */
function factorSlips(pass, l, k, input) {
  const [error, slope, o] = [pass.error[l + 1][k], pass.slope[l + 1][k], pass.o[l + 1][k]];
  const others = pass.error[l + 1].map((other, m) => [other * slope * input, `∂R/∂o is that of unit ${m + 1}.`]);
  return [
    [-error * slope * input, "The sign of ∂R/∂o is wrong."],
    [slope * input, "The factor ∂R/∂o is missing."],
    [error * input, "The factor φ′ is missing."],
    [error * o * input, "The second factor is φ. It must be its slope φ′."],
    [2 * error * slope * input, "There is a 2 too many: the half in R cancels it."],
    ...others,
    ...pass.slope[l + 1].map((other, m) => [error * other * input, `φ′ is that of unit ${m + 1}.`]),
  ];
}

function hiddenErrorQuestion(pass, l, k) {
  const above = pass.error[l + 1].map((error, p) => [error, pass.slope[l + 1][p], pass.w[l][p][k]]);
  const terms = above.map(([error, slope, weight]) => error * slope * weight);
  const value = sumOf(terms);
  const turned = pass.w[l][k]?.length === above.length;
  return {
    group: `Back to layer ${l}`,
    symbol: `∂R/∂${indexed("o", k + 1, l)}`,
    formula: above.map(multiplied).join(" + "),
    value,
    unit: [l, k],
    units: above.map((_, p) => [l + 1, p]),
    edge: null,
    slips: [
      ...terms.map((term, p) => [value - term, `The term of unit ${p + 1} above is missing: all demands add up.`]),
      ...terms.map((term, p) => [value - 2 * term, `The term of unit ${p + 1} above has the wrong sign.`]),
      [sumOf(above.map(([error, , weight]) => error * weight)), "The factor φ′ is missing in each term."],
      [sumOf(above.map(([error, slope]) => error * slope)), "The weights are missing."],
      [sumOf(above.map(([, slope, weight]) => slope * weight)), "The factor ∂R/∂o of the layer above is missing."],
      ...(turned
        ? [[sumOf(above.map(([error, slope], p) => error * slope * pass.w[l][k][p])), "From and to are swapped in w."]]
        : []),
      [value / above.length, "Add the terms, do not take their mean."],
    ],
  };
}
