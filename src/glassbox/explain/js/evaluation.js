// What a network makes of digits that it has not learned from: how many it reads, which units stay silent, how much its
// scores differ from one digit to the next. One example at a time, so that a page can stop in between.
import { forward, lossOf } from "./network.js";

export class Evaluation {
  /** Read {images, labels} with a network. */
  constructor(network, { images, labels }) {
    Object.assign(this, { network, images, labels, seen: 0, correct: 0, total: 0 });
    const outputs = network.layers.at(-1).outputShape[0];
    this.reads = new Uint8Array(labels.length); // the class with the highest score
    this.confusion = Array.from({ length: outputs }, () => new Uint32Array(outputs)); // by true and by read class
    [this.sums, this.squares] = [new Float64Array(outputs), new Float64Array(outputs)];
    this.rectified = network.layers.flatMap(({ kind, name, outputShape }, l) =>
      kind === "ReLU" ? [{ name, value: l + 1, largest: new Float64Array(outputShape[0]) }] : [],
    );
  }

  get isDone() {
    return this.seen === this.labels.length;
  }

  /** Read the next image. */
  advance() {
    const [example, label] = [this.seen, this.labels[this.seen]];
    const run = forward(this.network, this.images[example]);
    const scores = run.values.at(-1).data;
    const read = scores.indexOf(Math.max(...scores));
    this.reads[example] = read;
    this.confusion[label][read] += 1;
    this.correct += read === label ? 1 : 0;
    this.total += lossOf(run, label);
    scores.forEach((score, k) => {
      this.sums[k] += score;
      this.squares[k] += score * score;
    });
    for (const { value, largest } of this.rectified) {
      noteLargest(run.values[value].data, largest);
    }
    this.seen += 1;
  }

  /** The mean loss. */
  get loss() {
    return this.total / this.seen;
  }

  get share() {
    return this.correct / this.seen;
  }

  /** By how much a score differs from image to image: its standard deviation, the mean of all classes. */
  get spread() {
    const deviations = this.sums.map((sum, k) =>
      Math.sqrt(Math.max(0, this.squares[k] / this.seen - (sum / this.seen) ** 2)),
    );
    return deviations.reduce((sum, deviation) => sum + deviation, 0) / deviations.length;
  }

  /** For each ReLU, how many of its maps or units are zero for every image: {name, silent, count}. */
  get silence() {
    return this.rectified.map(({ name, largest }) => {
      return { name, silent: largest.filter((most) => most === 0).length, count: largest.length };
    });
  }
}

/** The largest number of each map. */
function noteLargest(numbers, largest) {
  const perMap = numbers.length / largest.length;
  for (let place = 0; place < numbers.length; place += 1) {
    const channel = Math.floor(place / perMap);
    if (numbers[place] > largest[channel]) {
      largest[channel] = numbers[place];
    }
  }
}
