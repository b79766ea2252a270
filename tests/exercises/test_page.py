"""The fields of the site's pages say of every answer what `glassbox.exercises` says of it, word for word."""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from bs4 import BeautifulSoup

from glassbox.exercises import EXERCISES
from glassbox.exercises.judging import judge
from glassbox.exercises.reading import Parts, read
from glassbox.exercises.record import Exercise
from tests.exercises.test_exercises import ANSWERS, FUNCTIONS, VALUES
from tests.explain.node import node

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
WITH_FIELDS = 26
# Slips that show on large numbers, on many or in a batch of one only, which nobody computes by hand.
UNSEEN_BY_HAND = {
    *("exponentials_overflow", "largest_of_the_table", "mean_of_the_row", "first_of_the_row", "smallest_of_the_row"),
    *("scores_cut", "classes_counted_from_the_labels", "logarithm_of_zero", "loss_is_capped"),
    "weights_the_wrong_way_round",
}


@pytest.fixture(scope="module")
def answer_fields():
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(DOCS / "_ext"))
    yield importlib.import_module("glassbox_site.answer_fields")
    sys.path.remove(str(DOCS / "_ext"))


def changed(name: str, right: Parts) -> list[Any]:
    """Return answers that are wrong, each in its own way, and some that are right though they look different."""
    exercise = EXERCISES[name].in_numbers()
    if exercise.choices:
        return list(exercise.choices)
    generator = torch.Generator().manual_seed(0)
    answers = []
    for part, value in right.items():
        flat = value.flatten()
        last, first = flat.clone(), flat.clone()
        last[-1] += 1
        first[0] = 12345.678
        variants = [
            *(-value, 3 * value, value + 7, value * 1.0005, value * 1.01, value * 1.5 + 2, value.round()),
            *(last.reshape(value.shape), first.reshape(value.shape), value + 1e-9, value * 0, value * 0 - 1234567.0),
            *(value + 1e-6 * torch.randn(value.shape, generator=generator, dtype=value.dtype), value * 1e-7),
            *(value * math.nan, value * math.inf, value - math.inf, value * 1e17 + 0.5),
            *(flat, torch.cat([flat, flat]), torch.cat([flat.round(), flat.round()]), flat[:-1], value[None]),
            *([value.T, value[:-1]] if value.ndim == 2 else []),
        ]
        if exercise.same_if:  # each verdict runs several descents
            variants = [-value, 3 * value, value[None], torch.stack([value, value]), value * math.inf]
        answers += [
            tuple(variant if each == part else other for each, other in right.items()) if part else variant
            for variant in variants
        ]
    return answers


def steps() -> list[float]:
    """Return numbers on both sides of each border of what a step does."""
    limit = float(ANSWERS["2.3-a"])
    return [*(limit * share / 400 for share in range(-40, 520, 14)), 0.0, -1e9, 1e9, limit * 0.99]


def plain(parts: Parts) -> dict[str, Any]:
    def written(number: float) -> float | str:
        return number if math.isfinite(number) else str(number)

    return {
        part: value
        if isinstance(value, str)
        else {"shape": list(value.shape), "data": [written(number) for number in value.flatten().tolist()]}
        for part, value in parts.items()
    }


FIELDS = [
    *(("3", 3), (" -0.25 ", -0.25), ("+4", 4), ("−2", -2), (".5", 0.5), ("2.", 2), ("1e-3", 0.001), ("1/2", 0.5)),
    *(("-3 / 4", -0.75), ("", "not answered yet"), ("  ", "not answered yet")),
    *(("0,43", "write 0.43, with a point"), ("-12,5", "write -12.5, with a point")),
    *(("7,010", "thousands without a sign, 7010"), ("1,234,567", "thousands without a sign, 7010")),
    *(
        (text, "a number is expected")
        for text in ("half", "NaN", "Infinity", "0x10", "1/2/3", "1 2", "--1", "1_000", "1/0", "1e999")
    ),
]
TABLES = [
    ("[[1, 2], [3, 4]]", {"shape": [2, 2], "cells": ["1", "2", "3", "4"]}),
    ("tensor([[1., 2.],\n        [3., 4.]])", {"shape": [2, 2], "cells": ["1.", "2.", "3.", "4."]}),
    ("1\t0,5\n2\t3\n", {"shape": [2, 2], "cells": ["1", "0,5", "2", "3"]}),
    ("[-1, 0, 1/2, 1/2]", {"shape": [4], "cells": ["-1", "0", "1/2", "1/2"]}),
    ("1 2\n3", None),
    ("0.5", None),
    ("[]", None),
]


@cache
def with_memory(name: str) -> Exercise:
    """Return an exercise as the page asks it, which remembers the words for many right answers, each from a descent."""
    exercise = EXERCISES[name].in_numbers()
    if exercise.same_if is None:
        return exercise
    words = cache(lambda numbers: exercise.same_if(torch.tensor(numbers, dtype=torch.float64)))
    return replace(exercise, same_if=lambda answer: words(tuple(answer.flatten().tolist())))


def reference(answer_fields) -> dict[str, Any]:
    cases = []
    for name in EXERCISES:
        exercise = with_memory(name)
        known = answer_fields.known(exercise)
        answer = ANSWERS[name](*exercise.cases[0]) if name in FUNCTIONS else ANSWERS[name]
        right = read(exercise, answer)
        given = {"right": answer, "solved": exercise.answer_by(exercise.solve)}
        given |= {slip.__name__: exercise.answer_by(slip) for slip in exercise.slips}
        given |= {f"changed {place}": answer for place, answer in enumerate(changed(name, right))}
        if exercise.same_if:
            given |= {f"step {step}": step for step in steps()}
        for what, answer in given.items():
            verdict = judge(exercise, answer)
            entry = None if verdict.entry is None else list(verdict.entry)
            said = {"right": verdict.right, "message": verdict.message, "entry": entry, "slip": verdict.slip}
            given_parts = plain(read(exercise, answer))
            cases.append({"name": f"{name}: {what}", "known": known, "answer": given_parts, "verdict": said})
    return {"answers": cases, "fields": FIELDS, "tables": TABLES}


@pytest.fixture(scope="module")
def judged(answer_fields, tmp_path_factory):
    """Run the page's function on every answer: ``judged(wrong=None) -> (status, output)``; `wrong` plants an error."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "reference.json").write_text(json.dumps(reference(answer_fields)), encoding="utf-8")

    def run(wrong: tuple[str, str] | None = None) -> tuple[int, str]:
        code = (DOCS / "_static/judging.js").read_text("utf-8")
        if wrong is not None:
            assert code.count(wrong[0]) == 1, f"{wrong[0]!r} must stand once"
            code = code.replace(*wrong)
        (folder / "judging.mjs").write_text(code, encoding="utf-8")
        done = node(
            *("--test", "--test-reporter=tap", HERE / "judging.test.mjs"),
            MODULE=(folder / "judging.mjs").as_uri(),
            REFERENCE=folder / "reference.json",
        )
        return done.returncode, done.stdout

    return run


def test_the_page_says_what_the_package_says(judged):
    status, written = judged()
    assert status == 0, [line for line in written.splitlines() if line.startswith(("not ok", "  error", "    error"))]
    assert int(written.split("# pass ")[1].split()[0]) > 500


PLANTED = {
    "a tolerance that is too wide": ("[1e-3, 1e-4 * scale]", "[1e-1, 1e-4 * scale]"),
    "a count that bears rounding": ("[0, Math.min(", "[1e-3, Math.min("),
    "a slip that is not told": ("!same(known, slipped, known.right[part])", "same(known, slipped, known.right[part])"),
    "rows and columns mixed up": ("place.unshift(flat % side)", "place.push(flat % side)"),
    "a border off": ("data[0] <= last", "data[0] <= last * 1.02"),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(judged, wrong):
    status, written = judged(wrong)
    assert status == 1
    assert "not ok" in written


def test_every_exercise_has_fields(answer_fields):
    assert len(VALUES) == WITH_FIELDS
    for name in EXERCISES:
        exercise = with_memory(name)
        form = answer_fields.form(exercise if exercise.same_if else EXERCISES[name])
        right = read(exercise, exercise.answer_by(exercise.solve))
        expected = len(exercise.choices) or sum(value.numel() for value in right.values())
        assert form.count("<input") == expected
        assert len(exercise.entries) in (0, expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_case_by_hand_is_small_and_tells_every_slip(name):
    exercise = EXERCISES[name].in_numbers()
    right = read(exercise, exercise.answer_by(exercise.solve))
    assert sum(value.numel() for value in right.values()) <= 10
    for slip in exercise.slips:
        slipped = exercise.answer_by(slip)
        verdict = judge(exercise, slipped)
        assert verdict.right == (slip.__name__ in UNSEEN_BY_HAND), slip.__name__
        if not verdict.right and all(
            right[part].shape == value.shape for part, value in read(exercise, slipped).items()
        ):
            assert verdict.slip == slip.__name__  # one of another shape cannot be typed into the fields


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_case_by_hand_names_its_inputs_as_the_notebook_does(answer_fields, name):
    page = (DOCS / f"exercises/part{name[0]}.md").read_text("utf-8")
    cell = page[: page.index(f'check("{name}"')].rpartition("```{code-cell}")[2]
    (names,) = re.findall(r"^def \w+\((.*?)\):", cell, re.MULTILINE)
    form = BeautifulSoup(answer_fields.form(EXERCISES[name]), "html.parser")
    assert [line.split(" = ")[0] for line in form.pre.get_text().splitlines()] == names.split(", ")


def test_a_border_is_found_to_nine_digits(answer_fields):
    exercise = replace(EXERCISES["2.3-b"], same_if=lambda number: "more" if number > 0.3 else "less")
    first, last = answer_fields.regions(exercise)
    assert first == {"last": pytest.approx(0.3, rel=1e-9), "word": "less"}
    assert last["word"] == "more"
