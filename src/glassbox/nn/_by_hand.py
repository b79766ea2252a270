"""Back-propagation by hand: a derivative that checks what it is given, as the layer does."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from glassbox.nn._bridge import Gradients
from glassbox.nn._checks import require_gradient_of


def by_hand(
    check: Callable[..., tuple[int, ...]], forward: Callable[..., Tensor] | None = None
) -> Callable[[Callable[..., Gradients]], Callable[..., Gradients]]:
    """Make a derivative one that can be called by hand: the layer's check first, then the derivative alone.

    Autograd calls what is inside (the bridge unwraps it), for the layer has checked already.

    Parameters
    ----------
    check : callable
        ``check(*tensors, **options)`` raises as the layer does, and returns the shape of the output.
    forward : callable, optional
        Of a derivative that reads the output and not the input: makes that output where none is given.

    Returns
    -------
    callable
        ``backward(grad_output, *tensors, output=None, needs=None, **options)``. It gives each gradient the shape and
        the type of its tensor, None for a tensor that is None, and records nothing for autograd.
    """

    def decorate(derivative: Callable[..., Gradients]) -> Callable[..., Gradients]:
        signature = inspect.signature(derivative)
        names = [key for key, value in signature.parameters.items() if value.kind is value.POSITIONAL_OR_KEYWORD][1:]

        @functools.wraps(derivative)
        @torch.no_grad()
        def backward(
            grad_output: Tensor,
            *given: Any,
            output: Tensor | None = None,
            needs: tuple[bool, ...] | None = None,
            **options: Any,
        ) -> Gradients:
            arguments = signature.bind(grad_output, *given, output=output, **options)
            arguments.apply_defaults()
            tensors = [arguments.arguments[key] for key in names]
            options = {key: value for key, value in options.items() if key not in names}
            if forward is None:
                shape = check(*tensors, **options)
            else:
                if output is None and tensors[0] is None:
                    raise ValueError(f"{derivative.__name__} expects its input or its output, got neither: try output=")
                if output is None:
                    check(*tensors, **options)
                    output = forward(*tensors, **options)
                shape = output.shape
            require_gradient_of(derivative.__name__, grad_output, shape)
            asked = (True,) * len(tensors) if needs is None else (*needs, *[False] * (len(tensors) - len(needs)))
            wanted = tuple(ask and tensor is not None for ask, tensor in zip(asked, tensors, strict=True))
            found = derivative(grad_output, *tensors, output=output, needs=wanted, **options)
            return tuple(_fit(gradient, tensor) for gradient, tensor in zip(found, tensors, strict=True))

        return backward

    return decorate


def _fit(gradient: Tensor | None, tensor: Tensor | None) -> Tensor | None:
    """Return a gradient with the shape and the type of its tensor: what was broadcast is summed."""
    if gradient is None or tensor is None:
        return gradient
    return gradient.sum_to_size(tensor.shape).to(tensor.dtype)
