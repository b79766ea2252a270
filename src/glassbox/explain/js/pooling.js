// Pooling: each window of a map becomes its largest number or its mean, as in glassbox.nn.
import { factor, term } from "./explanation.js";
import { ravel, tensor } from "./tensor.js";
import { eachRow, isInside, pixelOf, reachOfWindows, tapsOf, windowCounts, windowOf } from "./windows.js";

// Maximum

/** y[c, f, g] = the largest x of the window. */
export function maxPool2dForward(input, options) {
  const output = outputOf(input, options);
  const places = largestOf(input, options);
  for (let y = 0; y < places.length; y += 1) {
    output.data[y] = input.data[places[y]];
  }
  return output;
}

/** The slope of a window goes to its largest number alone. */
export function maxPool2dBackward(slope, input, options) {
  const gradInput = tensor(input.shape);
  const places = largestOf(input, options);
  for (let y = 0; y < places.length; y += 1) {
    gradInput.data[places[y]] += slope.data[y];
  }
  return { input: gradInput };
}

/** Where the largest number of each window is: among equals the first in row-major order. NaN counts as the largest. */
function largestOf(input, options) {
  const places = new Int32Array(outputOf(input, options).data.length).fill(-1);
  const x = input.data;
  eachPlane(input, options, (tap, from, to, count, step) => {
    for (let g = 0; g < count; g += 1) {
      const challenger = from + g * step;
      const holder = places[to + g];
      if (holder < 0 || x[challenger] > x[holder] || Number.isNaN(x[challenger])) {
        places[to + g] = challenger;
      }
    }
  });
  return places;
}

// Mean

/** y[c, f, g] = the sum of the window, divided by how many numbers it counts. */
export function avgPool2dForward(input, options) {
  const output = outputOf(input, options);
  const counted = countsOf(input, options);
  eachPlane(input, options, (tap, from, to, count, step) => {
    for (let g = 0; g < count; g += 1) {
      output.data[to + g] += input.data[from + g * step] / counted[to + g];
    }
  });
  return output;
}

/** The slope of a window is shared equally among its numbers. */
export function avgPool2dBackward(slope, input, options) {
  const gradInput = tensor(input.shape);
  const counted = countsOf(input, options);
  eachPlane(input, options, (tap, from, to, count, step) => {
    for (let g = 0; g < count; g += 1) {
      gradInput.data[from + g * step] += slope.data[to + g] / counted[to + g];
    }
  });
  return { input: gradInput };
}

/** By how much each window divides: all its taps, or, without the padding, those inside the image. */
function countsOf(input, options) {
  const counted = outputOf(input, options).data;
  if (options.divisorOverride !== null || options.countIncludePad) {
    return counted.fill(options.divisorOverride ?? options.kernelSize[0] * options.kernelSize[1]);
  }
  eachPlane(input, options, (tap, from, to, count) => {
    for (let g = 0; g < count; g += 1) {
      counted[to + g] += 1;
    }
  });
  return counted;
}

// What both share

function outputOf(input, options) {
  return tensor([input.shape[0], ...windowCounts(input.shape.slice(1), options.kernelSize, options)]);
}

/** Visit what all windows of all channels see: x[from + g step] is in the window y[to + g], g < count. */
function eachPlane(input, options, visit) {
  const imageSize = input.shape.slice(1);
  const [rows, columns] = windowCounts(imageSize, options.kernelSize, options);
  const [perPlane, perMap, step] = [imageSize[0] * imageSize[1], rows * columns, options.stride[1]];
  eachRow(imageSize, options.kernelSize, options, (tap, from, to, count) => {
    for (let c = 0; c < input.shape[0]; c += 1) {
      visit(tap, c * perPlane + from, c * perMap + to, count, step);
    }
  });
}

/** The indices of the numbers that a window sees, row by row, padding left out. */
function seenBy([c, ...window], input, layer) {
  const pixels = tapsOf(layer.kernelSize).map((tap) => pixelOf(window, tap, layer));
  return pixels.filter((pixel) => isInside(pixel, input.shape.slice(1))).map((pixel) => [c, ...pixel]);
}

/** The indices of the windows that see a pixel, in their own order. */
function windowsThatSee([c, ...pixel], slope, layer) {
  const taps = tapsOf(layer.kernelSize).reverse();
  const windows = taps.map((tap) => windowOf(pixel, tap, slope.shape.slice(1), layer));
  return windows.filter((window) => window !== null).map((window) => [c, ...window]);
}

const valueAt = (input, index) => factor("x", input.data[ravel(index, input.shape)], "input", index);
const arriving = (slope, index) => factor("∂L/∂y", slope.data[ravel(index, slope.shape)], "slope", index);

function explainMaximum(layer, { input, output }, index) {
  const winner = largestOf(input, layer)[ravel(index, output.shape)];
  const seen = seenBy(index, input, layer);
  const terms = seen.map((place) => term([valueAt(input, place)], ravel(place, input.shape) === winner));
  return { rule: "max", constant: null, terms };
}

/** dL/dx: dL/dy of each window that x won. */
function explainWonSlope(layer, { input, slope }, index) {
  const winners = largestOf(input, layer);
  const place = ravel(index, input.shape);
  const terms = windowsThatSee(index, slope, layer).map((window) => {
    const won = winners[ravel(window, slope.shape)] === place;
    return term([factor(won ? "won" : "lost", won ? 1 : 0), arriving(slope, window)], won);
  });
  return { rule: "sum", constant: null, terms };
}

function explainMean(layer, { input, output }, index) {
  const share = 1 / countsOf(input, layer)[ravel(index, output.shape)];
  const terms = seenBy(index, input, layer).map((place) => term([factor("1/n", share), valueAt(input, place)]));
  return { rule: "mean", constant: null, terms };
}

/** dL/dx: a share of dL/dy of each window that saw x. */
function explainSharedSlope(layer, { input, slope }, index) {
  const counted = countsOf(input, layer);
  const terms = windowsThatSee(index, slope, layer).map((window) =>
    term([factor("1/n", 1 / counted[ravel(window, slope.shape)]), arriving(slope, window)]),
  );
  return { rule: "sum", constant: null, terms };
}

function reachOfPool(layer, [channels, ...windows]) {
  return [channels, ...reachOfWindows(windows, layer.inputShape.slice(1), layer.kernelSize, layer)];
}

export const MaxPool2d = {
  forward: (layer, input) => maxPool2dForward(input, layer),
  backward: (layer, { input, slope }) => maxPool2dBackward(slope, input, layer),
  reach: reachOfPool,
  explain: explainMaximum,
  explainSlope: { value: explainWonSlope },
};

export const AvgPool2d = {
  forward: (layer, input) => avgPool2dForward(input, layer),
  backward: (layer, { input, slope }) => avgPool2dBackward(slope, input, layer),
  reach: reachOfPool,
  explain: explainMean,
  explainSlope: { value: explainSharedSlope },
};
