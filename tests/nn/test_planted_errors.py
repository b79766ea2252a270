"""The checks can fail: for each family, a derivative with one mistake in it is caught.

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
from tests.nn.test_functional import CALLS, REFERENCE, tensor

Gradients = tuple[Tensor | None, ...]
Mistake = Callable[..., Gradients]


def bound(name: str, backward: Mistake) -> Callable[..., Tensor]:
    """Bind our forward to a backward, as the family files do."""

    def forward(*tensors: Tensor, **options: Any) -> Tensor:
        return getattr(F, name)(*tensors, **options)

    return differentiable(forward, backward, saves="both")


def right(name: str) -> Mistake:
    """Give our own backward."""

    def backward(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
        return getattr(F, f"{name}_backward")(slope, *tensors, output=output, needs=needs, **options)

    return backward


def linear_without_the_batch_sum(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **_: Any) -> Gradients:
    grad_input, grad_weight, _ = F.linear_backward(slope, *tensors)
    return grad_input, grad_weight, slope[0]


def convolution_unflipped(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    images, weight, bias = tensors
    _, grad_weight, grad_bias = F.conv2d_backward(slope, images, weight, bias, **options)
    return F.conv2d_backward(slope, images, weight.flip(2, 3), bias, **options)[0], grad_weight, grad_bias


def convolution_turned(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    grad_input, grad_weight, grad_bias = F.conv2d_backward(slope, *tensors, **options)
    return grad_input, grad_weight.flip(2, 3), grad_bias


def max_pool_ties_to_the_last(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    turned = (values.flip(-2, -1) for values in (slope, *tensors))
    return (F.max_pool2d_backward(*turned, **options)[0].flip(-2, -1),)


def average_pool_of_the_sum(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    return F.avg_pool2d_backward(slope, *tensors, **options | {"divisor_override": 1})


def relu_with_a_slope_at_zero(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **_: Any) -> Gradients:
    return (slope * (tensors[0] >= 0),)


def sigmoid_without_its_second_factor(slope: Tensor, *_: Tensor, output: Tensor, needs: Any, **__: Any) -> Gradients:
    return (slope * output,)


def tanh_of_the_input(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **_: Any) -> Gradients:
    return (slope * (1 - tensors[0] ** 2),)


def softmax_of_each_alone(slope: Tensor, *_: Tensor, output: Tensor, needs: Any, **__: Any) -> Gradients:
    return (slope * output * (1 - output),)


def log_softmax_over_the_batch(slope: Tensor, *_: Tensor, output: Tensor, needs: Any, **__: Any) -> Gradients:
    return (slope - output.exp() * slope.sum(0, keepdim=True),)


def batch_norm_with_fixed_statistics(
    slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **_: Any
) -> Gradients:
    images, mean, variance, weight, bias = tensors
    found = F.batch_norm_backward(slope, images, mean, variance, weight, bias, training=True)
    spread = images.var((0, 2, 3), unbiased=False, keepdim=True)
    return slope * weight.view(-1, 1, 1) / (spread + 1e-5).sqrt(), *found[1:]


def mean_without_the_count(name: str) -> Mistake:
    def backward(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
        return getattr(F, f"{name}_backward")(slope, *tensors, **options | {"reduction": "sum"})

    return backward


def cross_entropy_without_the_label(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **_: Any) -> Gradients:
    return slope * torch.softmax(tensors[0], 1) / len(tensors[0]), *[None] * (len(tensors) - 1)


TIED = tensor(2, 3, 6, 6, grad=False).round().requires_grad_()
PLAIN_POOL = {"kernel_size": 2}

PLANTED: list[tuple[str, Mistake, tuple[Any, ...], dict[str, Any]]] = [
    ("linear", linear_without_the_batch_sum, *CALLS["linear"]),
    ("conv2d", convolution_unflipped, *CALLS["conv2d"]),
    ("conv2d", convolution_turned, *CALLS["conv2d"]),
    ("max_pool2d", max_pool_ties_to_the_last, (TIED,), PLAIN_POOL),
    ("avg_pool2d", average_pool_of_the_sum, (TIED,), PLAIN_POOL),
    ("relu", relu_with_a_slope_at_zero, (tensor(5, grad=False).round().requires_grad_(),), {}),
    ("sigmoid", sigmoid_without_its_second_factor, *CALLS["sigmoid"]),
    ("tanh", tanh_of_the_input, *CALLS["tanh"]),
    ("softmax", softmax_of_each_alone, *CALLS["softmax"]),
    ("log_softmax", log_softmax_over_the_batch, *CALLS["log_softmax"]),
    ("batch_norm", batch_norm_with_fixed_statistics, *CALLS["batch_norm"]),
    ("mse_loss", mean_without_the_count("mse_loss"), *CALLS["mse_loss"]),
    ("nll_loss", mean_without_the_count("nll_loss"), *CALLS["nll_loss"]),
    ("cross_entropy", cross_entropy_without_the_label, (tensor(3, 4), torch.tensor([0, 3, 1])), {}),
    (
        "binary_cross_entropy_with_logits",
        mean_without_the_count("binary_cross_entropy_with_logits"),
        *CALLS["binary_cross_entropy_with_logits"],
    ),
]
NAMES = [f"{name}: {mistake.__name__}" for name, mistake, *_ in PLANTED]
NO_DERIVATIVE = ("max_pool2d", "relu")  # at a tie, or at zero, there is no derivative to find by differences


@pytest.mark.parametrize(("name", "mistake", "arguments", "options"), PLANTED, ids=NAMES)
def test_comparison_catches_the_mistake(name: str, mistake: Mistake, arguments: Any, options: Any) -> None:
    assert_same(bound(name, right(name)), REFERENCE[name], *arguments, **options)
    with pytest.raises(AssertionError, match="gradients"):
        assert_same(bound(name, mistake), REFERENCE[name], *arguments, **options)


@pytest.mark.parametrize(
    ("name", "mistake", "arguments", "options"),
    [planted for planted in PLANTED if planted[0] not in NO_DERIVATIVE],
    ids=[title for title in NAMES if title.partition(":")[0] not in NO_DERIVATIVE],
)
def test_central_differences_catch_the_mistake(name: str, mistake: Mistake, arguments: Any, options: Any) -> None:
    def run(backward: Mistake) -> bool:
        def function(*tensors: Tensor) -> Tensor:
            # copies, as a batch normalization moves its running statistics
            fixed = [value if value.requires_grad else value.clone() for value in tensors]
            return bound(name, backward)(*fixed, **options)

        return torch.autograd.gradcheck(function, arguments)

    assert run(right(name))
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        run(mistake)


@pytest.mark.parametrize("name", CALLS)
def test_comparison_catches_a_wrong_output(name: str) -> None:
    arguments, options = CALLS[name]
    for spoil in (lambda output: output * (1 + 1e-8), lambda output: output.float(), lambda output: output[None]):

        def spoiled(*tensors: Tensor, spoil: Callable[[Tensor], Tensor] = spoil, **given: Any) -> Tensor:
            return spoil(REFERENCE[name](*tensors, **given))

        with pytest.raises(AssertionError, match="outputs"):
            assert_same(spoiled, REFERENCE[name], *arguments, **options)


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
