"""The records of the poolings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import glassbox.nn as nn
import glassbox.nn.functional as F
from tests.nn.records.record import (
    CLEAR,
    IMAGE,
    Gradients,
    Planted,
    Record,
    Row,
    Wrong,
    X,
    tensor,
)


def max_pool_ties_to_the_last(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    turned = (values.flip(-2, -1) for values in (slope, *tensors))
    return (F.max_pool2d_backward(*turned, **options)[0].flip(-2, -1),)


def average_pool_of_the_sum(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    return F.avg_pool2d_backward(slope, *tensors, **options | {"divisor_override": 1})


def wrong_windows(pool: Any) -> list[Wrong]:
    """Give the wrong calls that both poolings refuse."""
    return [
        Wrong("two dimensions", lambda: pool(2)(X(19, 23)), ValueError, ("19", "23")),
        Wrong("list", lambda: pool(2)([1.0]), TypeError, ("list", "tensor")),
        Wrong("larger than the image", lambda: pool(11)(X(1, 3, 9, 7)), ValueError, ("11", "9")),
        Wrong("zero kernel", lambda: pool(0)(X(1, 3, 9, 9)), ValueError, ("kernel", "0")),
        Wrong("negative stride", lambda: pool(2, -3)(X(1, 3, 9, 9)), ValueError, ("stride", "-3")),
        Wrong("zero stride", lambda: pool(2, 0)(X(1, 3, 9, 9)), ValueError, ("stride", "0")),
        Wrong("negative padding", lambda: pool(2, 2, -1)(X(1, 3, 9, 9)), ValueError, ("padding", "-1")),
        Wrong(
            "padding over half",
            lambda: pool(3, 2, 2)(X(1, 3, 9, 9)),
            ValueError,
            ("padding", "2", "3"),
        ),
        Wrong(
            "three kernels",
            lambda: pool((2, 2, 5))(X(1, 3, 9, 9)),
            CLEAR,
            ("kernel", "(2, 2, 5)"),
        ),
        Wrong("fractional kernel", lambda: pool(2.5)(X(1, 3, 9, 9)), TypeError, ("kernel", "2.5")),
        Wrong("no width", lambda: pool(2)(X(1, 3, 9, 0)), ValueError, ("0",)),
    ]


TIED = ((tensor(2, 3, 6, 6, grad=False).round().requires_grad_(),), {"kernel_size": 2})

MAX_POOL2D = Record(
    module="MaxPool2d",
    function="max_pool2d",
    reference=torch.nn.functional.max_pool2d,
    signature="(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)",
    call=((tensor(2, 3, 6, 7),), {"kernel_size": 3, "stride": 2, "padding": 1}),
    planted=[Planted(max_pool_ties_to_the_last, TIED, differences=False)],
    rows=[
        Row("MaxPool2d", (2,), IMAGE),
        Row("MaxPool2d", (2,), (3, 7, 8)),
        Row("MaxPool2d", (2,), (0, 3, 7, 8)),
        Row("MaxPool2d", (1,), IMAGE),
        Row("MaxPool2d", ((2, 3),), IMAGE),
        Row("MaxPool2d", (3, 1, 1), IMAGE),
        Row("MaxPool2d", (3,), IMAGE, {"stride": 2}),
        Row("MaxPool2d", (2,), IMAGE, {"stride": (3, 4)}),
        Row("MaxPool2d", (3,), IMAGE, {"stride": (1, 2), "padding": (0, 1)}),
        Row("MaxPool2d", (2,), IMAGE, {"dilation": 2, "stride": 1}),
        Row("MaxPool2d", ((3, 2),), IMAGE, {"dilation": (2, 3), "padding": (1, 1)}),
        Row("MaxPool2d", (3,), IMAGE, {"ceil_mode": True}),
        Row("MaxPool2d", (3,), IMAGE, {"ceil_mode": True, "stride": 2, "padding": 1}),
        Row("MaxPool2d", (2,), IMAGE, {"ceil_mode": True, "stride": 4, "padding": 1}),
        Row("MaxPool2d", (3,), IMAGE, {"ceil_mode": True, "stride": 3, "padding": 1, "dilation": 2}),
        Row("MaxPool2d", (2,), IMAGE, {"return_indices": True}),
        Row("MaxPool2d", (3,), (3, 7, 8), {"return_indices": True, "stride": 2, "padding": 1, "ceil_mode": True}),
        Row("MaxPool2d", (2,), IMAGE, {"return_indices": True, "stride": 1, "dilation": (2, 1)}),
    ],
    errors=[
        *wrong_windows(nn.MaxPool2d),
        Wrong("zero dilation", lambda: nn.MaxPool2d(2, dilation=0)(X(1, 3, 9, 9)), ValueError, ("dilation", "0")),
        Wrong("no channel", lambda: nn.MaxPool2d(2)(X(1, 0, 9, 9)), ValueError, ("0",)),
    ],
)

AVG_POOL2D = Record(
    module="AvgPool2d",
    function="avg_pool2d",
    reference=torch.nn.functional.avg_pool2d,
    signature="(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, "
    "divisor_override=None)",
    call=((tensor(2, 3, 6, 7),), {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    planted=[Planted(average_pool_of_the_sum, TIED)],
    rows=[
        Row("AvgPool2d", (2,), IMAGE),
        Row("AvgPool2d", (2,), (3, 7, 8)),
        Row("AvgPool2d", (2,), (0, 3, 7, 8)),
        Row("AvgPool2d", ((2, 3),), IMAGE, {"stride": (1, 2)}),
        Row("AvgPool2d", (3, 2, 1), IMAGE),
        Row("AvgPool2d", (3,), IMAGE, {"stride": 1, "padding": 1, "count_include_pad": False}),
        Row("AvgPool2d", (3,), IMAGE, {"stride": 2, "padding": 1, "ceil_mode": True}),
        Row("AvgPool2d", (3,), IMAGE, {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}),
        Row("AvgPool2d", (2,), IMAGE, {"stride": 4, "padding": 1, "ceil_mode": True}),
        Row("AvgPool2d", (3,), IMAGE, {"divisor_override": 2}),
        Row("AvgPool2d", (3,), IMAGE, {"divisor_override": 5, "padding": 1, "ceil_mode": True}),
    ],
    errors=[
        *wrong_windows(nn.AvgPool2d),
        Wrong("zero divisor", lambda: nn.AvgPool2d(2, divisor_override=0)(X(1, 3, 9, 9)), ValueError, ("divisor", "0")),
        Wrong("integers", lambda: nn.AvgPool2d(2)(X(1, 3, 9, 9).long()), TypeError, ("int64", "float")),
    ],
)

RECORDS = [MAX_POOL2D, AVG_POOL2D]
