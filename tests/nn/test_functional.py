"""The functions: torch's signatures, a public backward for each, shapes drawn at random."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from torch import Tensor

import glassbox.nn.functional as F
from tests.nn.compare import assert_same, upstream
from tests.nn.records import FUNCTIONS, RECORDS
from tests.nn.records.record import CLEAR, Record, tensor

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

REFERENCE = {name: record.reference for name, record in FUNCTIONS.items()}
CALLS = {name: record.call for name, record in FUNCTIONS.items()}


def signature(function: Callable[..., Any]) -> str:
    """Write names, order and defaults of the arguments; torch's counter of stack frames is not one of them."""
    written = [
        key if parameter.default is inspect.Parameter.empty else f"{key}={parameter.default!r}"
        for key, parameter in inspect.signature(function).parameters.items()
        if key != "_stacklevel"
    ]
    return f"({', '.join(written)})"


@pytest.mark.parametrize("record", [pytest.param(each, id=each.function) for each in RECORDS if each.function])
def test_signature_is_torchs(record: Record) -> None:
    expected = record.signature or signature(getattr(torch.nn.functional, record.function))
    assert signature(getattr(F, record.function)) == expected


@pytest.mark.parametrize("name", CALLS)
def test_function(name: str) -> None:
    arguments, options = CALLS[name]
    assert_same(getattr(F, name), REFERENCE[name], *arguments, **options)


# --- The public backward functions --------------------------------------------------------------------------------


def by_autograd(name: str, arguments: tuple[Tensor, ...], options: dict[str, Any]) -> list[Tensor | None]:
    """Give torch's gradient of each argument, None for those that ask for none."""
    output = REFERENCE[name](*arguments, **options)
    wanted = [argument for argument in arguments if argument.requires_grad]
    found = iter(torch.autograd.grad(output, wanted, upstream(output)))
    return [next(found) if argument.requires_grad else None for argument in arguments]


def by_hand(name: str, arguments: tuple[Tensor, ...], options: dict[str, Any], **more: Any) -> list[Tensor | None]:
    """Give what our backward function returns, as a list."""
    with torch.no_grad():
        slope = upstream(REFERENCE[name](*[argument.detach().clone() for argument in arguments], **options))
        arguments = tuple(argument.detach() for argument in arguments)
        found = getattr(F, f"{name}_backward")(slope, *arguments, **options, **more)
    assert isinstance(found, tuple)
    assert all(gradient is None for gradient in found[len(arguments) :])  # of optional tensors that were not given
    return list(found[: len(arguments)])


@pytest.mark.parametrize("name", CALLS)
def test_backward_by_hand(name: str) -> None:
    arguments, options = CALLS[name]
    for mine, reference in zip(by_hand(name, arguments, options), by_autograd(name, arguments, options), strict=True):
        if reference is not None:
            torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize("name", CALLS)
def test_backward_given_the_output(name: str) -> None:
    """The output, kept from the forward pass, spares work and changes nothing."""
    arguments, options = CALLS[name]
    with torch.no_grad():
        output = REFERENCE[name](*[argument.clone() for argument in arguments], **options)
    found = by_hand(name, arguments, options, output=output)
    for mine, reference in zip(found, by_autograd(name, arguments, options), strict=True):
        if reference is not None:
            torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize("name", CALLS)
def test_backward_of_one_argument(name: str) -> None:
    """What is wanted is right; what is not wanted is None, or right where it costs nothing."""
    arguments, options = CALLS[name]
    reference = by_autograd(name, arguments, options)
    for place in range(len(arguments)):
        needs = tuple(other == place for other in range(len(arguments)))
        found = by_hand(name, arguments, options, needs=needs)
        for other, gradient in enumerate(found):
            if reference[other] is not None and (other == place or gradient is not None):
                torch.testing.assert_close(gradient, reference[other])


# --- Shapes and options drawn at random ------------------------------------------------------------------------------
#
# Where torch refuses what was drawn, so must we; where it answers, ours is the same.


def agree(name: str, *arguments: Any, **options: Any) -> None:
    """Compare with torch, errors included."""
    try:
        REFERENCE[name](*arguments, **options)
    except (RuntimeError, ValueError, IndexError, TypeError) as refusal:
        with pytest.raises(CLEAR):
            getattr(F, name)(*arguments, **options)
        event(f"refused: {type(refusal).__name__}")
        return
    assert_same(getattr(F, name), REFERENCE[name], *arguments, **options)
    event("compared")


def small(least: int, most: int) -> st.SearchStrategy[Any]:
    """Draw a number, or one for the rows and one for the columns."""
    return st.integers(least, most) | st.tuples(st.integers(least, most), st.integers(least, most))


@settings(max_examples=200)
@given(
    batch=st.none() | st.integers(0, 3),
    groups=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    image=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=small(1, 3),
    padding=small(0, 3) | st.sampled_from(["same", "valid"]),
    dilation=small(1, 3),
    bias=st.booleans(),
)
def test_any_convolution(
    batch: int | None,
    groups: int,
    channels: tuple[int, int],
    image: tuple[int, int],
    kernel: tuple[int, int],
    stride: Any,
    padding: Any,
    dilation: Any,
    bias: bool,
) -> None:
    received, made = groups * channels[0], groups * channels[1]
    images = tensor(*(() if batch is None else (batch,)), received, *image)
    weight = tensor(made, channels[0], *kernel, seed=1)
    agree(
        "conv2d",
        images,
        weight,
        tensor(made, seed=2) if bias else None,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


images_to_pool = st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(1, 9), st.integers(1, 9))


@settings(max_examples=120)
@given(
    shape=images_to_pool,
    unbatched=st.booleans(),
    kernel=small(1, 4),
    stride=st.none() | small(1, 4),
    padding=small(0, 2),
    dilation=small(1, 3),
    ceil_mode=st.booleans(),
    return_indices=st.booleans(),
    values=st.integers(1, 4),
)
def test_any_max_pooling(
    shape: tuple[int, ...],
    unbatched: bool,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
    values: int,
) -> None:
    # Few different values, so that there are ties.
    images = (values * tensor(*shape[unbatched:], grad=False)).round().requires_grad_()
    agree("max_pool2d", images, kernel, stride, padding, dilation, ceil_mode, return_indices)


@settings(max_examples=120)
@given(
    shape=images_to_pool,
    unbatched=st.booleans(),
    kernel=small(1, 4),
    stride=st.none() | small(1, 4),
    padding=small(0, 2),
    ceil_mode=st.booleans(),
    count_include_pad=st.booleans(),
    divisor_override=st.none() | st.integers(-2, 3),
)
def test_any_average_pooling(
    shape: tuple[int, ...],
    unbatched: bool,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> None:
    images = tensor(*shape[unbatched:])
    agree("avg_pool2d", images, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)


@given(
    left=st.lists(st.integers(0, 3), max_size=4),
    features=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    bias=st.none() | st.integers(0, 4),
    weight_rank=st.sampled_from([1, 2, 2, 2]),
)
def test_any_linear(left: list[int], features: tuple[int, int], bias: int | None, weight_rank: int) -> None:
    received, made = features
    weight = tensor(*(made, received)[2 - weight_rank :], seed=1)
    # A bias of one number is spread over the outputs by torch's linear, by chance of its kernel: not mirrored.
    assume(bias is None or (weight_rank == 2 and (bias == made or bias > 1)))
    agree("linear", tensor(*left, received), weight, None if bias is None else tensor(bias, seed=2))


shapes = st.lists(st.integers(0, 3), max_size=4)


@given(shape=shapes, dim=st.integers(-5, 4), name=st.sampled_from(["softmax", "log_softmax"]))
def test_any_softmax(shape: list[int], dim: int, name: str) -> None:
    agree(name, tensor(*shape), dim)


@given(
    shape=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    channels=st.integers(1, 3),
    affine=st.booleans(),
    tracked=st.booleans(),
    training=st.booleans(),
    momentum=st.floats(0, 1),
)
def test_any_batch_normalization(
    shape: list[int], channels: int, affine: bool, tracked: bool, training: bool, momentum: float
) -> None:
    assume(tracked or training)  # torch needs no statistics where there is nothing to normalize
    given_shape = [shape[0], channels, *shape[1:]]
    statistics = (tensor(channels, grad=False), tensor(channels, grad=False).abs()) if tracked else (None, None)
    weights = (tensor(channels, seed=1), tensor(channels, seed=2)) if affine else (None, None)
    agree("batch_norm", tensor(*given_shape), *statistics, *weights, training=training, momentum=momentum)


reductions = st.sampled_from(["mean", "sum", "none"])


@given(
    batch=st.none() | st.integers(0, 4),
    classes=st.integers(1, 4),
    places=st.lists(st.integers(0, 3), max_size=2),
    weighted=st.booleans(),
    ignore_index=st.integers(-2, 4),
    reduction=reductions,
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    seed=st.integers(0, 5),
)
def test_any_cross_entropy(
    batch: int | None,
    classes: int,
    places: list[int],
    weighted: bool,
    ignore_index: int,
    reduction: str,
    smoothing: float,
    seed: int,
) -> None:
    if batch is None:
        places = []
    logits = tensor(*(() if batch is None else (batch,)), classes, *places)
    target = torch.randint(
        classes, (() if batch is None else (batch,)) + tuple(places), generator=torch.Generator().manual_seed(seed)
    )
    weight = tensor(classes, grad=False, seed=3).abs() if weighted else None
    options = {"weight": weight, "ignore_index": ignore_index, "reduction": reduction}
    agree("cross_entropy", logits, target, label_smoothing=smoothing, **options)
    agree("nll_loss", logits, target, **options)


factors = st.sampled_from([None, "number", "last", "ones", "same"])


@given(
    shape=shapes,
    other=st.none() | shapes,
    reduction=reductions,
    weight=factors,
    pos_weight=factors,
)
def test_any_binary_cross_entropy(
    shape: list[int], other: list[int] | None, reduction: str, weight: str | None, pos_weight: str | None
) -> None:
    logits = tensor(*shape)
    target = torch.sigmoid(tensor(*(shape if other is None else other), grad=False, seed=1)).requires_grad_()
    sizes = {"number": [], "last": shape[-1:], "ones": [1] * len(shape), "same": shape}
    drawn = {
        key: None if size is None else tensor(*sizes[size], grad=False, seed=4).abs()
        for key, size in (("weight", weight), ("pos_weight", pos_weight))
    }
    agree("binary_cross_entropy_with_logits", logits, target, reduction=reduction, **drawn)


@pytest.mark.filterwarnings("ignore:Using a target size", "ignore:mse_loss compares an input")
@given(shape=shapes, other=st.none() | shapes, reduction=reductions)
def test_any_squared_error(shape: list[int], other: list[int] | None, reduction: str) -> None:
    agree("mse_loss", tensor(*shape), tensor(*(shape if other is None else other), seed=1), reduction=reduction)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_weighted_squared_error(reduction: str) -> None:
    """The weight has its gradient too, by the product that it enters."""
    weight = tensor(3, 4, grad=False, seed=2).abs().requires_grad_()
    pair = (tensor(3, 4), tensor(3, 4, seed=1))
    assert_same(F.mse_loss, REFERENCE["mse_loss"], *pair, reduction=reduction, weight=weight)
    with pytest.raises(ValueError, match=r"weight of the input's shape \(3, 4\), got \(4,\)"):
        F.mse_loss(*pair, reduction=reduction, weight=tensor(4, seed=2))


def test_squared_error_of_two_shapes_warns() -> None:
    with pytest.warns(UserWarning, match=r"\(3, 1\).*\(3,\)"):
        F.mse_loss(torch.zeros(3, 1), torch.zeros(3))
