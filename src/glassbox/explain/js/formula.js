// A number, opened: one sentence, the patch that it saw beside the kernel, and the sum written out as in a column of
// addition. Each number in it can be opened in turn.
import { make, makeNumber } from "./dom.js";
import { written } from "./numbers.js";

const SHOWN = 12; // rows of a long sum before "show all"
const HEADS = { exp: "score less the largest, and e to that power", lost: "won" }; // of columns whose symbol says less, or differs

const NORMALIZED =
  "The mean m of its channel subtracted, divided by the standard deviation s, both as training kept them; times the " +
  "weight, and the bias.";
const NORMALIZED_BACK = "The gradient times the weight of the channel, divided by its standard deviation s.";
const OF_NORMALIZATION = {
  weight: "This weight multiplied every number of its channel. The normalized number times its gradient; all added.",
  bias: "The bias went into every number of its channel: all their gradients, added.",
};

const FORWARD = {
  Conv2d: "Each number under the kernel times the weight that lies on it; all added, and the bias.",
  Linear: "Every number of the layer before times its weight; all added, and the bias.",
  MaxPool2d: "The largest number of the window goes on.",
  AvgPool2d: "The mean of the window.",
  BatchNorm1d: NORMALIZED,
  BatchNorm2d: NORMALIZED,
  ReLU: "A number above zero stays as it is; any other becomes zero.",
  LeakyReLU: "A number above zero stays as it is; of any other a fixed share goes on.",
  GELU: "The number times Φ(x), the share of a standard normal distribution that lies below it.",
  SiLU: "The number times its own sigmoid.",
  Sigmoid: "The sigmoid brings any number between 0 and 1.",
  Tanh: "The hyperbolic tangent brings any number between −1 and 1.",
  Softmax:
    "e to the power of this score, divided by the same of all scores. The largest score is subtracted from each first: " +
    "that changes no share, and no power becomes too large.",
  Flatten: "The same number, now in one line with the others.",
};

const BACKWARD = {
  Conv2d:
    "Each sum that this number went into sends its gradient back, times the weight that lay on the number there. " +
    "As the kernel moves on, that weight moves back: the kernel is turned by half a turn.",
  Linear:
    "This number went into every sum of the next layer. Each sends its gradient back, times the weight between them.",
  MaxPool2d: "Only the largest number of a window changes what goes on: it takes the whole gradient, the others none.",
  AvgPool2d: "Each number of a window takes an equal share of the gradient.",
  BatchNorm1d: NORMALIZED_BACK,
  BatchNorm2d: NORMALIZED_BACK,
  LeakyReLU: "The gradient goes through where the number was above zero; elsewhere a fixed share of it does.",
  GELU: "The gradient times the derivative of GELU at the number, Φ(x) + x φ(x).",
  SiLU: "The gradient times the derivative of SiLU, σ(x) (1 + x (1 − σ(x))).",
  ReLU: "The gradient goes through where the number was above zero, and stops where it was not.",
  Sigmoid: "The gradient times the derivative of the sigmoid, y (1 − y).",
  Tanh: "The gradient times the derivative of the hyperbolic tangent, 1 − y².",
  Softmax: "A score moves every probability: the gradient of each, times how much it moves.",
  Flatten: "The same gradient, back at its place in the image.",
};

const OF_PARAMETER = {
  BatchNorm1d: OF_NORMALIZATION,
  BatchNorm2d: OF_NORMALIZATION,
  Conv2d: {
    weight: "This weight lay on every place of the image. What was under it, times the gradient of the sum; all added.",
    bias: "The bias went into every sum of its channel: all their gradients, added.",
  },
  Linear: {
    weight: "What came in through this weight, times the gradient of the sum that it went into.",
    bias: "The bias went into one sum: its gradient is the gradient of that sum.",
  },
};

const OF_LOSS = {
  cross_entropy:
    "Minus the logarithm of the probability of the true class: 0 when it is certain, large when it is not.",
  mse_loss: "The mean of the squared differences between output and target.",
  binary_cross_entropy_with_logits:
    "For each output minus the logarithm of the probability p that its sigmoid gives to the right answer; their mean.",
};

const BACK_FROM_LOSS = {
  cross_entropy: "the probability of this class, less 1 if it is the true one.",
  mse_loss: "twice the difference from the target, shared among the outputs.",
  binary_cross_entropy_with_logits: "the sigmoid of this score less its target, shared among the outputs.",
};

/** One sentence on how a number came about. */
export function sentenceOf(network, place, isBackward) {
  const { layers, loss } = network;
  if (place.what === "loss") {
    return OF_LOSS[loss];
  }
  if (place.what === "probability") {
    return FORWARD.Softmax;
  }
  if (place.what !== "value") {
    return isBackward
      ? OF_PARAMETER[layers[place.layer].kind][place.what]
      : "A number that the network has learned. Go backward to see how it would change.";
  }
  if (!isBackward) {
    return place.value === 0
      ? "A number of the input: nothing in the network made it."
      : FORWARD[layers[place.value - 1].kind];
  }
  if (place.value < layers.length) {
    return BACKWARD[layers[place.value].kind];
  }
  return `Where the way back begins: ${BACK_FROM_LOSS[loss]}`;
}

/**
 * The patch, the kernel and their products as small tables, for a sum over a small window of an image; or null. A tap
 * on a number opens it, as its name in the sum does.
 */
export function pictureOf(explanation, network, place, isBackward, open) {
  const groups = windowsOf(explanation.terms);
  if (groups === null) {
    return null;
  }
  const symbols = explanation.terms[0].factors.map(({ symbol }) => symbol);
  const isFlipped = isBackward && place.what === "value" && network.layers[place.value]?.kind === "Conv2d";
  const rows = groups.map(({ channel, cells }) => {
    const columns = symbols.map((symbol, part) => {
      return {
        title: symbol === "K" && isFlipped ? "K turned" : symbol,
        cells: eachCell(cells, (term) => term.factors[part]),
      };
    });
    if (symbols.length > 1) {
      columns.push({ title: symbols.join(" · "), cells: eachCell(cells, ({ product }) => ({ value: product })) });
    }
    if (isFlipped) {
      columns.unshift({
        title: "K",
        cells: storedKernel(network.layers[place.value], channel, place.index[0]),
        isAside: true,
      });
    }
    const signs = [
      "",
      ...columns.slice(1).map((_, k) => (isFlipped && k === 0 ? "↻" : k === columns.length - 2 ? "=" : "·")),
    ];
    const parts = columns.flatMap((column, k) => [
      signs[k] && make("span", { class: "formula-sign" }, signs[k]),
      matrix(column, open),
    ]);
    return make(
      "div",
      { class: "formula-window" },
      make("span", { class: "formula-channel" }, `channel ${channel}`),
      parts.filter(Boolean),
    );
  });
  return make("div", { class: "formula-picture", "aria-hidden": "true" }, rows);
}

const eachCell = (cells, read) => cells.map((row) => row.map(read));

/** The kernel of an output and an input channel, as the layer holds it. */
function storedKernel(layer, output, input) {
  const [, channels, height, width] = layer.weight.shape;
  const start = (output * channels + (input % channels)) * height * width;
  return Array.from({ length: height }, (_, v) =>
    Array.from(layer.weight.data.slice(start + v * width, start + (v + 1) * width), (value) => ({ value })),
  );
}

/** Terms by channel, row and column of what lies under the window; null where they form no window of 36 or less. */
function windowsOf(terms) {
  const channels = new Map();
  for (const term of terms) {
    const at = term.factors.map((part) => part.at).find((found) => found?.index.length === 3);
    if (at === undefined) {
      return null;
    }
    const [channel, row, column] = at.index;
    const rows = channels.get(channel) ?? new Map();
    channels.set(channel, rows.set(row, [...(rows.get(row) ?? []), { column, term }]));
  }
  const groups = [...channels].map(([channel, rows]) => {
    return { channel, cells: [...rows.values()].map((row) => row.map(({ term }) => term)) };
  });
  const isWindow = ({ cells }) =>
    cells.every((row) => row.length === cells[0].length) && cells.length * cells[0].length <= 36;
  return terms.length > 1 && groups.length <= 16 && groups.every(isWindow) ? groups : null;
}

/** A number beside others, the largest of which shows two digits. */
function brief(value, largest) {
  const decimals = Math.max(2, 1 - Math.floor(Math.log10(largest)));
  return decimals > 4 || largest === 0
    ? written(value, 2)
    : value
        .toFixed(decimals)
        .replace(/^-(?=0\.?0*$)/, "")
        .replace("-", "−");
}

/** Numbers in rows and columns, tinted by sign and size. */
function matrix({ title, cells, isAside = false }, open) {
  const largest = Math.max(...cells.flat().map(({ value }) => Math.abs(value)));
  const cell = ({ value, at }) => {
    const share = largest > 0 ? Math.round((35 * Math.abs(value)) / largest) : 0;
    const side = value < 0 ? "below" : "above";
    const opens = at && canOpen(at);
    const attributes = { class: `formula-${side}${opens ? " opens" : ""}`, onclick: opens ? () => open(at) : null };
    return make("td", { ...attributes, style: `--share: ${share}%` }, brief(value, largest));
  };
  const rows = cells.map((row) => make("tr", {}, row.map(cell)));
  return make(
    "table",
    { class: isAside ? "formula-matrix formula-aside" : "formula-matrix" },
    make("caption", {}, title),
    make("tbody", {}, rows),
  );
}

/**
 * The sum written out. `nameOf(place)` names a number, `open(place)` opens it, `isShort` keeps to the largest terms
 * and `showAll()` asks for the others.
 */
export function sumOf(explanation, { nameOf, open, isShort, showAll }) {
  const { rule, terms, constant } = explanation;
  const isLong = isShort && terms.length > SHOWN + 4;
  const shown = isLong ? largestOfTerms(terms, SHOWN) : terms;
  const symbols = terms[0]?.factors.map(({ symbol }) => symbol) ?? [];
  const head = [
    "where",
    ...symbols.map((symbol) => HEADS[symbol] ?? symbol),
    ...(symbols.length > 1 ? ["product"] : []),
  ];
  const width = head.length - 1;
  const rows = shown.map((term) => termRow(term, { rule, nameOf, open }));
  if (isLong) {
    const rest = terms.filter((term) => !shown.includes(term));
    const sum = rest.reduce((total, { product }) => total + product, 0);
    const button = make("button", { type: "button", onclick: showAll }, `show all ${terms.length}`);
    rows.push(footRow([`${rest.length} smaller terms `, button], width, sum, "formula-rest"));
  }
  if (constant !== null) {
    rows.push(footRow(["bias ", openable(constant.at, nameOf(constant.at), open)], width, constant.value));
  }
  return make(
    "table",
    { class: "formula-sum" },
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        head.map((title) => make("th", { scope: "col" }, title)),
      ),
    ),
    make("tbody", {}, rows),
    make(
      "tfoot",
      {},
      closing(explanation).map(([label, value, isResult]) =>
        footRow([label], width, value, isResult ? "formula-result" : ""),
      ),
    ),
  );
}

function largestOfTerms(terms, count) {
  const kept = new Set([...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product)).slice(0, count));
  return terms.filter((term) => kept.has(term));
}

function termRow(term, { rule, nameOf, open }) {
  const at = term.factors.map((part) => part.at).filter((place) => place !== null);
  const place =
    at.find(({ what }) => what === "value" || what === "padding") ?? at.find(({ what }) => what === "slope") ?? at[0];
  const cells = term.factors.map((part) => make("td", {}, factorNumber(part, open)));
  const isWinner = rule === "max" && term.chosen;
  return make(
    "tr",
    { class: isWinner || (rule === "softmax" && term.chosen) ? "is-chosen" : null },
    make("th", { scope: "row" }, place ? openable(place, nameOf(place), open) : "", isWinner ? " wins" : ""),
    cells,
    cells.length > 1 && make("td", {}, makeNumber(written(term.product), term.product)),
  );
}

function factorNumber(part, open) {
  const number = makeNumber(written(part.value), part.value);
  const shown = part.argument === undefined ? [number] : [`${written(part.argument)} → `, number];
  return part.at?.what === "weight"
    ? make("button", { type: "button", class: "formula-number", onclick: () => open(part.at) }, shown)
    : shown;
}

/** The name of a number, as a button where it can be opened. */
function openable(place, name, open) {
  return canOpen(place) ? make("button", { type: "button", onclick: () => open(place) }, name) : name;
}

const canOpen = ({ what }) => what !== "padding" && what !== "target";

/** The last lines of the column: what the rule makes of the terms. */
function closing({ rule, terms, result }) {
  const all = terms.reduce((sum, { product }) => sum + product, 0);
  const chosen = terms.find((term) => term.chosen);
  const last = (label) => [label, result, true];
  switch (rule) {
    case "input":
      return [last("the number")];
    case "max":
      return [last("largest")];
    case "relu":
      return [last(`max(0, ${written(terms[0].product)})`)];
    case "sigmoid":
      return [last("1 / (1 + e to the power −x)")];
    case "tanh":
      return [last("tanh(x)")];
    case "softmax":
      return [["sum of all", all], last(`${written(chosen.product)} / ${written(all)}`)];
    case "cross_entropy":
      return [["sum of all", all], ["probability of the true class", chosen.product / all], last("−log of it")];
    case "copy":
      return [last("the same")];
    default:
      return [last("sum")];
  }
}

function footRow(label, width, value, kind = "") {
  return make(
    "tr",
    { class: kind || null },
    make("th", { scope: "row", colspan: width }, label),
    make("td", {}, makeNumber(written(value), value)),
  );
}
