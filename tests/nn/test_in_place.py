"""What a layer returns may be written over, wherever torch.nn allows it, and its gradient is right afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

import glassbox.nn as ours
import glassbox.nn.functional as F
from tests.nn.compare import assert_same, call_of, state_of

LAYERS: dict[str, tuple[Callable[[Any], torch.nn.Module], tuple[int, ...]]] = {
    "Linear": (lambda nn: nn.Linear(4, 4), (3, 4)),
    "Linear of rows of rows": (lambda nn: nn.Linear(4, 4), (2, 3, 4)),
    "Linear without bias": (lambda nn: nn.Linear(4, 4, bias=False), (2, 3, 4)),
    "BatchNorm2d": (lambda nn: nn.BatchNorm2d(4), (3, 4, 2, 2)),
    "Dropout": (lambda nn: nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0)), (3, 4)),
    "Softmax, of which a copy": (lambda nn: nn.Sequential(nn.Softmax(1), nn.Linear(4, 4)), (3, 4)),
    "Flatten": (lambda nn: nn.Sequential(nn.Linear(4, 4), nn.Flatten()), (2, 3, 4)),
}


@pytest.mark.parametrize("after", ["ours", "torch", "+="])
@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
def test_written_over(make: Callable[[Any], torch.nn.Module], shape: tuple[int, ...], after: str) -> None:
    calls, state = [], None
    for library in (ours, torch.nn):
        torch.manual_seed(0)
        layer = make(library).double()
        relu = (library if after == "ours" else torch.nn).ReLU(inplace=True)

        def write(output: torch.Tensor, relu: torch.nn.Module = relu) -> torch.Tensor:
            if after == "+=":
                output += 1
                return output
            return relu(output)

        call = call_of(layer)
        calls.append(lambda state, x, call=call, write=write: write(call(state, x)))
        state = state_of(layer)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    assert_same(*calls, state, x)


@pytest.mark.parametrize("many", [1, 5000])
@pytest.mark.parametrize("special", [0.5, math.inf, math.nan])
def test_an_infinite_slope_stops_at_a_dead_unit(special: float, many: int) -> None:
    """Whether a few numbers come or many, which are reckoned another way."""
    x = torch.tensor([-1.0, 0.0, 2.0, -1.0, math.nan if math.isnan(special) else 3.0]).repeat(many).requires_grad_()
    slope = torch.tensor([special, -special, special, special, 1.0]).repeat(many)
    (found,) = torch.autograd.grad(F.relu(x), x, slope)
    (expected,) = torch.autograd.grad(torch.relu(x), x, slope)
    torch.testing.assert_close(found, expected, equal_nan=True)
    assert found.view(-1, 5)[:, [0, 1, 3]].count_nonzero() == 0


def test_a_gate_of_many_numbers_compiles_into_one_graph() -> None:
    """What is decided by looking at the numbers would break it."""
    x = torch.linspace(-1, 1, 20_000, requires_grad=True)
    compiled = torch.compile(F.relu, backend="eager", fullgraph=True)
    (found,) = torch.autograd.grad(compiled(x).sum(), x)
    assert torch.equal(found, (x > 0).float())
