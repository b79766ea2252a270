"""What a learner hands in, as tensors; or one sentence that says why it cannot be read."""

from __future__ import annotations

import numbers
import re
import reprlib
from typing import Any

import torch
from torch import Tensor

from glassbox.exercises.record import Exercise

Parts = dict[str, Any]

BLANK = "not answered yet: put your answer in the place of the dots, and run the cell again."

COMMA = "A comma separates numbers: write decimals with a point, 0.5, and thousands without a sign, 7010."
UNQUOTED = "with a point and without quotes"  # said of a decimal comma in quotes


class Unreadable(Exception):
    """An answer that cannot be compared with anything; the message is for the learner."""


def read(exercise: Exercise, answer: Any) -> Parts:
    """Return the parts of an answer by name: tensors in double precision, or the one word that was chosen."""
    if answer is ...:
        raise Unreadable(BLANK)
    if answer is None:
        raise Unreadable("None came in the place of an answer: does your function end with return?")
    if exercise.choices:
        return {"": _read_choice(answer, exercise.choices)}
    if not exercise.parts:
        return {"": read_numbers(answer)}
    expected = f"{len(exercise.parts)} tensors are expected, {', '.join(exercise.parts)}"
    if not isinstance(answer, tuple | list):
        raise Unreadable(f"{expected}, separated by commas, but one {type(answer).__name__} came.")
    if len(answer) != len(exercise.parts):
        raise Unreadable(f"{expected}, but {len(answer)} came.")
    return {part: read_numbers(value) for part, value in zip(exercise.parts, answer, strict=True)}


def _read_choice(answer: Any, choices: tuple[str, ...]) -> str:
    word = answer.strip().lower() if isinstance(answer, str) else None
    if word not in choices:
        raise Unreadable(
            f"{reprlib.repr(answer)} came, but the answer is one of {', '.join(map(repr, choices))}, in quotes."
        )
    return word


def read_numbers(value: Any) -> Tensor:
    """Return a number, an array, a table or nested lists of these as a tensor in double precision."""
    if value is ...:
        raise Unreadable(BLANK)
    if isinstance(value, Tensor):
        if value.is_complex():
            raise Unreadable("complex numbers came, but real ones are expected.")
        return value.detach().cpu().to_dense().double() if value.is_sparse else value.detach().cpu().double()
    if isinstance(value, tuple | list):
        return _stack([read_numbers(item) for item in value])
    if isinstance(value, numbers.Real):
        return torch.tensor(float(value), dtype=torch.float64)
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if hasattr(value, "__array__"):
        try:
            return read_numbers(torch.tensor(value))
        except TypeError:
            raise Unreadable("the array holds something else than numbers.") from None
    if isinstance(value, str):
        if re.fullmatch(r"\s*[-+]?\d+,\d+\s*", value):
            number, pair = value.strip().replace(",", "."), value.strip().replace(",", ", ")
            how = f"write {number}, {UNQUOTED}, or [{pair}] for two numbers."
            raise Unreadable(f"the string {value!r} came: {how}")
        raise Unreadable(f"the string {reprlib.repr(value)} came, but a number is expected: leave out the quotes.")
    if callable(value):
        raise Unreadable("a function came, but its result is expected: call it.")
    raise Unreadable(f"{type(value).__name__} came, but numbers are expected: a tensor, an array or a list.")


def _stack(items: list[Tensor]) -> Tensor:
    shapes = sorted({tuple(item.shape) for item in items})
    if len(shapes) > 1:
        message = f"a list holds entries of different shapes, {shapes[0]} and {shapes[-1]}."
        raise Unreadable(f"{message} {COMMA}" if all(len(shape) == 1 for shape in shapes) else message)
    return torch.stack(items) if items else torch.empty(0, dtype=torch.float64)
