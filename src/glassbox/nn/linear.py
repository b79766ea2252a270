"""The dense layer: every output is a weighted sum of all the inputs. And the flattening that stands before one."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter, init

from glassbox.nn import _fast
from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._by_hand import by_hand
from glassbox.nn._checks import require_linear


def linear_forward(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""Compute :math:`y = x W^\top + b`; see `linear`."""
    output = input @ weight.T  # (..., out)
    return output if bias is None else output + bias


@by_hand(require_linear)
def linear_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True, True),
) -> Gradients:
    r"""Compute :math:`\bar x = \bar y W`, :math:`\bar W = \bar y^\top x` and :math:`\bar b = \sum_n \bar y_n`."""
    inputs, grad_outputs = _as_rows(input), _as_rows(grad_output)  # (N, in), (N, out)
    grad_input = grad_output @ weight if needs[0] else None  # (..., in)
    grad_weight = grad_outputs.T @ inputs if needs[1] else None  # (out, in)
    grad_bias = grad_outputs.sum(0) if needs[2] else None  # (out,)
    return grad_input, grad_weight, grad_bias


_linear = differentiable(linear_forward, linear_backward, autocast="low", fast=_fast.dense)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""Apply a dense layer: a weighted sum of the inputs for each output.

    .. math::
        y_{nk} = b_k + \sum_p w_{kp}\, x_{np}

    With :math:`\bar y = \partial L / \partial y`, the gradient that arrives,

    .. math::
        \bar x_{np} = \sum_k \bar y_{nk}\, w_{kp}, \qquad
        \bar w_{kp} = \sum_n \bar y_{nk}\, x_{np}, \qquad
        \bar b_k = \sum_n \bar y_{nk} .

    Parameters
    ----------
    input : Tensor
        :math:`x`, of shape (..., in): one example, a batch (N, in), or any other leading dimensions.
    weight : Tensor
        :math:`w`, of shape (out, in). A weight of shape (in,) makes one output without a dimension of its own.
    bias : Tensor, optional
        :math:`b`, of shape (out,).

    Returns
    -------
    Tensor
        :math:`y`, of shape (..., out).

    Raises
    ------
    TypeError
        The tensors do not hold floating-point numbers of one type.
    ValueError
        The shapes do not fit.

    References
    ----------
    Rosenblatt, The perceptron: a probabilistic model for information storage and organization in the brain, 1958.
    https://doi.org/10.1037/h0042519

    Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, 1986.
    https://doi.org/10.1038/323533a0

    Examples
    --------
    The mean of three grades, and the first without the last.

    >>> import torch
    >>> from glassbox.nn.functional import linear, linear_backward
    >>> grades = torch.tensor([[12.0, 15.0, 9.0], [5.0, 9.0, 13.0]])
    >>> weight = torch.tensor([[1 / 3, 1 / 3, 1 / 3], [1.0, 0.0, -1.0]])
    >>> linear(grades, weight)
    tensor([[12.,  3.],
            [ 9., -8.]])

    Back-propagation by hand, from a gradient of 1 at every output:

    >>> grad_grades, grad_weight, _ = linear_backward(torch.ones(2, 2), grades, weight)
    >>> grad_weight
    tensor([[17., 24., 22.],
            [17., 24., 22.]])
    """
    if isinstance(weight, Tensor) and weight.ndim == 1:
        return linear(input, weight[None], None if bias is None else bias[None]).squeeze(-1)
    require_linear(input, weight, bias)
    return _linear(input, weight, bias)


class Linear(Module):
    r"""Dense layer :math:`y = x W^\top + b`: see `glassbox.nn.functional.linear`.

    The weights and the bias start as uniform random numbers in :math:`\pm 1/\sqrt{\text{in\_features}}`.

    Parameters
    ----------
    in_features, out_features : int
        How many numbers come in and go out.
    bias : bool, default True
        Add a number to each output, learned too.
    device, dtype : optional
        Where the weights are and of which type.

    Attributes
    ----------
    weight : Parameter
        Of shape (out_features, in_features).
    bias : Parameter or None
        Of shape (out_features,).

    References
    ----------
    He et al., Delving deep into rectifiers, 2015. https://doi.org/10.1109/ICCV.2015.123

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> layer = nn.Linear(7, 2)
    >>> layer
    Linear(in_features=7, out_features=2, bias=True)
    >>> layer(torch.zeros(10, 7)).shape
    torch.Size([10, 2])
    """

    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        if in_features < 0 or out_features < 0:
            raise ValueError(
                f"Linear expects in_features and out_features of 0 or more, got {in_features} and {out_features}: "
                "try 1 or more"
            )
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(torch.empty((out_features, in_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(torch.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        r"""Draw the weights and the bias anew, in :math:`\pm 1/\sqrt{\text{in\_features}}`."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # a of sqrt(5) makes the bound 1/sqrt(in_features)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Return the weighted sums (..., out_features) of an input (..., in_features)."""
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Write the arguments as torch does."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Flatten(Module):
    """Lay several dimensions out as one: images (N, C, H, W) become rows (N, C·H·W) for a dense layer.

    No number changes, and the gradient is the one that arrives, put back into the input's shape.

    Parameters
    ----------
    start_dim : int, default 1
        First dimension to join. The batch, dimension 0, stays by default.
    end_dim : int, default -1
        Last dimension to join.

    Raises
    ------
    IndexError
        The input has no such dimension.
    ValueError
        ``end_dim`` comes before ``start_dim``.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.Flatten()(torch.zeros(5, 8, 4, 4)).shape
    torch.Size([5, 128])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the same numbers with the dimensions from ``start_dim`` to ``end_dim`` as one."""
        count = max(input.ndim, 1)
        for name, dim in (("start_dim", self.start_dim), ("end_dim", self.end_dim)):
            if not -count <= dim < count:
                raise IndexError(
                    f"Flatten expects dimensions of an input of shape {tuple(input.shape)}, got {name}={dim}: "
                    f"try one from {-count} to {count - 1}"
                )
        start, end = self.start_dim % count, self.end_dim % count
        if end < start:
            raise ValueError(
                f"Flatten expects start_dim before end_dim, got {self.start_dim} and {self.end_dim}: try to swap them"
            )
        if input.ndim == 0:
            return input.reshape(1)
        return input.reshape(*input.shape[:start], input.shape[start : end + 1].numel(), *input.shape[end + 1 :])

    def extra_repr(self) -> str:
        """Write the arguments as torch does."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


def _as_rows(tensor: Tensor) -> Tensor:
    """Return the last dimension as it is, and all before it as one: (..., features) becomes (N, features)."""
    return tensor if tensor.ndim == 2 else tensor.reshape(tensor.shape[:-1].numel(), tensor.shape[-1])
