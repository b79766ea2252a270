"""What every loss does with its losses, one per entry or per example: return them all, their sum or their mean."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def reduced(losses: Tensor, reduction: str, count: Tensor | int | None = None) -> Tensor:
    """Return the losses, their sum, or their mean: the sum over the count, which by default is their number."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return losses.mean() if count is None else losses.sum() / count


def spread(grad_output: Tensor, shape: tuple[int, ...], reduction: str, count: Tensor | int | None = None) -> Tensor:
    """Return the gradient at each loss, in this shape, given the one at what `reduced` returned."""
    if reduction == "none":
        return grad_output.reshape(shape)
    if reduction == "mean" and isinstance(count, Tensor):
        grad_output = torch.where(count == 0, 0, grad_output / count)  # where nothing counts, nothing is learned
    elif reduction == "mean":
        grad_output = grad_output / (math.prod(shape) if count is None else count)
    return grad_output.expand(shape)
