// What all checks here share: the reference that Python wrote, and when two numbers are the same.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const reference = JSON.parse(readFileSync(process.env.REFERENCE, "utf8"));
export const module = await import(process.env.MODULE);

export function near(found, expected, what) {
  if (Array.isArray(expected)) {
    assert.equal(found.length, expected.length, `length of ${what}`);
    expected.forEach((each, k) => near(found[k], each, `${what}[${k}]`));
  } else {
    const isNear = Math.abs(found - expected) <= 1e-9 + 1e-6 * Math.abs(expected);
    assert.ok(isNear, `${what}: ${found}, Python has ${expected}`);
  }
}
