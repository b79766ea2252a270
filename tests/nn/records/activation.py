"""The records of the activations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import glassbox.nn as nn
import glassbox.nn.functional as F
from tests.nn.records.record import (
    Gradients,
    Planted,
    Record,
    Row,
    Wrong,
    X,
    tensor,
)


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


SHAPES = ((), (5,), (0, 3), (2, 3, 4, 5))
AT_ZERO = ((tensor(5, grad=False).round().requires_grad_(),), {})

RELU = Record(
    module="ReLU",
    function="relu",
    reference=torch.relu,
    call=((tensor(3, 4),), {}),
    planted=[Planted(relu_with_a_slope_at_zero, AT_ZERO, differences=False)],
    rows=[*[Row("ReLU", (), shape) for shape in SHAPES], Row("ReLU", (), (4, 3), {"inplace": False})],
    errors=[Wrong("list", lambda: F.relu([1.0]), TypeError, ("list", "tensor"))],
)

SIGMOID = Record(
    module="Sigmoid",
    function="sigmoid",
    reference=torch.sigmoid,
    signature="(input)",
    call=((tensor(3, 4),), {}),
    planted=[Planted(sigmoid_without_its_second_factor)],
    rows=[*[Row("Sigmoid", (), shape) for shape in SHAPES]],
    errors=[Wrong("list", lambda: F.sigmoid([1.0]), TypeError, ("list", "tensor"))],
)

TANH = Record(
    module="Tanh",
    function="tanh",
    reference=torch.tanh,
    signature="(input)",
    borrows=False,
    call=((tensor(3, 4),), {}),
    planted=[Planted(tanh_of_the_input)],
    rows=[*[Row("Tanh", (), shape) for shape in SHAPES]],
    errors=[Wrong("list", lambda: F.tanh([1.0]), TypeError, ("list", "tensor"))],
)

SCORES = (((), 0), ((5,), 0), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4, 5), 1), ((2, 3, 4), -2), ((0, 3), 1))


def wrong_dimensions(layer: Any) -> list[Wrong]:
    """Give the wrong calls that both softmaxes refuse."""
    return [
        Wrong("dimension", lambda: layer(dim=7)(X(2, 3)), IndexError, ("7", "2")),
        Wrong("negative", lambda: layer(dim=-3)(X(2, 3)), IndexError, ("-3", "2")),
        Wrong("true", lambda: layer(dim=True), TypeError, ("True", "int")),
        Wrong("text", lambda: layer(dim="rows"), TypeError, ("rows", "int")),
        Wrong("integers", lambda: layer(dim=1)(X(2, 3).long()), TypeError, ("int64", "float")),
    ]


SOFTMAX = Record(
    module="Softmax",
    function="softmax",
    reference=torch.softmax,
    call=((tensor(3, 4),), {"dim": 1}),
    planted=[Planted(softmax_of_each_alone)],
    rows=[*[Row("Softmax", (), shape, {"dim": dim}) for shape, dim in SCORES], Row("Softmax", (), (3, 0), {"dim": 1})],
    errors=wrong_dimensions(nn.Softmax),
)

LOG_SOFTMAX = Record(
    module="LogSoftmax",
    function="log_softmax",
    reference=torch.log_softmax,
    call=((tensor(3, 4),), {"dim": 1}),
    planted=[Planted(log_softmax_over_the_batch)],
    rows=[*[Row("LogSoftmax", (), shape, {"dim": dim}) for shape, dim in SCORES], Row("LogSoftmax", (1,), (3, 1))],
    errors=wrong_dimensions(nn.LogSoftmax),
)

RECORDS = [RELU, SIGMOID, TANH, SOFTMAX, LOG_SOFTMAX]
