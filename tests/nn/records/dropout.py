"""The records of dropout."""

from __future__ import annotations

import glassbox.nn as nn
import glassbox.nn.functional as F
from tests.nn.records.record import (
    Record,
    Row,
    Wrong,
    X,
)

DROPOUT = Record(
    module="Dropout",
    function="dropout",
    apart="test_pytorch_samples.py: its draws are compared by their statistics",
    borrows=False,
    rows=[
        Row("Dropout", (0.0,), (3, 4)),
        Row("Dropout", (1.0,), (3, 4)),
        Row("Dropout", (), (0, 4), {"p": 0.5}),
    ],
    errors=[
        Wrong("over 1", lambda: nn.Dropout(1.5), ValueError, ("1.5", "1")),
        Wrong("under 0", lambda: nn.Dropout(-0.5), ValueError, ("-0.5", "0")),
        Wrong("over 1, as a function", lambda: F.dropout(X(3), 1.5), ValueError, ("1.5", "1")),
        Wrong("nan", lambda: F.dropout(X(3), float("nan")), ValueError, ("nan",)),
    ],
)

RECORDS = [DROPOUT]
