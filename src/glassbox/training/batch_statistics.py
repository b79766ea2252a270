r"""Batch normalization over several workers: each channel's mean and variance are those of the whole batch.

With the number of entries :math:`m_w` that worker :math:`w` has of a channel, and :math:`m = \sum_w m_w`,

.. math::
    \mu = \frac{1}{m} \sum_w \sum_i x_{w,i}, \qquad v = \frac{1}{m} \sum_w \sum_i (x_{w,i} - \mu)^2 .

What depends on the sums of all workers receives the gradients of all workers: the derivative of a sum over workers is a
sum over workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

import glassbox.nn
from glassbox.training.distributed import Workers

SHARED = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, glassbox.nn.BatchNorm2d)
"""The layers whose statistics are taken over all workers."""


def refuse_batch_statistics(model: nn.Module, workers: Workers) -> None:
    """Raise if a layer takes statistics over its worker's part of the batch alone.

    Parameters
    ----------
    model : torch.nn.Module
        The model to train.
    workers : Workers
        Who trains it.

    Raises
    ------
    ValueError
        If several workers would train a batch normalization whose statistics cannot be taken over all of them.
    """
    if workers.size == 1:
        return
    for name, module in model.named_modules():
        ancestors = [kind.__name__ for kind in type(module).__mro__]
        if not any(kind.startswith(("BatchNorm", "LazyBatchNorm")) for kind in ancestors):
            continue
        kind = type(module).__name__
        why = None
        if type(module) not in SHARED:
            why = f"is of type {kind}, which may compute something else than the class that it inherits from"
        elif not module.track_running_stats:
            why = "has track_running_stats=False and measures each batch by itself in evaluation too"
        if why:
            raise ValueError(
                f"{name or 'the model'} {why}: it would take its mean and variance over the part of one worker instead "
                f"of the whole batch, and {workers.size} workers would not train the model that one trains. Train with "
                "one process, or with torch.nn.BatchNorm2d or glassbox.nn.BatchNorm2d as they are"
            )


class _Sum(torch.autograd.Function):
    """The sum over all workers; its gradient is the sum over all workers too."""

    @staticmethod
    def forward(ctx: Any, mine: Tensor) -> Tensor:
        total = mine.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


@contextmanager
def shared_statistics(model: nn.Module, workers: Workers) -> Iterator[None]:
    """Let batch normalization see the whole batch inside the block, whose parts are with several workers."""
    layers = [module for module in model.modules() if workers.size > 1 and type(module) in SHARED]
    for layer in layers:
        layer.forward = partial(_forward, layer, workers)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _forward(layer: Any, workers: Workers, input: Tensor) -> Tensor:
    """Compute what a batch normalization does, its statistics over all workers while it learns."""
    if not layer.training:
        return type(layer).forward(layer, input)
    shape = [1, -1] + [1] * (input.dim() - 2)
    others = [dim for dim in range(input.dim()) if dim != 1]
    values = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
    counts = float(workers.has_part)  # not those of a worker that computes for the others' sake alone
    entries = values.new_tensor([counts * values.numel() / values.shape[1]])
    sums = _Sum.apply(torch.cat([counts * values.sum(others), entries]))
    count = sums[-1]
    mean = sums[:-1] / count
    centered = values - mean.view(shape)
    variance = _Sum.apply(counts * centered.square().sum(others)) / count
    with torch.no_grad():
        layer.num_batches_tracked.add_(1)
        share = 1 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
        layer.running_mean.lerp_(mean.to(layer.running_mean.dtype), share)
        layer.running_var.lerp_((variance * count / (count - 1)).to(layer.running_var.dtype), share)
    output = centered * (variance + layer.eps).rsqrt().view(shape)
    output = output if layer.weight is None else output * layer.weight.view(shape)
    output = output if layer.bias is None else output + layer.bias.view(shape)
    return output.to(input.dtype)
