// What a network's answer hangs on: an input that climbs toward another class, and what is lost where a part is covered.
import { backward, forward, probabilities } from "./network.js";
import { tensor } from "./tensor.js";

/**
 * Move an input, whose numbers lie between 0 and 1, against the slope of the loss of a class until the network is sure
 * of that class: x becomes x - length slope / (largest slope), kept within 0 and 1. Returns the inputs from the first to
 * the last, and the probability of the class at each.
 */
export function climb(network, input, target, { length = 0.05, most = 60, sure = 0.9 } = {}) {
  const inputs = [input];
  const shares = [];
  for (;;) {
    const run = forward(network, inputs.at(-1));
    shares.push(probabilities(run).data[target]);
    const slope = backward(run, target).values[0].data;
    const largest = slope.reduce((size, d) => Math.max(size, Math.abs(d)), 0);
    if (shares.at(-1) >= sure || inputs.length > most || largest === 0) {
      return { inputs, shares };
    }
    const moved = inputs.at(-1).data.map((x, place) => Math.max(0, Math.min(1, x - (length * slope[place]) / largest)));
    inputs.push(tensor(input.shape, moved));
  }
}

/** The corners [row, column] of all squares of a side that fit into an image (C, H, W), row by row. */
export function cornersOf([, height, width], side) {
  const [rows, columns] = [height - side + 1, width - side + 1];
  return Array.from({ length: rows * columns }, (_, place) => [Math.floor(place / columns), place % columns]);
}

/** By how much the probability of a class falls when a square of an image is covered with zeros, in all channels. */
export function lossOfCover(network, input, target, [top, left], side) {
  const [channels, height, width] = input.shape;
  const covered = tensor(input.shape, input.data);
  for (let c = 0; c < channels; c += 1) {
    for (let row = top; row < top + side; row += 1) {
      const start = (c * height + row) * width + left;
      covered.data.fill(0, start, start + side);
    }
  }
  const share = (image) => probabilities(forward(network, image)).data[target];
  return share(input) - share(covered);
}

/** For each pixel of an image, the mean of what its covers lose: `losses` in the order of `cornersOf`. */
export function meanOfCovers([, height, width], side, losses) {
  const [sums, counts] = [tensor([1, height, width]), new Float64Array(height * width)];
  cornersOf([1, height, width], side).forEach(([top, left], place) => {
    for (let row = top; row < top + side; row += 1) {
      for (let column = left; column < left + side; column += 1) {
        sums.data[row * width + column] += losses[place];
        counts[row * width + column] += 1;
      }
    }
  });
  return tensor(
    sums.shape,
    sums.data.map((sum, place) => sum / counts[place]),
  );
}
