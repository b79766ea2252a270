// The plane through three states against torch. ENGINE is the module, REFERENCE what Python computed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const engine = await import(process.env.ENGINE);
const reference = JSON.parse(readFileSync(process.env.REFERENCE, "utf8"));
const [start, now, third] = reference.states.map((theta) => Float64Array.from(theta));
const network = engine.decode(reference.network);
const parts = engine.partsOf(network);
const plane = new engine.Plane(start, now, third);
const near = (found, expected, what) =>
  expected.forEach((number, k) =>
    assert.ok(Math.abs(found[k] - number) <= 1e-9, `${what} ${k}: ${found[k]}, torch has ${number}`),
  );

test("points fall where they should", () => {
  for (const { theta, place, distance } of reference.points) {
    const found = plane.project(Float64Array.from(theta));
    near([...found.place, found.distance], [...place, distance], "projection");
  }
  near(plane.at(plane.project(third).place), [...third], "weight of the third state");
});

test("the losses are those of the network there", () => {
  const landscape = new engine.Landscape({
    plane,
    ranges: reference.ranges,
    side: 3,
    examples: {
      images: reference.images.map((image) => engine.tensor(network.input, image)),
      labels: reference.labels,
    },
    networkOf: (theta) => engine.withWeights(network, parts, theta),
  });
  while (!landscape.isDone) {
    landscape.advance();
  }
  near(landscape.losses, reference.losses, "loss");
});

test("the farthest state and the ranges", () => {
  const states = [start, third, now].map((theta) => ({ theta }));
  assert.equal(engine.farthestFromTheWay(states), states[1]);
  assert.deepEqual(
    engine
      .rangesAround([
        [0, 0],
        [10, 1],
      ])
      .map(([low, high]) => (low + high) / 2),
    [5, 0.5],
  );
  assert.ok(
    engine.rangesAround([
      [0, 0],
      [10, 0],
    ])[1][1] > 1,
  );
});
