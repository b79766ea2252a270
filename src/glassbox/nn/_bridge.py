"""The bridge: hand a forward and its backward to torch's autograd, which then calls our derivative and not its own.

A family file writes an operation as two functions of plain tensors,

- ``forward(*tensors, **options) -> output``, the equation,
- ``backward(grad_output, *tensors, output, needs, **options) -> gradients``, its derivative: one gradient per tensor,
  None where ``needs`` says that it is not wanted,

and binds them: ``conv2d = differentiable(conv2d_forward, conv2d_backward)``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

Gradients = tuple[Tensor | None, ...]
_TENSORS = frozenset({Tensor, torch.nn.Parameter, type(None)})  # what comes as a rule; subclasses take longer to tell


def differentiable(
    forward: Callable[..., Any],
    backward: Callable[..., Gradients],
    *,
    saves: Literal["tensors", "output", "both"] = "tensors",
    autocast: Literal["low", "float32"] | None = None,
) -> Callable[..., Any]:
    """Bind an equation and its derivative into one function that torch's autograd can go through.

    Parameters
    ----------
    forward : callable
        ``forward(*tensors, **options)`` returns a tensor, or a tuple whose first entry is differentiable and whose
        other entries (indices, say) are not. A tensor may be None where it is optional.
    backward : callable
        ``backward(grad_output, *tensors, output, needs, **options)`` returns one gradient per tensor.
    saves : {"tensors", "output", "both"}
        What the backward reads: the tensors that came in, what the forward made of them, or both. What is not saved
        reaches it as None and is freed as soon as nothing else holds it.
    autocast : {"low", "float32"}, optional
        Under `torch.autocast`, compute in its low precision (matrix products) or in float32 (sums of many terms).
        None keeps the tensors' own type.

    Returns
    -------
    callable
        ``function(*tensors, **options)``.

    Notes
    -----
    Only first derivatives are there: asking for a second one raises torch's error for a function that is
    differentiable once.

    Examples
    --------
    >>> def square_forward(input):
    ...     return input**2
    >>> def square_backward(grad_output, input, *, output=None, needs=None):
    ...     return (grad_output * 2 * input,)
    >>> square = differentiable(square_forward, square_backward)
    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> square(x).backward()
    >>> x.grad
    tensor([6.])
    """

    def run_forward(ctx: Any, options: dict[str, Any], *tensors: Tensor | None) -> Any:
        output = forward(*tensors, **options)
        made = output if isinstance(output, Tensor) else output[0]
        if made is not output:
            ctx.mark_non_differentiable(*output[1:])
        ctx.options = options
        kept = (None,) * len(tensors) if saves == "output" else tensors
        ctx.save_for_backward(*kept, None if saves == "tensors" else made)
        ctx.set_materialize_grads(False)
        return output

    def run_derivative(ctx: Any, grad_output: Tensor | None, *_: Any) -> Gradients:
        if grad_output is None:
            return (None,) * len(ctx.needs_input_grad)
        *tensors, output = ctx.saved_tensors
        needs = ctx.needs_input_grad[1:]
        if _is_autocast_enabled(grad_output):  # the saved tensors have the right type already
            with torch.autocast(grad_output.device.type, enabled=False):
                return None, *derivative(grad_output, *tensors, output=output, needs=needs, **ctx.options)
        return None, *derivative(grad_output, *tensors, output=output, needs=needs, **ctx.options)

    run_derivative_once = once_differentiable(run_derivative)

    def run_backward(ctx: Any, *grad_outputs: Any) -> Gradients:
        if torch.is_grad_enabled():  # someone wants to differentiate the gradients: that is refused when they do
            return run_derivative_once(ctx, *grad_outputs)
        return run_derivative(ctx, *grad_outputs)

    derivative = inspect.unwrap(backward)  # without its no_grad: autograd records nothing of a backward anyway
    name = forward.__name__.removesuffix("_forward")
    members = {"forward": staticmethod(run_forward), "backward": staticmethod(run_backward)}
    operation: Any = type(f"{name.title().replace('_', '')}", (Function,), members)

    def function(*tensors: Any, **options: Any) -> Any:
        if not _TENSORS.issuperset(map(type, tensors)) or tensors[0] is None:
            _require_tensors(name, tensors)
        if autocast is not None and _is_autocast_enabled(tensors[0]):
            device = tensors[0].device.type
            dtype = torch.float32 if autocast == "float32" else torch.get_autocast_dtype(device)
            with torch.autocast(device, enabled=False):
                return operation.apply(options, *(_cast(tensor, dtype) for tensor in tensors))
        return operation.apply(options, *tensors)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = forward.__doc__
    return function


def _require_tensors(name: str, values: tuple[Any, ...]) -> None:
    """Raise TypeError unless the first value is a tensor, and each other one or None."""
    for place, value in enumerate(values):
        if not isinstance(value, Tensor) and (value is not None or place == 0):
            raise TypeError(f"{name} expects tensors, got {type(value).__name__}: try torch.as_tensor")


def _is_autocast_enabled(tensor: Tensor) -> bool:
    """Tell whether autocast is on for the tensor's device; the first question is the cheap one, and mostly enough."""
    return torch._C._is_any_autocast_enabled() and torch.is_autocast_enabled(tensor.device.type)


def _cast(tensor: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Return the tensor in the type that autocast asks for; float64 stays as it is, as in torch."""
    if tensor is None or not tensor.is_floating_point() or tensor.dtype == torch.float64:
        return tensor
    return tensor.to(dtype)
