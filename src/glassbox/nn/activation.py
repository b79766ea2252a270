"""Activations: functions of one number each, and softmax, which turns a vector of numbers into probabilities."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn.autograd import Gradients, differentiable
from glassbox.nn.checks import require_floating

# Rectified linear unit


def relu_forward(input: Tensor) -> Tensor:
    r"""Compute :math:`\max(0, x)`; see `relu`."""
    return input.clamp_min(0)


def relu_backward(
    grad_output: Tensor,
    input: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
) -> Gradients:
    r"""Compute :math:`g \cdot [x > 0]` for the gradient :math:`g` of the output; the slope at 0 is taken as 0.

    Parameters
    ----------
    grad_output : Tensor
        Any shape.
    input : Tensor, optional
        What `relu` received; not needed where `output` is given.
    output : Tensor, optional
        What `relu` returned.
    needs : tuple of bool
        Which gradients are wanted.

    Returns
    -------
    tuple of Tensor
        The gradient with respect to the input.

    Examples
    --------
    >>> import torch
    >>> relu_backward(torch.tensor([5.0, 5.0, 5.0]), torch.tensor([-1.0, 0.0, 2.0]))
    (tensor([0., 0., 5.]),)
    """
    return (grad_output.masked_fill(_first(output, input) <= 0, 0),)


_relu = differentiable(relu_forward, relu_backward, saves="output")


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    r"""Keep what is positive, replace the rest by zero.

    .. math::
        y = \max(0, x), \qquad \frac{\partial R}{\partial x} = \frac{\partial R}{\partial y} \cdot [x > 0]

    Parameters
    ----------
    input : Tensor
        Any shape.
    inplace : bool, default False
        Write the result into `input`.

    Returns
    -------
    Tensor
        Of the same shape.

    References
    ----------
    Glorot, Bordes and Bengio, Deep sparse rectifier neural networks, 2011.
    https://proceedings.mlr.press/v15/glorot11a.html

    Examples
    --------
    >>> import torch
    >>> relu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    require_floating("relu", input=input)
    return input.copy_(_relu(input)) if inplace else _relu(input)


# Logistic function


def sigmoid_forward(input: Tensor) -> Tensor:
    r"""Compute :math:`1 / (1 + e^{-x})`; see `sigmoid`."""
    return input.neg().exp_().add_(1).reciprocal_()  # e^{-x} may be infinite: the result is then 0, as it should


def sigmoid_backward(
    grad_output: Tensor,
    input: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
) -> Gradients:
    r"""Compute :math:`g \cdot y (1 - y)` for the gradient :math:`g` of the output :math:`y`.

    Parameters
    ----------
    grad_output : Tensor
        Any shape.
    input : Tensor, optional
        What `sigmoid` received; not needed where `output` is given.
    output : Tensor, optional
        What `sigmoid` returned.
    needs : tuple of bool
        Which gradients are wanted.

    Returns
    -------
    tuple of Tensor
        The gradient with respect to the input.

    Examples
    --------
    >>> import torch
    >>> sigmoid_backward(torch.tensor([1.0]), torch.tensor([0.0]))
    (tensor([0.2500]),)
    """
    y = sigmoid_forward(_first(input)) if output is None else output
    return (grad_output * y * (1 - y),)


_sigmoid = differentiable(sigmoid_forward, sigmoid_backward, saves="output")


def sigmoid(input: Tensor) -> Tensor:
    r"""Apply the logistic function, which makes a probability of a number.

    .. math::
        y = \frac{1}{1 + e^{-x}}, \qquad \frac{\partial R}{\partial x} = \frac{\partial R}{\partial y}\, y\, (1 - y)

    Parameters
    ----------
    input : Tensor
        Any shape.

    Returns
    -------
    Tensor
        Of the same shape, between 0 and 1.

    References
    ----------
    Cox, The regression analysis of binary sequences, 1958. https://doi.org/10.1111/j.2517-6161.1958.tb00292.x

    Examples
    --------
    >>> import torch
    >>> sigmoid(torch.tensor([-1e4, 0.0, 1e4]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    require_floating("sigmoid", input=input)
    return _sigmoid(input)


# Hyperbolic tangent


def tanh_forward(input: Tensor) -> Tensor:
    r"""Compute :math:`(e^{x} - e^{-x}) / (e^{x} + e^{-x})`; see `tanh`."""
    small = input.abs().mul_(-2).expm1_()  # e^{-2|x|} - 1, exact near 0 and never infinite
    return torch.copysign(-small / (small + 2), input)


def tanh_backward(
    grad_output: Tensor,
    input: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
) -> Gradients:
    r"""Compute :math:`g \cdot (1 - y^2)` for the gradient :math:`g` of the output :math:`y`.

    Parameters
    ----------
    grad_output : Tensor
        Any shape.
    input : Tensor, optional
        What `tanh` received; not needed where `output` is given.
    output : Tensor, optional
        What `tanh` returned.
    needs : tuple of bool
        Which gradients are wanted.

    Returns
    -------
    tuple of Tensor
        The gradient with respect to the input.

    Examples
    --------
    >>> import torch
    >>> tanh_backward(torch.tensor([1.0]), torch.tensor([0.0]))
    (tensor([1.]),)
    """
    y = tanh_forward(_first(input)) if output is None else output
    return (grad_output * (1 - y.square()),)


_tanh = differentiable(tanh_forward, tanh_backward, saves="output")


def tanh(input: Tensor) -> Tensor:
    r"""Apply the hyperbolic tangent.

    .. math::
        y = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}}, \qquad
        \frac{\partial R}{\partial x} = \frac{\partial R}{\partial y}\, (1 - y^2)

    Parameters
    ----------
    input : Tensor
        Any shape.

    Returns
    -------
    Tensor
        Of the same shape, between -1 and 1.

    References
    ----------
    LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998. https://doi.org/10.1007/3-540-49430-8_2

    Examples
    --------
    >>> import torch
    >>> tanh(torch.tensor([-1e4, 0.0, 1.0]))
    tensor([-1.0000,  0.0000,  0.7616])
    """
    require_floating("tanh", input=input)
    return _tanh(input)


# Softmax and its logarithm


def softmax_forward(input: Tensor, *, dim: int) -> Tensor:
    r"""Compute :math:`e^{x_k} / \sum_j e^{x_j}`; see `softmax`."""
    if input.numel() == 0:
        return input.clone()
    powers = (input - input.amax(dim, keepdim=True)).exp_()  # the largest is e^0 = 1: nothing overflows
    return powers / powers.sum(dim, keepdim=True)


def softmax_backward(
    grad_output: Tensor,
    input: Tensor | None = None,
    *,
    dim: int,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
) -> Gradients:
    r"""Compute :math:`y_k (g_k - \sum_j g_j y_j)` for the gradient :math:`g` of the output :math:`y`.

    Parameters
    ----------
    grad_output : Tensor
        Any shape.
    input : Tensor, optional
        What `softmax` received; not needed where `output` is given.
    dim : int
        The axis of the sum.
    output : Tensor, optional
        What `softmax` returned.
    needs : tuple of bool
        Which gradients are wanted.

    Returns
    -------
    tuple of Tensor
        The gradient with respect to the input.

    Examples
    --------
    >>> import torch
    >>> softmax_backward(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0]), dim=0)
    (tensor([ 0.2500, -0.2500]),)
    """
    y = softmax_forward(_first(input), dim=dim) if output is None else output
    return (y * (grad_output - (grad_output * y).sum(dim, keepdim=True)),)


_softmax = differentiable(softmax_forward, softmax_backward, saves="output", autocast="float32")


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: torch.dtype | None = None) -> Tensor:
    r"""Turn numbers into probabilities: positive, of sum 1, the larger the number the larger the probability.

    .. math::
        y_k = \frac{e^{x_k}}{\sum_j e^{x_j}}, \qquad
        \frac{\partial R}{\partial x_k} = y_k \Bigl(\frac{\partial R}{\partial y_k}
        - \sum_j \frac{\partial R}{\partial y_j}\, y_j \Bigr)

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        The axis along which the results sum to 1.
    dtype : torch.dtype, optional
        Convert the input to this type first.

    Returns
    -------
    Tensor
        Of the same shape.

    References
    ----------
    Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990.
    https://doi.org/10.1007/978-3-642-76153-9_28

    Examples
    --------
    >>> import torch
    >>> softmax(torch.tensor([0.0, 0.0, 1e4]), dim=0)
    tensor([0., 0., 1.])
    """
    values = input if dtype is None else input.to(dtype)
    require_floating("softmax", input=values)
    return _softmax(values, dim=_axis("softmax", values, dim, _stacklevel))


def log_softmax_forward(input: Tensor, *, dim: int) -> Tensor:
    r"""Compute :math:`x_k - \log \sum_j e^{x_j}`; see `log_softmax`."""
    if input.numel() == 0:
        return input.clone()
    shifted = input - input.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log_()


def log_softmax_backward(
    grad_output: Tensor,
    input: Tensor | None = None,
    *,
    dim: int,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
) -> Gradients:
    r"""Compute :math:`g_k - e^{y_k} \sum_j g_j` for the gradient :math:`g` of the output :math:`y`.

    Parameters
    ----------
    grad_output : Tensor
        Any shape.
    input : Tensor, optional
        What `log_softmax` received; not needed where `output` is given.
    dim : int
        The axis of the sum.
    output : Tensor, optional
        What `log_softmax` returned.
    needs : tuple of bool
        Which gradients are wanted.

    Returns
    -------
    tuple of Tensor
        The gradient with respect to the input.

    Examples
    --------
    >>> import torch
    >>> log_softmax_backward(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0]), dim=0)
    (tensor([ 0.5000, -0.5000]),)
    """
    y = log_softmax_forward(_first(input), dim=dim) if output is None else output
    return (grad_output - y.exp() * grad_output.sum(dim, keepdim=True),)


_log_softmax = differentiable(log_softmax_forward, log_softmax_backward, saves="output", autocast="float32")


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: torch.dtype | None = None
) -> Tensor:
    r"""Return the logarithm of `softmax`, without ever forming a probability that rounds to 0.

    .. math::
        y_k = x_k - \log \sum_j e^{x_j}, \qquad
        \frac{\partial R}{\partial x_k} = \frac{\partial R}{\partial y_k}
        - e^{y_k} \sum_j \frac{\partial R}{\partial y_j}

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        The axis along which the probabilities sum to 1.
    dtype : torch.dtype, optional
        Convert the input to this type first.

    Returns
    -------
    Tensor
        Of the same shape.

    References
    ----------
    Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
    https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import torch
    >>> log_softmax(torch.tensor([0.0, 1e4]), dim=0)
    tensor([-10000.,      0.])
    """
    values = input if dtype is None else input.to(dtype)
    require_floating("log_softmax", input=values)
    return _log_softmax(values, dim=_axis("log_softmax", values, dim, _stacklevel))


def _first(*tensors: Tensor | None) -> Tensor:
    """Return the first tensor that is given."""
    for tensor in tensors:
        if tensor is not None:
            return tensor
    raise TypeError("give the input of the forward, or its output as output=...")


def _axis(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    """Return the axis of the sum; without one, the axis that torch guesses, with torch's warning."""
    if dim is None:
        dim = 0 if input.dim() in (0, 1, 3) else 1
        warnings.warn(f"{name} without dim took dim={dim}: say which axis is meant", stacklevel=stacklevel)
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise TypeError(f"{name} expects dim to be a whole number, got {dim!r}")
    axes = max(input.dim(), 1)
    if not -axes <= dim < axes:
        raise IndexError(f"{name} expects dim from {-axes} to {axes - 1} for shape {tuple(input.shape)}, got {dim}")
    return dim


# Modules


class ReLU(Module):
    r"""The layer of `relu`: :math:`\max(0, x)`.

    Parameters
    ----------
    inplace : bool, default False
        Write the result into the input.

    Examples
    --------
    >>> import torch
    >>> ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return what is positive."""
        return relu(input, self.inplace)

    def extra_repr(self) -> str:
        """Return what is printed between the parentheses."""
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    r"""The layer of `sigmoid`: :math:`1 / (1 + e^{-x})`.

    Examples
    --------
    >>> import torch
    >>> Sigmoid()(torch.tensor([0.0]))
    tensor([0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return numbers between 0 and 1."""
        return sigmoid(input)


class Tanh(Module):
    r"""The layer of `tanh`.

    Examples
    --------
    >>> import torch
    >>> Tanh()(torch.tensor([0.0]))
    tensor([0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return numbers between -1 and 1."""
        return tanh(input)


class Softmax(Module):
    r"""The layer of `softmax`.

    Parameters
    ----------
    dim : int
        The axis along which the results sum to 1.

    Examples
    --------
    >>> import torch
    >>> Softmax(dim=1)(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return probabilities."""
        return softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """Return what is printed between the parentheses."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    r"""The layer of `log_softmax`.

    Parameters
    ----------
    dim : int
        The axis along which the probabilities sum to 1.

    Examples
    --------
    >>> import torch
    >>> LogSoftmax(dim=1)(torch.zeros(1, 4))
    tensor([[-1.3863, -1.3863, -1.3863, -1.3863]])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return logarithms of probabilities."""
        return log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """Return what is printed between the parentheses."""
        return f"dim={self.dim}"
