// The convolution: y[o, f, g] = b[o] + sum over c, v, w of K[o, c, v, w] x[c, f + v, g + w], as in glassbox.nn.
import { factor, term } from "./explanation.js";
import { ravel, tensor } from "./tensor.js";
import { eachRow, isInside, pixelOf, reachOfWindows, tapsOf, windowCounts, windowOf } from "./windows.js";

const PLAIN = { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };

/** Convolve an image (C, H, W) with kernels (O, C / groups, kh, kw) and a bias (O): gives (O, h, w). */
export function conv2dForward(input, weight, bias, options = PLAIN) {
  const [x, K] = [input.data, weight.data];
  const output = tensor([weight.shape[0], ...windowCounts(input.shape.slice(1), weight.shape.slice(2), options)]);
  const y = output.data;
  const perMap = y.length / output.shape[0];
  if (bias !== null) {
    bias.data.forEach((b, o) => y.fill(b, o * perMap, (o + 1) * perMap));
  }
  eachProduct(input, weight, output, options, (k, from, to, count, step) => {
    const tap = K[k];
    for (let g = 0; g < count; g += 1) {
      y[to + g] += tap * x[from + g * step];
    }
  });
  return output;
}

/** Each product K x of the forward hands the slope dL/dy of its sum to both: K's to x, x's to K. */
export function conv2dBackward(slope, input, weight, options = PLAIN) {
  const [x, K, dy] = [input.data, weight.data, slope.data];
  const [gradInput, gradWeight, gradBias] = [tensor(input.shape), tensor(weight.shape), tensor([weight.shape[0]])];
  const [dx, dK] = [gradInput.data, gradWeight.data];
  eachProduct(input, weight, slope, options, (k, from, to, count, step) => {
    const tap = K[k];
    let sum = 0;
    for (let g = 0; g < count; g += 1) {
      dx[from + g * step] += tap * dy[to + g];
      sum += x[from + g * step] * dy[to + g];
    }
    dK[k] += sum;
  });
  const perMap = dy.length / slope.shape[0];
  for (let place = 0; place < dy.length; place += 1) {
    gradBias.data[Math.floor(place / perMap)] += dy[place];
  }
  return { input: gradInput, weight: gradWeight, bias: gradBias };
}

/** Visit all products K[k] x[from + g step] that go into y[to + g], g < count. */
function eachProduct(input, weight, output, options, visit) {
  const [perPlane, taps] = [input.shape[1] * input.shape[2], weight.shape[2] * weight.shape[3]];
  const [perMap, step, perKernel] = [output.shape[1] * output.shape[2], options.stride[1], weight.shape[1]];
  const firsts = Array.from({ length: weight.shape[0] }, (_, o) => firstChannel(o, weight, options));
  eachRow(input.shape.slice(1), weight.shape.slice(2), options, (tap, from, to, count) => {
    for (let o = 0; o < firsts.length; o += 1) {
      for (let c = 0; c < perKernel; c += 1) {
        const k = (o * perKernel + c) * taps + tap;
        visit(k, (firsts[o] + c) * perPlane + from, o * perMap + to, count, step);
      }
    }
  });
}

/** The first of the input channels that kernel o sees: those of its group. */
function firstChannel(o, weight, { groups }) {
  return Math.floor((o * groups) / weight.shape[0]) * weight.shape[1];
}

/** The input channels that kernel o sees. */
function channelsOf(o, weight, options) {
  const first = firstChannel(o, weight, options);
  return Array.from({ length: weight.shape[1] }, (_, c) => first + c);
}

const kernelAt = (weight, index) => factor("K", weight.data[ravel(index, weight.shape)], "weight", index);
const slopeAt = (slope, index) => factor("∂L/∂y", slope.data[ravel(index, slope.shape)], "slope", index);

function pixelAt(input, index) {
  return isInside(index.slice(1), input.shape.slice(1))
    ? factor("x", input.data[ravel(index, input.shape)], "input", index)
    : factor("x", 0, "padding", index);
}

/** y[o, f, g]: the products of a kernel with what its window sees, and the bias. */
function explainMap(layer, { input }, [o, ...window]) {
  const taps = tapsOf(layer.weight.shape.slice(2));
  const terms = channelsOf(o, layer.weight, layer).flatMap((channel, c) =>
    taps.map((tap) =>
      term([kernelAt(layer.weight, [o, c, ...tap]), pixelAt(input, [channel, ...pixelOf(window, tap, layer)])]),
    ),
  );
  const constant = layer.bias === null ? null : factor("b", layer.bias.data[o], "bias", [o]);
  return { rule: "sum", constant, terms };
}

/** dL/dx[c, i, j]: over all windows that see the pixel, K dL/dy. As the window goes on, the tap goes back: the flip. */
function explainInputSlope(layer, { slope }, [channel, ...pixel]) {
  const terms = [];
  for (let o = 0; o < layer.weight.shape[0]; o += 1) {
    const c = channelsOf(o, layer.weight, layer).indexOf(channel);
    for (const tap of c < 0 ? [] : tapsOf(layer.weight.shape.slice(2)).reverse()) {
      const window = windowOf(pixel, tap, slope.shape.slice(1), layer);
      if (window !== null) {
        terms.push(term([kernelAt(layer.weight, [o, c, ...tap]), slopeAt(slope, [o, ...window])]));
      }
    }
  }
  return { rule: "sum", constant: null, terms };
}

/** dL/dK[o, c, v, w]: over all windows, what this tap saw times dL/dy. */
function explainWeightSlope(layer, { input, slope }, [o, c, ...tap]) {
  const channel = channelsOf(o, layer.weight, layer)[c];
  const terms = tapsOf(slope.shape.slice(1)).map((window) =>
    term([pixelAt(input, [channel, ...pixelOf(window, tap, layer)]), slopeAt(slope, [o, ...window])]),
  );
  return { rule: "sum", constant: null, terms };
}

/** dL/db[o]: the sum of dL/dy over the map. */
function explainBiasSlope(layer, { slope }, [o]) {
  const terms = tapsOf(slope.shape.slice(1)).map((window) => term([slopeAt(slope, [o, ...window])]));
  return { rule: "sum", constant: null, terms };
}

export const Conv2d = {
  forward: (layer, input) => conv2dForward(input, layer.weight, layer.bias, layer),
  backward: (layer, { input, slope }) => conv2dBackward(slope, input, layer.weight, layer),
  reach: (layer, [[first, last], ...windows]) => {
    const [from, to] = [channelsOf(first, layer.weight, layer)[0], channelsOf(last, layer.weight, layer).at(-1)];
    const pixels = reachOfWindows(windows, layer.inputShape.slice(1), layer.weight.shape.slice(2), layer);
    return [[from, to], ...pixels];
  },
  explain: explainMap,
  explainSlope: { value: explainInputSlope, weight: explainWeightSlope, bias: explainBiasSlope },
};
