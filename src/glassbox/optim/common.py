"""What every optimizer here needs: checked arguments, and the parameters that have a gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

Tensors = list[Tensor] | tuple[Tensor, ...]


def require_at_least_zero(**values: float | Tensor) -> None:
    """Raise unless every value is a number of zero or more."""
    for name, value in values.items():
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ValueError(f"{name} must be one number, but a tensor of shape {tuple(value.shape)} came.")
        if not value >= 0:  # written so that NaN is refused too
            raise ValueError(f"{name} must be zero or more, but {name}={float(value)} came.")


def refuse(**arguments: bool | None) -> None:
    """Raise for an argument of ``torch.optim`` that is set but not supported here."""
    for name, value in arguments.items():
        if value:
            raise NotImplementedError(f"{name}={value} is not supported by glassbox.optim: leave it out.")


def refuse_complex(group: dict[str, Any]) -> None:
    """Raise if a parameter of the group is complex."""
    for index, parameter in enumerate(group["params"]):
        if parameter.is_complex():
            raise NotImplementedError(
                f"Parameter {index} of the group is of type {parameter.dtype}: glassbox.optim updates real parameters. "
                "Pass torch.view_as_real(parameter) instead."
            )


def with_gradients(group: dict[str, Any]) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """Yield the parameters that have a gradient and these gradients: as one pair of lists, or one by one.

    The update rules use ``torch._foreach_*`` operations, each of which does the same plain tensor operation on every
    tensor of a list and so spares one call from Python per parameter. With ``foreach=False`` the lists hold a single
    tensor, which takes less memory for what is computed on the way.
    """
    parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
    gradients = [parameter.grad for parameter in parameters]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient.is_sparse:
            raise NotImplementedError(
                f"The gradient of a parameter of shape {tuple(parameter.shape)} is sparse, and glassbox.optim expects "
                "dense ones: build the layer with sparse=False, or use torch.optim.SparseAdam."
            )
    if group["foreach"] is False:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            yield [parameter], [gradient]
    elif parameters:
        yield parameters, gradients


def is_capturing(parameters: list[Tensor]) -> bool:
    """Tell whether a CUDA graph is being recorded on the parameters' device."""
    return parameters[0].is_cuda and torch.cuda.is_current_stream_capturing()
