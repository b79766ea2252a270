// What the page that trains says of a run: each case as Python names it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { module as page, reference } from "./near.mjs";

const alive = [
  { name: "relu1", silent: 0, count: 2 },
  { name: "relu4", silent: 0, count: 32 },
];
const confusion = Array.from({ length: 10 }, (_, k) =>
  Array.from({ length: 10 }, (__, j) => (k === 4 && j === 9 ? 7 : k === j ? 40 : 1)),
);
const at = (step, share, others = {}) => ({
  step,
  share,
  correct: Math.round(500 * share),
  loss: 2.3 - 2 * share,
  labels: new Array(500),
  spread: 0.02 + share,
  silence: alive,
  confusion,
  ...others,
});
const dead = [alive[0], { name: "relu4", silent: 32, count: 32 }];
const PAST = {
  start: [at(0, 0.1)],
  "near chance": [at(0, 0.1), at(10, 0.11)],
  "drawing together": [at(0, 0.1), at(40, 0.1, { spread: 1e-6 })],
  learning: [at(0, 0.1), at(10, 0.11), at(20, 0.4), at(60, 0.8)],
  back: [at(0, 0.1), at(20, 0.4), at(60, 0.8, { loss: 0.5 }), at(90, 0.8, { loss: 0.9 })],
  dead: [at(0, 0.1), at(20, 0.4), at(60, 0.1, { silence: dead })],
  "partly silent": [at(0, 0.1), at(60, 0.8, { silence: [alive[0], { name: "relu4", silent: 9, count: 32 }] })],
  diverged: [at(0, 0.1), at(20, 0.4)],
};

for (const [name, words] of Object.entries(reference)) {
  test(name, () => {
    const said = page.tell({ settings: { seed: 3 }, hasDiverged: name === "diverged" }, PAST[name]);
    for (const part of words.says) {
      assert.ok(said.includes(part), `${part} is not in: ${said}`);
    }
    for (const part of words.leavesOut) {
      assert.ok(!said.includes(part), `${part} is in: ${said}`);
    }
  });
}
