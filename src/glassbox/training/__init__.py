"""Training on any device: `fit`, `evaluate` and what they return."""

from glassbox.training.checkpoint import CheckpointError
from glassbox.training.distributed import WorkerError
from glassbox.training.divergence import DivergenceError
from glassbox.training.evaluation import Evaluation, evaluate
from glassbox.training.history import Epoch, History
from glassbox.training.loop import fit
from glassbox.training.recordings import Recording, recorded

__all__ = [
    "CheckpointError",
    "DivergenceError",
    "Epoch",
    "Evaluation",
    "History",
    "Recording",
    "WorkerError",
    "evaluate",
    "fit",
    "recorded",
]
