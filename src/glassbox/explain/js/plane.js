// The loss of a network on a plane through three of its states, and the way of a run as it falls on it: Li, Xu, Taylor,
// Studer and Goldstein, Visualizing the loss landscape of neural nets, 2018, https://doi.org/10.48550/arXiv.1712.09913
import { forward, lossOf } from "./network.js";

const MARGIN = 0.35; // of the width of what is shown, around it

/** How long a line of numbers is as a vector. */
export function lengthOf(a) {
  return Math.sqrt(dot(a, a));
}

function dot(a, b) {
  let sum = 0;
  for (let k = 0; k < a.length; k += 1) {
    sum += a[k] * b[k];
  }
  return sum;
}

/** a + share b. */
function plus(a, share, b) {
  const sum = Float64Array.from(a);
  for (let k = 0; k < a.length; k += 1) {
    sum[k] += share * b[k];
  }
  return sum;
}

const minus = (a, b) => plus(a, -1, b);
const unit = (a) => plus(new Float64Array(a.length), 1 / lengthOf(a), a);

/** The plane through an origin and two other points in the space of weights, with two axes at a right angle. */
export class Plane {
  constructor(origin, first, second) {
    this.origin = origin;
    const axis = unit(minus(first, origin));
    const toSecond = minus(second, origin);
    this.axes = [axis, unit(plus(toSecond, -dot(toSecond, axis), axis))];
  }

  /** Where a point falls on the plane, and how far it is from there. */
  project(theta) {
    const way = minus(theta, this.origin);
    const place = this.axes.map((axis) => dot(way, axis));
    return { place, distance: lengthOf(minus(theta, this.at(place))) };
  }

  /** The weights at a place on the plane. */
  at([a, b]) {
    const [first, second] = this.axes;
    return plus(plus(this.origin, a, first), b, second);
  }
}

/** The state that is farthest from the straight way between the first of some and the last. */
export function farthestFromTheWay(states) {
  const [from, to] = [states[0].theta, states.at(-1).theta];
  const along = minus(to, from);
  const square = dot(along, along);
  const distances = states.map(({ theta }) => {
    const way = minus(theta, from);
    return dot(way, way) - dot(way, along) ** 2 / square;
  });
  return states[distances.indexOf(Math.max(...distances))];
}

/** Ranges along both axes, [[low, high], [low, high]], that hold places, with a margin; each side is at least a quarter
 * of the other. */
export function rangesAround(places) {
  const ends = [0, 1].map((axis) => {
    const along = places.map((place) => place[axis]);
    return [Math.min(...along), Math.max(...along)];
  });
  const widest = Math.max(...ends.map(([low, high]) => high - low));
  return ends.map(([low, high]) => {
    const width = Math.max(high - low, widest / 4) * (1 + 2 * MARGIN);
    return [(low + high - width) / 2, (low + high + width) / 2];
  });
}

/** The mean loss over examples at each place of a raster on a plane, row by row from the top; one example at a time. */
export class Landscape {
  /** `networkOf(theta)` makes the network of weights. */
  constructor({ plane, ranges, side, examples, networkOf }) {
    Object.assign(this, { plane, ranges, side, examples, networkOf, losses: [], seen: 0, total: 0 });
  }

  get isDone() {
    return this.losses.length === this.side * this.side;
  }

  placeOf(number) {
    const [across, up] = this.ranges;
    const [row, column] = [Math.floor(number / this.side), number % this.side];
    const share = (k) => k / (this.side - 1);
    return [across[0] + share(column) * (across[1] - across[0]), up[1] - share(row) * (up[1] - up[0])];
  }

  advance() {
    const { images, labels } = this.examples;
    if (this.seen === 0) {
      this.network = this.networkOf(this.plane.at(this.placeOf(this.losses.length)));
      this.total = 0;
    }
    this.total += lossOf(forward(this.network, images[this.seen]), labels[this.seen]);
    this.seen += 1;
    if (this.seen === labels.length) {
      this.losses.push(this.total / this.seen);
      this.seen = 0;
    }
  }
}
