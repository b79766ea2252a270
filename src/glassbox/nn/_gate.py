"""A gate: let a gradient pass where a number is positive."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_MANY = 2**13  # from so many numbers on, torch.where takes longer than what stands below


def pass_where_positive(gradient: Tensor, number: Tensor) -> Tensor:
    """Return the gradient where the number is positive, else 0: ``torch.where(number > 0, gradient, 0)``.

    The number is an output of ReLU: 0 or more. On a CPU `torch.where` takes several times as long as a product with 1
    and 0. The product is the same unless an infinity or a NaN is among the factors: the scalar product of the numbers
    and what passed tells, at little cost.
    """
    many = gradient.numel() >= _MANY and gradient.device.type == "cpu"
    if many and not torch.is_grad_enabled() and not torch.compiler.is_compiling():
        passed = number.sign().mul_(gradient)
        if math.isfinite(torch.dot(passed.reshape(-1), number.reshape(-1))):
            return passed
    return torch.where(number <= 0, 0, gradient)  # NaN is neither: its gradient passes, as in torch
