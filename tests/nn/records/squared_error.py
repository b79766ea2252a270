"""The records of the squared error."""

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
    numbers,
    tensor,
)


def mean_without_the_count(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    return F.mse_loss_backward(slope, *tensors, **options | {"reduction": "sum"})


MSE_LOSS = Record(
    module="MSELoss",
    function="mse_loss",
    reference=torch.nn.functional.mse_loss,
    borrows=False,
    call=((tensor(3, 4), tensor(3, 4, seed=1)), {}),
    planted=[Planted(mean_without_the_count)],
    rows=[
        *[Row("MSELoss", (), (3, 4), {"reduction": each}, numbers(3, 4)) for each in ("mean", "sum", "none")],
        *[Row("MSELoss", (), shape, {}, numbers(*shape)) for shape in ((), (0, 3), (2, 3, 4, 5))],
    ],
    errors=[
        Wrong("shapes", lambda: nn.MSELoss()(X(3, 4), X(3, 7)), ValueError, ("(3, 4)", "(3, 7)")),
        Wrong("integers", lambda: nn.MSELoss()(X(3).long(), X(3).long()), TypeError, ("int64", "float")),
        Wrong(
            "text", lambda: nn.MSELoss(reduction="average")(X(3), X(3)), ValueError, ("average", "mean", "sum", "none")
        ),
        Wrong("list", lambda: nn.MSELoss()(X(3), [1.0]), TypeError, ("list", "tensor")),
    ],
)

RECORDS = [MSE_LOSS]
