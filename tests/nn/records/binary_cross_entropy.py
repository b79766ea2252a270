"""The records of the binary cross-entropy."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import glassbox.nn as nn
import glassbox.nn.functional as F
from tests.nn.records.record import (
    CLASS_WEIGHTS,
    LABELS,
    Gradients,
    Planted,
    Record,
    Row,
    Wrong,
    X,
    probabilities,
    tensor,
)


def mean_without_the_count(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    return F.binary_cross_entropy_with_logits_backward(slope, *tensors, **options | {"reduction": "sum"})


BCE_WITH_LOGITS = Record(
    module="BCEWithLogitsLoss",
    function="binary_cross_entropy_with_logits",
    reference=torch.nn.functional.binary_cross_entropy_with_logits,
    call=((tensor(3, 4), torch.sigmoid(tensor(3, 4, grad=False, seed=1))), {}),
    planted=[Planted(mean_without_the_count)],
    rows=[
        *[
            Row("BCEWithLogitsLoss", (), (3, 4), {"reduction": reduction, **options}, probabilities(3, 4))
            for options in (
                {},
                {"weight": CLASS_WEIGHTS},
                {"pos_weight": CLASS_WEIGHTS},
                {"weight": CLASS_WEIGHTS, "pos_weight": CLASS_WEIGHTS},
                {"weight": torch.tensor(2.0, dtype=torch.float64)},
            )
            for reduction in ("mean", "sum", "none")
        ],
        *[Row("BCEWithLogitsLoss", (), shape, {}, probabilities(*shape)) for shape in ((5,), (0, 3), (2, 3, 2, 2))],
    ],
    errors=[
        Wrong("shapes", lambda: nn.BCEWithLogitsLoss()(X(3, 4), X(3, 7)), ValueError, ("(3, 4)", "(3, 7)")),
        Wrong("whole labels", lambda: nn.BCEWithLogitsLoss()(X(3), LABELS), TypeError, ("int64", "float")),
        Wrong("weights", lambda: nn.BCEWithLogitsLoss(weight=X(7))(X(3, 4), X(3, 4)), ValueError, ("7", "4")),
        Wrong(
            "positive weights", lambda: nn.BCEWithLogitsLoss(pos_weight=X(7))(X(3, 4), X(3, 4)), ValueError, ("7", "4")
        ),
        Wrong("reduction", lambda: nn.BCEWithLogitsLoss(reduction="all")(X(3), X(3)), ValueError, ("all", "mean")),
    ],
)

RECORDS = [BCE_WITH_LOGITS]
