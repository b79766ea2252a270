"""What a layer returns may be written over, wherever torch.nn allows it, and its gradient is right afterwards."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest
import torch
from torch import Tensor

import glassbox.nn as ours
import glassbox.nn.functional as F
from tests.nn.records import LAYERS, parameters
from tests.nn.records.record import Row

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

ROWS = [row for row in LAYERS if 0 not in row.shape and not row.options.get("return_indices")]


def gradients(row: Row, library: Any, after: str) -> list[Tensor] | None:
    """Give the gradients of a layer whose output was written over, None where autograd refuses it."""
    layer, (x,) = row.build(library), row.inputs()
    output = layer(x * 1)  # not of a leaf, over whose views nothing may be written
    if after == "+=":
        output += 1
    else:
        (library if after == "ours" else torch.nn).ReLU(inplace=True)(output)
    try:
        return list(torch.autograd.grad((output**2).sum(), [x, *layer.parameters()]))
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        return None


@pytest.mark.parametrize("row", parameters(ROWS))
def test_written_over(row: Row, arranged: str) -> None:
    for after in ("ours", "torch", "+="):
        found, expected = (gradients(row, library, after) for library in (ours, torch.nn))
        assert (found is None) == (expected is None), after
        for mine, reference in zip(found or [], expected or [], strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-10)


def test_writing_over_is_tried_on_most_layers() -> None:
    allowed = {row.name for row in ROWS if gradients(row, torch.nn, "+=") is not None}
    assert {"Conv2d", "Linear", "MaxPool2d", "AvgPool2d", "BatchNorm2d", "Dropout", "Flatten"} <= allowed


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


@pytest.mark.parametrize("inplace", [False, True])
def test_what_went_into_dropout_may_be_written_over(inplace: bool) -> None:
    leaf = torch.ones(6, requires_grad=True)
    before = leaf * 1
    torch.manual_seed(0)
    after = F.dropout(before, inplace=inplace)
    if not inplace:
        before += 1
    after.sum().backward()
    assert set(leaf.grad.tolist()) <= {0.0, 2.0}
    assert torch.equal(leaf.grad, after.detach())


FIRST = {row.name: row for row in reversed(LAYERS) if row.shape and 0 not in row.shape}
IN_PLACE = [name for name in FIRST if "inplace" in inspect.signature(getattr(ours, name)).parameters]


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_layer_in_place_gives_back_what_came(name: str) -> None:
    row = FIRST[name]
    layer = getattr(ours, name)(*row.arguments, **{**row.options, "inplace": True})
    (x,) = row.inputs()
    given = x * 1
    assert layer(given) is given, f"{name}(inplace=True) returns another tensor: the function ends in input.copy_(...)"
