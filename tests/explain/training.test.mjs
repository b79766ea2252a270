// Learning in the page against glassbox.training. ENGINE is the module, REFERENCE what Python computed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const engine = await import(process.env.ENGINE);
const { drawn, examples, network: described, runs } = JSON.parse(readFileSync(process.env.REFERENCE, "utf8"));
const network = engine.decode(described);
const images = examples.images.map((pixels) => engine.tensor(network.input, pixels));

/** Numbers within 1e-9, or the very same; the first wrong one is named: a diff of thousands would take minutes. */
function near(found, expected, what, tolerance = 1e-9) {
  assert.equal(found.length, expected.length, `how many of ${what}`);
  const wrong = expected.findIndex((number, k) => !(Math.abs(found[k] - number) <= tolerance));
  assert.equal(wrong, -1, `${what} ${wrong}: ${found[wrong]}, Python has ${expected[wrong]}`);
}

for (const { seed, weights, order } of drawn) {
  test(`seed ${seed} draws torch's own numbers`, () => {
    near(engine.initialWeights(network, seed), weights, "weight", 0);
    order.forEach((expected, epoch) => near(engine.epochOrder(expected.length, seed, epoch), expected, "example", 0));
  });
}

for (const { settings, losses, weights, memory } of runs) {
  const training = new engine.Training(network, { images, labels: examples.labels }, settings);
  const name = `${settings.rule}, batches of ${settings.batchSize}`;
  const states = [training.state];

  test(`${name}: every loss, and the weights after the last step`, () => {
    while (training.state.step < losses.length && !training.hasDiverged) {
      if (training.advance()) {
        states.push(training.state);
      }
    }
    near(training.losses, losses, "loss");
    near(training.state.theta, weights, "weight");
    for (const [what, numbers] of Object.entries(memory)) {
      near(training.state[what], numbers, what);
    }
  });

  test(`${name}: a state is what it was, and each step is made again from it`, () => {
    for (const step of [0, 3, 17, losses.length - 1]) {
      const batch = training.batchOf(step);
      const gradient = new Float64Array(training.state.theta.length);
      const { parts } = training;
      for (const example of batch) {
        const before = training.networkOf(states[step]);
        engine.addGradient(before, parts, images[example], examples.labels[example], gradient);
      }
      const mean = gradient.map((sum) => sum / batch.length);
      near(engine.stepped(states[step], mean, settings).theta, states[step + 1].theta, `weight after step ${step}`);
    }
  });
}

test("a run that diverges stops where its numbers were finite", () => {
  const settings = { seed: 0, batchSize: 10, rule: "plain", rate: 1e300 };
  const training = new engine.Training(network, { images, labels: examples.labels }, settings);
  for (let k = 0; k < 100 && !training.hasDiverged; k += 1) {
    training.advance();
  }
  assert.ok(training.hasDiverged);
  assert.ok(training.state.theta.every(Number.isFinite));
  assert.equal(training.losses.length, training.state.step);
});
