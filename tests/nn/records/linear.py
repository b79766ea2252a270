"""The records of the dense layer and of flattening."""

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


def linear_without_the_batch_sum(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **_: Any) -> Gradients:
    grad_input, grad_weight, _ = F.linear_backward(slope, *tensors)
    return grad_input, grad_weight, slope[0]


LINEAR = Record(
    module="Linear",
    function="linear",
    reference=torch.nn.functional.linear,
    signature="(input, weight, bias=None)",
    borrows=False,
    call=((tensor(4, 5), tensor(3, 5), tensor(3)), {}),
    planted=[Planted(linear_without_the_batch_sum)],
    rows=[
        Row("Linear", (5, 3), (4, 5)),
        Row("Linear", (5, 3), (4, 5), {"bias": False}),
        Row("Linear", (5, 3), (5,)),
        Row("Linear", (5, 3), (2, 3, 5)),
        Row("Linear", (5, 3), (2, 1, 3, 2, 5)),
        Row("Linear", (5, 3), (0, 5)),
        Row("Linear", (1, 1), (1, 1)),
    ],
    errors=[
        Wrong("features", lambda: nn.Linear(5, 3)(X(4, 17)), ValueError, ("17", "5")),
        Wrong("number", lambda: nn.Linear(5, 3)(X(())), ValueError, ("5",)),
        Wrong("integers", lambda: nn.Linear(5, 3)(X(4, 5).long()), TypeError, ("int64", "float")),
        Wrong("dtype", lambda: nn.Linear(5, 3)(X(4, 5).double()), TypeError, ("float64", "float32")),
        Wrong("list", lambda: nn.Linear(5, 3)([[1.0] * 5]), TypeError, ("list", "tensor")),
        Wrong("none", lambda: nn.Linear(5, 3)(None), TypeError, ("None", "tensor")),
        Wrong("negative features", lambda: nn.Linear(-5, 3), ValueError, ("-5",)),
        Wrong("weight rank", lambda: F.linear(X(4, 5), X(1, 3, 5)), ValueError, ("3",)),
        Wrong("bias", lambda: F.linear(X(4, 5), X(3, 5), X(13)), ValueError, ("13", "3")),
        Wrong("bias dtype", lambda: F.linear(X(4, 5), X(3, 5), X(3).double()), TypeError, ("float64", "float32")),
    ],
)

FLATTEN = Record(
    module="Flatten",
    samples=False,
    borrows=False,
    rows=[
        Row("Flatten", (), (2, 3, 4, 5)),
        Row("Flatten", (), (0, 3, 4)),
        Row("Flatten", (), (3, 4)),
        Row("Flatten", (0,), (3, 4)),
        Row("Flatten", (0,), ()),
        Row("Flatten", (1, 2), (2, 3, 4, 5)),
        Row("Flatten", (), (2, 3, 4, 5), {"start_dim": -3, "end_dim": -2}),
        Row("Flatten", (2, 2), (2, 3, 4)),
    ],
    errors=[
        Wrong("dimension", lambda: nn.Flatten(5)(X(2, 3)), IndexError, ("5", "2")),
        Wrong("end before start", lambda: nn.Flatten(2, 1)(X(2, 3, 4)), ValueError, ("2", "1")),
    ],
)

RECORDS = [LINEAR, FLATTEN]
