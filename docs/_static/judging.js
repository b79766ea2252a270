// The verdict on an answer that is typed into a page, as glassbox.exercises gives it in a notebook: right, or which
// entry is wrong and the slip that explains it. Nothing here knows the page.
//
// An answer is an object of parts by name, "" where there is one: a word that was chosen, or { shape, data }.
"use strict";

// A block of its own: scripts of a page share their names.
{
  // -- Reading ----------------------------------------------------------------------------------------------------------

  const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

  // What stands in a field: { value }, or { problem } where it is no number; a fraction is one.
  function readNumber(text) {
    const typed = text.trim().replaceAll(/[−–]/g, "-");
    if (typed === "") return { problem: "not answered yet: put a number in every field, and check again." };
    const halves = typed.split("/").map((half) => half.trim());
    if (halves.length <= 2 && halves.every((half) => NUMBER.test(half))) {
      const [above, below = 1] = halves.map(Number);
      if (Number.isFinite(above / below)) return { value: above / below };
    }
    if (/^[-+]?\d{1,3}(,\d{3})+$/.test(typed))
      return {
        problem: `not yet. ${typed} came: write decimals with a point, 0.5, and thousands without a sign, 7010.`,
      };
    if (/^[-+]?\d+,\d+$/.test(typed))
      return { problem: `not yet. ${typed} came: write ${typed.replace(",", ".")}, with a point.` };
    return { problem: `not yet. ${typed} came, but a number is expected, such as 3, -0.25 or 1/2.` };
  }

  // A table, as Python or a spreadsheet writes one: its shape and its cells as text; null where the text is no table.
  function readTable(text) {
    const bare = text.trim().replaceAll(/\b(tensor|array)\(|\)$/g, "");
    const flat = !/\n|^\s*\[\s*\[/.test(bare);
    const rows = bare
      .replaceAll(/\]\s*,?\s*\[/g, "\n")
      .replaceAll(/[[\]]/g, " ")
      .split("\n")
      .map((row) => row.split(/[\t;]/.test(row) ? /[\t;]+/ : /[\s,]+/).filter((cell) => cell.trim()))
      .filter((row) => row.length);
    const cells = rows.flat();
    if (cells.length < 2 || rows.some((row) => row.length !== rows[0].length)) return null;
    return { shape: flat ? [cells.length] : [rows.length, rows[0].length], cells };
  }

  // -- Comparing: each function is that of judging.py ------------------------------------------------------------------

  function sameShape(first, second) {
    return first.shape.length === second.shape.length && first.shape.every((side, axis) => side === second.shape[axis]);
  }

  function isWhole({ data }) {
    return data.every((value) => value === Math.round(value));
  }

  function within(given, right, relative, absolute) {
    return given === right || Math.abs(given - right) <= absolute + relative * Math.abs(right);
  }

  // Entry by entry, what differs by rounding only; whole numbers, such as counts, bear none.
  function close(given, right) {
    const scale = Math.max(...right.data.map(Math.abs));
    const [relative, absolute] = isWhole(right) ? [0, Math.min(1e-5 * Math.max(scale, 1), 0.1)] : [1e-3, 1e-4 * scale];
    return given.data.map((value, index) => within(value, right.data[index], relative, absolute));
  }

  // Where many answers are right, the word that says what becomes of one.
  function wordOf({ regions, several }, { data }) {
    if (data.length !== 1) return several;
    return (regions.find(({ last }) => data[0] <= last) ?? regions.at(-1)).word;
  }

  function same(known, first, second) {
    if (typeof first === "string") return first === second;
    if (known.regions) return wordOf(known, first) === wordOf(known, second);
    return sameShape(first, second) && close(first, second).every(Boolean);
  }

  // One number has the shape of the right one: in brackets or not, it is the same answer.
  function inShape(given, right) {
    return given.data?.length === 1 && right.data.length === 1 ? { shape: right.shape, data: given.data } : given;
  }

  // -- Words ------------------------------------------------------------------------------------------------------------

  // As Python's format(value, ".5g").
  function general(value, digits) {
    if (Number.isNaN(value)) return "nan";
    if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
    if (value === 0) return Object.is(value, -0) ? "-0" : "0";
    const bare = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    const exponent = Number(power);
    if (exponent >= -4 && exponent < digits) return bare(value.toFixed(digits - 1 - exponent));
    return `${bare(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }

  function placeOf(shape, flat) {
    const place = [];
    for (const side of shape.toReversed()) {
      place.unshift(flat % side);
      flat = Math.floor(flat / side);
    }
    return place;
  }

  function written(shape) {
    return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  }

  // What is wrong, in a sentence, and the index of the first wrong entry.
  function describe(known, mine, theirs, part) {
    if (known.choices || known.regions) return { problem: "", entry: null };
    if (!sameShape(mine, theirs)) {
      const name = part || "the answer";
      return {
        problem: `${name} has the shape ${written(mine.shape)}, but ${written(theirs.shape)} is expected.`,
        entry: null,
      };
    }
    const undefinedAt = mine.data.findIndex((value) => !Number.isFinite(value));
    const flat = undefinedAt >= 0 ? undefinedAt : close(mine, theirs).indexOf(false);
    const value = mine.data[flat];
    const difference = value - theirs.data[flat];
    // The amount by which a single number is off would be the answer.
    const amount = mine.data.length > 1 ? `${general(Math.abs(difference), 4)} too` : "too";
    const off = Number.isFinite(value) ? `${amount} ${difference > 0 ? "large" : "small"}` : "not a finite number";
    const entry = placeOf(mine.shape, flat);
    const place = entry.length ? `${part} entry [${entry.join(", ")}]`.trim() : part || "the answer";
    const whole = Number.isInteger(value) && Math.abs(value) < 1e15 && value !== 0;
    return {
      problem: `${place} is ${whole ? value : general(value, 5)}, which is ${off}.`,
      entry: entry.length ? entry : null,
    };
  }

  function transposed({ shape: [rows, columns], data }) {
    return {
      shape: [columns, rows],
      data: data.map((_, flat) => data[(flat % rows) * columns + Math.floor(flat / rows)]),
    };
  }

  function isTransposed(known, mine, theirs) {
    return mine.shape.length === 2 && same(known, transposed(mine), theirs);
  }

  // What any answer in numbers may show: a transposition, a sign, a factor, an offset, a rounding.
  function generalHint(known, mine, theirs) {
    if (known.choices || known.regions) return "";
    if (isTransposed(known, mine, theirs)) return "It is the right table, transposed.";
    if (!sameShape(mine, theirs)) {
      if (mine.shape.length === 1 && mine.data.length > theirs.data.length && isWhole(mine))
        return "A comma separates numbers: write decimals with a point, 0.5, and thousands without a sign, 7010.";
      const sameNumbers =
        mine.data.length === theirs.data.length && same(known, { ...mine, shape: theirs.shape }, theirs);
      return sameNumbers ? "The numbers are right, in another shape." : "";
    }
    if (!mine.data.every(Number.isFinite))
      return "Look for a division by zero, a logarithm of zero or an exponential that is too large.";
    if (same(known, { ...mine, data: mine.data.map((value) => -value) }, theirs))
      return "The sign is wrong, and nothing else.";
    const alike = (values) => values.length > 1 && values.every((value) => within(value, values[0], 1e-4, 1e-8));
    const isKnown = theirs.data.map((value) => Math.abs(value) > 1e-9);
    const ratios = mine.data.map((value, index) => value / theirs.data[index]).filter((_, index) => isKnown[index]);
    if (alike(ratios) && mine.data.every((value, index) => isKnown[index] || value === 0))
      return `Every entry is ${general(ratios[0], 4)} times what it should be: one factor is missing or too many.`;
    if (alike(mine.data.map((value, index) => value - theirs.data[index])))
      return "Every entry is off by the same amount: look for a term that is missing or added once too often.";
    if (mine.data.every((value, index) => within(value, theirs.data[index], 0.02, 1e-3)))
      return isWhole(theirs) ? "It is close. A count has to be exact." : "It is close: give at least four digits.";
    return "";
  }

  // -- The verdict ------------------------------------------------------------------------------------------------------

  // The wrong part that a slip gives, and the slip.
  function explain(known, given, wrong) {
    for (const part of wrong)
      for (const slip of known.slips) {
        const slipped = inShape(slip.answer[part], known.right[part]);
        if (same(known, given[part], slipped) && !same(known, slipped, known.right[part])) return { part, slip };
      }
    return { part: wrong[0], slip: null };
  }

  // Compare an answer with the right one and with what each slip would give.
  function judge(known, answer) {
    const parts = Object.keys(known.right);
    const given = Object.fromEntries(parts.map((part) => [part, inShape(answer[part], known.right[part])]));
    const wrong = parts.filter((part) => !same(known, given[part], known.right[part]));
    if (wrong.length === 0) return { right: true, message: "right.", part: null, entry: null, slip: null };
    const { part, slip } = explain(known, given, wrong);
    const { problem, entry } = describe(known, given[part], known.right[part], part);
    const hint = slip ? slip.says : generalHint(known, given[part], known.right[part]);
    const sentence = problem.slice(0, 1).toUpperCase() + problem.slice(1);
    const message = ["not yet.", sentence, hint].filter(Boolean).join(" ");
    return { right: false, message, part, entry, slip: slip?.name ?? null };
  }

  globalThis.glassboxJudging = { judge, readNumber, readTable };
}
