"""What every loss does with its losses, one per entry or per label: return them all, their sum or their mean."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor


def reduced(losses: Tensor, reduction: str, divisor: Tensor | int | None = None) -> Tensor:
    """Return the losses, their sum, or their mean: the sum over the divisor, which by default is their number."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return losses.mean() if divisor is None else losses.sum() / divisor


def spread(grad_output: Tensor, losses: Tensor, reduction: str, divisor: Tensor | int | None = None) -> Tensor:
    """Return the gradient that arrives at each loss, of their shape, given the one at what `reduced` returned."""
    expected = losses.shape if reduction == "none" else torch.Size()
    if grad_output.shape != expected:
        raise ValueError(
            f"With reduction={reduction!r} the gradient of the loss must have the shape {tuple(expected)}, "
            f"but one of shape {tuple(grad_output.shape)} came."
        )
    if reduction == "mean":
        grad_output = grad_output / (losses.numel() if divisor is None else divisor)
    return grad_output.expand(losses.shape)


def like(gradient: Tensor, tensor: Tensor) -> Tensor:
    """Return a gradient with the shape and the type of its tensor: what was broadcast is summed."""
    return gradient.sum_to_size(tensor.shape).to(tensor.dtype)


def settle_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction, from its former names if they are used."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(f"size_average and reduce are deprecated: use reduction={reduction!r}.", stacklevel=3)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum', but {reduction!r} came.")
    return reduction


def require_floating(**tensors: Tensor) -> None:
    """Raise unless every argument is a tensor of floating-point numbers."""
    for name, tensor in tensors.items():
        require_tensor(name, tensor)
        if not tensor.is_floating_point():
            raise TypeError(
                f"{name} must hold floating-point numbers, but came as {tensor.dtype}: call .float() first."
            )


def require_tensor(name: str, value: Tensor) -> None:
    """Raise unless the value is a tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a tensor, but came as {type(value).__name__}: call torch.as_tensor first.")


def check_broadcast(name: str, tensor: Tensor, input: Tensor) -> torch.Size:
    """Return the shape of the two tensors together, or raise."""
    require_tensor(name, tensor)
    try:
        return torch.broadcast_shapes(input.shape, tensor.shape)
    except RuntimeError:
        raise ValueError(
            f"{name} must have the input's shape {tuple(input.shape)}, but came as {tuple(tensor.shape)}."
        ) from None
