"""What every family checks before its equation: the tensors' types, and numbers given once or per axis."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def require_floating(name: str, **tensors: Tensor | None) -> None:
    """Raise TypeError unless every tensor is one, and of a floating type."""
    for argument, tensor in tensors.items():
        if tensor is None:
            continue
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} expects a tensor as {argument}, got {type(tensor).__name__}: try torch.as_tensor")
        if not tensor.is_floating_point():
            raise TypeError(f"{name} expects a floating-point {argument}, got {tensor.dtype}: try .float()")


def require_one_dtype(name: str, **tensors: Tensor | None) -> None:
    """Raise TypeError unless all tensors have one floating type; under autocast it may differ, for it is cast."""
    require_floating(name, **tensors)
    present = [tensor for tensor in tensors.values() if tensor is not None]
    if any(tensor.dtype != present[0].dtype for tensor in present[1:]):
        if torch.is_autocast_enabled(present[0].device.type):
            return
        found = ", ".join(f"{key} {tensor.dtype}" for key, tensor in tensors.items() if tensor is not None)
        raise TypeError(f"{name} expects tensors of one type, got {found}: convert one of them with .to(dtype)")


def pair(name: str, argument: str, value: Any, *, least: int) -> tuple[int, int]:
    """Return a number as (number, number), and a pair as it is, once each is known to be an int of at least `least`."""
    numbers = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(numbers) == 1:
        numbers = numbers * 2
    if len(numbers) != 2 or not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
        raise TypeError(f"{name} expects {argument} to be one or two whole numbers, got {value!r}")
    if min(numbers) < least:
        raise ValueError(f"{name} expects {argument} to be {least} or more, got {value!r}")
    return numbers[0], numbers[1]
