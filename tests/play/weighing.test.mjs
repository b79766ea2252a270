// The sums of the page that weighs marks against a dense layer of the package.
import assert from "node:assert/strict";
import { test } from "node:test";
import { module as page, near, reference } from "./near.mjs";

for (const [name, one] of Object.entries(reference.layers)) {
  const output = { weights: one.weights, bias: one.bias };

  test(`${name}: sums and products`, () => {
    near(page.weightedSums(reference.rows, output), one.sums, "sums");
    near(
      reference.rows.map((row) => page.productsOf(row, output)),
      one.products,
      "products",
    );
  });

  test(`${name}: the sum in words is true`, () => {
    reference.rows.forEach((row, i) => {
      const [terms, result] = page.sumInWords(row, output).replaceAll("−", "-").split(" = ");
      const parts = terms.replaceAll("- ", "-").replaceAll("+ ", "+").replaceAll(" × ", "*").split(" ");
      const value = parts.reduce(
        (sum, part) => sum + part.split("*").reduce((product, x) => product * Number(x), 1),
        0,
      );
      assert.ok(Math.abs(value - one.sums[i]) < 0.05, `${terms} is ${value}, not ${one.sums[i]}`);
      assert.ok(Math.abs(Number(result) - one.sums[i]) <= 0.00501);
    });
  });
}

test("an axis ends at the next round number", () => {
  for (const [numbers, end] of reference.ends) {
    assert.equal(page.axisEnd(numbers), end, String(numbers));
  }
});
