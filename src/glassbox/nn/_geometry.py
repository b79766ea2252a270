"""Where the windows of a convolution or of a pooling lie, once tensors and options are known to fit."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from glassbox.nn._checks import pair, require_floating, require_one_dtype
from glassbox.nn._windows import Axis, lay, require_images

# Convolution


def require_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> tuple[int, ...]:
    """Raise unless types, shapes and options fit, and give the shape of the output."""
    rows, columns = conv2d_axes(input, weight, bias, stride, padding, dilation, groups)
    return (*input.shape[:-3], len(weight), rows.windows, columns.windows)


def conv2d_axes(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> tuple[Axis, Axis]:
    """Check that all fits, and lay the windows along the rows and along the columns."""
    require_one_dtype("conv2d", input=input, weight=weight, bias=bias)
    stride, padding, dilation = (tuple(v) if isinstance(v, list) else v for v in (stride, padding, dilation))
    bias_shape = None if bias is None else bias.shape
    return _conv2d_axes(input.shape, weight.shape, bias_shape, stride, padding, dilation, groups)


@lru_cache(maxsize=1024, typed=True)
def _conv2d_axes(
    images: torch.Size, weight: torch.Size, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> tuple[Axis, Axis]:
    """Check that the shapes fit, and lay the windows along the rows and along the columns."""
    require_images("conv2d", images)
    if len(weight) != 4 or 0 in weight[2:]:
        raise ValueError(f"conv2d expects a weight of shape (C', C / groups, kh, kw), got {tuple(weight)}")
    if groups < 1 or weight[0] % groups or images[-3] != weight[1] * groups:
        raise ValueError(
            f"conv2d expects {weight[1] * groups} channels for a weight of shape {tuple(weight)} in groups={groups} "
            f"equal parts, got an input of shape {tuple(images)}"
        )
    if bias is not None and bias != weight[:1]:
        raise ValueError(f"conv2d expects a bias of shape ({weight[0]},), got {tuple(bias)}")
    stride, dilation = pair("Conv2d", "stride", stride, least=1), pair("Conv2d", "dilation", dilation, least=1)
    padded = sides(weight[2:], stride, padding, dilation)
    rows, columns = (lay(images[i], weight[i], stride[i], dilation[i], *padded[i], ceil_mode=False) for i in (-2, -1))
    return rows, columns


def sides(kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Give the padding before and after the rows, and before and after the columns."""
    if padding == "same":
        if tuple(stride) != (1, 1):
            raise ValueError(f"conv2d expects stride 1 with padding='same', got {stride}: give the padding in numbers")
        total = [dilation[i] * (kernel_size[i] - 1) for i in range(2)]
        return (total[0] // 2, total[0] - total[0] // 2), (total[1] // 2, total[1] - total[1] // 2)
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"conv2d expects padding to be 'same', 'valid', a number or two, got {padding!r}")
    rows, columns = (0, 0) if padding == "valid" else pair("Conv2d", "padding", padding, least=0)
    return (rows, rows), (columns, columns)


# Pooling


def require_max_pool2d(
    input: Tensor,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[int, ...]:
    """Raise unless the shape and the options fit, and give the shape of the output."""
    rows, columns = pooling_axes("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    return (*input.shape[:-2], rows.windows, columns.windows)


def require_avg_pool2d(
    input: Tensor,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[int, ...]:
    """Raise unless the shape and the options fit, and give the shape of the output."""
    rows, columns = pooling_axes("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    return (*input.shape[:-2], rows.windows, columns.windows)


def pooling_axes(
    name: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Axis, Axis]:
    """Check that all fits, and lay the windows along the rows and along the columns."""
    require_floating(name, input=input)
    options = (tuple(v) if isinstance(v, list) else v for v in (kernel_size, stride, padding, dilation))
    return _pooling_axes(name, input.shape, *options, bool(ceil_mode))


@lru_cache(maxsize=1024, typed=True)
def _pooling_axes(
    name: str, images: torch.Size, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Axis, Axis]:
    """Check that the shape fits, and lay the windows along the rows and along the columns."""
    require_images(name, images)
    if 0 in images[-3:]:
        raise ValueError(f"{name} expects at least one channel, row and column, got the shape {tuple(images)}")
    kernel_size = pair(name, "kernel_size", kernel_size, least=1)
    stride = pair(name, "stride", stride, least=1) if stride not in (None, ()) else kernel_size
    padding, dilation = pair(name, "padding", padding, least=0), pair(name, "dilation", dilation, least=1)
    for count, around in zip(kernel_size, padding, strict=True):
        if around > count // 2:
            raise ValueError(
                f"{name} expects a padding of at most half its window of {count}, got {around}: "
                "a window would see nothing of the image"
            )
    rows, columns = (
        lay(images[i], kernel_size[i], stride[i], dilation[i], padding[i], padding[i], ceil_mode) for i in (-2, -1)
    )
    for axis in (rows, columns):
        if not all(axis.sees_the_image(number) for number in range(axis.windows)):
            raise ValueError(
                f"{name} expects each window to see a number of the image, but one of {axis.kernel_size} with dilation "
                f"{axis.dilation} passes by an image of {axis.size}, padded by {axis.before}: take less of them"
            )
    return rows, columns


def divisor_of_windows(
    input: Tensor, rows: Axis, columns: Axis, count_include_pad: bool, divisor_override: int | None
) -> Any:
    """Give by how many numbers a sum is divided: one number, or one for each window (H', W')."""
    if divisor_override is not None:
        if divisor_override == 0:
            raise ValueError("avg_pool2d expects a divisor_override that is not 0, got 0: give another number")
        return divisor_override
    counts = []
    for axis in (rows, columns):
        edge = axis.before if count_include_pad else 0  # what counts lies from -edge to size + edge
        start = torch.arange(axis.windows, device=input.device) * axis.stride - axis.before
        end = (start + axis.kernel_size).clamp(max=axis.size + edge)
        counts.append(end - start.clamp(min=-edge))
    return counts[0][:, None] * counts[1]
