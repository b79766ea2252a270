"""Activations: what a layer does to each number on its own, and the softmax that makes probabilities of scores."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn import _fast
from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._by_hand import by_hand
from glassbox.nn._checks import require_dim, require_elementwise, require_scores, require_scores_along
from glassbox.nn._precision import in_float32

# ReLU


def relu_forward(input: Tensor) -> Tensor:
    r"""Compute :math:`\max(0, x)`; see `relu`."""
    return input.clamp(min=0)


@by_hand(require_elementwise, relu_forward)
def relu_backward(
    grad_output: Tensor, input: Tensor | None, *, output: Tensor, needs: tuple[bool, ...] = (True,)
) -> Gradients:
    r"""Compute :math:`\bar x = \bar y` where :math:`x > 0`, else 0; see `relu`."""
    return (torch.where(output <= 0, 0, grad_output),)  # y <= 0 where x <= 0; NaN is not, and its gradient passes


_relu = differentiable(relu_forward, relu_backward, saves="output", fast=_fast.gate)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    r"""Keep what is positive, replace the rest by 0 (rectified linear unit).

    .. math::
        y = \max(0, x), \qquad
        \bar x = \begin{cases} \bar y & x > 0 \\ 0 & x \le 0 \end{cases}

    Parameters
    ----------
    input : Tensor
        :math:`x`, of any shape.
    inplace : bool, default False
        Write the result over the input.

    Returns
    -------
    Tensor
        :math:`y`, of the input's shape.

    References
    ----------
    Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010.
    https://www.cs.toronto.edu/~hinton/absps/reluICML.pdf

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import relu, relu_backward
    >>> x = torch.tensor([-1.0, 0.0, 2.0])
    >>> relu(x)
    tensor([0., 0., 2.])
    >>> relu_backward(torch.ones(3), x)
    (tensor([0., 0., 1.]),)
    """
    return input.copy_(_relu(input)) if inplace else _relu(input)


class ReLU(Module):
    r"""Rectified linear unit :math:`\max(0, x)`: see `glassbox.nn.functional.relu`.

    Parameters
    ----------
    inplace : bool, default False
        Write the result over the input.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the positive part of an input of any shape."""
        return relu(input, self.inplace)

    def extra_repr(self) -> str:
        """Write the arguments as torch does."""
        return "inplace=True" if self.inplace else ""


# Sigmoid


@in_float32
def sigmoid_forward(input: Tensor) -> Tensor:
    r"""Compute :math:`1 / (1 + e^{-x})`; see `sigmoid`."""
    return 1 / (1 + torch.exp(-input))


@by_hand(require_elementwise, sigmoid_forward)
@in_float32
def sigmoid_backward(
    grad_output: Tensor, input: Tensor | None, *, output: Tensor, needs: tuple[bool, ...] = (True,)
) -> Gradients:
    r"""Compute :math:`\bar x = \bar y\, y\, (1 - y)`; see `sigmoid`."""
    return (grad_output * output * (1 - output),)


_sigmoid = differentiable(sigmoid_forward, sigmoid_backward, saves="output")


def sigmoid(input: Tensor) -> Tensor:
    r"""Squeeze every number into (0, 1): the logistic function.

    .. math::
        y = \frac{1}{1 + e^{-x}}, \qquad \bar x = \bar y\, y\, (1 - y)

    Parameters
    ----------
    input : Tensor
        :math:`x`, of any shape.

    Returns
    -------
    Tensor
        :math:`y`, of the input's shape.

    References
    ----------
    Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, 1986.
    https://doi.org/10.1038/323533a0

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import sigmoid
    >>> sigmoid(torch.tensor([-1e4, 0.0, 1e4]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return _sigmoid(input)


class Sigmoid(Module):
    r"""Logistic function :math:`1 / (1 + e^{-x})`: see `glassbox.nn.functional.sigmoid`.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.Sigmoid()(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the logistic function of an input of any shape."""
        return sigmoid(input)


# Hyperbolic tangent


@in_float32
def tanh_forward(input: Tensor) -> Tensor:
    r"""Compute :math:`(e^x - e^{-x}) / (e^x + e^{-x})`; see `tanh`."""
    # Numerator and denominator times e^{-|x|}: tanh |x| = (1 - e^{-2|x|}) / (1 + e^{-2|x|}), and tanh -x = -tanh x.
    shrunk = torch.expm1(-2 * input.abs())  # e^{-2|x|} - 1: no power above 1, and no digit lost near 0
    numerator, denominator = -shrunk, 2 + shrunk
    return input.sign() * numerator / denominator


@by_hand(require_elementwise, tanh_forward)
@in_float32
def tanh_backward(
    grad_output: Tensor, input: Tensor | None, *, output: Tensor, needs: tuple[bool, ...] = (True,)
) -> Gradients:
    r"""Compute :math:`\bar x = \bar y\, (1 - y^2)`; see `tanh`."""
    return (grad_output * (1 - output * output),)


_tanh = differentiable(tanh_forward, tanh_backward, saves="output")


def tanh(input: Tensor) -> Tensor:
    r"""Squeeze every number into (-1, 1): the hyperbolic tangent.

    .. math::
        y = \frac{e^x - e^{-x}}{e^x + e^{-x}}, \qquad \bar x = \bar y\, (1 - y^2)

    Parameters
    ----------
    input : Tensor
        :math:`x`, of any shape.

    Returns
    -------
    Tensor
        :math:`y`, of the input's shape.

    References
    ----------
    LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998. https://doi.org/10.1007/3-540-49430-8_2

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import tanh
    >>> tanh(torch.tensor([-1e4, 0.0, 0.5]))
    tensor([-1.0000,  0.0000,  0.4621])
    """
    return _tanh(input)


class Tanh(Module):
    r"""Hyperbolic tangent: see `glassbox.nn.functional.tanh`.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.Tanh()(torch.tensor([0.5]))
    tensor([0.4621])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the hyperbolic tangent of an input of any shape."""
        return tanh(input)


# Softmax


@in_float32
def softmax_forward(input: Tensor, *, dim: int) -> Tensor:
    r"""Compute :math:`e^{x_k} / \sum_j e^{x_j}` along a dimension; see `softmax`."""
    powers = torch.exp(input - input.amax(dim, keepdim=True))  # the largest is e^0: no overflow
    return powers / powers.sum(dim, keepdim=True)


@by_hand(require_scores, softmax_forward)
@in_float32
def softmax_backward(
    grad_output: Tensor, input: Tensor | None, *, output: Tensor, needs: tuple[bool, ...] = (True,), dim: int
) -> Gradients:
    r"""Compute :math:`\bar x_k = y_k (\bar y_k - \sum_j \bar y_j y_j)`; see `softmax`."""
    mean = (grad_output * output).sum(dim, keepdim=True)  # of the gradients, each weighted by its probability
    return (output * (grad_output - mean),)


_softmax = differentiable(softmax_forward, softmax_backward, saves="output", autocast="float32")


def softmax(input: Tensor, dim: int | None = None, dtype: torch.dtype | None = None) -> Tensor:
    r"""Make probabilities of scores: positive numbers that sum to 1 along a dimension.

    .. math::
        y_k = \frac{e^{x_k}}{\sum_j e^{x_j}}, \qquad
        \bar x_k = y_k \Bigl( \bar y_k - \sum_j \bar y_j\, y_j \Bigr)

    Parameters
    ----------
    input : Tensor
        Scores :math:`x` (logits), of any shape.
    dim : int
        The dimension that holds the scores of one example: 1 for (N, classes). None guesses, as torch once did, and
        warns.
    dtype : torch.dtype, optional
        Compute in this type.

    Returns
    -------
    Tensor
        Probabilities :math:`y`, of the input's shape.

    Raises
    ------
    IndexError
        The input has no such dimension.
    TypeError
        The input does not hold floating-point numbers.

    References
    ----------
    Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990.
    https://doi.org/10.1007/978-3-642-76153-9_28

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import softmax
    >>> softmax(torch.tensor([[0.0, 0.0], [1e4, 0.0]]), dim=1)
    tensor([[0.5000, 0.5000],
            [1.0000, 0.0000]])
    """
    dim = require_scores_along("softmax", input, dim)
    input = input if dtype is None else input.to(dtype)
    return _softmax(input, dim=dim) if input.numel() else input.clone()


class Softmax(Module):
    """Probabilities from scores: see `glassbox.nn.functional.softmax`.

    Parameters
    ----------
    dim : int
        The dimension that holds the scores of one example: 1 for (N, classes).

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.Softmax(dim=1)(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = require_dim("Softmax", dim)

    def forward(self, input: Tensor) -> Tensor:
        """Return the probabilities of scores of any shape."""
        return softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Write the arguments as torch does."""
        return f"dim={self.dim}"


@in_float32
def log_softmax_forward(input: Tensor, *, dim: int) -> Tensor:
    r"""Compute :math:`x_k - \log \sum_j e^{x_j}` along a dimension; see `log_softmax`."""
    shifted = input - input.amax(dim, keepdim=True)  # the largest is 0: no overflow
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


@by_hand(require_scores, log_softmax_forward)
@in_float32
def log_softmax_backward(
    grad_output: Tensor, input: Tensor | None, *, output: Tensor, needs: tuple[bool, ...] = (True,), dim: int
) -> Gradients:
    r"""Compute :math:`\bar x_k = \bar y_k - e^{y_k} \sum_j \bar y_j`; see `log_softmax`."""
    return (grad_output - output.exp() * grad_output.sum(dim, keepdim=True),)


_log_softmax = differentiable(log_softmax_forward, log_softmax_backward, saves="output", autocast="float32")


def log_softmax(input: Tensor, dim: int | None = None, dtype: torch.dtype | None = None) -> Tensor:
    r"""Make logarithms of probabilities of scores, without the overflow and the log of 0 of two separate steps.

    .. math::
        y_k = x_k - \log \sum_j e^{x_j}, \qquad
        \bar x_k = \bar y_k - e^{y_k} \sum_j \bar y_j

    Parameters
    ----------
    input : Tensor
        Scores :math:`x` (logits), of any shape.
    dim : int
        The dimension that holds the scores of one example: 1 for (N, classes). None guesses, as torch once did, and
        warns.
    dtype : torch.dtype, optional
        Compute in this type.

    Returns
    -------
    Tensor
        Logarithms of probabilities :math:`y`, of the input's shape.

    Raises
    ------
    IndexError
        The input has no such dimension.
    TypeError
        The input does not hold floating-point numbers.

    References
    ----------
    Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
    https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import log_softmax
    >>> log_softmax(torch.tensor([[0.0, 0.0], [1e4, 0.0]]), dim=1)
    tensor([[-6.9315e-01, -6.9315e-01],
            [ 0.0000e+00, -1.0000e+04]])
    """
    dim = require_scores_along("log_softmax", input, dim)
    input = input if dtype is None else input.to(dtype)
    return _log_softmax(input, dim=dim) if input.numel() else input.clone()


class LogSoftmax(Module):
    """Logarithms of probabilities from scores: see `glassbox.nn.functional.log_softmax`.

    Parameters
    ----------
    dim : int
        The dimension that holds the scores of one example: 1 for (N, classes).

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.LogSoftmax(dim=1)(torch.zeros(1, 2))
    tensor([[-0.6931, -0.6931]])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = require_dim("LogSoftmax", dim)

    def forward(self, input: Tensor) -> Tensor:
        """Return the logarithms of the probabilities of scores of any shape."""
        return log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Write the arguments as torch does."""
        return f"dim={self.dim}"
