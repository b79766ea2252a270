"""Fields under the text of an exercise: its answer is judged in the page, by the records of `glassbox.exercises`.

Every exercise that asks for numbers or a choice has them, before the cell that the notebook leaves blank, which is
folded. One that asks for a function has them after that cell, for what the function returns on a case by hand; the
notebook runs the function itself. The right answer and what each slip gives are computed at each build and travel in
base64, so that nobody reads them by chance; ``_static/judging.js`` compares as `glassbox.exercises.judging` does.
"""

from __future__ import annotations

import inspect
import json
import math
import re
import sys
from base64 import b64encode
from functools import cache
from html import escape
from itertools import pairwise, product
from typing import Any

import torch
from docutils import nodes
from sphinx.application import Sphinx
from torch import Tensor

from glassbox.exercises import EXERCISES
from glassbox.exercises.reading import Parts, read
from glassbox.exercises.record import Exercise
from glassbox_site.elements import Element

_CHECK = re.compile(r'^check\("([\w.-]+)"', re.MULTILINE)
_FORM = """<form class="exercise-answer" data-exercise="{name}" data-known="{known}" autocomplete="off" hidden>
<fieldset><legend>{asked}</legend>
{fields}
</fieldset>
<button type="submit" class="button">Check</button>
<div class="exercise-verdict" role="status"></div>
</form>
<noscript><p>Without JavaScript this page cannot judge an answer; the notebook can.</p></noscript>
"""
# Numbers between which a word for an answer may change, on both sides of zero.
_SCALE = [10 ** (power / 2) for power in range(-12, 13)]


def known(exercise: Exercise) -> dict[str, Any]:
    """Return what the page has to know of an exercise to judge an answer as the package does."""
    answers = {slip: read(exercise, exercise.answer_by(slip)) for slip in exercise.slips}
    record: dict[str, Any] = {
        "right": _plain(read(exercise, exercise.answer_by(exercise.solve))),
        "slips": [
            {"name": slip.__name__, "says": says, "answer": _plain(answers[slip])}
            for slip, says in exercise.slips.items()
        ],
    }
    if exercise.choices:
        record["choices"] = exercise.choices
    if exercise.same_if:
        record["regions"] = regions(exercise)
        record["several"] = exercise.same_if(torch.zeros(2, dtype=torch.float64))
    return record


def _plain(parts: Parts) -> dict[str, Any]:
    return {
        part: value if isinstance(value, str) else {"shape": list(value.shape), "data": value.flatten().tolist()}
        for part, value in parts.items()
    }


def regions(exercise: Exercise) -> list[dict[str, Any]]:
    """Return the words of an exercise with many right answers, in order, each with the last number that it holds for.

    The borders between them are found by halving, to nine digits. The last region has no end.
    """

    @cache
    def word(number: float) -> str:
        return exercise.same_if(torch.tensor(number, dtype=torch.float64))

    def borders(low: float, high: float) -> list[dict[str, Any]]:
        if word(low) == word(high):
            return []
        if high - low <= 1e-12 + 1e-9 * abs(low):
            return [{"last": low, "word": word(low)}]
        middle = (low + high) / 2
        return borders(low, middle) + borders(middle, high)

    scale = [*(-value for value in reversed(_SCALE)), 0.0, *_SCALE]
    found = [border for low, high in pairwise(scale) for border in borders(low, high)]
    return [*found, {"last": sys.float_info.max, "word": word(scale[-1])}]


def form(exercise: Exercise) -> str:
    """Return the fields of an exercise in HTML."""
    exercise, asked = exercise.in_numbers(), _asked(exercise)
    record = known(exercise)
    fields = _radios(exercise) if exercise.choices else "\n".join(_fields(exercise, record["right"]))
    return _FORM.format(
        name=exercise.name,
        known=b64encode(json.dumps(record).encode()).decode(),
        asked=asked,
        fields=fields,
    )


def _asked(exercise: Exercise) -> str:
    """Return what the fields are for, in HTML."""
    if exercise.asks_function:
        names = inspect.signature(exercise.solve).parameters
        inputs = "\n".join(f"{name} = {_written(value)}" for name, value in zip(names, exercise.by_hand, strict=False))
        return f"By hand: what must it return here?<pre>{inputs}</pre>"
    return f"Your answer: {', '.join(exercise.entries)}" if exercise.entries else "Your answer"


def _written(value: Any) -> str:
    """Write an input as a learner would type it."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))})"
    if isinstance(value, Tensor):
        return _written(value.tolist())
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return f"{value:g}"


def _radios(exercise: Exercise) -> str:
    return "\n".join(
        f'<label><input type="radio" name="exercise-{exercise.name}" value="{choice}"> {choice}</label>'
        for choice in exercise.choices
    )


def _fields(exercise: Exercise, right: dict[str, Any]) -> list[str]:
    lines = []
    for part, value in right.items():
        shape = value["shape"]
        entries = list(product(*(range(side) for side in shape)))
        columns = shape[-1] if shape else 1
        boxes = []
        for place, entry in enumerate(entries):
            label = f"{part} entry {list(entry)}".strip() if math.prod(shape) > 1 else part or "the answer"
            label += f", {exercise.entries[place]}" if exercise.entries else ""
            where = escape(" ".join(map(str, entry)), quote=True)
            boxes.append(
                f'<input type="text" aria-label="{label}" data-part="{part}" data-entry="{where}" '
                'autocapitalize="off" spellcheck="false">'
            )
        title = f"<b>{part}</b>\n" if part else ""
        lines.append(f'{title}<div class="exercise-fields" data-columns="{columns}">{"".join(boxes)}</div>')
    return lines


def _add_fields(app: Sphinx, doctree: nodes.document) -> None:
    if not app.env.docname.startswith("exercises/part"):
        return
    seen = set()
    for cell in list(doctree.findall(lambda node: isinstance(node, nodes.container) and "cell" in node["classes"])):
        name = next(iter(_CHECK.findall(cell.astext())), None)
        if name is None or name in seen or name not in EXERCISES:
            continue
        seen.add(name)
        fields = Element(opens=form(EXERCISES[name]), closes="")
        parent, place = cell.parent, cell.parent.index(cell)
        if EXERCISES[name].asks_function:
            parent.insert(place + 1, fields)
        else:
            opened = '<details class="in-notebook"><summary>In the notebook</summary>\n'
            parent[place : place + 1] = [fields, Element("", cell, opens=opened, closes="</details>\n")]


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", _add_fields)
