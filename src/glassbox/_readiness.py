"""What a computer needs on the day of a class, tried one thing after the other."""

from __future__ import annotations

import importlib.util
import io
import platform
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

FIRST_CELL = "import glassbox\nprint(6 * 7)"


LESSONS_OF_MNIST = ("1.3", "1.4", "3.4", "3.7")


class Missing(Exception):
    """Something that a class needs and that is not there; the message says what to do."""


class Without(Exception):
    """Something that is not there and that a class can do without; the message says what is different then."""


def try_everything() -> Iterator[tuple[str, bool | None, str]]:
    """Try each thing; give its name, whether it works (None: a class can do without), and what was found or to do."""
    tries: dict[str, Callable[[], str]] = {
        "Python": _python,
        "package": _package,
        "data": _data,
        "figure": _figure,
        "notebook": _notebook,
        "grading": _grading,
    }
    for name, attempt in tries.items():
        try:
            yield name, True, attempt()
        except Without as without:
            yield name, None, str(without)
        except Missing as missing:
            yield name, False, str(missing)
        except Exception as error:  # whatever is broken here is for the reader to see, and the next thing is tried
            yield name, False, f"{type(error).__name__}: {error}"


def _python() -> str:
    return f"{platform.python_version()} in {sys.prefix}"


def _package() -> str:
    """Train a layer for one step: torch, the engine and the way back work."""
    import torch

    from glassbox import nn

    layer = nn.Linear(2, 1)
    layer(torch.ones(3, 2)).square().mean().backward()
    if layer.weight.grad is None or not bool(layer.weight.grad.isfinite().all()):
        raise Missing("a layer made no gradient: install glassbox-course again")
    return f"a layer makes its gradient, with torch {torch.__version__}"


def _data() -> str:
    import pooch

    from glassbox import datasets

    loud = pooch.get_logger().level
    pooch.get_logger().setLevel("ERROR")
    try:
        with warnings.catch_warnings(action="ignore", category=datasets.DataWarning):
            images = datasets.mnist("test")
    finally:
        pooch.get_logger().setLevel(loud)
    if images.is_standin:
        *others, last = LESSONS_OF_MNIST
        raise Without(
            f"no MNIST: the exercises need none, lessons {', '.join(others)} and {last} use scikit-learn's digits; try "
            "glassbox data --download, or bring MNIST/raw and set GLASSBOX_DATA to the folder that holds it"
        )
    return f"{len(images):,} test images of {images.source}"


def _figure() -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([0, 1], [1, 0])
    drawn = io.BytesIO()
    FigureCanvasAgg(figure).print_png(drawn)
    return f"a picture of {drawn.tell() // 1000} kB was drawn"


def _notebook() -> str:
    """Run one cell as Jupyter would."""
    if not any(map(importlib.util.find_spec, ("jupyterlab", "notebook"))):
        raise Missing("Jupyter is not installed: try python -m pip install jupyterlab")
    with tempfile.TemporaryDirectory() as folder:
        import nbformat

        path = Path(folder, "first.ipynb")
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(FIRST_CELL)]), path)
        command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--stdout", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or "42" not in done.stdout:
        reason = done.stderr.strip().splitlines()[-1:] or ["no output"]
        raise Missing(
            f"Jupyter did not run a cell ({reason[0]}): try python -m pip install --upgrade jupyterlab ipykernel"
        )
    return "Jupyter ran a cell that imports glassbox"


def _grading() -> str:
    from glassbox.exercises import grading

    if not grading.sandbox():
        raise Without(
            "Python alone keeps notebooks from files and network; on Linux, bubblewrap adds the kernel: install it"
        )
    return "bubblewrap and Python keep notebooks from files and network"
