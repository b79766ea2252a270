"""Imports go one way, and a part of the package brings no heavy library along."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import glassbox

PACKAGE = Path(glassbox.__file__).parent

# Who may import whom within the package; a part that is missing here imports none of ours.
MAY_IMPORT = {
    "models": {"nn"},
    "descent": {"optim"},
    "datasets": {"files"},
    "training": {"nn", "optim", "datasets", "plots", "files"},
    "explain": {"nn", "tracing", "files"},
    "exercises": {"nn", "gradients"},
    "_readiness": {"nn", "datasets", "exercises"},
}
SEES_ALL = {"cli", "recipes", "__main__"}  # and nothing else imports them
HEAVY = {"pandas", "matplotlib", "sklearn", "torchvision", "pooch", "typer"}


def dotted(path: Path) -> str:
    """Name a file as an import does, without the package: ``training.loop``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def ours_in(source: str, package: str) -> Iterator[str]:
    """Give what each import of a file in ``package`` reaches in glassbox, wherever the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{start}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("glassbox.") for name in names if name.startswith("glassbox."))


def reached_from(path: Path) -> set[str]:
    """Give what the imports of a file reach."""
    package = ".".join(path.relative_to(PACKAGE.parent).parts[:-1])
    return set(ours_in(path.read_text(encoding="utf-8"), package))


FILES = sorted(path for path in PACKAGE.rglob("*.py") if dotted(path))
NAMES = [dotted(path) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_imports_go_one_way(path: Path) -> None:
    reached = reached_from(path)
    if dotted(path) in SEES_ALL:
        return
    part = dotted(path).partition(".")[0]
    assert {name.partition(".")[0] for name in reached} - {part} <= MAY_IMPORT.get(part, set())
    assert not {name for name in reached for top in SEES_ALL if f"{name}.".startswith(f"{top}.")}


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ("import glassbox.optim.sgd", ["optim.sgd"]),
        ("from glassbox import plots", ["plots"]),
        ("def late():\n    from glassbox.training import fit", ["training.fit"]),
        ("from .linear import Linear", ["nn.linear.Linear"]),
        ("from . import linear", ["nn.linear"]),
        ("from ..optim import SGD", ["optim.SGD"]),
        ("from .. import tracing", ["tracing"]),
        ("import torch\nfrom torch import nn", []),
    ],
)
def test_the_reading_of_imports(source: str, reached: list[str]) -> None:
    assert list(ours_in(source, "glassbox.nn")) == reached


def loaded_by(*names: str) -> dict[str, set[str]]:
    """Import one after the other in a new process; give the libraries that each brought along, torch's own apart."""
    script = (
        "import importlib, json, sys, torch\n"
        "brought = {}\n"
        f"for name in {names!r}:\n"
        "    before = set(sys.modules)\n"
        "    importlib.import_module(name)\n"
        "    brought[name] = sorted({new.partition('.')[0] for new in set(sys.modules) - before})\n"
        "print(json.dumps(brought))"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return {name: set(found) for name, found in json.loads(run.stdout).items()}


def test_imports_are_light() -> None:
    engine = ["glassbox.nn", "glassbox.nn.functional", "glassbox.optim"]
    others = [f"glassbox.{name}" for name in NAMES if name not in SEES_ALL]
    brought = loaded_by(*engine, *others, "pandas")
    for name in engine:  # torch and Python are enough
        assert not brought[name] - {"glassbox"} - set(sys.stdlib_module_names), name
    for name in others:
        assert not brought[name] & HEAVY, name
    assert "pandas" in brought["pandas"]  # a heavy one would be seen
