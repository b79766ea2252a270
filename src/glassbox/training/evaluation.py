"""Measure a model on data, and change nothing about it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glassbox.training.batches import Data, Rows, read_rows
from glassbox.training.checks import check_data_fit_model
from glassbox.training.device import choose_device, device_of, modes_kept, random_numbers_kept
from glassbox.training.settings import check_functions, check_number
from glassbox.training.task import Loss, adds_up, default_loss, predict


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` measured.

    Attributes
    ----------
    loss : float
        Mean over the examples.
    accuracy : float or None
        Share of right answers; with several yes/no answers per example each counts. None where the answers are numbers.
    per_class_accuracy : Tensor or None
        Shape (K,), float64: the same among the examples of each class, NaN for a class without any; or for each yes/no
        answer.
    predictions : Tensor
        Shape (N,), int64: a class each; or (N, K), bool: whether each answer is yes; or, for numbers, the outputs.
    """

    loss: float
    accuracy: float | None
    per_class_accuracy: Tensor | None
    predictions: Tensor

    def __str__(self) -> str:
        accuracy = "" if self.accuracy is None else f", accuracy {self.accuracy:.2%}"
        return f"loss {self.loss:.4f}{accuracy} on {len(self.predictions)} examples"


def evaluate(
    model: nn.Module,
    data: Data,
    *,
    loss: Loss | None = None,
    batch_size: int = 500,
    device: str | torch.device = "auto",
) -> Evaluation:
    """Measure a model's loss and accuracy.

    The model predicts without dropout and with its running statistics. Its mode, its device and torch's random numbers
    are afterwards what they were before.

    Parameters
    ----------
    model : torch.nn.Module
        What to measure.
    data : LabelledImages, pair of Tensor or Dataset
        Inputs and targets, as for `fit`.
    loss : callable, optional
        Function of (outputs, targets) that returns the mean over the batch. By default it follows from the targets, as
        for `fit`.
    batch_size : int
        Examples per forward pass: a matter of memory and time, not of the result.
    device : str or torch.device
        Where to compute, as for `fit`.

    Returns
    -------
    Evaluation
        Loss, accuracy, accuracy per class, predictions.

    Raises
    ------
    ValueError, TypeError
        If the data are empty or do not fit the model, or the device is not there.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> is_positive = nn.Linear(1, 1, bias=False)
    >>> with torch.no_grad():
    ...     is_positive.weight.fill_(1.0)
    Parameter containing:
    tensor([[1.]], requires_grad=True)
    >>> numbers = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    >>> yes = torch.tensor([[0.0], [0.0], [1.0], [0.0]])
    >>> result = evaluate(is_positive, (numbers, yes), device="cpu")
    >>> result.accuracy
    0.75
    >>> print(result)
    loss 0.7201, accuracy 75.00% on 4 examples
    """
    check_number("batch_size", batch_size, 1)
    check_functions(loss=loss)
    rows = read_rows(data, "data")
    loss = default_loss(rows.sample_targets()) if loss is None else loss
    check_data_fit_model(model, rows, loss, "data")
    home, away = device_of(model), choose_device(device)
    try:
        return measure(model.to(away), rows.to(away), loss, batch_size=batch_size)
    finally:
        model.to(home)


def measure(
    model: nn.Module, rows: Rows, loss: Loss, *, batch_size: int = 500, between: tuple[int, int] | None = None
) -> Evaluation:
    """Do what `evaluate` does, on the device of the model and the rows, for all rows or for those between two."""
    start, stop = between or (0, len(rows))
    total, found, wanted = 0.0, [], []
    with random_numbers_kept(rows.device), modes_kept(model), torch.no_grad():
        model.eval()
        for first in range(start, stop, batch_size):
            inputs, targets = rows.between(first, min(first + batch_size, stop))
            outputs = model(inputs)
            total += loss(outputs, targets).item() * (1 if adds_up(loss) else len(inputs))
            predictions = predict(outputs, targets, loss)
            found.append(outputs.cpu() if predictions is None else predictions.cpu())
            wanted.append(targets.cpu())
    found_all, wanted_all = torch.cat(found), torch.cat(wanted)
    accuracy, per_class = None, None
    if predictions is not None:
        right = (found_all == wanted_all).double()
        accuracy = right.mean().item()
        per_class = right.mean(0) if wanted_all.is_floating_point() else _per_class(right, wanted_all, outputs.shape[1])
    return Evaluation(total / (stop - start), accuracy, per_class, found_all)


def _per_class(right: Tensor, wanted: Tensor, classes: int) -> Tensor:
    """Return the share of right answers among the examples of each class."""
    is_class = wanted >= 0  # a loss may ignore the label -100
    wanted = wanted[is_class]
    return wanted.bincount(right[is_class], minlength=classes) / wanted.bincount(minlength=classes)
