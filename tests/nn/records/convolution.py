"""The records of the convolution."""

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


def convolution_unflipped(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    images, weight, bias = tensors
    _, grad_weight, grad_bias = F.conv2d_backward(slope, images, weight, bias, **options)
    return F.conv2d_backward(slope, images, weight.flip(2, 3), bias, **options)[0], grad_weight, grad_bias


def convolution_turned(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    grad_input, grad_weight, grad_bias = F.conv2d_backward(slope, *tensors, **options)
    return grad_input, grad_weight.flip(2, 3), grad_bias


CONV2D = Record(
    module="Conv2d",
    function="conv2d",
    reference=torch.nn.functional.conv2d,
    signature="(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)",
    call=((tensor(2, 4, 6, 7), tensor(6, 2, 3, 2), tensor(6)), {"stride": 2, "padding": 1, "groups": 2}),
    planted=[Planted(convolution_unflipped), Planted(convolution_turned)],
    rows=[
        Row("Conv2d", (3, 4, 3), IMAGE),
        Row("Conv2d", (3, 4, 3), IMAGE, {"bias": False}),
        Row("Conv2d", (3, 4, 3), (3, 7, 8)),
        Row("Conv2d", (3, 4, 3), (0, 3, 7, 8)),
        Row("Conv2d", (3, 4, 1), IMAGE),
        Row("Conv2d", (3, 4, (2, 3)), IMAGE, {"stride": (2, 1), "padding": (1, 2)}),
        Row("Conv2d", (3, 4, 3, 2, 1), IMAGE),
        Row("Conv2d", (3, 4, 3), IMAGE, {"stride": 3}),
        Row("Conv2d", (3, 4, 2), IMAGE, {"stride": (3, 4), "padding": 1}),
        Row("Conv2d", (3, 4, 2), IMAGE, {"padding": 3}),
        Row("Conv2d", (3, 4, 3), IMAGE, {"dilation": 2}),
        Row("Conv2d", (3, 4, (3, 2)), IMAGE, {"dilation": (1, 3), "stride": (2, 1), "padding": (0, 2)}),
        Row("Conv2d", (3, 4, (7, 8)), IMAGE),
        Row("Conv2d", (4, 6, 3), (2, 4, 7, 8), {"groups": 2}),
        Row("Conv2d", (4, 4, 3), (2, 4, 7, 8), {"groups": 4, "padding": 1}),
        Row("Conv2d", (4, 8, (2, 3)), (2, 4, 7, 8), {"groups": 4, "stride": 2, "dilation": 2, "padding": 2}),
        Row("Conv2d", (4, 6, 3), (4, 7, 8), {"groups": 2, "padding": "same", "padding_mode": "reflect"}),
        Row("Conv2d", (3, 4, 3), IMAGE, {"padding": "same"}),
        Row("Conv2d", (3, 4, (2, 4)), IMAGE, {"padding": "same"}),
        Row("Conv2d", (3, 4, (4, 2)), IMAGE, {"padding": "same", "dilation": (1, 3)}),
        Row("Conv2d", (3, 4, 3), IMAGE, {"padding": "valid", "stride": 2}),
        Row("Conv2d", (3, 4, 3), IMAGE, {"padding": 1, "padding_mode": "zeros"}),
        Row("Conv2d", (3, 4, 3), IMAGE, {"padding": (2, 1), "padding_mode": "reflect"}),
        Row("Conv2d", (3, 4, 3), IMAGE, {"padding": (1, 2), "padding_mode": "replicate", "stride": 2}),
        Row("Conv2d", (3, 4, 3), IMAGE, {"padding": (7, 8), "padding_mode": "circular"}),
        Row("Conv2d", (3, 4, (2, 4)), IMAGE, {"padding": "same", "padding_mode": "reflect"}),
        Row("Conv2d", (3, 4, (2, 3)), IMAGE, {"padding": "same", "padding_mode": "circular"}),
        Row("Conv2d", (3, 4, (4, 1)), IMAGE, {"padding": "same", "padding_mode": "replicate"}),
        Row("Conv2d", (3, 4, 3), (3, 7, 8), {"padding": 1, "padding_mode": "circular"}),
    ],
    errors=[
        Wrong("channels", lambda: nn.Conv2d(3, 4, 2)(X(1, 17, 9, 9)), ValueError, ("17", "3")),
        Wrong("two dimensions", lambda: nn.Conv2d(3, 4, 2)(X(19, 23)), ValueError, ("19", "23")),
        Wrong("five dimensions", lambda: nn.Conv2d(3, 4, 2)(X(1, 3, 9, 9, 17)), ValueError, ("17",)),
        Wrong("integers", lambda: nn.Conv2d(3, 4, 2)(X(1, 3, 9, 9).int()), TypeError, ("int32", "float")),
        Wrong("bytes of an image", lambda: nn.Conv2d(3, 4, 2)(X(1, 3, 9, 9).byte()), TypeError, ("uint8", "float")),
        Wrong("dtype", lambda: nn.Conv2d(3, 4, 2)(X(1, 3, 9, 9).double()), TypeError, ("float64", "float32")),
        Wrong("larger than the image", lambda: nn.Conv2d(3, 4, 11)(X(1, 3, 9, 7)), ValueError, ("11", "9")),
        Wrong(
            "dilated larger than the image",
            lambda: nn.Conv2d(3, 4, 5, dilation=4)(X(1, 3, 9, 9)),
            ValueError,
            ("17", "4", "9"),
        ),
        Wrong("negative stride", lambda: nn.Conv2d(3, 4, 2, stride=-2)(X(1, 3, 9, 9)), ValueError, ("stride", "-2")),
        Wrong("zero stride", lambda: nn.Conv2d(3, 4, 2, stride=0)(X(1, 3, 9, 9)), ValueError, ("stride", "0")),
        Wrong("zero kernel", lambda: nn.Conv2d(3, 4, 0)(X(1, 3, 9, 9)), ValueError, ("kernel", "0")),
        Wrong("negative padding", lambda: nn.Conv2d(3, 4, 2, padding=-1)(X(1, 3, 9, 9)), ValueError, ("padding", "-1")),
        Wrong("zero dilation", lambda: nn.Conv2d(3, 4, 2, dilation=0)(X(1, 3, 9, 9)), ValueError, ("dilation", "0")),
        Wrong("fractional stride", lambda: nn.Conv2d(3, 4, 2, stride=1.5)(X(1, 3, 9, 9)), TypeError, ("stride", "1.5")),
        Wrong(
            "three strides", lambda: nn.Conv2d(3, 4, 2, stride=(1, 2, 1))(X(1, 3, 9, 9)), CLEAR, ("stride", "(1, 2, 1)")
        ),
        Wrong("groups and inputs", lambda: nn.Conv2d(5, 4, 2, groups=2), ValueError, ("5", "groups", "2")),
        Wrong("groups and outputs", lambda: nn.Conv2d(4, 5, 2, groups=2), ValueError, ("5", "groups", "2")),
        Wrong("no groups", lambda: nn.Conv2d(4, 5, 2, groups=0), ValueError, ("groups", "0")),
        Wrong("padding word", lambda: nn.Conv2d(3, 4, 2, padding="full"), ValueError, ("full", "same", "valid")),
        Wrong("same with stride", lambda: nn.Conv2d(3, 4, 2, padding="same", stride=2), ValueError, ("same", "2")),
        Wrong("padding mode", lambda: nn.Conv2d(3, 4, 2, padding_mode="mirror"), ValueError, ("mirror", "reflect")),
        Wrong(
            "reflection wider than the image",
            lambda: nn.Conv2d(3, 4, 3, padding=9, padding_mode="reflect")(X(1, 3, 9, 9)),
            ValueError,
            ("9", "reflect"),
        ),
        Wrong(
            "circle wider than the image",
            lambda: nn.Conv2d(3, 4, 3, padding=11, padding_mode="circular")(X(1, 3, 9, 9)),
            ValueError,
            ("11", "9", "circular"),
        ),
        Wrong("weight rank", lambda: F.conv2d(X(1, 3, 9, 9), X(3, 2, 2)), ValueError, ("3",)),
        Wrong("weight groups", lambda: F.conv2d(X(1, 4, 9, 9), X(6, 4, 2, 2), groups=2), ValueError, ("4", "2")),
        Wrong("weight outputs", lambda: F.conv2d(X(1, 4, 9, 9), X(5, 2, 2, 2), groups=2), ValueError, ("5", "2")),
        Wrong("bias length", lambda: F.conv2d(X(1, 3, 9, 9), X(4, 3, 2, 2), X(13)), ValueError, ("13", "4")),
        Wrong(
            "bias dtype",
            lambda: F.conv2d(X(1, 3, 9, 9), X(4, 3, 2, 2), X(4).double()),
            TypeError,
            ("float64", "float32"),
        ),
        Wrong(
            "same with stride, as a function",
            lambda: F.conv2d(X(1, 3, 9, 9), X(4, 3, 2, 2), stride=2, padding="same"),
            ValueError,
            ("same", "2"),
        ),
    ],
)

RECORDS = [CONV2D]
