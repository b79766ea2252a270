"""The verdict on an answer: right, or which entry is wrong and the slip that explains it."""

from __future__ import annotations

import copy
import math
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glassbox.exercises.reading import BLANK, COMMA, Parts, Unreadable, read
from glassbox.exercises.record import Exercise

UNTOUCHED = "not answered yet: the function computes what it did when it was handed out."

# What one case of a function came to: the parts of its result, or why there are none.
Outcome = Parts | Unreadable


@dataclass(frozen=True)
class Verdict:
    """What `check` found. It counts as true when the answer is right.

    Attributes
    ----------
    exercise : str
        Name of the exercise.
    right : bool
        Whether the answer is right.
    message : str
        What the learner is told.
    entry : tuple of int or None
        Index of the first wrong entry, where single entries were compared.
    slip : str or None
        Name of the slip that gives this very answer.
    """

    exercise: str
    right: bool
    message: str
    entry: tuple[int, ...] | None = None
    slip: str | None = None

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        return f"{self.exercise}: {self.message}"

    def _ipython_display_(self) -> None:
        """Show nothing as the result of a notebook's cell: `check` has printed the sentence."""


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Compare an answer with the right one and with what each slip would give."""
    return judge_outcomes(exercise, outcomes(exercise, answer))


def outcomes(exercise: Exercise, answer: Any) -> list[Outcome]:
    """Return what an answer comes to on each case: its numbers, or why there are none."""
    if exercise.asks_function and answer is not ... and not callable(answer):
        reason = f"a function is expected, but {type(answer).__name__} came: hand in its name alone."
        return [Unreadable(reason) for _ in exercise.cases]
    return [_outcome(exercise, answer, case) for case in exercise.cases]


def judge_outcomes(exercise: Exercise, given: list[Outcome]) -> Verdict:
    """Compare what an answer comes to on each case with the right one and with what each slip would give."""
    right = [read(exercise, exercise.solve(*case)) for case in exercise.cases]
    given = _in_shape(exercise, given, right)
    wrong = [_wrong_parts(exercise, outcome, parts) for outcome, parts in zip(given, right, strict=True)]
    index = next((index for index, parts in enumerate(wrong) if parts), None)
    if index is None:
        return Verdict(exercise.name, True, f"right, on all {len(given)} inputs." if len(given) > 1 else "right.")
    if isinstance(given[index], Unreadable) and str(given[index]) == BLANK:
        return Verdict(exercise.name, False, BLANK)
    untouched = is_as_handed_out(exercise, given)
    part, slip = (wrong[index][0], None) if untouched else _explain(exercise, given, right, index, wrong[index])
    problem, entry = _describe(exercise, given[index], right[index], part)
    if exercise.asks_function and not _unreadable_alike(given):
        problem = f"On input {index + 1} of {len(given)}: {problem}"
    problem = problem[:1].upper() + problem[1:]
    if untouched:  # what is wrong with it is the exercise
        return Verdict(exercise.name, False, f"{UNTOUCHED} {problem}", entry)
    hint = exercise.slips[slip] if slip else _general_hint(exercise, given[index], right[index], part)
    message = " ".join(text for text in ("not yet.", problem, hint) if text)
    return Verdict(exercise.name, False, message, entry, slip.__name__ if slip else None)


def is_as_handed_out(exercise: Exercise, given: list[Outcome]) -> bool:
    """Tell whether a function that was handed out to be mended still computes what it did."""
    if exercise.handed_out is None or not exercise.asks_function:
        return False
    before = outcomes(exercise, exercise.handed_out)
    parts = exercise.parts or ("",)
    return all(_agree(exercise, part, *pair) for pair in zip(given, before, strict=True) for part in parts)


def _unreadable_alike(given: list[Outcome]) -> bool:
    return all(isinstance(outcome, Unreadable) for outcome in given) and len(set(map(str, given))) == 1


def _in_shape(exercise: Exercise, given: list[Outcome], right: list[Parts]) -> list[Outcome]:
    """Give one number the shape of the right one: in brackets or not, it is the same answer."""

    def shaped(outcome: Outcome, parts: Parts) -> Outcome:
        if isinstance(outcome, Unreadable) or exercise.choices:
            return outcome
        return {
            part: value.reshape(parts[part].shape) if value.numel() == parts[part].numel() == 1 else value
            for part, value in outcome.items()
        }

    return [shaped(outcome, parts) for outcome, parts in zip(given, right, strict=True)]


def _outcome(exercise: Exercise, answer: Any, case: tuple[Any, ...]) -> Outcome:
    """Return what an answer comes to on one case: its numbers, or why it has none."""
    try:
        return read(exercise, _call(answer, case) if exercise.asks_function and answer is not ... else answer)
    except Unreadable as unreadable:
        return unreadable


def _call(function: Callable[..., Any], case: tuple[Any, ...]) -> Any:
    """Call a learner's function on a copy of the inputs, which it may change."""
    try:
        return function(*copy.deepcopy(case))
    except Exception as error:  # whatever a learner's code raises is for the learner
        reason = "".join(traceback.format_exception_only(error)).splitlines()[0].removesuffix(".")
        _, *lines = (line for _, line in traceback.walk_tb(error.__traceback__))
        place = f" (line {lines[0]} of its cell)" if lines else ""
        raise Unreadable(f"your function stopped with {reason}{place}.") from error


def _same(exercise: Exercise, first: Any, second: Any) -> bool:
    if isinstance(first, str):
        return bool(first == second)
    if exercise.same_if:
        return exercise.same_if(first) == exercise.same_if(second)
    return first.shape == second.shape and bool(_close(first, second).all())


def _close(given: Tensor, right: Tensor) -> Tensor:
    """Tell entry by entry what differs by rounding only; whole numbers, such as counts, bear none."""
    scale = right.nan_to_num().abs().max().item() if right.numel() else 0.0
    if bool((right == right.round()).all()):
        return torch.isclose(given, right, rtol=0.0, atol=min(1e-5 * max(scale, 1.0), 0.1), equal_nan=True)
    return torch.isclose(given, right, rtol=1e-3, atol=1e-4 * scale, equal_nan=True)


def _wrong_parts(exercise: Exercise, given: Outcome, right: Parts) -> list[str]:
    """Return the names of the parts that are wrong."""
    if isinstance(given, Unreadable):
        return list(right)
    return [part for part in right if not _same(exercise, given[part], right[part])]


def _explain(
    exercise: Exercise, given: list[Outcome], right: list[Parts], index: int, wrong: list[str]
) -> tuple[str, Callable[..., Any] | None]:
    """Return a wrong part of one case and the slip that gives it: on every case if there is one, else on this case."""
    others = {slip: _in_shape(exercise, outcomes(exercise, exercise.answer_by(slip)), right) for slip in exercise.slips}
    for cases in (range(len(given)), [index]):
        for part in wrong:
            for slip, slipped in others.items():
                triples = [(given[case], slipped[case], right[case]) for case in cases]
                if all(_agree(exercise, part, mine, other) for mine, other, _ in triples) and any(
                    isinstance(other, dict) and not _same(exercise, other[part], parts[part])
                    for _, other, parts in triples
                ):
                    return part, slip
    return wrong[0], None


def _agree(exercise: Exercise, part: str, first: Outcome, second: Outcome) -> bool:
    """Tell whether two answers come to the same on a case; two that stop do."""
    if isinstance(first, Unreadable) or isinstance(second, Unreadable):
        return type(first) is type(second)
    return _same(exercise, first[part], second[part])


def _describe(exercise: Exercise, given: Outcome, right: Parts, part: str) -> tuple[str, tuple[int, ...] | None]:
    """Say in a sentence what is wrong, and give the index of the first wrong entry."""
    if isinstance(given, Unreadable):
        return str(given), None
    if exercise.choices or exercise.same_if:
        return "", None
    mine, theirs = given[part], right[part]
    if mine.shape != theirs.shape:
        name = part or "the answer"
        return f"{name} has the shape {tuple(mine.shape)}, but {tuple(theirs.shape)} is expected.", None
    undefined = ~torch.isfinite(mine)
    wrong = undefined if undefined.any() else ~_close(mine, theirs)
    entry = tuple(int(i) for i in wrong.nonzero()[0])
    value, difference = mine[entry].item(), (mine - theirs)[entry].item()
    # The amount by which a single number is off would be the answer.
    amount = f"{abs(difference):.4g} too" if mine.numel() > 1 else "too"
    off = f"{amount} {'large' if difference > 0 else 'small'}" if math.isfinite(value) else "not a finite number"
    place = f"{part} entry {list(entry)}".strip() if entry else part or "the answer"
    written = f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.5g}"
    return f"{place} is {written}, which is {off}.", entry or None


def _general_hint(exercise: Exercise, given: Outcome, right: Parts, part: str) -> str:
    """Return what any answer in numbers may show: a transposition, a sign, a factor, an offset, a rounding."""
    if isinstance(given, Unreadable) or exercise.choices or exercise.same_if:
        return ""
    mine, theirs = given[part], right[part]
    if mine.shape != theirs.shape:
        if mine.ndim == 2 and _same(exercise, mine.T, theirs):
            return "It is the right table, transposed."
        if mine.ndim == 1 and mine.numel() > theirs.numel() and bool((mine == mine.round()).all()):
            return COMMA
        same_numbers = mine.numel() == theirs.numel() and _same(exercise, mine.flatten(), theirs.flatten())
        return "The numbers are right, in another shape." if same_numbers else ""
    if not bool(torch.isfinite(mine).all()):
        return "Look for a division by zero, a logarithm of zero or an exponential that is too large."
    if mine.ndim == 2 and _same(exercise, mine.T, theirs):
        return "It is the right table, transposed."
    if _same(exercise, -mine, theirs):
        return "The sign is wrong, and nothing else."
    known = theirs.abs() > 1e-9
    ratios = mine[known] / theirs[known]
    if (
        ratios.numel() > 1
        and bool(torch.isclose(ratios, ratios[0], rtol=1e-4).all())
        and bool((mine[~known] == 0).all())
    ):
        return f"Every entry is {ratios[0].item():.4g} times what it should be: one factor is missing or too many."
    differences = (mine - theirs).flatten()
    if differences.numel() > 1 and bool(torch.isclose(differences, differences[0], rtol=1e-4).all()):
        return "Every entry is off by the same amount: look for a term that is missing or added once too often."
    if bool(torch.isclose(mine, theirs, rtol=0.02, atol=1e-3).all()):
        exact = bool((theirs == theirs.round()).all())
        return "It is close. A count has to be exact." if exact else "It is close: give at least four digits."
    return ""
