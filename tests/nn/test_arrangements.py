"""Equations, and the same arranged for speed: each against torch, and against each other.

The fixture ``arranged`` runs a test twice. Derivatives of derivatives are here too: a fast backward hands them over.
"""

from __future__ import annotations

import copy
import functools
import math
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError
from torch.utils.checkpoint import checkpoint

import glassbox.nn as ours
import glassbox.nn.functional as F
from glassbox.models import SmallCNN
from glassbox.nn import _fast, by_the_equation
from glassbox.nn._bridge import Arrangement, Gradients, differentiable
from glassbox.nn._windows import lay
from glassbox.nn.convolution import convolve_backward, convolve_forward
from glassbox.nn.pooling import maximum_backward, maximum_forward
from tests.nn.compare import assert_outcome, assert_same, call_of, run, state_of, upstream
from tests.nn.records import LAYERS, parameters
from tests.nn.records.record import Row
from tests.nn.test_no_borrowed_operators import step
from tests.nn.test_pytorch_samples import function_calls, judge, module_calls, tally

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

FAMILIES = ("Linear", "ReLU", "Conv2d", "MaxPool2d", "AvgPool2d", "BatchNorm2d")
ROWS = [row for row in LAYERS if row.name in FAMILIES]
ARRANGED = [row for row in ROWS if row.name != "AvgPool2d"]
AXIS = lay(6, 2, 2, 1, 0, 0, ceil_mode=False)  # windows of 2 side by side on 6 numbers


# --- One table: against torch, and against each other ---------------------------------------------------------------


@pytest.mark.parametrize("row", parameters(ROWS))
def test_both_give_what_torch_gives(row: Row, device: str, arranged: str) -> None:
    mine, reference = row.build(ours, device=device), row.build(torch.nn, device=device)
    assert_same(call_of(mine), call_of(reference), state_of(reference), *row.inputs(device=device))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("row", parameters(ARRANGED))
def test_they_give_the_same(row: Row, dtype: torch.dtype, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, inputs = row.build(ours, dtype, device), row.inputs(dtype, device)
    with by_the_equation():
        expected = run(call_of(module), state_of(module), *inputs)
    monkeypatch.setattr(_fast, "_COPIES_SPARED", 0)
    monkeypatch.setattr(_fast, "_NUMBERS", dict.fromkeys(_fast._NUMBERS, 0))
    tolerance = {} if dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-4}
    assert_outcome(run(call_of(module), state_of(module), *inputs), expected, **tolerance)


@pytest.mark.parametrize(
    ("calls", "name"), [(module_calls, "Conv2d"), (function_calls, "conv2d"), (function_calls, "max_pool2d")]
)
def test_pytorch_s_samples(calls: Any, name: str, device: str, arranged: str) -> None:
    judge(tally(calls(name, device)))


@pytest.mark.parametrize("row", parameters(ARRANGED))
def test_no_borrowed_operator(row: Row, device: str, arranged: str) -> None:
    step(row, ours, torch.float32, device, training=True)


def turned(grad_output: Tensor, images: Tensor, weight: Tensor, *others: Any, **options: Any) -> Gradients:
    """Turn the kernels round where they are not to be."""
    return _fast.convolution.backward(grad_output, images, weight.flip(2, 3), *others, **options)


def to_the_last(grad_output: Tensor, images: Tensor, *, winners: Tensor, **options: Any) -> Gradients:
    """Give the gradient of a maximum to the last of equals."""
    turned = images.flip(-2, -1)
    _, winners = _fast.maximum.forward(turned, rows=options["rows"], columns=options["columns"])
    (found,) = _fast.maximum.backward(grad_output.flip(-2, -1), turned, winners=winners, **options)
    return (found.flip(-2, -1),)


@pytest.mark.parametrize("mistake", [turned, to_the_last])
def test_the_table_catches_a_mistake_in_an_arrangement(mistake: Callable[..., Gradients]) -> None:
    images = torch.randn(2, 3, 6, 6, dtype=torch.float64).round().requires_grad_()
    weight = torch.randn(4, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    windows: dict[str, Any] = {"rows": AXIS, "columns": AXIS}
    if mistake is turned:
        pair, right, arguments = (convolve_forward, convolve_backward), _fast.convolution, (images, weight, None)
        windows["groups"], keeps = 1, "seen"
    else:
        pair, right, arguments, keeps = (maximum_forward, maximum_backward), _fast.maximum, (images,), "winners"

    def bound(backward: Callable[..., Gradients]) -> Callable[..., Tensor]:
        planted = Arrangement(right.forward, backward, lambda *_, **__: True)
        return functools.partial(differentiable(*pair, keeps=keeps, fast=planted), **windows)

    equation = functools.partial(differentiable(*pair, keeps=keeps), **windows)
    assert_same(bound(right.backward), equation, *arguments)
    with pytest.raises(AssertionError, match="gradients"):
        assert_same(bound(mistake), equation, *arguments)


# --- Where which is taken -------------------------------------------------------------------------------------------


def taken(module: torch.nn.Module, images: Tensor) -> list[str]:
    """Give the functions of the engine that a step of a network runs: the equations, and what is arranged for speed."""
    seen: list[str] = []

    def note(frame: Any, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and frame.f_code.co_name.endswith(("_forward", "_backward")) and "glassbox" in file:
            seen.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        module(images).sum().backward()
    finally:
        sys.setprofile(None)
    return seen


@pytest.mark.parametrize("batch", [1, 50, 512])
def test_the_convolutions_of_smallcnn_run_the_equation(batch: int) -> None:
    ran = taken(SmallCNN(), torch.rand(batch, 1, 28, 28))
    assert (ran.count("convolve_forward"), ran.count("convolve_backward")) == (3, 3)
    assert not {"_convolve_forward", "_convolve_backward"} & set(ran)


def test_what_is_small_runs_the_equation_and_what_is_large_does_not() -> None:
    network = ours.Sequential(ours.Conv2d(3, 16, 3), ours.MaxPool2d(2))
    small, large = torch.rand(1, 3, 8, 8), torch.rand(32, 3, 32, 32)
    equation = {"convolve_forward", "convolve_backward", "maximum_forward", "maximum_backward"}
    fast = {f"_{name}" for name in equation}
    assert equation == set(taken(network, small))
    assert fast <= set(taken(network, large))
    with by_the_equation():
        assert not fast & set(taken(network, large))


# --- A derivative has a derivative ----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", parameters([row for row in ROWS if 0 not in row.shape]))
def test_second_derivatives(row: Row, arranged: str) -> None:
    """Of a sum, so that what arrives is a constant; and of the whole, by torch's own checker."""
    found, expected = (second_derivatives(row, library) for library in (ours, torch.nn))
    assert len(found) == len(expected)
    for mine, reference in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-10, atol=1e-10)


def second_derivatives(row: Row, library: Any) -> list[Tensor]:
    """Differentiate the squared norm of the gradients of a sum of squares (a gradient penalty)."""
    module, inputs = row.build(library), row.inputs()
    returned = module(*inputs)
    output = returned[0] if isinstance(returned, tuple) else returned
    leaves = [*inputs, *module.parameters()]
    slopes = torch.autograd.grad((output**2).sum(), leaves, create_graph=True)
    return [*slopes, *torch.autograd.grad(sum((slope**2).sum() for slope in slopes), leaves)]


def test_gradgradcheck_can_fail() -> None:
    def detached(grad_output: Tensor, images: Tensor, weight: Tensor, *others: Any, **options: Any) -> Gradients:
        return convolve_backward(grad_output, images, weight.detach(), *others, **options)

    planted = differentiable(convolve_forward, detached, keeps="seen")
    images, weight = torch.rand(1, 3, 6, 6).double().requires_grad_(), torch.rand(2, 3, 2, 2).double().requires_grad_()
    with pytest.raises(GradcheckError):
        torch.autograd.gradgradcheck(
            lambda *given: planted(*given, None, rows=AXIS, columns=AXIS, groups=1), (images, weight)
        )


def test_hessian_of_a_network(arranged: str) -> None:
    torch.manual_seed(0)
    images, weight = torch.rand(2, 1, 6, 6, dtype=torch.float64), torch.randn(2, 1, 3, 3, dtype=torch.float64)

    def risk(library: Any, weight: Tensor) -> Tensor:
        return (library.avg_pool2d(library.max_pool2d(library.conv2d(images, weight), 2), 2) ** 2).sum()

    found, expected = (
        torch.autograd.functional.hessian(lambda w, library=library: risk(library, w), weight)
        for library in (F, torch.nn.functional)
    )
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(found, expected)


# --- What was found -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("count", [32, 1024])
def test_half_precision_weight_gradients_do_not_drift(count: int, dtype: torch.dtype, arranged: str) -> None:
    """Summed over 1,024 images in bfloat16 they were 6 % off."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 4, 14, 14, generator=generator).to(dtype)
    slope = (1 + torch.rand(count, 8, 14, 14, generator=generator)).mul(1e-3).to(dtype)
    weight = torch.zeros(8, 4, 3, 3, dtype=dtype, requires_grad=True)
    F.conv2d(images, weight, padding=1).backward(slope)
    exact = torch.zeros(8, 4, 3, 3, dtype=torch.float64, requires_grad=True)
    torch.conv2d(images.double(), exact, padding=1).backward(slope.double())
    assert (weight.grad.double() - exact.grad).norm() < 0.005 * exact.grad.norm()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_nan_in_a_window_wins_over_infinity_before_it(dtype: torch.dtype, arranged: str) -> None:
    image = torch.tensor([[[math.inf, 1.0, -math.inf, -math.inf], [2.0, math.nan, -math.inf, 7.0]]], dtype=dtype)
    image.requires_grad_()
    output, places = F.max_pool2d(image, 2, return_indices=True)
    assert output[0, 0, 0].isnan()
    assert places.tolist() == [[[5, 7]]]
    F.max_pool2d(image, 2).backward(torch.tensor([[[3.0, 4.0]]], dtype=dtype))
    assert image.grad.tolist() == [[[0, 0, 0, 0], [0, 3, 0, 4]]]


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-45, -1e-45, math.inf, 3.4028234663852886e38, -3.4028234663852886e38])
def test_neighbours_of_a_number_are_told_apart(value: float, arranged: str) -> None:
    """The next smaller number stands before each, and the number itself once more after it."""
    largest = torch.tensor(value)
    smaller = torch.nextafter(largest, torch.tensor(-math.inf))
    image = torch.stack([smaller, largest, smaller, largest]).view(1, 2, 2).requires_grad_()
    F.max_pool2d(image, 2).sum().backward()
    assert image.grad.flatten().tolist() == [0, 1, 0, 0]


def test_a_window_of_padding_only_is_refused() -> None:
    """Its place was -2^63; torch itself writes outside of the image there."""
    for pool in (F.max_pool2d, lambda *given: F.max_pool2d(*given, return_indices=True)):
        with pytest.raises(ValueError, match=r"each window to see a number .* dilation 3 .* image of 2, padded by 1"):
            pool(torch.rand(1, 1, 2, 2), 2, 1, 1, 3)


# --- What a training script relies on -------------------------------------------------------------------------------


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return ours.Sequential(
        *(ours.Conv2d(1, 4, 3, padding=1), ours.ReLU(inplace=True), ours.MaxPool2d(2)),
        *(ours.Conv2d(4, 4, 3, padding=1), ours.ReLU(), ours.AvgPool2d(2), ours.Flatten(), ours.Linear(16, 3)),
    )


def gradients_of(model: torch.nn.Module, images: Tensor, forward: Callable[..., Tensor] | None = None) -> list[Tensor]:
    model.zero_grad()
    output = (forward or model)(images)
    output.backward(upstream(output))
    return [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`")  # of the shapes' checks
@pytest.mark.parametrize("way", ["compile", "deepcopy", "pickle", "checkpoint", "func.grad"])
def test_a_network_does_what_a_script_asks(way: str, arranged: str) -> None:
    model, images = network(), torch.rand(5, 1, 8, 8)
    expected = gradients_of(model, images)
    if way == "compile":
        found = gradients_of(model, images, torch.compile(model, backend="aot_eager", fullgraph=True))
    elif way == "checkpoint":
        found = gradients_of(model, images, lambda x: checkpoint(model, x, use_reentrant=False))
    elif way == "func.grad":
        state = dict(model.named_parameters())

        def loss(given: dict[str, Tensor]) -> Tensor:
            output = torch.func.functional_call(model, given, (images,))
            return (output * upstream(output)).sum()

        found = list(torch.func.grad(loss)({name: value.detach() for name, value in state.items()}).values())
    else:
        copied = copy.deepcopy(model) if way == "deepcopy" else pickle.loads(pickle.dumps(model))
        found = gradients_of(copied, images)
    for mine, reference in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, reference)
