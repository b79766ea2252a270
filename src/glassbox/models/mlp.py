"""The multi-layer perceptron of lesson 3.1."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from glassbox import nn
from glassbox.models.parts import NamedParts


class MLP(NamedParts):
    r"""A multi-layer perceptron: dense layers with an activation after each but the last.

    .. math::

        o^1 = x, \qquad s_k^{l+1} = b_k^l + \sum_p w_{pk}^l\, o_p^l, \qquad o_k^{l+1} = \varphi(s_k^{l+1})

    The last layer gives its sums :math:`s^L` as they are: scores for a cross-entropy, or numbers for a squared error.

    Parameters
    ----------
    *sizes : int
        How many numbers come in, how many each hidden layer has, how many go out: at least two sizes.
    activation : callable
        What makes an activation layer, for instance ``nn.ReLU`` or ``nn.Sigmoid``.

    Raises
    ------
    TypeError
        If a size is not a whole number.
    ValueError
        If there are fewer than two sizes, or one is below 1.

    Examples
    --------
    >>> import torch
    >>> model = MLP(784, 64, 10)
    >>> list(dict(model.named_children()))
    ['flatten', 'fc1', 'relu1', 'fc2']
    >>> model(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 10])
    """

    def __init__(self, *sizes: int, activation: Callable[[], nn.Module] = nn.ReLU) -> None:
        for size in sizes:
            if isinstance(size, bool) or not isinstance(size, int):
                raise TypeError(f"MLP expects whole numbers as sizes, got {size!r}; try MLP(784, 64, 10)")
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"MLP expects at least an input and an output size, each 1 or more, got {sizes}")
        parts: dict[str, nn.Module] = {"flatten": nn.Flatten()}
        for i, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
            parts[f"fc{i}"] = nn.Linear(inputs, outputs)
            if i < len(sizes) - 1:
                layer = activation()
                parts[f"{type(layer).__name__.lower()}{i}"] = layer
        super().__init__(**parts)
