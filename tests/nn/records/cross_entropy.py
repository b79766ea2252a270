"""The records of the cross-entropy, of logarithms and of scores."""

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
    labels,
    labels_with_ignored,
    probabilities,
    tensor,
)


def mean_without_the_count(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **options: Any) -> Gradients:
    return F.nll_loss_backward(slope, *tensors, **options | {"reduction": "sum"})


def cross_entropy_without_the_label(slope: Tensor, *tensors: Tensor, output: Tensor, needs: Any, **_: Any) -> Gradients:
    return slope * torch.softmax(tensors[0], 1) / len(tensors[0]), *[None] * (len(tensors) - 1)


def of_labels(name: str) -> list[Row]:
    """Give the rows that both losses have: labels, ignored ones, weights, places."""
    return [
        *[
            Row(name, (), shape, {"reduction": reduction, **options}, labels_with_ignored(*target, ignored=ignored))
            for reduction in ("mean", "sum", "none")
            for shape, target in (((6, 4), (6,)), ((2, 4, 3, 2), (2, 3, 2)))
            for options, ignored in (
                ({}, -100),
                ({"weight": CLASS_WEIGHTS}, -100),
                ({"ignore_index": 1, "weight": CLASS_WEIGHTS}, 1),
            )
        ],
        *[
            Row(name, (), shape, {}, labels(*target))
            for shape, target in (((4,), ()), ((0, 4), (0,)), ((2, 4, 5), (2, 5)), ((2, 4, 2, 3, 2), (2, 2, 3, 2)))
        ],
        Row(name, (), (1, 4), {}, labels_with_ignored(1)),  # all ignored: the mean is 0 / 0
    ]


def wrong_labels(loss: Any) -> list[Wrong]:
    """Give the wrong calls that both losses refuse."""
    return [
        Wrong(
            "label too large",
            lambda: loss()(X(3, 4), LABELS[[2, 0, 1]] + 15),
            IndexError,
            ("17", "4"),
        ),
        Wrong("label 4 of 4", lambda: loss()(X(3, 4), LABELS + 2), IndexError, ("4", "3")),
        Wrong("negative label", lambda: loss()(X(3, 4), LABELS - 7), IndexError, ("-7", "4")),
        Wrong("batch", lambda: loss()(X(17, 4), LABELS), ValueError, ("17", "3")),
        Wrong("places", lambda: loss()(X(3, 4, 5), X(3, 7).long()), ValueError, ("5", "7")),
        Wrong("number", lambda: loss()(X(()), X(()).long()), ValueError, ("()",)),
        Wrong("integers", lambda: loss()(X(3, 4).long(), LABELS), TypeError, ("int64", "float")),
        Wrong("weights", lambda: loss(weight=X(7))(X(3, 4), LABELS), ValueError, ("7", "4")),
        Wrong(
            "dtype of the weights",
            lambda: loss(weight=X(4).half())(X(3, 4), LABELS),
            TypeError,
            ("float16", "float32"),
        ),
        Wrong(
            "reduction",
            lambda: loss(reduction="average")(X(3, 4), LABELS),
            ValueError,
            ("average", "mean", "sum", "none"),
        ),
        Wrong("int16 labels", lambda: loss()(X(3, 4), LABELS.short()), TypeError, ("int16", "int64")),
    ]


NLL_LOSS = Record(
    module="NLLLoss",
    function="nll_loss",
    reference=torch.nn.functional.nll_loss,
    call=((tensor(3, 4), torch.tensor([0, 3, 1])), {"weight": CLASS_WEIGHTS}),
    planted=[Planted(mean_without_the_count)],
    rows=[
        *[Row("NLLLoss", (), (3, 4), {"reduction": reduction}, labels(3)) for reduction in ("mean", "sum", "none")],
        *of_labels("NLLLoss"),
    ],
    errors=[
        *wrong_labels(nn.NLLLoss),
        Wrong("label as number", lambda: nn.NLLLoss()(X(3, 4), X(3)), TypeError, ("float32", "int64")),
    ],
)

CROSS_ENTROPY = Record(
    module="CrossEntropyLoss",
    function="cross_entropy",
    reference=torch.nn.functional.cross_entropy,
    call=((tensor(3, 4), torch.tensor([0, 3, 1])), {"weight": CLASS_WEIGHTS, "label_smoothing": 0.1}),
    planted=[Planted(cross_entropy_without_the_label, ((tensor(3, 4), torch.tensor([0, 3, 1])), {}))],
    rows=[
        *[
            Row("CrossEntropyLoss", (), (3, 4), {"reduction": reduction}, target)
            for reduction in ("mean", "sum", "none")
            for target in (labels(3), probabilities(3, 4))
        ],
        *of_labels("CrossEntropyLoss"),
        *[
            Row("CrossEntropyLoss", (), shape, {"reduction": reduction, "label_smoothing": 0.2, **weights}, target)
            for reduction in ("mean", "sum", "none")
            for weights in ({}, {"weight": CLASS_WEIGHTS})
            for shape, target in (
                ((6, 4), labels_with_ignored(6)),
                ((2, 4, 3), labels_with_ignored(2, 3)),
                ((6, 4), probabilities(6, 4)),
                ((2, 4, 3), probabilities(2, 4, 3)),
            )
        ],
        Row("CrossEntropyLoss", (), (4,), {}, probabilities(4)),
        Row("CrossEntropyLoss", (), (4,), {"label_smoothing": 1.0}, labels()),
        Row("CrossEntropyLoss", (), (3, 4), {}, labels_with_ignored(3, ignored=-100)),
    ],
    errors=[
        *wrong_labels(nn.CrossEntropyLoss),
        Wrong(
            "label as number",
            lambda: nn.CrossEntropyLoss()(X(3, 4), X(3)),
            (ValueError, TypeError),
            ("(3,)",),
        ),
        Wrong(
            "whole probabilities",
            lambda: nn.CrossEntropyLoss()(X(3, 4), X(3, 4).long()),
            (ValueError, TypeError),
            ("(3, 4)",),
        ),
        Wrong(
            "ignored probability",
            lambda: nn.CrossEntropyLoss(ignore_index=1)(X(3, 4), X(3, 4)),
            ValueError,
            ("ignore_index", "1"),
        ),
        Wrong(
            "smoothing",
            lambda: nn.CrossEntropyLoss(label_smoothing=1.5)(X(3, 4), LABELS),
            ValueError,
            ("label_smoothing", "1.5"),
        ),
    ],
)

RECORDS = [NLL_LOSS, CROSS_ENTROPY]
