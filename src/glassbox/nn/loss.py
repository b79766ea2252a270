"""Losses: one number that says how far the outputs are from what was expected, and its gradient.

Each loss comes as its equation (``..._forward``), its derivative (``..._backward``), the function that binds the two
for autograd, and the module that holds the options.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._reduction import (
    check_broadcast,
    like,
    reduced,
    require_floating,
    require_tensor,
    settle_reduction,
    spread,
)
from glassbox.nn._targets import (
    check_distribution,
    check_labels,
    check_scores,
    class_dim,
    expected_distribution,
    per_class,
    read_labels,
    refuse_gradient,
    spread_over_labels,
    zero_ignored,
)

# Mean squared error


def mse_loss_forward(input: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean") -> Tensor:
    r"""Compute :math:`(x - y)^2`, reduced; see `mse_loss`."""
    losses = (input - target).square()
    if weight is None:
        return reduced(losses, reduction)
    return reduced(losses * weight, reduction, weight.sum())


@torch.no_grad()
def mse_loss_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    reduction: str = "mean",
) -> Gradients:
    r"""Compute :math:`\partial L / \partial x = 2 (x - y)` and its opposite for the target; see `mse_loss`."""
    difference = input - target
    losses = difference.square()
    upstream = spread(grad_output, losses, reduction, None if weight is None else weight.sum())
    slope = 2 * difference * (upstream if weight is None else upstream * weight)
    grad_weight = None
    if weight is not None:
        mean = (losses * weight).sum() / weight.sum() if reduction == "mean" else 0
        grad_weight = like(upstream * (losses - mean), weight)
    return like(slope, input), like(-slope, target), grad_weight


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
    reduction = settle_reduction(size_average, reduce, reduction)
    require_floating(input=input)
    check_broadcast("target", target, input)
    if input.shape != target.shape:
        warnings.warn(
            f"mse_loss compares an input of shape {tuple(input.shape)} with a target of shape {tuple(target.shape)} by "
            "broadcasting, which is rarely meant: give both the same shape.",
            stacklevel=2,
        )
    if weight is not None and weight.shape != input.shape:
        raise ValueError(f"weight must have the input's shape {tuple(input.shape)}, but came as {tuple(weight.shape)}.")
    return _mse_loss(input, target, weight, reduction=reduction)


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
        self.reduction = settle_reduction(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an input and a target of the same shape."""
        return mse_loss(input, target, reduction=self.reduction)


# Negative log-likelihood


def nll_loss_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int | None = -100,
    reduction: str = "mean",
) -> Tensor:
    r"""Compute :math:`-w_{y_n} x_{n, y_n}`, reduced; see `nll_loss`."""
    dim = class_dim(input)
    labels, weights = read_labels(input, target, weight, ignore_index)
    picked = input.gather(dim, labels.unsqueeze(dim)).squeeze(dim)  # x[n, y_n]
    if weights is None:
        return reduced(-picked, reduction)
    return reduced(zero_ignored(-weights * picked, target, ignore_index), reduction, weights.sum())


@torch.no_grad()
def nll_loss_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
) -> Gradients:
    r"""Compute :math:`\partial L / \partial x_{nc} = -w_c` at :math:`c = y_n`, 0 elsewhere; see `nll_loss`."""
    labels, upstream = spread_over_labels(grad_output, input, target, weight, ignore_index, reduction)
    dim = class_dim(input)
    return torch.zeros_like(input).scatter(dim, labels.unsqueeze(dim), -upstream.unsqueeze(dim)), None, None


_nll_loss = differentiable(nll_loss_forward, nll_loss_backward, autocast="float32")


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
        \ell_n = -w_{y_n}\, x_{n, y_n}, \qquad L = \frac{\sum_n \ell_n}{\sum_n w_{y_n}},
        \qquad \frac{\partial L}{\partial x_{nc}} = -\frac{w_c\, [c = y_n]}{\sum_n w_{y_n}}

    Parameters
    ----------
    input : Tensor
        Logarithms of probabilities, :math:`x`: (N, C), (C,) or (N, C, d1, ...), as `log_softmax` returns them.
    target : Tensor
        Class indices :math:`y`, int64: (N,), () or (N, d1, ...).
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
        A label is no class. On a GPU this check waits for the labels; while a CUDA graph is being recorded, which
        cannot wait, it is left to the device, whose own check stops the program as in torch.

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
    reduction = settle_reduction(size_average, reduce, reduction)
    check_scores(input, weight)
    target, counted = check_labels(input, target, ignore_index)
    return _nll_loss(input, target, weight, ignore_index=counted, reduction=reduction)


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
        self.reduction = settle_reduction(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logarithms of probabilities (N, C, ...) and labels (N, ...)."""
        return nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


# Cross-entropy


def cross_entropy_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int | None = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Compute :math:`-\sum_c q_{nc} \log p_{nc}` with :math:`p` the softmax of :math:`x`; see `cross_entropy`."""
    dim = class_dim(input)
    log_probabilities = _log_softmax(input, dim)
    if not (target.is_floating_point() or label_smoothing):
        return nll_loss_forward(log_probabilities, target, weight, ignore_index=ignore_index, reduction=reduction)
    expected, divisor = expected_distribution(input, target, weight, ignore_index, label_smoothing)
    losses = -(expected * log_probabilities).sum(dim)
    return reduced(zero_ignored(losses, target, ignore_index), reduction, divisor)


@torch.no_grad()
def cross_entropy_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Gradients:
    r"""Compute :math:`\partial L / \partial x_{nc} = p_{nc} \sum_k q_{nk} - q_{nc}`; see `cross_entropy`."""
    dim = class_dim(input)
    probabilities = _softmax(input, dim)
    if not (target.is_floating_point() or label_smoothing):  # q is 1 at the label, 0 elsewhere
        labels, upstream = spread_over_labels(grad_output, input, target, weight, ignore_index, reduction)
        upstream = upstream.unsqueeze(dim)
        return probabilities.mul_(upstream).scatter_add_(dim, labels.unsqueeze(dim), -upstream), None, None

    expected, divisor = expected_distribution(input, target, weight, ignore_index, label_smoothing)
    upstream = spread(grad_output, input.select(dim, 0), reduction, divisor)
    upstream = zero_ignored(upstream, target, ignore_index).unsqueeze(dim)
    grad_input = upstream * (probabilities * expected.sum(dim, keepdim=True) - expected)
    grad_target = None
    if target.is_floating_point() and (needs is None or needs[1]):
        grad_target = -upstream * (1 - label_smoothing) * _log_softmax(input, dim)
        grad_target = grad_target if weight is None else grad_target * per_class(weight, input)
    return like(grad_input, input), grad_target if grad_target is None else like(grad_target, target), None


_cross_entropy = differentiable(cross_entropy_forward, cross_entropy_backward, autocast="float32")


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
        p_{nc} = \frac{e^{x_{nc}}}{\sum_k e^{x_{nk}}}, \qquad \ell_n = -\sum_c q_{nc} \log p_{nc},
        \qquad \frac{\partial \ell_n}{\partial x_{nc}} = p_{nc} \sum_k q_{nk} - q_{nc}

    The expected distribution is :math:`q_{nc} = w_c\, [c = y_n]` for class indices :math:`y`, which leaves
    :math:`\ell_n = -w_{y_n} \log p_{n, y_n}` and, without weights, the gradient :math:`p - q`. For class probabilities
    :math:`y_{nc}` it is :math:`q_{nc} = w_c\, y_{nc}`. With a label smoothing :math:`\varepsilon`, first
    :math:`y \leftarrow (1 - \varepsilon)\, y + \varepsilon / C`.

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
        by the sum of the :math:`w_{y_n}`, for class probabilities by the number of distributions.
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
        A label is no class. On a GPU this check waits for the labels; while a CUDA graph is being recorded, which
        cannot wait, it is left to the device, whose own check stops the program as in torch.

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
    reduction = settle_reduction(size_average, reduce, reduction)
    check_scores(input, weight)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing must be from 0 to 1, but {label_smoothing} came.")
    require_tensor("target", target)
    counted: int | None = None
    if target.is_floating_point():
        check_distribution(input, target, ignore_index)
    else:
        target, counted = check_labels(input, target, ignore_index)
    return _cross_entropy(
        input, target, weight, ignore_index=counted, reduction=reduction, label_smoothing=label_smoothing
    )


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
        self.reduction = settle_reduction(size_average, reduce, reduction)
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


# Binary cross-entropy


def binary_cross_entropy_with_logits_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    r"""Compute :math:`(1 - y)\, x + (1 + (p - 1)\, y) \log(1 + e^{-x})`, reduced."""
    softplus = _softplus_of_minus(input)
    if pos_weight is not None:
        softplus = (1 + (pos_weight - 1) * target) * softplus
    losses = (1 - target) * input + softplus
    return reduced(losses if weight is None else losses * weight, reduction)


@torch.no_grad()
def binary_cross_entropy_with_logits_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    reduction: str = "mean",
) -> Gradients:
    r"""Compute :math:`\partial \ell / \partial x = \sigma(x) - y` and :math:`\partial \ell / \partial y = -x`."""
    upstream = spread(grad_output, input, reduction)
    upstream = upstream if weight is None else upstream * weight
    sigmoid = 1 / (1 + (-input).exp())
    if pos_weight is None:
        slope, slope_target = sigmoid - target, -input
    else:
        positive = pos_weight * target
        slope = (1 - target + positive) * sigmoid - positive
        slope_target = pos_weight * _softplus_of_minus(input) - _softplus_of_minus(-input)
    return like(upstream * slope, input), like(upstream * slope_target, target), None, None


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
               &= w \bigl[ (1 - y_i)\, x_i + (1 + (p - 1)\, y_i) \log (1 + e^{-x_i}) \bigr] \\
        \frac{\partial \ell_i}{\partial x_i} &= w \bigl[ (1 - y_i + p\, y_i)\, \sigma(x_i) - p\, y_i \bigr] ,
        \end{aligned}

    which without weights is :math:`\sigma(x_i) - y_i`. The second line cannot overflow:
    :math:`\log (1 + e^{-x}) = \max(-x, 0) + \log (1 + e^{-|x|})`.

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
    reduction = settle_reduction(size_average, reduce, reduction)
    require_floating(input=input, target=target)
    if input.shape != target.shape:
        raise ValueError(
            f"target must have the input's shape {tuple(input.shape)}, but came as {tuple(target.shape)}: for class "
            "indices use cross_entropy."
        )
    for name, factor in (("weight", weight), ("pos_weight", pos_weight)):
        if factor is not None:
            refuse_gradient(name, factor)
            if check_broadcast(name, factor, input) != input.shape:
                raise ValueError(
                    f"{name} of shape {tuple(factor.shape)} is larger than the input's {tuple(input.shape)}."
                )
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
        self.reduction = settle_reduction(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores and answers of the same shape."""
        return binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


# What the equations above share


def _softmax(input: Tensor, dim: int) -> Tensor:
    """Return the softmax; the largest score becomes 0 first, so that no exponential overflows."""
    exponentials = (input - input.amax(dim, keepdim=True)).exp_()
    return exponentials.div_(exponentials.sum(dim, keepdim=True))


def _log_softmax(input: Tensor, dim: int) -> Tensor:
    """Return the logarithm of the softmax, which keeps its digits where the softmax itself rounds to 0."""
    shifted = input - input.amax(dim, keepdim=True)
    return shifted.sub_(shifted.exp().sum(dim, keepdim=True).log_())


def _softplus_of_minus(input: Tensor) -> Tensor:
    """Return log(1 + exp(-x)) without overflow."""
    return (-input).clamp(min=0) + (-input.abs()).exp().log1p()
