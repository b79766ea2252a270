// The questions of the page that back-propagates by hand against glassbox.nn and glassbox.gradients.
import assert from "node:assert/strict";
import { test } from "node:test";
import { module as page, near, reference } from "./near.mjs";

const passOf = ({ x, y, w, b }) => page.passThrough(page.networkOf({ x, w, b }), x, y);

reference.forEach((one, number) => {
  const pass = passOf(one);
  const questions = page.questionsOf(pass);
  const valueOf = (symbol) => questions.find((question) => question.symbol === symbol).value;

  test(`exercise ${number}: every number of the pass`, () => {
    near(pass.s.slice(2), one.s, "s");
    near(pass.o.slice(1), one.o, "o");
    near(pass.loss, one.loss, "loss");
    near(pass.error.slice(2), one.error, "dR/do");
    near(pass.gradW.slice(1), one.gradW, "dR/dw");
    near(pass.gradB.slice(1), one.gradB, "dR/db");
    near(pass.gradW.slice(1).flat(2), one.differences, "dR/dw by central differences");
  });

  test(`exercise ${number}: every question asks for its number`, () => {
    near(valueOf("R"), one.loss, "R");
    one.o.forEach((outputs, l) =>
      outputs.forEach((output, k) => {
        if (l > 0) {
          near(valueOf(page.indexed("s", k + 1, l + 1)), one.s[l - 1][k], "s");
          near(valueOf(page.indexed("o", k + 1, l + 1)), output, "o");
          near(valueOf(`∂R/∂${page.indexed("o", k + 1, l + 1)}`), one.error[l - 1][k], "dR/do");
          near(valueOf(`φ′(${page.indexed("s", k + 1, l + 1)})`), output * (1 - output), "slope");
          near(valueOf(`∂R/∂${page.indexed("b", k + 1, l)}`), one.gradB[l - 1][k], "dR/db");
          one.o[l - 1].forEach((_, p) =>
            near(valueOf(`∂R/∂${page.indexed("w", `${p + 1}${k + 1}`, l)}`), one.gradW[l - 1][k][p], "dR/dw"),
          );
        }
      }),
    );
  });

  test(`exercise ${number}: right answers are right, slips are named`, () => {
    for (const question of questions) {
      const isSmall = Math.abs(question.value) < 0.01;
      const rounded = isSmall ? question.value.toPrecision(2) : question.value.toFixed(3);
      assert.ok(page.judge(question, Number(rounded)).isRight, question.symbol);
      assert.ok(!page.judge(question, 1.6 * question.value + 1e-9).isRight || !isSmall, question.symbol);
      assert.ok(page.judge(question, question.value).isRight, question.symbol);
      for (const [value, words] of question.slips) {
        const { isRight, words: said } = page.judge(question, value);
        const size = Math.abs(question.value);
        const looksRight =
          Math.abs(value - question.value) <= 2 * Math.max(Math.min(0.0006, 0.06 * size), 0.002 * size);
        assert.ok(looksRight || !isRight, `${question.symbol}: ${value} passes as ${question.value}`);
        assert.ok(looksRight || said !== "Not that. Go through the factors once more.", `${question.symbol}: ${words}`);
      }
      assert.ok(!page.judge(question, question.value + 7).isRight);
    }
  });
});

test("a slip is called by its own name", () => {
  const [first] = page.questionsOf(passOf(reference[0]));
  assert.equal(page.judge(first, first.value + 0.5).words, "The bias is missing."); // the lesson's first bias is -0.5
});
