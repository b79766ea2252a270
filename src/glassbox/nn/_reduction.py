"""What every loss does with its losses, one per entry or per example: return them all, their sum or their mean.

`reduced` does it, and `spread` is its transpose: it gives each loss the gradient that arrived for the result.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def reduced(losses: Tensor, reduction: str, divisor: Tensor | int | None = None) -> Tensor:
    """Return the losses, their sum, or their mean: the sum over the divisor, which by default is their number."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return losses.mean() if divisor is None else losses.sum() / divisor


def spread(grad_output: Tensor, shape: tuple[int, ...], reduction: str, divisor: Tensor | int | None = None) -> Tensor:
    """Return the gradient at each loss, in this shape, given the one at what `reduced` returned."""
    if reduction == "none":
        return grad_output.reshape(shape)
    if reduction == "mean" and isinstance(divisor, Tensor):
        grad_output = torch.where(divisor == 0, 0, grad_output / divisor)  # where nothing counts, nothing is learned
    elif reduction == "mean":
        grad_output = grad_output / (math.prod(shape) if divisor is None else divisor)
    return grad_output.expand(shape)
