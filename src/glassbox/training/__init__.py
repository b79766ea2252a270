"""Training on any device: `fit`, `evaluate` and what they return."""

from __future__ import annotations

import warnings
from typing import Any

from glassbox.training.checkpoint import CheckpointError
from glassbox.training.distributed import WorkerError
from glassbox.training.divergence import DivergenceError
from glassbox.training.evaluation import Evaluation, evaluate
from glassbox.training.fit import fit
from glassbox.training.history import Epoch, History
from glassbox.training.schedule import OneCycle

__all__ = [
    "CheckpointError",
    "DivergenceError",
    "Epoch",
    "Evaluation",
    "History",
    "OneCycle",
    "WorkerError",
    "evaluate",
    "fit",
]


def __getattr__(name: str) -> Any:
    """Find recorded runs where they were in version 0.1, and say where they are."""
    if name not in ("Recording", "recorded"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from glassbox import datasets

    warnings.warn(
        f"glassbox.training.{name} is glassbox.datasets.{name} now; the old name goes with the next version",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(datasets, name)
