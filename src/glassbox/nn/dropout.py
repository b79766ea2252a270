"""Dropout: put entries to zero at random while training, so that none is relied upon."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._by_hand import by_hand
from glassbox.nn._checks import require_floating, require_mask, require_probability


def dropout_forward(input: Tensor, mask: Tensor) -> Tensor:
    r"""Compute :math:`x \odot m`; see `dropout`."""
    return input * mask


@by_hand(require_mask)
def dropout_backward(
    grad_output: Tensor,
    input: Tensor | None,
    mask: Tensor,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, False),
) -> Gradients:
    r"""Compute :math:`\bar x = \bar y\, m`, where the input itself is not needed; see `dropout`."""
    return grad_output * mask, None


_dropout = differentiable(dropout_forward, dropout_backward, saves=(1,))  # the mask: the backward reads no input


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    r"""Put each entry to zero with probability :math:`p`, and enlarge the others to make up for it.

    .. math::
        y_i = x_i\, m_i, \qquad \bar x_i = \bar y_i\, m_i, \qquad
        m_i = \begin{cases} 0 & \text{with probability } p \\ 1 / (1 - p) & \text{else} \end{cases}

    with :math:`\bar y = \partial L / \partial y`, the gradient that arrives. The mean of :math:`m_i` is 1, so that the
    following layer meets the same sums on average in training and later.

    Parameters
    ----------
    input : Tensor
        Any shape.
    p : float, default 0.5
        Probability :math:`p`, from 0 to 1. With 1 everything becomes zero.
    training : bool, default True
        With False the input is returned as it is.
    inplace : bool, default False
        Write the result into the input.

    Returns
    -------
    Tensor
        The shape of the input. The mask comes from torch's generator: ``torch.manual_seed`` makes it repeatable, and on
        the CPU it is the one that torch draws.

    Raises
    ------
    TypeError
        ``input`` holds no floating-point numbers.
    ValueError
        ``p`` is no probability.

    References
    ----------
    Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014.
    https://jmlr.org/papers/v15/srivastava14a.html

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import dropout, dropout_backward
    >>> x = torch.ones(1000)
    >>> sorted(set(dropout(x, p=0.5).tolist()))
    [0.0, 2.0]
    >>> dropout(x, training=False).equal(x)
    True

    Back-propagation by hand, through a mask that drops the first of two entries:

    >>> dropout_backward(torch.tensor([1.0, 1.0]), None, torch.tensor([0.0, 2.0]))
    (tensor([0., 2.]), None)
    """
    require_floating("dropout", input=input)
    require_probability("dropout", p)
    if not training:
        return input
    kept = torch.empty_like(input).bernoulli_(1 - p)  # 1 or 0
    mask = kept / (1 - p) if p < 1 else kept
    output = _dropout(input, mask)
    return input.copy_(output) if inplace else output


class Dropout(Module):
    """Put entries to zero at random in training mode: see `glassbox.nn.functional.dropout`.

    Parameters
    ----------
    p : float, default 0.5
        Probability of each entry to become zero.
    inplace : bool, default False
        Write the result into the input.

    Raises
    ------
    ValueError
        ``p`` is no probability.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> layer = nn.Dropout(p=0.3).eval()
    >>> layer(torch.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        require_probability("Dropout", p)
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, in training mode with entries put to zero."""
        return dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the arguments, as torch prints them."""
        return f"p={self.p}, inplace={self.inplace}"
