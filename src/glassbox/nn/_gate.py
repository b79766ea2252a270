"""A gate: let a gradient pass where a number is positive."""

from __future__ import annotations

import torch
from torch import Tensor


def pass_where_positive(gradient: Tensor, number: Tensor) -> Tensor:
    """Return the gradient where the number is positive, else 0: ``torch.where(number > 0, gradient, 0)``.

    On a CPU `torch.where` takes several times as long as a product with 1 and 0. The product is the same unless an
    infinity or a NaN is among the factors, which their scalar product tells at little cost.
    """
    if gradient.device.type == "cpu" and torch.dot(gradient.reshape(-1), number.reshape(-1)).isfinite():
        return gradient * number.sign()
    return torch.where(number <= 0, 0, gradient)  # no number is neither: its gradient passes, as in torch
