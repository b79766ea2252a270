"""The dense layer: each output is a weighted sum of all inputs, plus a bias."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter, init

from glassbox.nn.autograd import Gradients, differentiable
from glassbox.nn.checks import require_one_dtype


def linear_forward(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""Compute :math:`y_k = b_k + \sum_p w_{kp} x_p`; see `linear`."""
    output = input @ weight.t()  # (..., in) @ (in, out) -> (..., out)
    return output if bias is None else output.add_(bias)


def linear_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True, True),
) -> Gradients:
    r"""Compute the derivatives of `linear` from the gradient :math:`g = \partial R / \partial y` of its output.

    .. math::
        \frac{\partial R}{\partial x_p} = \sum_k g_k\, w_{kp}, \qquad
        \frac{\partial R}{\partial w_{kp}} = \sum_n g_{nk}\, x_{np}, \qquad
        \frac{\partial R}{\partial b_k} = \sum_n g_{nk}

    Parameters
    ----------
    grad_output : Tensor
        Gradient of the risk with respect to the output, shape (..., out_features).
    input, weight, bias : Tensor
        What `linear` received.
    output : Tensor, optional
        Not used.
    needs : tuple of bool
        Which gradients are wanted.

    Returns
    -------
    tuple of Tensor or None
        Gradients with respect to input, weight and bias.

    Examples
    --------
    >>> import torch
    >>> x, w, b = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([0.5])
    >>> linear_backward(torch.tensor([[1.0]]), x, w, b)
    (tensor([[3., 4.]]), tensor([[1., 2.]]), tensor([1.]))
    """
    if weight.dim() == 1:  # one output without an axis of its own
        grads = linear_backward(grad_output[..., None], input, weight[None], needs=(needs[0], needs[1], False))
        return grads[0], None if grads[1] is None else grads[1][0], None
    observations = input.expand(1, *input.shape).flatten(0, -2)  # (N, in), also where in is 0
    upstream = grad_output.expand(1, *grad_output.shape).flatten(0, -2)  # (N, out)
    grad_input = (upstream @ weight).view(input.shape) if needs[0] else None
    grad_weight = upstream.t() @ observations if needs[1] else None
    grad_bias = upstream.sum(0) if bias is not None and needs[2] else None
    return grad_input, grad_weight, grad_bias


_linear = differentiable(linear_forward, linear_backward, autocast="low")


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""Apply a dense layer: weighted sums of the inputs.

    .. math::
        y_k = b_k + \sum_{p=1}^{P} w_{kp}\, x_p

    For N observations in the rows of a matrix this is :math:`Y = X W^\top + b`.

    Parameters
    ----------
    input : Tensor
        Shape (..., in_features).
    weight : Tensor
        Shape (out_features, in_features): a row of weights per output; or (in_features,) for a single output.
    bias : Tensor, optional
        Shape (out_features,).

    Returns
    -------
    Tensor
        Shape (..., out_features).

    Raises
    ------
    ValueError
        The shapes do not fit.
    TypeError
        The tensors are not of one floating type.

    References
    ----------
    Rosenblatt, The perceptron, 1958. https://doi.org/10.1037/h0042519

    Examples
    --------
    >>> import torch
    >>> linear(torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]), torch.tensor([0.5, 0.0]))
    tensor([11.5000,  2.0000])
    """
    require_one_dtype("linear", input=input, weight=weight, bias=bias)
    if weight.dim() not in (1, 2):
        raise ValueError(f"linear expects a weight of shape (out_features, in_features), got {tuple(weight.shape)}")
    if input.dim() == 0 or input.shape[-1] != weight.shape[-1]:
        raise ValueError(
            f"linear expects an input of shape (..., {weight.shape[-1]}) for a weight of shape {tuple(weight.shape)}, "
            f"got {tuple(input.shape)}: flatten it first, or build the layer for as many input features"
        )
    if bias is not None and bias.shape != weight.shape[:-1]:
        raise ValueError(f"linear expects a bias of shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}")
    return _linear(input, weight, bias)


class Linear(Module):
    r"""A dense layer that holds its weights: :math:`y_k = b_k + \sum_p w_{kp} x_p`.

    Weights and biases start uniform in :math:`\pm 1 / \sqrt{\text{in\_features}}`, the same numbers as in
    `torch.nn.Linear` for the same seed.

    Parameters
    ----------
    in_features, out_features : int
        Size of an observation before and after the layer.
    bias : bool, default True
        Add a bias to each output.
    device, dtype : optional
        Where and as what the weights are made.

    Attributes
    ----------
    weight : Parameter
        Shape (out_features, in_features).
    bias : Parameter or None
        Shape (out_features,).

    See Also
    --------
    glassbox.nn.functional.linear : The equation.

    Examples
    --------
    >>> import torch
    >>> layer = Linear(7, 2)
    >>> layer(torch.zeros(10, 7)).shape
    torch.Size([10, 2])
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        if in_features < 0 or out_features < 0:
            raise ValueError(f"Linear expects sizes of zero or more, got in={in_features} and out={out_features}")
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(torch.empty((out_features, in_features), device=device, dtype=dtype))
        self.bias: Parameter | None
        if bias:
            self.bias = Parameter(torch.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # with this a, the bound is 1 / sqrt(in_features)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Return the weighted sums."""
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return what is printed between the parentheses."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
