// The descent of the page against glassbox.descent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { module as page, near, reference } from "./near.mjs";

for (const [name, one] of Object.entries(reference)) {
  const data = { features: one.features, targets: one.targets };

  test(`${name}: risk, gradient, curvature, limit`, () => {
    near(page.empiricalRisk(one.start, data), one.risk, "risk");
    near(page.riskGradient(one.start, data), one.gradient, "gradient");
    near(page.riskHessian(data.features), one.hessian, "hessian");
    near(page.symmetricEigen(one.hessian).values, one.curvatures, "curvatures");
    near(page.stepLimit(data.features), one.limit, "limit");
    near(page.standardizeFeatures(data.features), one.standardized, "standardized");
    near(page.leastSquares(data), one.best, "least squares");
  });

  test(`${name}: every point of every descent`, () => {
    for (const { step, momentum, batches, points, risks } of one.descents) {
      const descent = new page.RiskDescent(data, one.start, { step, momentum });
      batches.forEach((batch) => descent.advance(batch));
      near(descent.points, points, "points");
      near(descent.risks, risks, "risks");
    }
  });

  test(`${name}: a slice is the risk itself`, () => {
    for (const { first, second, places } of one.slices) {
      const slice = page.riskSlice(one.start, data, first, second);
      for (const { place, risk } of places) {
        const away = [place[0] - slice.center[0], place[1] - slice.center[1]];
        const parts = slice.directions.map(([a, b], k) => (slice.curvatures[k] * (a * away[0] + b * away[1]) ** 2) / 2);
        near(slice.lowest + parts[0] + parts[1], risk, `risk at ${place}`);
      }
    }
  });

  test(`${name}: batches go through all rows once an epoch`, () => {
    const count = data.targets.length;
    const descent = new page.RiskDescent(data, one.start, { step: 1e-6, batchSize: 3, seed: 5 });
    const epochs = [0, 1].map(() => {
      const drawn = [];
      while (drawn.length < count) {
        drawn.push(...descent.drawBatch());
      }
      return drawn;
    });
    const all = [...data.targets.keys()];
    epochs.forEach((drawn) =>
      assert.deepEqual(
        [...drawn].sort((a, b) => a - b),
        all,
      ),
    );
    assert.notDeepEqual(...epochs);
  });

  test(`${name}: a descent that diverges stops at the last finite point`, () => {
    const descent = new page.RiskDescent(data, one.start, { step: 100 * one.limit });
    while (descent.advance()) {
      assert.ok(descent.points.length < 1000);
    }
    assert.ok(descent.diverged && Number.isFinite(descent.risks.at(-1)));
  });
}
