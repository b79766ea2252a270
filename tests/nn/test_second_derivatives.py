"""The derivative of a gradient is PyTorch's, for every layer and loss: never a silent zero.

What arrives at a loss is a constant, and the question is asked through the loss: a Hessian, a penalty on the gradient,
a step of descent inside a step of descent.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import glassbox.nn as ours
import glassbox.nn.functional as F
from tests.nn.records import FUNCTIONS, LAYERS, LOSSES, parameters
from tests.nn.records.record import Record, Row
from tests.nn.test_against_torch import IMAGES, LABELS

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

WINDOWS = ("Conv2d", "MaxPool2d", "AvgPool2d")
ROWS = [row for row in LAYERS + LOSSES if 0 not in row.shape and row.shape != (1, 4) and row.name not in WINDOWS]


def penalty(row: Row, library: Any) -> list[Tensor | None]:
    """Give the gradient of the squared length of a gradient, whose upstream gradient is a constant."""
    module, inputs = row.build(library), row.inputs()
    returned = module(*inputs)
    output = returned[0] if isinstance(returned, tuple) else returned
    leaves = [tensor for tensor in [*inputs, *module.parameters()] if tensor.requires_grad]
    weights = torch.linspace(0.5, 1.5, output.numel(), dtype=torch.float64).view(output.shape)
    slopes = torch.autograd.grad((weights * output**2).sum(), leaves, create_graph=True)
    total = sum((slope**2).sum() for slope in slopes)
    return list(torch.autograd.grad(total, leaves, allow_unused=True))


@pytest.mark.parametrize("row", parameters(ROWS))
def test_penalty_on_the_gradient(row: Row) -> None:
    for mine, reference in zip(penalty(row, ours), penalty(row, torch.nn), strict=True):
        zero = torch.zeros((), dtype=torch.float64)
        torch.testing.assert_close(
            zero if mine is None else mine,
            zero.expand_as(mine)
            if reference is None and mine is not None
            else zero
            if reference is None
            else reference,
            rtol=1e-9,
            atol=1e-10,
        )


@pytest.mark.parametrize("record", FUNCTIONS.values(), ids=FUNCTIONS)
def test_gradgradcheck(record: Record, arranged: str) -> None:
    """Central differences of our gradients: a reference that shares no derivative with torch.nn."""
    tensors, options = record.call

    def function(*wanted: Tensor) -> Tensor:
        # copies of the others, as a batch normalization moves its running statistics
        found = iter(wanted)
        given = [next(found) if tensor.requires_grad else tensor.clone() for tensor in tensors]
        return getattr(F, record.function)(*given, **options)

    wanted = [tensor for tensor in tensors if tensor.requires_grad]
    assert torch.autograd.gradgradcheck(function, wanted, fast_mode=True)


def test_gradgradcheck_of_batch_normalization_with_its_weights() -> None:
    generator = torch.Generator().manual_seed(5)
    x, weight, bias = (
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((3, 2, 2, 2), (2,), (2,))
    )
    assert torch.autograd.gradgradcheck(
        lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, training=True), [x, weight, bias]
    )


def test_hessian_of_a_least_squares_risk() -> None:
    """The Hessian of the mean of squares is 2 XᵀX / n, whatever the parameters."""
    x = torch.tensor([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], dtype=torch.float64)

    def risk(weight: Tensor) -> Tensor:
        return F.mse_loss(F.linear(x, weight[None]), torch.ones(3, 1, dtype=torch.float64))

    found = torch.autograd.functional.hessian(risk, torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(found, 2 * x.T @ x / 3)


def test_hessian_of_the_cross_entropy() -> None:
    """In one example the Hessian is diag(p) - p pᵀ: the derivative of p - y."""
    scores = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    found = torch.autograd.functional.hessian(lambda x: F.cross_entropy(x, torch.tensor(1)), scores)
    p = scores.softmax(0)
    torch.testing.assert_close(found, p.diag() - p.outer(p))


def test_second_derivative_of_a_binary_cross_entropy_at_a_score_of_zero() -> None:
    """Where a clipped formula would have a corner: sigma'(0) is 1/4, and the slope of the target is -x."""
    x, y = (torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(2))
    slope_x, slope_y = torch.autograd.grad(F.binary_cross_entropy_with_logits(x, y), (x, y), create_graph=True)
    assert torch.autograd.grad(slope_x, (x, y), retain_graph=True) == (torch.tensor([0.25]), torch.tensor([-1.0]))
    assert torch.autograd.grad(slope_y, x)[0].item() == -1


def test_differentiating_through_a_step_of_descent() -> None:
    """As in meta-learning: the loss after one step, as a function of the weights before it."""
    gradients = []
    for library in (ours, torch.nn):
        torch.manual_seed(0)
        layers = (library.Flatten(), library.Linear(144, 8), library.Tanh(), library.Linear(8, 4))
        model, loss = library.Sequential(*layers).double(), library.CrossEntropyLoss(label_smoothing=0.1)
        before = dict(model.named_parameters())
        slopes = torch.autograd.grad(loss(model(IMAGES), LABELS), list(before.values()), create_graph=True)
        after = {name: theta - 0.1 * slope for (name, theta), slope in zip(before.items(), slopes, strict=True)}
        again = loss(torch.func.functional_call(model, after, IMAGES), LABELS)
        gradients.append(torch.autograd.grad(again, list(before.values())))
    for mine, reference in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-11)


def test_a_gradient_penalty_through_a_large_relu_is_torchs_and_warns_of_nothing() -> None:
    x = torch.randn(4, 3000, dtype=torch.float64, requires_grad=True)
    penalties = []
    for relu in (F.relu, torch.nn.functional.relu):
        (slope,) = torch.autograd.grad((relu(x) ** 3).sum(), x, create_graph=True)
        penalties.append(torch.autograd.grad((slope**2).sum(), x)[0])
    torch.testing.assert_close(*penalties)
