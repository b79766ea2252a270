"""The checks can fail: a derivative with one mistake in it, planted by its record, is caught.

Each mistake is one that people make. What is planted is a function whose forward is ours and whose backward is ours but
for that mistake; the same function without it passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

import glassbox.nn.functional as F
from glassbox.nn._bridge import differentiable
from tests.nn.compare import assert_same
from tests.nn.records import FUNCTIONS
from tests.nn.records.record import Gradients, Planted, Record, tensor


def bound(name: str, backward: Callable[..., Gradients]) -> Callable[..., Tensor]:
    """Bind our forward to a backward, as the family files do."""

    def forward(*tensors: Tensor, **options: Any) -> Tensor:
        return getattr(F, name)(*tensors, **options)

    return differentiable(forward, backward, saves="both")


def right(name: str) -> Callable[..., Gradients]:
    """Give our own backward."""

    def backward(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
        return getattr(F, f"{name}_backward")(slope, *tensors, output=output, needs=needs, **options)

    return backward


PLANTED = [
    pytest.param(record, planted, id=f"{name}: {planted.backward.__name__}")
    for name, record in FUNCTIONS.items()
    for planted in record.planted
]


@pytest.mark.parametrize(("record", "planted"), PLANTED)
def test_comparison_catches_the_mistake(record: Record, planted: Planted) -> None:
    name, (arguments, options) = record.function, planted.call or record.call
    assert_same(bound(name, right(name)), record.reference, *arguments, **options)
    with pytest.raises(AssertionError, match="gradients"):
        assert_same(bound(name, planted.backward), record.reference, *arguments, **options)


@pytest.mark.parametrize(("record", "planted"), [each for each in PLANTED if each.values[1].differences])
def test_central_differences_catch_the_mistake(record: Record, planted: Planted) -> None:
    name, (arguments, options) = record.function, planted.call or record.call

    def run(backward: Callable[..., Gradients]) -> bool:
        def function(*tensors: Tensor) -> Tensor:
            # copies, as a batch normalization moves its running statistics
            fixed = [value if value.requires_grad else value.clone() for value in tensors]
            return bound(name, backward)(*fixed, **options)

        return torch.autograd.gradcheck(function, arguments)

    assert run(right(name))
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        run(planted.backward)


@pytest.mark.parametrize("record", FUNCTIONS.values(), ids=FUNCTIONS)
def test_comparison_catches_a_wrong_output(record: Record) -> None:
    arguments, options = record.call
    for spoil in (lambda output: output * (1 + 1e-8), lambda output: output.float(), lambda output: output[None]):

        def spoiled(*tensors: Tensor, spoil: Callable[[Tensor], Tensor] = spoil, **given: Any) -> Tensor:
            return spoil(record.reference(*tensors, **given))

        with pytest.raises(AssertionError, match="outputs"):
            assert_same(spoiled, record.reference, *arguments, **options)


def test_comparison_catches_a_changed_argument() -> None:
    def in_place(values: Tensor) -> Tensor:
        result = torch.relu(values)
        values.detach().clamp_(min=0)
        return result

    with pytest.raises(AssertionError, match="arguments"):
        assert_same(in_place, torch.relu, tensor(5))


def test_comparison_catches_a_missing_gradient() -> None:
    with pytest.raises(AssertionError, match="gradients"):
        assert_same(lambda values: torch.relu(values.detach()), torch.relu, tensor(5))
