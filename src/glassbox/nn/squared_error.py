"""Squared error: the usual loss for numbers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._by_hand import by_hand
from glassbox.nn._checks import require_mse, require_reduction
from glassbox.nn._precision import in_float32
from glassbox.nn._reduction import reduced, spread


@in_float32
def mse_loss_forward(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Compute :math:`(x - y)^2`, reduced; see `mse_loss`."""
    losses = (input - target) ** 2
    return reduced(losses, reduction)


@by_hand(require_mse)
@in_float32
def mse_loss_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True),
    reduction: str = "mean",
) -> Gradients:
    r"""Compute :math:`\partial \ell / \partial x = 2 (x - y)` and its opposite for the target; see `mse_loss`."""
    grad_losses = spread(grad_output, input.shape, reduction)
    grad_input = grad_losses * 2 * (input - target)
    return grad_input, -grad_input


_mse_loss = differentiable(mse_loss_forward, mse_loss_backward, autocast="float32")


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    r"""Compare numbers: the squared difference.

    .. math::
        \ell_i = (x_i - y_i)^2, \qquad L = \frac{1}{n} \sum_i \ell_i,
        \qquad \frac{\partial L}{\partial x_i} = \frac{2}{n} (x_i - y_i)

    Parameters
    ----------
    input : Tensor
        What the network computed, :math:`x`, of any shape.
    target : Tensor
        What was expected, :math:`y`, of the same shape. It has a gradient too.
    size_average, reduce : bool, optional
        Former names of ``reduction``, deprecated as in torch.
    reduction : {"mean", "sum", "none"}
        What becomes of the :math:`\ell_i`: their mean, their sum, or all of them.
    weight : Tensor, optional
        A factor for each :math:`\ell_i`, of the same shape. The mean is then divided by the sum of the factors.

    Returns
    -------
    Tensor
        One number, or with ``reduction="none"`` one for each entry.

    Raises
    ------
    TypeError
        ``input`` holds no floating-point numbers.
    ValueError
        The shapes do not fit, or ``reduction`` is unknown.

    Warns
    -----
    UserWarning
        The shapes differ but can be broadcast, which is rarely meant: (N,) against (N, 1) compares all with all.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning, 2006, section 1.2.5.
    https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import mse_loss
    >>> mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 5.0]))
    tensor(4.5000)
    """
    reduction = require_reduction("mse_loss", size_average, reduce, reduction)
    require_mse(input, target, weight, reduction=reduction)
    if input.shape != target.shape:
        input, target = torch.broadcast_tensors(input, target)
    if weight is None:
        return _mse_loss(input, target, reduction=reduction)
    losses = weight * _mse_loss(input, target, reduction="none")
    return reduced(losses, reduction, weight.sum())


class MSELoss(Module):
    """Mean squared error, the usual loss for numbers: see `glassbox.nn.functional.mse_loss`.

    Parameters
    ----------
    size_average, reduce, reduction
        As for `glassbox.nn.functional.mse_loss`.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 5.0]))
    tensor(4.5000)
    """

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = require_reduction("MSELoss", size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an input and a target of the same shape."""
        return mse_loss(input, target, reduction=self.reduction)
