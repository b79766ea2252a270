"""The bridge: hand a forward and its backward to torch's autograd, which then calls our derivative and not its own.

A family file writes an operation as two functions of plain tensors,

- ``forward(*tensors, **options) -> output``, the equation,
- ``backward(grad_output, *tensors, output, needs, **options) -> gradients``, its derivative: one gradient per tensor,
  None where ``needs`` says that it is not wanted,

and binds them: ``_linear = differentiable(linear_forward, linear_backward)``. Whoever asks for the derivative of a
gradient gets it: the backward is then recorded by autograd like any other computation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function

Gradients = tuple[Tensor | None, ...]
_TENSORS = frozenset({Tensor, torch.nn.Parameter, type(None)})  # what comes as a rule; subclasses take longer to tell
_equations_only: ContextVar[bool] = ContextVar("equations_only", default=False)


class Arrangement(NamedTuple):
    """The sums of an equation and of its derivative, arranged for speed: same arguments, same results.

    None stands for the equation's own.
    """

    forward: Callable[..., Any] | None
    backward: Callable[..., Gradients] | None
    pays: Callable[..., bool]  # of the tensors and options: whether it is the faster one there
    alone: Callable[..., Tensor] | None = None  # the output alone, where no gradient will be asked for


@contextmanager
def by_the_equation() -> Iterator[None]:
    """Compute by the equations alone, in the order in which they are written: for a debugger, and for comparisons.

    Where it pays, layers arrange their sums for speed; the results are the same to rounding.
    Inside this context no layer does, neither forward nor when its gradients are asked for later.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> pool, image = nn.MaxPool2d(2), torch.rand(1, 1, 8, 8)
    >>> with nn.by_the_equation():
    ...     by_the_book = pool(image)  # step into it here: what runs is maximum_forward
    >>> torch.equal(by_the_book, pool(image))
    True
    """
    token = _equations_only.set(True)
    try:
        yield
    finally:
        _equations_only.reset(token)


def differentiable(
    forward: Callable[..., Any],
    backward: Callable[..., Gradients],
    *,
    saves: Literal["tensors", "output", "both"] | tuple[int, ...] = "tensors",
    keeps: str | None = None,
    autocast: Literal["low", "float32"] | None = None,
    fast: Arrangement | None = None,
) -> Callable[..., Any]:
    """Bind an equation and its derivative into one function that torch's autograd can go through.

    Parameters
    ----------
    forward : callable
        ``forward(*tensors, **options)`` returns a tensor that shares no memory with those that came in: the next layer
        may write over it. A tensor may be None where it is optional.
    backward : callable
        ``backward(grad_output, *tensors, output, needs, **options)`` returns one gradient per tensor. It writes over
        nothing but zeros that it made itself, so that autograd can record it.
    saves : {"tensors", "output", "both"} or tuple of int
        What the backward reads: the tensors that came in, those of them at some places, what the forward made of them,
        or both. What is not saved reaches it as None and is freed as soon as nothing else holds it.
    keeps : str, optional
        The forward returns what it made on the way as a second tensor, and the backward gets it under this name instead
        of the output. No gradient goes through it: a backward that autograd records makes it again.
    autocast : {"low", "float32"}, optional
        Under `torch.autocast`, compute in its low precision (matrix products) or in float32 (sums of many terms).
        None keeps the tensors' own type.
    fast : Arrangement, optional
        The same, arranged for speed: taken where it pays, `by_the_equation` apart. Its backward is never recorded, so
        it may write over what it likes: when the derivative of a gradient is asked for, ``backward`` runs.

    Returns
    -------
    callable
        ``function(*tensors, **options)``.

    Examples
    --------
    >>> def square_forward(input):
    ...     return input**2
    >>> def square_backward(grad_output, input, *, output=None, needs=None):
    ...     return (grad_output * 2 * input,)
    >>> square = differentiable(square_forward, square_backward)
    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> (slope,) = torch.autograd.grad(square(x), x, create_graph=True)
    >>> slope
    tensor([6.], grad_fn=<MulBackward0>)
    >>> torch.autograd.grad(slope, x)
    (tensor([2.]),)
    """
    name, backward = forward.__name__.removesuffix("_forward"), inspect.unwrap(backward)  # without its no_grad
    equation = arranged = _operation(name, forward, backward, None, backward, saves, keeps)
    if fast is not None:
        arranged = _operation(
            name, fast.forward or forward, fast.backward or backward, fast.alone, backward, saves, keeps
        )

    def function(*tensors: Any, **options: Any) -> Any:
        plain = _TENSORS.issuperset(map(type, tensors))  # a subclass may hold no numbers to arrange by
        if not plain or tensors[0] is None:
            _require_tensors(name, tensors)
        if tensors[0].is_complex():
            raise TypeError(f"{name} expects real numbers, got {tensors[0].dtype}: try .real or .abs()")
        operation = equation
        if fast is not None and plain and not (_equations_only.get() or torch.compiler.is_compiling()):
            operation = arranged if fast.pays(*tensors, **options) else equation
        if autocast is not None and torch.is_autocast_enabled(device := _device_type(tensors[0])):
            dtype = torch.float32 if autocast == "float32" else torch.get_autocast_dtype(device)
            with torch.autocast(device, enabled=False):
                return operation(options, *(_cast(tensor, dtype) for tensor in tensors))
        return operation(options, *tensors)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = forward.__doc__
    return function


def _operation(
    name: str,
    forward: Callable[..., Any],
    backward: Callable[..., Gradients],
    alone: Callable[..., Tensor] | None,
    recorded: Callable[..., Gradients],
    saves: str | tuple[int, ...],
    keeps: str | None,
) -> Callable[..., Any]:
    """Make an operation of autograd; ``recorded`` is the backward while the derivative of a gradient is asked for."""

    def compute(options: dict[str, Any], *tensors: Tensor | None) -> Any:
        output, kept = _output_and_kept(forward(*tensors, **options))
        if torch.compiler.is_compiling() or output._is_view():  # a graph cannot ask
            output = output.detach()  # a view of a larger product may not be written over; this is a tensor of its own
        return output if kept is None else (output, kept)

    def keep(ctx: Any, inputs: tuple[Any, ...], outputs: Any) -> None:
        (ctx.options, *tensors), (output, kept) = inputs, _output_and_kept(outputs)
        ctx.set_materialize_grads(False)
        made = kept if keeps else output if saves in ("output", "both") else None
        if saves not in ("tensors", "both"):
            places = () if saves == "output" else saves
            tensors = [tensor if place in places else None for place, tensor in enumerate(tensors)]
        ctx.save_for_backward(*tensors, made)

    def keep_outputs(ctx: Any, inputs: tuple[Any, ...], outputs: Any) -> None:
        _, kept = _output_and_kept(outputs)
        if kept is not None:
            ctx.mark_non_differentiable(kept)
        keep(ctx, inputs, outputs)

    def compute_and_keep(ctx: Any, options: dict[str, Any], *tensors: Tensor | None) -> Tensor:
        if alone is not None and not any(ctx.needs_input_grad):
            return alone(*tensors, **options)
        outputs = compute(options, *tensors)
        keep(ctx, (options, *tensors), outputs)
        return _output_and_kept(outputs)[0]

    def derive(ctx: Any, grad_output: Tensor | None, *_: Any) -> Gradients:
        if grad_output is None:
            return (None,) * len(ctx.needs_input_grad)
        *tensors, made = ctx.saved_tensors
        options = {**ctx.options, "needs": ctx.needs_input_grad[1:], keeps or "output": made}
        derivative = recorded if torch.is_grad_enabled() or _equations_only.get() else backward
        if torch.is_autocast_enabled(device := _device_type(grad_output)):  # what was saved has the right type already
            with torch.autocast(device, enabled=False):
                return None, *derivative(grad_output, *tensors, **options)
        return None, *derivative(grad_output, *tensors, **options)

    def refuse(*_: Any) -> Any:
        raise NotImplementedError(
            f"{name} has no rule for forward mode (jvp) and none for vmap: take gradients in reverse mode "
            "(torch.func.grad, torch.func.vjp), and give a whole batch instead of mapping over its examples"
        )

    title = name.title().replace("_", "")
    members = {"forward": staticmethod(compute_and_keep), "backward": staticmethod(derive)}
    plain: Any = type(title, (Function,), members)
    # torch.func asks for a forward without context, which triples the cost of a call: only there.
    members = {
        "forward": staticmethod(compute),
        "setup_context": staticmethod(keep_outputs),
        "backward": staticmethod(derive),
    }
    transformed: Any = type(title, (Function,), {**members, "jvp": staticmethod(refuse), "vmap": staticmethod(refuse)})

    def apply(*inputs: Any) -> Any:
        try:
            return plain.apply(*inputs)
        except RuntimeError as error:
            if "setup_context" not in str(error):
                raise
        return _output_and_kept(transformed.apply(*inputs))[0]

    return apply


def _output_and_kept(made: Any) -> tuple[Tensor, Tensor | None]:
    """Tell what a forward returns from what its backward gets beside."""
    return made if isinstance(made, tuple) else (made, None)


def _require_tensors(name: str, values: tuple[Any, ...]) -> None:
    """Raise TypeError unless the first value is a tensor, and each other one or None."""
    for place, value in enumerate(values):
        if not isinstance(value, Tensor) and (value is not None or place == 0):
            raise TypeError(f"{name} expects tensors, got {type(value).__name__}: try torch.as_tensor")


def _device_type(tensor: Tensor) -> str:
    """Return the type of the tensor's device; is_cpu is the cheap question, and mostly enough.

    A tensor of shapes alone (meta), of which `torch.autocast` knows nothing, is taken as one on a CPU.
    """
    return "cpu" if tensor.is_cpu or tensor.is_meta else tensor.device.type


def _cast(tensor: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Return the tensor in the type that autocast asks for; float64 stays as it is, as in torch."""
    if tensor is None or not tensor.is_floating_point() or tensor.dtype == torch.float64:
        return tensor
    return tensor.to(dtype)
