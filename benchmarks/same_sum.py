"""What the programs of the page "The same sum, four times" cost: the page's own code is counted and timed."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.timing import seconds
from glassbox.datasets import LabelledImages

__all__ = ["same_sum", "ways_of_the_page"]

PAGE = Path(__file__).parents[1] / "docs" / "api" / "same_sum.md"
ROUNDS = 9
TURN = 0.02
"""Seconds of one turn."""


def same_sum(_: LabelledImages) -> Iterator[dict[str, Any]]:
    """Count the calls and measure the microseconds of one convolution, 3x8x8 with four 3x3 kernels, in each way."""
    torch.manual_seed(0)
    x, weight, bias = (torch.randn(*shape).double() for shape in ((3, 8, 8), (4, 3, 3, 3), (4,)))
    ways = ways_of_the_page() | {"torch": torch.conv2d}
    steps = {name: partial(way, x, weight, bias) for name, way in ways.items()}
    calls = {name: max(1, int(TURN / seconds(step, 2))) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for name in list(steps) * ROUNDS:  # in turns
        times[name].append(seconds(steps[name], calls[name], clock=time.process_time))
    for name, step in steps.items():
        with _Calls() as counted:
            step()
        yield {
            "way": name.replace("_", " "),
            "calls": counted.count,
            "microseconds": round(1e6 * statistics.median(times[name]), 1),
        }


def ways_of_the_page() -> dict[str, Callable[..., Tensor]]:
    """Return the functions that the page defines, in its order."""
    cells = re.findall(r"```\{code-cell\} python3\n(def .+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    defined: dict[str, Any] = {"torch": torch}
    for cell in cells:
        exec(cell, defined)
    return {name: value for name, value in defined.items() if name not in ("torch", "__builtins__")}


class _Calls(TorchDispatchMode):
    """Count the operations that PyTorch is asked for."""

    count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return function(*args, **(kwargs or {}))
