"""Means over batches: sums, and what they weigh."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from glassbox.training.task import PER_LABEL, Objective


class Meter:
    r"""Adds batches up to their mean loss and their accuracy.

    A loss is itself a mean: over examples, or over labels with the weights of their classes, without those that are
    ignored. With the loss :math:`\ell_b` of batch :math:`b` and the sum of weights :math:`w_b` that it was divided by,
    the mean over all is

    .. math:: \ell = \frac{\sum_b w_b\, \ell_b}{\sum_b w_b} ,

    whatever the batches. A batch whose labels are all ignored has :math:`w_b = 0` and counts for nothing.

    Parameters
    ----------
    objective : Objective
        The loss.
    device : torch.device
        Where the batches are. The sums stay there until someone asks, so that a GPU need not be waited for.

    Attributes
    ----------
    sums : Tensor
        Shape (4,): of the losses times their weights, of the weights, of the right answers, of the answers that count.

    Examples
    --------
    >>> meter = Meter(Objective.of(torch.nn.CrossEntropyLoss()), torch.device("cpu"))
    >>> outputs, labels = torch.tensor([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0]]), torch.tensor([0, 1, -100])
    >>> meter.add(meter.objective(outputs, labels), outputs, labels)
    >>> round(meter.loss, 2), meter.accuracy
    (2.02, 0.5)
    """

    def __init__(self, objective: Objective, device: torch.device) -> None:
        self.objective = objective
        self.sums = torch.zeros(4, device=device, dtype=torch.float32 if device.type == "mps" else torch.float64)
        self._loss, self._weight, self._right, self._answers = self.sums
        self._each_counts_one = objective.kind in PER_LABEL and objective.option("weight") is None

    def add(self, loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch: its loss, the outputs that gave it and their targets."""
        answers = self.objective.right(outputs, targets)
        right, counted = answers or (None, None)
        weight = self.objective.weight(outputs, targets, counted)
        total = loss.to(self.sums.dtype)
        if isinstance(weight, Tensor):  # the mean over nothing is 0/0
            total = torch.where(weight > 0, total, 0)
        self._loss.add_(total if self.objective.adds_up else total * weight)
        self._weight.add_(weight)
        if right is not None and counted is not None:
            self._right.add_(right.sum())
            self._answers.add_(weight if self._each_counts_one else counted.sum())

    def reset(self) -> None:
        """Forget all batches."""
        self.sums.zero_()

    def require_answers(self, message: str) -> None:
        """Raise if nothing was added that counts."""
        if not self._weight:
            raise ValueError(message)

    @property
    def total(self) -> float:
        """The sum of the losses times their weights: not finite once a loss was not."""
        return self._loss.item()

    @property
    def loss(self) -> float:
        """The mean loss; NaN where nothing was added that counts."""
        total, weight = self.sums[:2].tolist()
        return total / weight if weight else math.nan

    @property
    def accuracy(self) -> float | None:
        """The share of right answers; None where nothing can be right or wrong."""
        right, answers = self.sums[2:].tolist()
        return right / answers if answers else None
