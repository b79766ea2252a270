// The engine against what torch computed (reference.py). ENGINE is the module, CASES the folder.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const engine = await import(process.env.ENGINE);
const { decodeTensor, unravel } = engine;

const isClose = (a, b) => Math.abs(a - b) <= 1e-9 * (1 + Math.abs(b));

function compare(found, stored, what) {
  const expected = decodeTensor(stored);
  assert.deepEqual(found.shape, expected.shape, `shape of ${what}`);
  const wrong = expected.data.findIndex((number, place) => !isClose(found.data[place], number));
  const index = wrong < 0 ? [] : unravel(wrong, expected.shape);
  assert.equal(wrong, -1, `${what}[${index}]: ${found.data[wrong]}, torch has ${expected.data[wrong]}`);
}

function compareAll(found, stored, what) {
  assert.equal(found.length, stored.length, `how many ${what}`);
  stored.forEach((expected, i) => {
    if (expected === null) {
      assert.equal(found[i], null, `${what} ${i}`);
    } else {
      compare(found[i], expected, `${what} ${i}`);
    }
  });
}

/** What stands at the place that a factor names. */
function lookUp({ what, value, layer, index }, { run, slopes }) {
  const tensors = { value: run.values[value], slope: slopes.values[value], probability: engine.probabilities(run) };
  const found = tensors[what] ?? run.network.layers[layer]?.[what];
  assert.equal(index.length, found.shape.length, `an index of ${what}`);
  return found.data[engine.ravel(index, found.shape)];
}

/** A symbol that names not the number at its place but one made of it. */
const MADE = { "y − t": true, "1 − y": true, "−y": true, exp: true, "x − m": true, "p − t": true, "−log p": true };

function check(explained, what, context) {
  const { result, terms, constant, rule, shift } = explained;
  assert.ok(
    isClose(engine.total(explained), result),
    `${what}: ${rule} of the terms ${engine.total(explained)}, not ${result}`,
  );
  for (const { factors, product } of terms) {
    assert.ok(
      isClose(
        factors.reduce((all, { value }) => all * value, 1),
        product,
      ),
      `${what}: a product`,
    );
  }
  for (const { symbol, value, argument, at } of [
    ...terms.flatMap(({ factors }) => factors),
    ...(constant ? [constant] : []),
  ]) {
    if (at === null || at.what === "target") {
      continue;
    }
    if (at.what === "padding") {
      assert.equal(value, 0, `${what}: padding`);
    } else if (symbol === "exp") {
      assert.ok(isClose(argument + shift, lookUp(at, context)), `${what}: argument of ${symbol}`);
      assert.ok(isClose(Math.exp(argument), value), `${what}: ${symbol} of its argument`);
    } else if (!MADE[symbol]) {
      assert.equal(value, lookUp(at, context), `${what}: ${symbol} at ${JSON.stringify(at)}`);
    }
  }
}

function checkAll(shape, explain, what, context) {
  const count = shape.reduce((product, length) => product * length, 1);
  for (let place = 0; place < count; place += 1) {
    check(explain(place % 2 ? place : unravel(place, shape)), `${what}[${unravel(place, shape)}]`, context);
  }
}

for (const file of readdirSync(process.env.CASES).sort()) {
  const reference = JSON.parse(readFileSync(join(process.env.CASES, file), "utf8"));
  const network = engine.decode(reference.network);
  const run = engine.forward(network, decodeTensor(reference.input));
  const target = typeof reference.target === "number" ? reference.target : decodeTensor(reference.target);
  const slopes = engine.backward(run, target);
  const context = { run, slopes };

  test(`${file} forward`, () => {
    compareAll(run.values, reference.values, "value");
    compare(engine.probabilities(run), reference.probabilities, "probabilities");
    network.layers.forEach((layer, l) => assert.deepEqual(layer.outputShape, run.values[l + 1].shape));
  });

  test(`${file} backward`, () => {
    assert.ok(isClose(slopes.loss, reference.loss), `loss ${slopes.loss}, torch has ${reference.loss}`);
    compareAll(slopes.values, reference.slopes, "slope of value");
    compareAll(slopes.weight, reference.weightSlopes, "slope of the weights of layer");
    compareAll(slopes.bias, reference.biasSlopes, "slope of the bias of layer");
  });

  test(`${file} step`, () => {
    const moved = engine.forward(engine.step(network, slopes, reference.rate), run.values[0]);
    compare(moved.values.at(-1), reference.outputAfterStep, "output after a step");
    compare(engine.forward(network, run.values[0]).values.at(-1), reference.values.at(-1), "output of the old network");
  });

  test(`${file} explained`, () => {
    for (let i = 1; i < run.values.length; i += 1) {
      checkAll(run.values[i].shape, (index) => engine.explainValue(run, i, index), `value ${i}`, context);
    }
    assert.deepEqual(engine.explainValue(run, 0, 0).terms, []);
    checkAll(
      run.values.at(-1).shape,
      (index) => engine.explainProbability(run, index[0] ?? index),
      "probability",
      context,
    );
    check(engine.explainLoss(run, target), "loss", context);
  });

  test(`${file} explained backward`, () => {
    run.values.forEach(({ shape }, value) => {
      const explain = (index) => engine.explainSlope(run, slopes, { what: "value", value, index });
      checkAll(shape, explain, `slope of value ${value}`, context);
    });
    for (const what of ["weight", "bias"]) {
      slopes[what].forEach((slope, layer) => {
        const explain = (index) => engine.explainSlope(run, slopes, { what, layer, index });
        checkAll(slope?.shape ?? [0], explain, `slope of ${what} of layer ${layer}`, context);
      });
    }
  });
}
