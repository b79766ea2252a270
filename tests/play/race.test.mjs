// The racers of the page: what they may compute, and what they come to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { module as page, near, reference } from "./near.mjs";

const { features, targets, start, risks } = reference;

function racer(batchSize, price = 0) {
  return new page.Racer("one", "one", { features, targets }, start, { step: 0.05, batchSize, price, seed: 1 });
}

test("a racer takes the steps that the clock pays for", () => {
  for (const [batchSize, price, steps] of [
    [200, 0, 6],
    [20, 0, 60],
    [1, 0, 1200],
    [200, 100, 4],
    [20, 50, 17],
    [1, 50, 23],
  ]) {
    const one = racer(batchSize, price);
    one.advanceTo(1200);
    assert.equal(one.steps, steps, `${batchSize} at a time, a price of ${price}`);
  }
});

test("the clock may go in pieces", () => {
  const [whole, pieces] = [racer(20), racer(20)];
  whole.advanceTo(600);
  for (const clock of [10, 30, 40, 200, 210, 600]) {
    pieces.advanceTo(clock);
  }
  assert.deepEqual(pieces.curve, whole.curve);
  assert.equal(whole.curve.length, 61);
});

test("with all pupils it is the descent of the package", () => {
  const all = racer(200);
  all.advanceTo(1200);
  near(all.descent.risks, risks, "risks");
  near(
    all.curve.filter((_, k) => k % 20 === 0),
    risks,
    "curve",
  );
});
