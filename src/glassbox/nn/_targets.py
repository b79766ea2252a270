"""What the losses of a classification are given: labels or probabilities, checked first and then read.

A label is the index of a class; scores have a dimension of classes, and labels have the shape that is left without it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from glassbox.nn._reduction import require_floating, require_tensor, spread


def class_dim(input: Tensor) -> int:
    """Return the dimension of the classes: 1, or 0 where there is no batch."""
    return min(1, input.dim() - 1)


def per_class(weight: Tensor, input: Tensor) -> Tensor:
    """Return one number per class, shaped to multiply the input: (C,) becomes (C, 1, 1) for (N, C, H, W)."""
    return weight.view(-1, *[1] * (input.dim() - 1 - class_dim(input)))


def read_labels(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int | None
) -> tuple[Tensor, Tensor | None]:
    """Return labels that can index the classes, and how much each counts: None if all count 1, 0 where ignored."""
    if ignore_index is None:
        return target, None if weight is None else weight[target]
    counts = target != ignore_index
    labels = torch.where(counts, target, 0)
    return labels, counts.to(input.dtype) if weight is None else weight[labels] * counts


def zero_ignored(values: Tensor, target: Tensor, ignore_index: int | None) -> Tensor:
    """Return the values with 0 where the label is ignored, even if there was an infinity or no number."""
    return values if ignore_index is None else values.masked_fill(target == ignore_index, 0)


def spread_over_labels(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int | None,
    reduction: str,
) -> tuple[Tensor, Tensor]:
    """Return labels that can index the classes, and the gradient that arrives at minus the score of each."""
    labels, weights = read_labels(input, target, weight, ignore_index)
    if weights is None:
        return labels, spread(grad_output, labels, reduction)
    upstream = spread(grad_output, labels, reduction, weights.sum()) * weights
    return labels, zero_ignored(upstream, target, ignore_index)


def expected_distribution(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int | None, label_smoothing: float
) -> tuple[Tensor, Tensor | None]:
    """Return the expected distributions, smoothed and weighted, and what a mean divides by if not by their number."""
    dim, divisor = class_dim(input), None
    if not target.is_floating_point():
        labels, weights = read_labels(input, target, weight, ignore_index)
        divisor = None if weights is None else weights.sum()
        target = torch.zeros_like(input).scatter(dim, labels.unsqueeze(dim), 1.0)
    expected = (1 - label_smoothing) * target + label_smoothing / input.shape[dim]
    return expected if weight is None else expected * per_class(weight, input), divisor


def refuse_gradient(name: str, weight: Tensor) -> None:
    """Raise if a gradient is asked for that no backward here computes."""
    if weight.requires_grad:
        raise NotImplementedError(f"The loss has no gradient for {name}: pass {name}.detach().")


def check_scores(input: Tensor, weight: Tensor | None) -> None:
    """Raise unless the input holds scores of classes, and the weight one number for each class."""
    require_floating(input=input)
    classes = input.shape[class_dim(input)] if input.dim() else 0
    if classes == 0:
        raise ValueError(
            f"input must have the shape (N, C), (C,) or (N, C, d1, ...) with one class or more, but came as "
            f"{tuple(input.shape)}."
        )
    if weight is None:
        return
    refuse_gradient("weight", weight)
    if weight.shape != (classes,):
        raise ValueError(
            f"weight must hold one number for each of the {classes} classes, but came with the shape "
            f"{tuple(weight.shape)}."
        )
    if weight.dtype != input.dtype and not torch.is_autocast_enabled(input.device.type):
        raise TypeError(f"weight must be of the input's type, {input.dtype}, but came as {weight.dtype}.")


def check_distribution(input: Tensor, target: Tensor, ignore_index: int) -> None:
    """Raise unless the target holds one probability for each score."""
    if target.shape != input.shape:
        raise ValueError(
            f"target holds floating-point numbers ({target.dtype}), which are read as class probabilities and must "
            f"have the input's shape {tuple(input.shape)}, but came with {tuple(target.shape)}. "
            "For class indices call .long() first."
        )
    if ignore_index >= 0:
        raise ValueError(f"ignore_index={ignore_index} came, but class probabilities have no labels to ignore.")


def check_labels(input: Tensor, target: Tensor, ignore_index: int) -> tuple[Tensor, int | None]:
    """Return the labels as int64, and ignore_index or None where no label is ignored; raise for a label off range."""
    require_tensor("target", target)
    dim = class_dim(input)
    classes, expected = input.shape[dim], input.shape[:dim] + input.shape[dim + 1 :]
    if target.dtype not in (torch.int64, torch.uint8):
        raise TypeError(f"target must hold class indices as int64, but came as {target.dtype}: call .long() first.")
    if target.shape != expected:
        raise ValueError(
            f"An input of shape {tuple(input.shape)} needs class indices of shape {tuple(expected)}, but target came "
            f"with {tuple(target.shape)}."
        )
    target = target.long()
    recording = target.is_cuda and torch.cuda.is_current_stream_capturing()  # a CUDA graph cannot wait for a number
    if target.numel() == 0 or recording:
        return target, ignore_index
    lowest, highest = (int(label) for label in target.aminmax())
    if lowest >= 0 and highest < classes and not lowest <= ignore_index <= highest:
        return target, None
    outside = ((target < 0) | (target >= classes)) & (target != ignore_index)
    if outside.any():
        place = tuple(outside.nonzero()[0].tolist())
        raise IndexError(
            f"Label {int(target[place])} at {place} is no class: with {classes} classes labels go from 0 to "
            f"{classes - 1}, and {ignore_index} is ignored."
        )
    return target, ignore_index
