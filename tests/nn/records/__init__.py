"""One record per operation: the tests of this folder run through all that stand here.

Each family of `glassbox.nn` has its file of the same name with a list ``RECORDS``, which is found by itself. A layer, a
loss or a function without a record fails in ``test_records.py``.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from torch import Tensor

from tests.nn.records.record import Record, Row

FAMILIES = [name for _, name, _ in pkgutil.iter_modules(__path__) if name != "record"]
RECORDS: list[Record] = [
    record for name in FAMILIES for record in importlib.import_module(f"{__name__}.{name}").RECORDS
]
LAYERS = [row for record in RECORDS if not record.is_loss for row in record.rows]
LOSSES = [row for record in RECORDS if record.is_loss for row in record.rows]
FUNCTIONS = {record.function: record for record in RECORDS if record.call is not None}


def title(row: Row) -> str:
    """Name a row as the test report shows it: ``Conv2d(3, 4, 3, padding=1)-2x3x7x8``."""
    shown = {key: "given" if isinstance(value, Tensor) else value for key, value in row.options.items()}
    inside = [repr(value) for value in row.arguments] + [f"{key}={value}" for key, value in shown.items()]
    return f"{row.name}({', '.join(inside)})-{'x'.join(map(str, row.shape)) or 'number'}"


def parameters(rows: list[Row]) -> list[Any]:
    """Make the parameter sets of :func:`pytest.mark.parametrize`, each with its title."""
    return [pytest.param(row, id=title(row)) for row in rows]
