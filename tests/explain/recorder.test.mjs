// The states of a recorded run against torch. ENGINE is the module, REFERENCE what Python computed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const engine = await import(process.env.ENGINE);
const { expected, film, image, label, network: described } = JSON.parse(readFileSync(process.env.REFERENCE, "utf8"));
const network = engine.decode(described);
const input = engine.tensor(network.input, image);

function near(found, numbers, what) {
  assert.equal(found.length, numbers.length);
  numbers.forEach((number, k) =>
    assert.ok(Math.abs(found[k] - number) <= 1e-12, `${what} ${k}: ${found[k]}, ${number}`),
  );
}

film.forEach(({ name, layers }, k) => {
  test(name, () => {
    const run = engine.forward(engine.withTensors(network, layers), input);
    const slopes = engine.backward(run, label);
    near(run.values.at(-1).data, expected[k].scores, "score");
    near([slopes.loss], [expected[k].loss], "loss");
    near(slopes.weight[0].data, expected[k].weight, "gradient");
  });
});
