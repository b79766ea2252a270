"""Cross-entropy: the usual loss for classes, from scores; and the one that starts from logarithms of probabilities."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._by_hand import by_hand
from glassbox.nn._checks import class_dim, require_cross_entropy, require_labels, require_nll, require_reduction
from glassbox.nn._precision import in_float32
from glassbox.nn._reduction import reduced, spread
from glassbox.nn.activation import log_softmax_forward

# What is expected of each class, read from labels or probabilities


def expected(
    input: Tensor, target: Tensor, weight: Tensor | None, ignored: int | None, label_smoothing: float = 0.0
) -> tuple[Tensor, Tensor | None]:
    """Return y (N, C), what is expected of each class, and the divisor of a mean, None where it is N.

    In the plain case y is 1 at the label and 0 elsewhere, and the divisor is N. Smoothing moves a part of y to all
    classes alike, and a weight multiplies y. The divisor is the sum of the weights of the labels, before smoothing.
    """
    dim, classes = class_dim(input), input.shape[class_dim(input)]
    w = 1 if weight is None else _per_class(weight, input)  # (C,), or (C, 1, 1) to meet (N, C, H, W)
    epsilon = label_smoothing
    if target.is_floating_point():
        y = target.to(torch.promote_types(target.dtype, _precise(input)))  # (N, C)
        return w * ((1 - epsilon) * y + epsilon / classes), None
    y = one_hot(input, target, ignored)  # (N, C)
    if weight is None and ignored is None and not epsilon:
        return y, None  # what follows would give this y, and N, more slowly
    counts = y.sum(dim, keepdim=True)  # (N, 1): 1, and 0 of an ignored example
    divisor = (w * y).sum()  # the weights of the labels
    return w * ((1 - epsilon) * y + epsilon / classes * counts), divisor


def one_hot(input: Tensor, target: Tensor, ignored: int | None) -> Tensor:
    """Return 1 at each label and 0 elsewhere (N, C); of an ignored one all is 0. None: no label is ignored."""
    dim, zeros = class_dim(input), torch.zeros_like(input, dtype=_precise(input))  # (N, C)
    label = target.long().unsqueeze(dim)  # (N, 1)
    if ignored is None:
        return zeros.scatter(dim, label, 1.0)
    counts = label != ignored  # (N, 1)
    return zeros.scatter(dim, torch.where(counts, label, 0), counts.to(zeros.dtype))  # an ignored label may be no class


def _precise(input: Tensor) -> torch.dtype:
    """Return the type in which what is expected is told: the input's, and float32 for half precision."""
    return torch.promote_types(input.dtype, torch.float32)


def _per_class(values: Tensor, input: Tensor) -> Tensor:
    """Return one value per class, shaped to meet the input: (C,) becomes (C, 1, 1) for (N, C, H, W)."""
    return values.view(-1, *[1] * (input.dim() - 1 - class_dim(input)))


# Cross-entropy


@in_float32
def softmax_cross_entropy_forward(
    input: Tensor, y: Tensor, divisor: Tensor | None, *, dim: int, reduction: str = "mean"
) -> Tensor:
    r"""Compute :math:`-\sum_c y_{nc} \log p_{nc}` with :math:`p` the softmax of :math:`x`; see `cross_entropy`."""
    log_p = log_softmax_forward(input, dim=dim)  # (N, C)
    losses = -torch.where(y == 0, 0, y * log_p).sum(dim)  # (N,), and 0 log 0 is 0
    return reduced(losses, reduction, divisor)


@in_float32
def softmax_cross_entropy_backward(
    grad_output: Tensor,
    input: Tensor,
    y: Tensor,
    divisor: Tensor | None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True, False),
    dim: int,
    reduction: str = "mean",
) -> Gradients:
    r"""Compute :math:`\partial \ell_n / \partial x_{nc} = p_{nc} \sum_k y_{nk} - y_{nc}`; see `cross_entropy`."""
    log_p = log_softmax_forward(input, dim=dim)  # (N, C)
    total = y.sum(dim, keepdim=True)  # (N, 1): 1 in the plain case
    grad_losses = spread(grad_output, total.shape, reduction, divisor)  # (N, 1)
    grad_input = grad_losses * (log_p.exp() * total - y)  # (N, C): p - y in the plain case
    return grad_input, -grad_losses * log_p if needs[1] else None, None


_softmax_cross_entropy = differentiable(
    softmax_cross_entropy_forward, softmax_cross_entropy_backward, autocast="float32"
)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Turn scores into probabilities by a softmax, and score these probabilities.

    .. math::
        p_{nc} = \frac{e^{x_{nc}}}{\sum_k e^{x_{nk}}}, \qquad \ell_n = -\sum_c y_{nc} \log p_{nc},
        \qquad \frac{\partial \ell_n}{\partial x_{nc}} = p_{nc} - y_{nc}, \qquad L = \frac{1}{N} \sum_n \ell_n

    where :math:`y_{nc}` is 1 at the label of example :math:`n` and 0 elsewhere, so that :math:`\ell_n` is minus the
    logarithm of the label's probability; or :math:`y_{nc}` are class probabilities. With a label smoothing
    :math:`\varepsilon` and weights :math:`w_c` of the classes, something else is expected of them,

    .. math::
        y_{nc} \leftarrow w_c \Bigl( (1 - \varepsilon)\, y_{nc} + \frac{\varepsilon}{C} \Bigr), \qquad
        \frac{\partial \ell_n}{\partial x_{nc}} = p_{nc} \sum_k y_{nk} - y_{nc} ,

    and an ignored example has :math:`y_{nc} = 0` for all classes.

    The logarithm is computed from the scores, :math:`\log p_{nc} = x_{nc} - m_n - \log \sum_k e^{x_{nk} - m_n}` with
    :math:`m_n = \max_k x_{nk}`, so that no exponential overflows.

    Parameters
    ----------
    input : Tensor
        Scores (logits) :math:`x`: (N, C), (C,) or (N, C, d1, ...).
    target : Tensor
        Class indices, int64: (N,), () or (N, d1, ...). Or class probabilities, of the input's shape, which have a
        gradient too: :math:`\partial \ell_n / \partial y_{nc} = -(1 - \varepsilon)\, w_c \log p_{nc}`.
    weight : Tensor, optional
        A factor :math:`w_c` for each class, of shape (C,). By default 1 for each.
    size_average, reduce : bool, optional
        Former names of ``reduction``, deprecated as in torch.
    ignore_index : int, default -100
        Label of the entries that do not count.
    reduction : {"mean", "sum", "none"}
        What becomes of the :math:`\ell_n`: their mean, their sum, or all of them. For class indices the mean is divided
        by the sum of the weights of the labels, for class probabilities by the number of distributions.
    label_smoothing : float, default 0.0
        :math:`\varepsilon`, from 0 to 1.

    Returns
    -------
    Tensor
        One number, or with ``reduction="none"`` one for each distribution.

    Raises
    ------
    TypeError
        ``input`` holds no floating-point numbers, or ``target`` neither these nor int64.
    ValueError
        The shapes do not fit, or an option is out of its range.
    IndexError
        A label is no class. On a GPU this check waits for the labels; while a graph is compiled or recorded, which
        cannot wait, it is left to the device, whose own check stops the program.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning, 2006, section 4.3.4.
    https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/

    Szegedy et al., Rethinking the Inception architecture for computer vision, 2016 (label smoothing).
    https://doi.org/10.1109/CVPR.2016.308

    Examples
    --------
    Equal scores for three classes: each has the probability 1/3, and the loss is log 3.

    >>> import torch
    >>> from glassbox.nn.functional import cross_entropy
    >>> cross_entropy(torch.zeros(1, 3), torch.tensor([2]))
    tensor(1.0986)
    """
    reduction = require_reduction("cross_entropy", size_average, reduce, reduction)
    options: Any = {"ignore_index": ignore_index, "reduction": reduction, "label_smoothing": label_smoothing}
    require_cross_entropy(input, target, weight, **options)
    ignored = require_labels("cross_entropy", input, target, ignore_index)
    y, divisor = expected(input, target, weight, ignored, label_smoothing)
    return _softmax_cross_entropy(input, y, divisor, dim=class_dim(input), reduction=reduction)


@by_hand(require_cross_entropy)
def cross_entropy_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True, False),
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Gradients:
    r"""Compute :math:`\partial \ell_n / \partial x_{nc} = p_{nc} \sum_k y_{nk} - y_{nc}`; see `cross_entropy`."""
    ignored = require_labels("cross_entropy", input, target, ignore_index)
    y, divisor = expected(input, target, weight, ignored, label_smoothing)
    needs = (True, needs[1] and target.is_floating_point(), False)
    grad_input, grad_y, _ = softmax_cross_entropy_backward(
        grad_output, input, y, divisor, needs=needs, dim=class_dim(input), reduction=reduction
    )
    if grad_y is None:
        return grad_input, None, None
    weights = 1 if weight is None else _per_class(weight, input)
    return grad_input, (1 - label_smoothing) * weights * grad_y, None


class CrossEntropyLoss(Module):
    """Cross-entropy of scores, the usual loss for classes: see `glassbox.nn.functional.cross_entropy`.

    Parameters
    ----------
    weight, size_average, ignore_index, reduce, reduction, label_smoothing
        As for `glassbox.nn.functional.cross_entropy`.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.CrossEntropyLoss()(torch.zeros(1, 3), torch.tensor([2]))
    tensor(1.0986)
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = require_reduction("CrossEntropyLoss", size_average, reduce, reduction)
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores (N, C, ...) and labels (N, ...), or probabilities (N, C, ...)."""
        return cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


# Negative log-likelihood


@in_float32
def log_likelihood_forward(
    input: Tensor, y: Tensor, divisor: Tensor | None, *, dim: int, reduction: str = "mean"
) -> Tensor:
    r"""Compute :math:`-\sum_c y_{nc}\, x_{nc}`, reduced; see `nll_loss`."""
    losses = -torch.where(y == 0, 0, y * input).sum(dim)  # (N,), and 0 times -inf is 0
    return reduced(losses, reduction, divisor)


@in_float32
def log_likelihood_backward(
    grad_output: Tensor,
    input: Tensor,
    y: Tensor,
    divisor: Tensor | None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, False, False),
    dim: int,
    reduction: str = "mean",
) -> Gradients:
    r"""Compute :math:`\partial \ell_n / \partial x_{nc} = -y_{nc}`; see `nll_loss`."""
    grad_losses = spread(grad_output, y.narrow(dim, 0, 1).shape, reduction, divisor)  # the shape is (N, 1)
    return grad_losses * -y, None, None


_log_likelihood = differentiable(log_likelihood_forward, log_likelihood_backward, autocast="float32")


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Score the logarithms of probabilities: minus the one that belongs to the right class.

    .. math::
        \ell_n = -\sum_c y_{nc}\, x_{nc}, \qquad L = \frac{\sum_n \ell_n}{\sum_{nc} y_{nc}},
        \qquad \frac{\partial \ell_n}{\partial x_{nc}} = -y_{nc}

    where :math:`y_{nc}` is the weight :math:`w_c` of the class (1 by default) at the label of example :math:`n`, and 0
    elsewhere: of each row one number is picked.

    Parameters
    ----------
    input : Tensor
        Logarithms of probabilities, :math:`x`: (N, C), (C,) or (N, C, d1, ...), as `log_softmax` returns them.
    target : Tensor
        Class indices, int64: (N,), () or (N, d1, ...).
    weight : Tensor, optional
        A factor :math:`w_c` for each class, of shape (C,). By default 1 for each.
    size_average, reduce : bool, optional
        Former names of ``reduction``, deprecated as in torch.
    ignore_index : int, default -100
        Label of the entries that do not count.
    reduction : {"mean", "sum", "none"}
        What becomes of the :math:`\ell_n`: their weighted mean, their sum, or all of them.

    Returns
    -------
    Tensor
        One number, or with ``reduction="none"`` one for each label.

    Raises
    ------
    TypeError
        ``input`` holds no floating-point numbers, or ``target`` no int64.
    ValueError
        The shapes do not fit, or ``reduction`` is unknown.
    IndexError
        A label is no class. On a GPU this check waits for the labels; while a graph is compiled or recorded, which
        cannot wait, it is left to the device, whose own check stops the program.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning, 2006, section 4.3.4.
    https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import nll_loss
    >>> probabilities = torch.tensor([[0.5, 0.25, 0.25]])
    >>> nll_loss(probabilities.log(), torch.tensor([0]))
    tensor(0.6931)
    """
    reduction = require_reduction("nll_loss", size_average, reduce, reduction)
    require_nll(input, target, weight, ignore_index=ignore_index, reduction=reduction)
    ignored = require_labels("nll_loss", input, target, ignore_index)
    y, divisor = expected(input, target, weight, ignored)
    return _log_likelihood(input, y, divisor, dim=class_dim(input), reduction=reduction)


@by_hand(require_nll)
def nll_loss_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, False, False),
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Gradients:
    r"""Compute :math:`\partial \ell_n / \partial x_{nc} = -y_{nc}`; see `nll_loss`."""
    ignored = require_labels("nll_loss", input, target, ignore_index)
    y, divisor = expected(input, target, weight, ignored)
    return log_likelihood_backward(grad_output, input, y, divisor, dim=class_dim(input), reduction=reduction)


class NLLLoss(Module):
    """Negative log-likelihood of the right class: see `glassbox.nn.functional.nll_loss`.

    Parameters
    ----------
    weight, size_average, ignore_index, reduce, reduction
        As for `glassbox.nn.functional.nll_loss`.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.NLLLoss()(torch.tensor([[0.5, 0.25, 0.25]]).log(), torch.tensor([0]))
    tensor(0.6931)
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = require_reduction("NLLLoss", size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logarithms of probabilities (N, C, ...) and labels (N, ...)."""
        return nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)
