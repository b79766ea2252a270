"""Half precision: sums are kept in float32, and the result is rounded once, as PyTorch's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import glassbox.nn.functional as F

HALF = [torch.float16, torch.bfloat16]


def worst(found: Tensor, exact: Tensor) -> float:
    """Give the largest relative error."""
    return float(((found.double() - exact) / exact).abs().max())


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize(
    ("function", "reference"),
    [
        (lambda x: F.softmax(x, 1), lambda x: torch.softmax(x, 1)),
        (lambda x: F.log_softmax(x, 1), lambda x: torch.log_softmax(x, 1)),
        (F.sigmoid, torch.sigmoid),
        (F.tanh, torch.tanh),
    ],
    ids=["softmax", "log_softmax", "sigmoid", "tanh"],
)
def test_rounded_once(function: Callable[[Tensor], Tensor], reference: Callable[[Tensor], Tensor], dtype: torch.dtype):
    x = torch.randn(8, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    exact = reference(x.double())
    assert function(x).dtype == dtype
    assert worst(function(x), exact) <= 1.01 * worst(reference(x), exact)


def test_softmax_over_many_equal_scores() -> None:
    """Their powers sum beyond float16, whose last number is 65,504."""
    scores = torch.zeros(100_000, dtype=torch.float16)
    assert torch.equal(F.softmax(scores, 0), torch.softmax(scores, 0))
    assert F.softmax(scores, 0)[0] > 0
    assert worst(F.log_softmax(scores, 0), torch.log_softmax(scores.double(), 0)) < 1e-3  # torch's own: -inf on a CPU


def test_sigmoid_of_a_very_negative_score() -> None:
    x = torch.tensor([-12.0, -16.0], dtype=torch.float16)
    assert torch.equal(F.sigmoid(x), torch.sigmoid(x))
    assert (F.sigmoid(x) > 0).all()


@pytest.mark.parametrize("dtype", HALF)
def test_bias_gradient_of_many_examples(dtype: torch.dtype) -> None:
    """A sum of 30,000 numbers, of which bfloat16 would lose all after the first few hundred."""
    grad_output = torch.rand(30_000, 2, generator=torch.Generator().manual_seed(0)).to(dtype)
    *_, grad_bias = F.linear_backward(
        grad_output, torch.ones(30_000, 1, dtype=dtype), torch.ones(2, 1, dtype=dtype), torch.zeros(2, dtype=dtype)
    )
    assert worst(grad_bias, grad_output.double().sum(0)) <= torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", HALF)
def test_batch_normalization_of_many_entries(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x, grad_output = ((1 + torch.rand(20_000, 3, generator=generator)).to(dtype) for _ in range(2))
    weight, bias = torch.ones(3, dtype=dtype), torch.zeros(3, dtype=dtype)
    _, _, _, grad_weight, grad_bias = F.batch_norm_backward(grad_output, x, None, None, weight, bias, training=True)
    exact = F.batch_norm_backward(
        grad_output.double(), x.double(), None, None, *[t.double() for t in (weight, bias)], training=True
    )
    assert worst(grad_bias, exact[4]) <= torch.finfo(dtype).eps
    torch.testing.assert_close(grad_weight.double(), exact[3], rtol=0.01, atol=0.5)


@pytest.mark.parametrize("dtype", HALF)
def test_losses_of_many_examples(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(20_000, 4, generator=generator).to(dtype)
    labels = torch.randint(4, (20_000,), generator=generator)
    answers = torch.rand(20_000, 4, generator=generator).to(dtype)
    exact = scores.double()
    for name, target in (
        ("cross_entropy", labels),
        ("nll_loss", labels),
        ("mse_loss", answers),
        ("binary_cross_entropy_with_logits", answers),
    ):
        found = getattr(F, name)(scores, target)
        truth = getattr(F, name)(exact, target.double() if target.is_floating_point() else target)
        assert found.dtype == dtype
        assert abs(float(found.double() - truth)) <= 2 * torch.finfo(dtype).eps * max(1, abs(float(truth))), name
        if name != "nll_loss" and dtype == torch.bfloat16:  # a sum beyond float16 is inf
            total = getattr(F, name)(scores, target, reduction="sum")
            assert worst(total, truth * (20_000 if name == "cross_entropy" else 80_000)) <= torch.finfo(dtype).eps
