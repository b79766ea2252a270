"""Optimizers whose update rule is written out: SGD, Adam and AdamW, used like those of ``torch.optim``."""

from glassbox.optim.adam import Adam, AdamW
from glassbox.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW"]
