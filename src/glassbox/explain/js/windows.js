// Windows that slide over an image: what a convolution and a pooling have in common.
// Window (f, g) sees, at its tap (v, w), the pixel (f stride + v dilation - padding, g stride + w dilation - padding).

/** How many windows fit along rows and columns: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1. */
export function windowCounts(imageSize, kernelSize, { stride, padding, dilation }) {
  return imageSize.map((size, axis) => {
    const reach = dilation[axis] * (kernelSize[axis] - 1) + 1;
    return Math.floor((size + 2 * padding[axis] - reach) / stride[axis]) + 1;
  });
}

/** The pixel that a window sees at one of its taps; outside the image it is a zero of the padding. */
export function pixelOf(window, tap, { stride, padding, dilation }) {
  return window.map((place, axis) => place * stride[axis] + tap[axis] * dilation[axis] - padding[axis]);
}

/** The window that sees a pixel at a tap, or null where no window does. */
export function windowOf(pixel, tap, counts, { stride, padding, dilation }) {
  const window = pixel.map((place, axis) => (place + padding[axis] - tap[axis] * dilation[axis]) / stride[axis]);
  const exists = window.every((place, axis) => Number.isInteger(place) && place >= 0 && place < counts[axis]);
  return exists ? window : null;
}

export function isInside(pixel, imageSize) {
  return pixel.every((place, axis) => place >= 0 && place < imageSize[axis]);
}

/** All (v, w) of a kernel, row by row. */
export function tapsOf([height, width]) {
  return Array.from({ length: height * width }, (_, tap) => [Math.floor(tap / width), tap % width]);
}

/**
 * Visit what all windows of a plane see, one row of windows at one tap at a time, padding left out.
 * visit(tap, x, y, count): for g = 0 .. count - 1, window y + g sees at this tap the pixel x + g stride.
 */
export function eachRow(imageSize, kernelSize, options, visit) {
  const [height, width] = imageSize;
  const [rows, columns] = windowCounts(imageSize, kernelSize, options);
  const { stride, padding, dilation } = options;
  for (let v = 0, tap = 0; v < kernelSize[0]; v += 1) {
    for (let w = 0; w < kernelSize[1]; w += 1, tap += 1) {
      const shift = w * dilation[1] - padding[1];
      const first = Math.max(0, Math.ceil(-shift / stride[1]));
      const count = Math.min(columns, Math.ceil((width - shift) / stride[1])) - first;
      for (let f = 0; f < rows && count > 0; f += 1) {
        const row = f * stride[0] + v * dilation[0] - padding[0];
        if (row >= 0 && row < height) {
          visit(tap, row * width + first * stride[1] + shift, f * columns + first, count);
        }
      }
    }
  }
}

/** The rows and columns that ranges of windows see, inside the image: [[first, last], [first, last]]. */
export function reachOfWindows(windows, imageSize, kernelSize, { stride, padding, dilation }) {
  return windows.map(([first, last], axis) => {
    const seen = [];
    for (let window = first; window <= last; window += 1) {
      for (let tap = 0; tap < kernelSize[axis]; tap += 1) {
        seen.push(window * stride[axis] + tap * dilation[axis] - padding[axis]);
      }
    }
    const inside = seen.filter((place) => place >= 0 && place < imageSize[axis]);
    return [Math.min(...inside), Math.max(...inside)];
  });
}
