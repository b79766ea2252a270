"""Training on any device: `fit`, `evaluate` and what they return."""

from glassbox.training.history import Epoch, History
from glassbox.training.loop import DivergenceError, Evaluation, evaluate, fit

__all__ = ["DivergenceError", "Epoch", "Evaluation", "History", "evaluate", "fit"]
