"""The one checker of these tests: it runs the same call on two functions and compares all that comes out.

The reference is PyTorch. What is compared: every output (shape, dtype, device, values), the gradient of every tensor
that asks for one, and what the call did to its arguments (the running statistics of a batch normalization).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

EXACT = {"rtol": 1e-10, "atol": 1e-11}  # two orders of summation in float64


@dataclass
class Outcome:
    """What one call gave."""

    outputs: list[Tensor]
    gradients: list[Tensor | None]
    arguments: list[Tensor]  # as the call left them


def tensors_of(value: Any) -> Iterator[Tensor]:
    """Give the tensors of nested lists, tuples and dictionaries, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors_of(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_of(part)


def fresh(value: Any) -> Any:
    """Copy the arguments of a call, so that a second call starts from the same; the strides stay as they are."""
    if isinstance(value, Tensor):
        copy = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=value.device)
        return copy.copy_(value.detach()).requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        return {key: fresh(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(fresh(part) for part in value)
    return value


def upstream(output: Tensor) -> Tensor:
    """Make the gradient that arrives at an output: other values at every entry, the same at each call."""
    steps = torch.arange(output.numel(), dtype=torch.float64, device=output.device)
    return (1.5 + torch.sin(3 * steps)).reshape(output.shape).to(output.dtype)


def run(function: Callable[..., Any], *arguments: Any, **options: Any) -> Outcome:
    """Call the function, back-propagate :func:`upstream` through it and keep all that comes out."""
    arguments, options = fresh(arguments), fresh(options)
    tensors = list(tensors_of((arguments, options)))
    leaves = [tensor for tensor in tensors if tensor.requires_grad]
    returned = function(*arguments, **options)
    outputs = list(tensors_of(returned))
    roots = [output for output in outputs if output.requires_grad]
    gradients: list[Tensor | None] = []
    if roots and leaves:
        arriving = [upstream(root) for root in roots]
        gradients = list(torch.autograd.grad(roots, leaves, arriving, allow_unused=True))
    return Outcome([output.detach() for output in outputs], gradients, [tensor.detach() for tensor in tensors])


def assert_outcome(ours: Outcome, theirs: Outcome, **tolerance: Any) -> None:
    """Raise an AssertionError that names the first output, gradient or argument that differs."""
    tolerance = tolerance or EXACT
    assert len(ours.outputs) == len(theirs.outputs), f"{len(ours.outputs)} outputs, torch gives {len(theirs.outputs)}"
    assert len(ours.gradients) == len(theirs.gradients), (
        f"{len(ours.gradients)} gradients, torch gives {len(theirs.gradients)}: does the output require one?"
    )
    for what in ("outputs", "gradients", "arguments"):
        for place, (mine, reference) in enumerate(zip(getattr(ours, what), getattr(theirs, what), strict=True)):
            if mine is None or reference is None:
                assert mine is reference, f"{what}[{place}] is {mine}, torch gives {reference}"
                continue
            torch.testing.assert_close(
                mine,
                reference,
                equal_nan=True,
                check_stride=False,
                msg=lambda text, what=what, place=place: f"{what}[{place}]: {text}",
                **tolerance,
            )


def assert_same(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    *arguments: Any,
    tolerance: dict[str, float] | None = None,
    **options: Any,
) -> None:
    """Run both functions on copies of the same arguments and compare all that comes out."""
    reference = run(theirs, *arguments, **options)
    assert_outcome(run(ours, *arguments, **options), reference, **(tolerance or EXACT))


def call_of(module: nn.Module) -> Callable[..., Any]:
    """Turn a module into a function of its parameters, buffers and inputs, to compare all their gradients."""

    def call(state: dict[str, Tensor], *inputs: Tensor) -> Any:
        return torch.func.functional_call(module, state, inputs)

    return call


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Give the parameters and buffers of a module by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
