"""Binary cross-entropy: the usual loss for answers of yes or no."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._by_hand import by_hand
from glassbox.nn._checks import require_binary_cross_entropy, require_reduction
from glassbox.nn._precision import in_float32
from glassbox.nn._reduction import reduced, spread


@in_float32
def binary_cross_entropy_with_logits_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    r"""Compute :math:`-w [p\, y \log \sigma(x) + (1 - y) \log \sigma(-x)]`, reduced."""
    yes = target if pos_weight is None else pos_weight * target  # p y
    losses = -(yes * log_sigmoid(input) + (1 - target) * log_sigmoid(-input))
    losses = losses if weight is None else weight * losses
    return reduced(losses, reduction)


@by_hand(require_binary_cross_entropy)
@in_float32
def binary_cross_entropy_with_logits_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True, False, False),
    reduction: str = "mean",
) -> Gradients:
    r"""Compute :math:`\bar x = \bar\ell\, w\, [(1 - y)\, \sigma(x) - p\, y\, \sigma(-x)]` and the target's gradient.

    The latter is :math:`\bar y = \bar\ell\, w\, [\log \sigma(-x) - p \log \sigma(x)]`. Without p and w they are
    :math:`\bar\ell\, (\sigma(x) - y)` and :math:`-\bar\ell\, x`.
    """
    p = 1 if pos_weight is None else pos_weight
    log_yes, log_no = log_sigmoid(input), log_sigmoid(-input)  # log sigma(x), log (1 - sigma(x))
    sigma, sigma_minus = log_yes.exp(), log_no.exp()  # sigma(x), sigma(-x), with digits where 1/(1 + e^-x) rounds to 0
    grad_losses = spread(grad_output, input.shape, reduction)
    grad_losses = grad_losses if weight is None else weight * grad_losses
    grad_input = grad_losses * ((1 - target) * sigma - p * target * sigma_minus)
    grad_target = grad_losses * (log_no - p * log_yes) if needs[1] else None
    return grad_input, grad_target, None, None


def log_sigmoid(input: Tensor) -> Tensor:
    r"""Return :math:`\log \sigma(x)` without overflow, and with its digits where :math:`\sigma(x)` rounds to 0 or 1."""
    return -torch.logaddexp(torch.zeros_like(input), -input)  # -log (e^0 + e^{-x})


_binary_cross_entropy_with_logits = differentiable(
    binary_cross_entropy_with_logits_forward, binary_cross_entropy_with_logits_backward, autocast="float32"
)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    r"""Score yes-or-no answers: turn each score into a probability, and take minus the logarithm of the right one's.

    With :math:`\sigma(x) = 1 / (1 + e^{-x})`, the weight :math:`p` of the positive answers and :math:`w` of the entry,

    .. math::
        \begin{aligned}
        \ell_i &= -w \bigl[ p\, y_i \log \sigma(x_i) + (1 - y_i) \log (1 - \sigma(x_i)) \bigr] \\
        \frac{\partial \ell_i}{\partial x_i} &= w \bigl[ (1 - y_i)\, \sigma(x_i) - p\, y_i\, \sigma(-x_i) \bigr] \\
        \frac{\partial \ell_i}{\partial y_i} &= w \bigl[ \log \sigma(-x_i) - p \log \sigma(x_i) \bigr] .
        \end{aligned}

    Without weights they are :math:`\sigma(x_i) - y_i` and :math:`-x_i`. The logarithms are computed from the scores, so
    that no exponential overflows: :math:`1 - \sigma(x) = \sigma(-x)` and
    :math:`\log \sigma(x) = -\log (e^0 + e^{-x})`.

    Parameters
    ----------
    input : Tensor
        Scores (logits) :math:`x`, of any shape.
    target : Tensor
        Answers :math:`y` from 0 (no) to 1 (yes), of the same shape, floating-point. They have a gradient too.
    weight : Tensor, optional
        A factor :math:`w`, broadcast to the input.
    size_average, reduce : bool, optional
        Former names of ``reduction``, deprecated as in torch.
    reduction : {"mean", "sum", "none"}
        What becomes of the :math:`\ell_i`: their mean, their sum, or all of them.
    pos_weight : Tensor, optional
        A factor :math:`p` for the positive answers, broadcast to the input: above 1 it makes them count more.

    Returns
    -------
    Tensor
        One number, or with ``reduction="none"`` one for each entry.

    Raises
    ------
    TypeError
        A tensor holds no floating-point numbers.
    ValueError
        The shapes do not fit, or ``reduction`` is unknown.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning, 2006, section 4.3.2.
    https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/

    Examples
    --------
    A score of 0 is a probability of one half, whatever the answer.

    >>> import torch
    >>> from glassbox.nn.functional import binary_cross_entropy_with_logits
    >>> binary_cross_entropy_with_logits(torch.zeros(2), torch.tensor([0.0, 1.0]))
    tensor(0.6931)
    """
    reduction = require_reduction("binary_cross_entropy_with_logits", size_average, reduce, reduction)
    require_binary_cross_entropy(input, target, weight, pos_weight, reduction=reduction)
    return _binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction=reduction)


class BCEWithLogitsLoss(Module):
    """Binary cross-entropy of scores: see `glassbox.nn.functional.binary_cross_entropy_with_logits`.

    Parameters
    ----------
    weight, size_average, reduce, reduction, pos_weight
        As for `glassbox.nn.functional.binary_cross_entropy_with_logits`.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.BCEWithLogitsLoss()(torch.zeros(2), torch.tensor([0.0, 1.0]))
    tensor(0.6931)
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = require_reduction("BCEWithLogitsLoss", size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores and answers of the same shape."""
        return binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )
