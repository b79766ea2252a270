// What the page says of an answer against what the package says of it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

await import(process.env.MODULE);
const { judge, readNumber, readTable } = globalThis.glassboxJudging;
const { answers, fields, tables } = JSON.parse(readFileSync(process.env.REFERENCE, "utf-8"), (_, value) =>
  ["nan", "inf", "-inf"].includes(value) ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[value] : value,
);

for (const { name, known, answer, verdict } of answers)
  test(name, () => {
    const { right, message, entry, slip } = judge(known, answer);
    assert.deepEqual({ right, message, entry, slip }, verdict);
  });

for (const [text, expected] of fields)
  test(`field ${JSON.stringify(text)}`, () => {
    const { value, problem } = readNumber(text);
    if (typeof expected === "number") assert.equal(value, expected);
    else assert.ok(problem?.includes(expected), problem);
  });

for (const [text, expected] of tables)
  test(`table ${JSON.stringify(text)}`, () => assert.deepEqual(readTable(text), expected));
