"""What is known about one exercise: how the right answer is computed, and what each known slip would give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    name : str
        The lesson's number and a letter.
    solve : callable
        Computes the right answer from the inputs of a case.
    slips : mapping of callable to str
        Functions of the same inputs, each with one slip, and what the learner is told about it. The first that explains
        an answer is named.
    cases : tuple of tuples
        Inputs. An exercise that asks for a value has one case.
    asks_function : bool
        Whether the answer is a function, which is called on every case.
    by_hand : tuple
        For a function, the inputs of one more case, small enough for paper: what it returns there, the site's page
        asks for in numbers.
    parts : tuple of str
        Names of the several tensors that make up an answer; empty for a single one.
    choices : tuple of str
        The words among which the answer is chosen; empty for an answer in numbers.
    same_if : callable, optional
        Where many answers are right: maps an answer to what counts, in a word. By default the numbers count.
    entries : tuple of str
        What the entries of a list stand for, in order; empty where their places say it.
    handed_out : callable, optional
        Where a function is handed out to be mended: what it computes before anyone has touched it.
    """

    name: str
    solve: Callable[..., Any]
    slips: Mapping[Callable[..., Any], str]
    cases: tuple[tuple[Any, ...], ...] = ((),)
    asks_function: bool = False
    by_hand: tuple[Any, ...] = ()
    parts: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    same_if: Callable[[Tensor], str] | None = field(default=None)
    entries: tuple[str, ...] = ()
    handed_out: Callable[..., Any] | None = None

    def answer_by(self, function: Callable[..., Any]) -> Any:
        """Return what a learner would hand in who computes as ``function`` does: `solve`, or one of the slips."""
        return function if self.asks_function else function(*self.cases[0])

    def in_numbers(self) -> Exercise:
        """Return an exercise that a page can judge: this one, or for a function its value on the case by hand."""
        return replace(self, cases=(self.by_hand,), asks_function=False) if self.asks_function else self


def table(*rows: Any) -> Tensor:
    """Return a tensor in double precision."""
    return torch.tensor(rows, dtype=torch.float64)


def drawn(*shape: int, seed: int) -> Tensor:
    """Return normal random numbers in double precision, the same at every call."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
