"""The records of the batch normalization."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import glassbox.nn as nn
import glassbox.nn.functional as F
from tests.nn.records.record import (
    IMAGE,
    Gradients,
    Planted,
    Record,
    Row,
    Wrong,
    X,
    tensor,
)


def batch_norm_with_fixed_statistics(
    slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **_: Any
) -> Gradients:
    images, mean, variance, weight, bias = tensors
    found = F.batch_norm_backward(slope, images, mean, variance, weight, bias, training=True)
    spread = images.var((0, 2, 3), unbiased=False, keepdim=True)
    return slope * weight.view(-1, 1, 1) / (spread + 1e-5).sqrt(), *found[1:]


CHANNELS = (tensor(2, grad=False), tensor(2, grad=False).abs(), tensor(2, seed=1), tensor(2, seed=2))

BATCH_NORM = Record(
    module="BatchNorm2d",
    function="batch_norm",
    reference=torch.nn.functional.batch_norm,
    call=((tensor(3, 2, 4, 4), *CHANNELS), {"training": True}),
    planted=[Planted(batch_norm_with_fixed_statistics)],
    rows=[
        Row("BatchNorm2d", (3,), IMAGE),
        Row("BatchNorm2d", (3, 1e-3, 0.4), IMAGE),
        Row("BatchNorm2d", (3,), IMAGE, {"momentum": None}),
        Row("BatchNorm2d", (3,), IMAGE, {"affine": False}),
        Row("BatchNorm2d", (3,), IMAGE, {"track_running_stats": False}),
        Row("BatchNorm2d", (3,), IMAGE, {"affine": False, "track_running_stats": False, "eps": 0.1}),
        Row("BatchNorm2d", (3,), (1, 3, 2, 1)),
        Row("BatchNorm2d", (3,), (4, 3, 1, 1)),
    ],
    errors=[
        Wrong("two dimensions", lambda: nn.BatchNorm2d(3)(X(2, 3)), ValueError, ("(2, 3)", "(N, C, H, W)")),
        Wrong("three dimensions", lambda: nn.BatchNorm2d(3)(X(3, 5, 5)), ValueError, ("(3, 5, 5)", "(N, C, H, W)")),
        Wrong("channels", lambda: nn.BatchNorm2d(3)(X(2, 17, 5, 5)), ValueError, ("17", "3")),
        Wrong("dtype", lambda: nn.BatchNorm2d(3)(X(2, 3, 5, 5).double()), TypeError, ("float64", "float32")),
        Wrong("integers", lambda: nn.BatchNorm2d(3)(X(2, 3, 5, 5).long()), TypeError, ("int64", "float")),
        Wrong("one value per channel", lambda: nn.BatchNorm2d(3)(X(1, 3, 1, 1)), ValueError, ("1", "3")),
        Wrong("negative eps", lambda: nn.BatchNorm2d(3, eps=-1.0)(X(2, 3, 5, 5)), ValueError, ("eps", "-1")),
        Wrong("zero eps", lambda: nn.BatchNorm2d(3, eps=0.0)(X(2, 3, 5, 5)), ValueError, ("eps", "0")),
        Wrong(
            "evaluation without statistics", lambda: F.batch_norm(X(2, 3), None, None), ValueError, ("running_mean",)
        ),
        Wrong("statistics length", lambda: F.batch_norm(X(2, 3), X(5), X(5)), ValueError, ("5", "3")),
        Wrong("weight length", lambda: F.batch_norm(X(2, 3), X(3), X(3), X(7), X(3)), ValueError, ("7", "3")),
        Wrong("one dimension", lambda: F.batch_norm(X(3), None, None, training=True), ValueError, ("(3,)",)),
    ],
)

RECORDS = [BATCH_NORM]
