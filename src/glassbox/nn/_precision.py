"""Half precision: float16 and bfloat16 keep 11 and 8 bits of a number, too few to add up many of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

_HALF = frozenset({torch.float16, torch.bfloat16})
Equation = TypeVar("Equation", bound=Callable[..., Any])


def in_float32(equation: Equation) -> Equation:
    """Compute in float32 where the first tensor is of half precision, and round the result once, to that tensor's type.

    Several results, as gradients or statistics, are left in float32: autograd, and a backward by hand, give each
    gradient the type of its tensor.

    Examples
    --------
    >>> @in_float32
    ... def mean(input):
    ...     return input.cumsum(0)[-1] / len(input)
    >>> ones = torch.ones(100_000, dtype=torch.float16)  # their sum is beyond float16, whose last number is 65,504
    >>> mean(ones)
    tensor(1., dtype=torch.float16)
    """

    @functools.wraps(equation)
    def run(*tensors: Any, **options: Any) -> Any:
        dtype = tensors[0].dtype
        if dtype not in _HALF:
            return equation(*tensors, **options)
        result = equation(*map(_widen, tensors), **{name: _widen(value) for name, value in options.items()})
        return result.to(dtype) if isinstance(result, Tensor) else result

    del run.__wrapped__  # the bridge takes decorators off a backward; this one belongs to the equation
    run.__signature__ = inspect.signature(equation)  # type: ignore[attr-defined]
    return cast(Equation, run)


def _widen(value: Any) -> Any:
    """Return a tensor of half precision in float32, and anything else as it is."""
    return value.float() if isinstance(value, Tensor) and value.dtype in _HALF else value
