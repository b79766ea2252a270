"""Every dataset says where it comes from, and has tests of its own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from glassbox import datasets

# How each public loader names its source. What looks for files or describes them loads nothing.
LOADERS: dict[str, Callable[[], str]] = {
    "faces": lambda: datasets.faces(n=2).source,
    "load_exam": lambda: datasets.load_exam().attrs["source"],
    "load_grades": lambda: datasets.load_grades().attrs["source"],
    "make_pupils": lambda: datasets.make_pupils(2).attrs["source"],
    "mnist": lambda: datasets.mnist("test").source,
    "photo": lambda: datasets.PHOTO_CREDITS["china"],
    "recorded": lambda: str(datasets.recorded("batch_accuracy")),
}
NO_LOADERS = {"fetch_mnist", "find_mnist"}


def test_every_public_function_is_a_loader_or_none():
    public = {name for name in datasets.__all__ if inspect.isfunction(getattr(datasets, name))}
    assert public == set(LOADERS) | NO_LOADERS


@pytest.mark.parametrize("name", LOADERS)
def test_a_loader_says_where_its_data_come_from(name):
    assert re.search(r"[A-Za-z]{3}", LOADERS[name]())


@pytest.mark.parametrize("name", LOADERS)
def test_a_loader_has_tests_of_its_own(name):
    others = [path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__)]
    assert any(re.search(rf"\b{name}\(", path.read_text("utf-8")) for path in others)
