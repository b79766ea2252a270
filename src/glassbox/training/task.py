"""What is asked of the network: one class, several yes/no answers, or numbers. The targets tell."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from glassbox import nn

Loss = Callable[[Tensor, Tensor], Tensor]
"""A function of (outputs, targets) that returns one number: the mean over the batch."""


def default_loss(targets: Tensor) -> Loss:
    """Choose the loss that fits the targets.

    Parameters
    ----------
    targets : Tensor
        Integers are classes: cross-entropy. Floats that are all 0 or 1 are yes/no answers: binary cross-entropy. Other
        floats are numbers to come close to: squared error.

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
    """
    if not targets.is_floating_point():
        return nn.CrossEntropyLoss()
    if ((targets == 0) | (targets == 1)).all():
        return nn.BCEWithLogitsLoss()
    return nn.MSELoss()


def name_of(function: object) -> str:
    """Return the name of a function or of an object's class."""
    return getattr(function, "__name__", type(function).__name__)


def adds_up(loss: Loss) -> bool:
    """Tell whether a loss is the sum over the batch, and not the mean."""
    return getattr(loss, "reduction", "mean") == "sum"


def predict(outputs: Tensor, targets: Tensor, loss: Loss) -> Tensor | None:
    """Turn outputs into what can be compared with the targets.

    Parameters
    ----------
    outputs : Tensor
        Shape (N, K, ...) for classes, else the shape of the targets.
    targets : Tensor
        Shape (N, ...).
    loss : callable
        Binary cross-entropy with logits makes float targets yes/no answers.

    Returns
    -------
    Tensor or None
        The class with the largest output, whether a logit is above 0, or None where being right is undefined: for
        numbers.
    """
    if not targets.is_floating_point():
        is_classes = outputs.dim() == targets.dim() + 1
        return outputs.argmax(1) if is_classes else None
    name = name_of(loss).replace("_", "").lower()
    if name.startswith(("bcewithlogits", "binarycrossentropywithlogits")):
        return outputs > 0
    return None
