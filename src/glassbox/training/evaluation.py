"""Measure a model on data, and change nothing about it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glassbox.training.batches import Data, Rows, read_rows
from glassbox.training.checks import check_model, make_objective, try_out
from glassbox.training.device import choose_device, lent, modes_kept, random_numbers_kept
from glassbox.training.distributed import Workers
from glassbox.training.meters import Meter
from glassbox.training.settings import check_functions, check_number
from glassbox.training.task import Loss, Objective, Task, choose_task


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` measured.

    Attributes
    ----------
    loss : float
        What the loss would be for all examples at once: their mean, by the weights of their classes where it has such.
    accuracy : float or None
        Share of right answers; with several yes/no answers per example each counts, and ignored labels do not. None
        where the answers are numbers.
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
    task: Task | None = None,
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
        for `fit`. One that is neither torch's nor of `glassbox.nn` is asked once, about all outputs.
    task : {"classification", "multilabel", "regression"}, optional
        What is right or wrong, where the loss does not tell, as for `fit`.
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
    batch_size = check_number("batch_size", batch_size, 1)
    check_functions(loss=loss)
    check_model(model)
    rows = read_rows(data, "data")
    objective = make_objective(loss, rows, choose_task(task), "data")
    objective = try_out(model, rows, objective, "data", learns=False).objective
    away = choose_device(device)
    answers = Answers(objective)
    with lent(away, model, objective.loss):
        meter = measure(model, rows.to(away), objective, batch_size=batch_size, answers=answers)
    meter.require_answers("the labels of data are all ignored: their loss is the mean of nothing")
    return Evaluation(meter.loss, meter.accuracy, answers.per_class_accuracy, torch.cat(answers.predictions))


class Answers:
    """What a model answers, batch after batch, and which answers are right.

    Parameters
    ----------
    objective : Objective
        Tells what is right.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.predictions: list[Tensor] = []
        self._totals = torch.zeros(2, 0, dtype=torch.float64)  # right answers and all that count, per class or answer

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch."""
        predictions = self.objective.predict(outputs)
        self.predictions.append((outputs if predictions is None else predictions).cpu())
        answers = self.objective.right(outputs, targets)
        if answers is None:
            return
        if self.objective.task == "multilabel":
            totals = [answer.double().sum(0) for answer in answers]
        else:
            totals = [targets[answer].bincount(minlength=outputs.shape[1]) for answer in answers]
        batch = torch.stack(totals).cpu()
        self._totals = batch.double() + self._totals if self._totals.numel() else batch.double()

    @property
    def per_class_accuracy(self) -> Tensor | None:
        """The share of right answers, of each class or of each yes/no answer; None where none can be right."""
        return self._totals[0] / self._totals[1] if self._totals.numel() else None


def measure(
    model: nn.Module,
    rows: Rows,
    objective: Objective,
    *,
    workers: Workers | None = None,
    batch_size: int = 500,
    answers: Answers | None = None,
) -> Meter:
    """Add up loss and accuracy over rows, on the device of the model and the rows, each worker over its part.

    A loss that nobody knows is asked once, about all outputs: what its mean divides by, it alone can tell.
    """
    start, stop = (0, len(rows)) if workers is None else workers.part(len(rows))
    meter, together = Meter(objective, rows.device), []
    if objective.kind is None and start == stop:  # the others wait for this worker's outputs
        start, stop = 0, 1
    with random_numbers_kept(rows.device), modes_kept(model), torch.no_grad():
        model.eval()
        for first in range(start, stop, batch_size):
            inputs, targets = rows.between(first, min(first + batch_size, stop))
            outputs = model(inputs)
            if answers is not None:
                answers.add(outputs, targets)
            if objective.kind is None:
                together.append((outputs, targets))
            else:
                meter.add(objective(outputs, targets), outputs, targets)
        if objective.kind is None:
            outputs, targets = map(torch.cat, zip(*together, strict=True))
            if workers is not None:
                outputs, targets = workers.whole(outputs, targets, len(rows))
            meter.add(objective(outputs, targets), outputs, targets)
        elif workers is not None:
            workers.add_up(meter.sums)
    return meter
