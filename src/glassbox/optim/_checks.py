"""What every optimizer here checks: its options, its parameters and their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


def require_at_least_zero(**values: float | Tensor) -> None:
    """Raise unless every value is a number of zero or more."""
    for name, value in values.items():
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ValueError(f"{name} expects one number, got a tensor of shape {tuple(value.shape)}: try {name}=0.1")
        if not value >= 0:  # written so that NaN is refused too
            raise ValueError(f"{name} expects zero or more, got {name}={float(value)}: try {name}=0.1")


def require_unset(**arguments: bool | None) -> None:
    """Raise for an argument of ``torch.optim`` that is set but not supported here."""
    for name, value in arguments.items():
        if value:
            raise NotImplementedError(f"glassbox.optim expects no {name}, got {name}={value}: try to leave it out")


def require_real(group: dict[str, Any]) -> None:
    """Raise if a parameter of the group is complex."""
    for index, parameter in enumerate(group["params"]):
        if parameter.is_complex():
            raise NotImplementedError(
                f"glassbox.optim expects real parameters, got {parameter.dtype} for parameter {index} of the group: "
                "try torch.view_as_real(parameter)"
            )


def with_gradients(group: dict[str, Any]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each parameter of the group that has a gradient, and this gradient: negative where the group maximizes."""
    for parameter in group["params"]:
        gradient = parameter.grad
        if gradient is None:
            continue
        if gradient.is_sparse:
            raise NotImplementedError(
                f"glassbox.optim expects dense gradients, but that of a parameter of shape {tuple(parameter.shape)} "
                "is sparse: try the layer with sparse=False, or torch.optim.SparseAdam"
            )
        yield parameter, -gradient if group["maximize"] else gradient


def require_no_recording(name: str, group: dict[str, Any]) -> None:
    """Raise if a CUDA graph is being recorded that would count no further."""
    recording = any(parameter.is_cuda for parameter in group["params"]) and torch.cuda.is_current_stream_capturing()
    if recording and not group["capturable"]:
        raise RuntimeError(
            f"{name} expects no CUDA graph that records its step, got one, which would repeat the same step count at "
            "every replay: try capturable=True"
        )
