"""What is asked of the network: one class, several yes/no answers, or numbers; and the loss that asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor

from glassbox import nn

Loss = Callable[[Tensor, Tensor], Tensor]
"""A function of (outputs, targets) that returns one number: the mean over the batch."""

Task = Literal["classification", "multilabel", "regression"]
"""One class per target; yes/no answers, each right or wrong by itself; or numbers."""

TASKS = get_args(Task)

KNOWN: dict[str, tuple[str, Task]] = {
    "CrossEntropyLoss": ("cross_entropy", "classification"),
    "NLLLoss": ("nll_loss", "classification"),
    "MultiMarginLoss": ("multi_margin_loss", "classification"),
    "BCEWithLogitsLoss": ("binary_cross_entropy_with_logits", "multilabel"),
    "BCELoss": ("binary_cross_entropy", "multilabel"),
    "MultiLabelSoftMarginLoss": ("multilabel_soft_margin_loss", "multilabel"),
    "MSELoss": ("mse_loss", "regression"),
    "L1Loss": ("l1_loss", "regression"),
    "SmoothL1Loss": ("smooth_l1_loss", "regression"),
    "HuberLoss": ("huber_loss", "regression"),
}
"""The losses of torch and of Glassbox: the module's name, the function's, and what they ask for."""

PER_LABEL = ("CrossEntropyLoss", "NLLLoss")
"""Those whose mean is over labels, each with the weight of its class, and leaves out the ignored ones."""


@dataclass(frozen=True)
class Objective:
    """A loss with what it asks of the network, and what its mean is taken over.

    Attributes
    ----------
    loss : callable
        Function of (outputs, targets).
    task : {"classification", "multilabel", "regression"} or None
        What the outputs are; None where nothing tells: then nothing is right or wrong.
    kind : str or None
        The name in `KNOWN`, whether the loss came as a module, a function or a partial function; None for another's.
    options : mapping
        Those of a partial function; a module keeps its own, and its class weights move with it.

    Examples
    --------
    >>> objective = Objective.of(nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0])))
    >>> objective.task
    'classification'
    >>> objective.weight(torch.zeros(3, 2), torch.tensor([0, 1, -100]))
    tensor(4.)
    """

    loss: Loss
    task: Task | None = None
    kind: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, loss: Loss, task: Task | None = None) -> Objective:
        """Read what a loss says about itself.

        Raises
        ------
        ValueError
            If it contradicts the task.
        """
        kind, options = _read(loss)
        asked_for = KNOWN[kind][1] if kind else None
        if task is not None and asked_for is not None and task != asked_for:
            raise ValueError(
                f"task={task!r} does not go with the loss {kind}, which is for {asked_for}: leave the task out, or "
                "give another loss"
            )
        return cls(loss, task or asked_for, kind, options)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch."""
        return self.loss(outputs, targets)

    @property
    def name(self) -> str:
        """What to call the loss in a message."""
        return self.kind or name_of(self.loss)

    def option(self, name: str, default: Any = None) -> Any:
        """Return an option of the loss: ``weight``, ``ignore_index``, ``reduction``..."""
        return self.options[name] if name in self.options else getattr(self.loss, name, default)

    @property
    def adds_up(self) -> bool:
        """Whether the loss is the sum over the batch, and not the mean."""
        return self.option("reduction") == "sum"

    @property
    def ignored(self) -> int | None:
        """The label that counts for nothing, where the loss has one."""
        return self.option("ignore_index", -100) if self.kind in PER_LABEL else None

    def told_by(self, outputs: Tensor, targets: Tensor) -> Objective:
        """Return the objective with its task, where only outputs and targets tell: whole numbers, a score per class."""
        if self.task is None and outputs.dim() == targets.dim() + 1 and _whole(targets):
            return Objective(self.loss, "classification", self.kind, self.options)
        return self

    def has_labels(self, targets: Tensor) -> bool:
        """Tell whether targets are the numbers of classes: not so for a probability of each class."""
        return self.task == "classification" and _whole(targets)

    def counted(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return which labels count: those that are not ignored, or, for a loss of one's own, that are a class."""
        if self.ignored is not None:
            return targets.long() != self.ignored  # bytes would wrap -100 to 156
        return (targets >= 0) & (targets < outputs.shape[1])

    def weight(self, outputs: Tensor, targets: Tensor, counted: Tensor | None = None) -> Tensor | int:
        """Return what the loss of a batch weighs in a mean over batches: what its own mean divides by.

        That is the sum of the weights of the labels that count, or the number of examples.
        """
        if self.kind not in PER_LABEL or not self.has_labels(targets):
            return len(targets)
        counted = self.counted(outputs, targets) if counted is None else counted
        per_class = self.option("weight")
        return counted.sum() if per_class is None else (per_class[targets.where(counted, 0)] * counted).sum()

    def predict(self, outputs: Tensor) -> Tensor | None:
        """Return the class with the largest output, whether each answer is yes, or None: numbers are never right."""
        if self.task == "classification":
            return outputs.argmax(1)
        if self.task == "multilabel":  # most losses take logits, whose 0 is a probability of one half
            return outputs > (0.5 if self.kind == "BCELoss" else 0)
        return None

    def right(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return which answers are right and which count, in the shape of the targets, or None where none can be."""
        predictions = self.predict(outputs)
        if predictions is None or (self.task == "classification" and not _whole(targets)):
            return None
        if self.task == "multilabel":
            return predictions == (targets > 0.5), torch.ones_like(targets, dtype=torch.bool)
        counted = self.counted(outputs, targets)
        right = predictions == targets
        if self.ignored is not None and 0 <= self.ignored < outputs.shape[1]:  # any other is no prediction
            right &= counted
        return right, counted


def default_loss(targets: Tensor, task: Task | None = None) -> Loss:
    """Choose the loss that fits the targets.

    Parameters
    ----------
    targets : Tensor
        All of them. Integers are classes: cross-entropy. Floats that are all 0 or 1 are yes/no answers: binary
        cross-entropy. Other floats are numbers to come close to: squared error.
    task : {"classification", "multilabel", "regression"}, optional
        What they are, in place of that guess.

    Returns
    -------
    callable
        A loss module.

    Examples
    --------
    >>> import torch
    >>> default_loss(torch.tensor([3, 1, 4]))
    CrossEntropyLoss()
    >>> default_loss(torch.tensor([[0.0, 1.0]]))
    BCEWithLogitsLoss()
    >>> default_loss(torch.tensor([[0.5, 1.0]]))
    MSELoss()
    >>> default_loss(torch.tensor([[0.0, 1.0]]), "regression")
    MSELoss()
    """
    if task == "classification" or (task is None and not targets.is_floating_point()):
        return nn.CrossEntropyLoss()
    if task == "multilabel" or (task is None and bool(((targets == 0) | (targets == 1)).all())):
        return nn.BCEWithLogitsLoss()
    return nn.MSELoss()


def name_of(function: object) -> str:
    """Return the name of a function or of an object's class."""
    if isinstance(function, partial):
        return name_of(function.func)
    return getattr(function, "__name__", type(function).__name__)


def _read(loss: Any) -> tuple[str | None, Mapping[str, Any]]:
    """Return which known loss a loss is, if it is one, and its options."""
    options: dict[str, Any] = {}
    function = loss
    while isinstance(function, partial):
        options = function.keywords | options
        function = function.func
    for kind, (name, _) in KNOWN.items():
        for library in (torch.nn, nn):
            module = getattr(library, kind, None)
            # A subclass that computes something else is a loss of one's own.
            if module is not None and isinstance(function, module) and type(function).forward is module.forward:
                return kind, options
            if function is getattr(library.functional, name, ...):
                return kind, options
    return None, options


def _whole(targets: Tensor) -> bool:
    return not (targets.is_floating_point() or targets.is_complex())


def choose_task(task: object) -> Task | None:
    """Raise unless a task is one of those that there are, or None."""
    if task is not None and task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(map(repr, TASKS))}, not {task!r}")
    return cast(Task | None, task)
