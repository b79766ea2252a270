"""What every family checks before its equation, and the words in which it refuses.

A layer checks what it is given once, before the bridge: its equation takes ready tensors. A public ``<name>_backward``
is the same check, then the derivative (``_by_hand.py``). Every ``require_...`` raises, or gives back what the family
asks of it; every message says what was expected, what came and what to try.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor


def require_tensor(name: str, **values: Any) -> None:
    """Raise TypeError unless every value is a tensor."""
    for argument, value in values.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{name} expects a tensor as {argument}, got {type(value).__name__}: try torch.as_tensor")


def require_floating(name: str, **tensors: Tensor | None) -> None:
    """Raise TypeError unless every tensor is one, and of a floating type; all but the first may be None."""
    for place, (argument, tensor) in enumerate(tensors.items()):
        if tensor is None and place > 0:
            continue
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} expects a tensor as {argument}, got {type(tensor).__name__}: try torch.as_tensor")
        if not tensor.is_floating_point():
            raise TypeError(f"{name} expects a floating-point {argument}, got {tensor.dtype}: try .float()")


def require_one_dtype(name: str, **tensors: Tensor | None) -> None:
    """Raise TypeError unless all tensors have one floating type; under autocast it may differ, for it is cast."""
    require_floating(name, **tensors)
    found = {argument: tensor.dtype for argument, tensor in tensors.items() if tensor is not None}
    if len(set(found.values())) == 1:
        return
    if not any(tensor is not None and torch.is_autocast_enabled(tensor.device.type) for tensor in tensors.values()):
        shown = ", ".join(f"{argument} {dtype}" for argument, dtype in found.items())
        raise TypeError(f"{name} expects tensors of one type, got {shown}: try .to(dtype) on one of them")


def require_gradient_of(name: str, grad_output: Tensor, shape: tuple[int, ...]) -> None:
    """Raise unless the gradient that arrives has the shape of the output that it belongs to."""
    require_tensor(name, grad_output=grad_output)
    if grad_output.shape != shape:
        raise ValueError(
            f"{name} expects a gradient of the output's shape {tuple(shape)}, got {tuple(grad_output.shape)}: "
            "try torch.ones_like(output) for the sum of all entries"
        )


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


# Linear


def require_linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> tuple[int, ...]:
    """Raise unless types and shapes fit, and give the shape of the output."""
    require_one_dtype("linear", input=input, weight=weight, bias=bias)
    return _require_linear_shapes(input.shape, weight.shape, None if bias is None else bias.shape)


@lru_cache(maxsize=1024)
def _require_linear_shapes(input: torch.Size, weight: torch.Size, bias: torch.Size | None) -> tuple[int, ...]:
    """Raise ValueError unless the shapes fit, and give that of the output."""
    if len(weight) != 2:
        raise ValueError(f"linear expects a weight of shape (out, in), got {tuple(weight)}: try weight[None]")
    if not input or input[-1] != weight[1]:
        raise ValueError(
            f"linear expects {weight[1]} features in the last dimension of its input, got the shape {tuple(input)}: "
            f"try a layer of {input[-1] if input else 1} in_features, or input.flatten(1) for images"
        )
    if bias is not None and bias != weight[:1]:
        raise ValueError(f"linear expects a bias of shape ({weight[0]},), got {tuple(bias)}: try one number per output")
    return (*input[:-1], weight[0])


# Activations and dropout


def require_elementwise(input: Tensor) -> tuple[int, ...]:
    """Raise unless the input is a tensor of floating-point numbers, and give its shape, which is the output's."""
    require_floating("an activation", input=input)
    return input.shape


def require_dim(name: str, dim: int | None) -> int | None:
    """Raise TypeError unless the dimension is a whole number, or None."""
    if dim is not None and (isinstance(dim, bool) or not isinstance(dim, int)):
        raise TypeError(f"{name} expects dim to be an int, got {dim!r}: try dim=1 for scores of shape (N, classes)")
    return dim


def require_scores_along(name: str, input: Tensor, dim: int | None) -> int:
    """Raise unless the input has the dimension, and give it; None is guessed as torch once did, with a warning."""
    require_floating(name, input=input)
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
        warnings.warn(f"{name} without dim guesses dim={dim}, as torch does: name the dimension", stacklevel=3)
    require_dim(name, dim)
    if not -max(input.ndim, 1) <= dim < max(input.ndim, 1):
        raise IndexError(
            f"{name} expects a dimension of its input, which has {input.ndim}, got dim={dim}: try dim=-1, the last"
        )
    return dim


def require_scores(input: Tensor, *, dim: int) -> tuple[int, ...]:
    """Raise unless the input has the dimension, and give its shape, which is that of its softmax."""
    require_scores_along("softmax", input, dim)
    return input.shape


def require_probability(name: str, p: float) -> None:
    """Raise ValueError unless the number is from 0 to 1."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name} expects a probability p from 0 to 1, got p={p}: try p=0.5")


def require_mask(input: Tensor | None, mask: Tensor) -> tuple[int, ...]:
    """Raise unless the mask is a tensor of numbers, and give its shape, which is the output's."""
    require_floating("dropout", mask=mask)
    return mask.shape


# Batch normalization


def require_batch_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[int, ...]:
    """Raise unless all tensors and options go together, and give the shape of the output."""
    require_floating("batch_norm", input=input)
    if input.dim() < 2 and (input.numel() or weight is not None or bias is not None):
        raise ValueError(
            f"batch_norm expects an input of shape (N, C) or (N, C, d1, ...), got {tuple(input.shape)}: try .unsqueeze"
        )
    if (running_mean is None) != (running_var is None):
        raise ValueError("batch_norm expects running_mean and running_var, got only one of them: try both or neither")
    if running_mean is None and not training:
        raise ValueError("batch_norm expects running_mean and running_var in evaluation, got None: try training=True")
    if training and math.prod(input.shape[:1] + input.shape[2:]) == 1:
        raise ValueError(
            f"batch_norm expects more than 1 value per channel in training, got an input of shape "
            f"{tuple(input.shape)}: try a larger batch, or .eval() on the module"
        )
    if not (eps > 0 or (eps == 0 and not training)):
        raise ValueError(f"batch_norm expects eps above 0 (or 0 in evaluation), got eps={eps}: try eps=1e-5")
    of_channels = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, tensor in of_channels.items():
        if tensor is not None:
            _require_one_per_channel(name, tensor, input)
    return input.shape


def _require_one_per_channel(name: str, tensor: Tensor, input: Tensor) -> None:
    """Raise unless the tensor holds one number per channel, of a type that goes with the input's."""
    channels = input.shape[1] if input.dim() > 1 else 0
    if tensor.shape != (channels,):
        raise ValueError(
            f"batch_norm expects {name} to hold one number for each of the {channels} channels of an input of shape "
            f"{tuple(input.shape)}, got the shape {tuple(tensor.shape)}: try ({channels},)"
        )
    if tensor.dtype not in (input.dtype, torch.promote_types(input.dtype, torch.float32)):
        raise TypeError(
            f"batch_norm expects {name} to be of the input's type {input.dtype}, got {tensor.dtype}: try .to(dtype)"
        )


# Losses


def class_dim(input: Tensor) -> int:
    """Return the dimension of the classes: 1, or 0 where there is no batch."""
    return min(1, input.dim() - 1)


def require_reduction(name: str, size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction, from its former names if they are used; raise unless it is known."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(f"size_average and reduce are deprecated: use reduction={reduction!r}.", stacklevel=3)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{name} expects a reduction, got {reduction!r}: try 'mean', 'sum' or 'none'")
    return reduction


def require_mse(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> tuple[int, ...]:
    """Raise unless the shapes go together, warn if one is broadcast, and give the shape of the output."""
    require_floating("mse_loss", input=input)
    shape = _require_broadcast("mse_loss", "target", target, input)
    if input.shape != target.shape:
        warnings.warn(
            f"mse_loss compares an input of shape {tuple(input.shape)} with a target of shape {tuple(target.shape)} by "
            "broadcasting, which is rarely meant: give both the same shape.",
            stacklevel=3,
        )
    if weight is not None and weight.shape != input.shape:
        raise ValueError(
            f"mse_loss expects a weight of the input's shape {tuple(input.shape)}, got {tuple(weight.shape)}: "
            "try weight.expand_as(input)"
        )
    return shape if reduction == "none" else ()


def require_binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> tuple[int, ...]:
    """Raise unless answers and weights fit the scores, and give the shape of the output."""
    name = "binary_cross_entropy_with_logits"
    require_floating(name, input=input, target=target)
    if input.shape != target.shape:
        raise ValueError(
            f"{name} expects a target of the input's shape {tuple(input.shape)}, got {tuple(target.shape)}: "
            "try cross_entropy for class indices"
        )
    for argument, factor in (("weight", weight), ("pos_weight", pos_weight)):
        if factor is None:
            continue
        if _require_broadcast(name, argument, factor, input) != input.shape:
            raise ValueError(
                f"{name} expects a {argument} that fits into the input's shape {tuple(input.shape)}, got "
                f"{tuple(factor.shape)}: try one number, or one for each answer"
            )
        _require_no_gradient(name, argument, factor)
    return input.shape if reduction == "none" else ()


def require_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[int, ...]:
    """Raise unless the target goes with the scores, and give the shape of the output."""
    _require_classes("cross_entropy", input, weight)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(
            f"cross_entropy expects label_smoothing from 0 to 1, got label_smoothing={label_smoothing}: try 0.1"
        )
    require_tensor("cross_entropy", target=target)
    if not target.is_floating_point():
        return _require_label_shape("cross_entropy", input, target, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"cross_entropy expects class probabilities of the input's shape {tuple(input.shape)} in a floating-point "
            f"target, got {tuple(target.shape)}: try .long() for class indices"
        )
    if ignore_index >= 0:
        raise ValueError(
            f"cross_entropy expects no ignore_index beside class probabilities, got ignore_index={ignore_index}: "
            "try a weight of 0 for the class"
        )
    return _without_classes(input) if reduction == "none" else ()


def require_nll(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[int, ...]:
    """Raise unless the labels go with the scores, and give the shape of the output."""
    _require_classes("nll_loss", input, weight)
    return _require_label_shape("nll_loss", input, target, reduction)


def _require_classes(name: str, input: Tensor, weight: Tensor | None) -> None:
    """Raise unless the input holds scores of classes, and the weight one number for each class."""
    require_floating(name, input=input, weight=weight)
    classes = input.shape[class_dim(input)] if input.dim() else 0
    if classes == 0:
        raise ValueError(
            f"{name} expects scores of one class or more, (N, C), (C,) or (N, C, d1, ...), got {tuple(input.shape)}: "
            "try input[None]"
        )
    if weight is None:
        return
    _require_no_gradient(name, "weight", weight)
    if weight.shape != (classes,):
        raise ValueError(
            f"{name} expects a weight for each of the {classes} classes, got the shape {tuple(weight.shape)}: "
            f"try ({classes},)"
        )
    require_one_dtype(name, input=input, weight=weight)


def _require_label_shape(name: str, input: Tensor, target: Tensor, reduction: str) -> tuple[int, ...]:
    """Raise unless the target has a place for the label of each example, and give the shape of the output."""
    require_tensor(name, target=target)
    expected = _without_classes(input)
    if target.dtype not in (torch.int64, torch.uint8):
        raise TypeError(f"{name} expects class indices as torch.int64, got {target.dtype}: try .long()")
    if target.shape != expected:
        raise ValueError(
            f"{name} expects class indices of shape {tuple(expected)} for an input of shape {tuple(input.shape)}, got "
            f"{tuple(target.shape)}: try one label per example"
        )
    return tuple(expected) if reduction == "none" else ()


def require_labels(name: str, input: Tensor, target: Tensor, ignore_index: int) -> int | None:
    """Raise unless each label is a class or ignored; give the label to ignore, None where every example counts."""
    if target.is_floating_point():
        return None
    # A graph that is compiled or recorded cannot wait for a number: there the device's own check stops the program.
    if torch.compiler.is_compiling() or (target.is_cuda and torch.cuda.is_current_stream_capturing()):
        return ignore_index
    if target.numel() == 0:
        return ignore_index
    classes = input.shape[class_dim(input)]
    lowest, highest = map(int, target.aminmax())
    if lowest < 0 or highest >= classes:
        _require_known_labels(name, target.long(), classes, ignore_index)
    return ignore_index if lowest <= ignore_index <= highest else None


def _require_known_labels(name: str, target: Tensor, classes: int, ignore_index: int) -> None:
    """Raise IndexError for the first label that is neither a class nor ignored."""
    outside = ((target < 0) | (target >= classes)) & (target != ignore_index)
    if outside.any():
        place = tuple(outside.nonzero()[0].tolist())
        raise IndexError(
            f"{name} expects labels from 0 to {classes - 1} for {classes} classes, got {int(target[place])} at "
            f"{place}: try {ignore_index} for one that shall be ignored"
        )


def _without_classes(input: Tensor) -> torch.Size:
    """Return the shape of the input without its dimension of classes."""
    dim = class_dim(input)
    return input.shape[:dim] + input.shape[dim + 1 :]


def _require_no_gradient(name: str, argument: str, tensor: Tensor) -> None:
    """Raise if a gradient is asked for that no backward here computes."""
    if tensor.requires_grad:
        raise NotImplementedError(f"{name} expects a {argument} without gradient, got one: try {argument}.detach()")


def _require_broadcast(name: str, argument: str, tensor: Tensor, input: Tensor) -> torch.Size:
    """Return the shape of the two tensors together, or raise."""
    require_tensor(name, **{argument: tensor})
    try:
        return torch.broadcast_shapes(input.shape, tensor.shape)
    except RuntimeError:
        raise ValueError(
            f"{name} expects a {argument} of the input's shape {tuple(input.shape)}, got {tuple(tensor.shape)}: "
            "try .reshape"
        ) from None
