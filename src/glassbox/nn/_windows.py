"""Windows that move over an image: what a convolution and a pooling share.

A window has a place for each of its ``kernel_size`` numbers: its taps. ``dilation`` is the step from tap to tap,
``stride`` the step from window to window, and the image is ``padding`` larger on each side. The same tap of all
windows, one after the other, is a strided slice of the padded image: that is how the equations are written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

ROWS, COLUMNS = -2, -1  # the dimensions of an image


class Axis(NamedTuple):
    """How the windows lie along the rows or along the columns of an image."""

    size: int  # of the image
    kernel_size: int
    stride: int
    dilation: int
    before: int  # padding on the near side
    after: int  # padding on the far side, as far as a window reaches
    windows: int  # how many there are

    def tap(self, number: int) -> slice:
        """Give where the windows have this tap, in the padded image."""
        first = number * self.dilation
        return slice(first, first + self.stride * (self.windows - 1) + 1, self.stride)

    @property
    def taps(self) -> list[slice]:
        """Where the windows have each of their taps, in the padded image."""
        return [self.tap(number) for number in range(self.kernel_size)]

    @property
    def padded_size(self) -> int:
        """Size of the padded image."""
        return self.before + self.size + self.after


@lru_cache(maxsize=1024)
def lay(size: int, kernel_size: int, stride: int, dilation: int, before: int, after: int, ceil_mode: bool) -> Axis:
    """Lay windows along an axis; ``ceil_mode`` lets the last one reach past the padding."""
    reach = dilation * (kernel_size - 1) + 1  # from the first to the last tap of a window
    room = before + size + after - reach
    windows = room // stride + 1
    if ceil_mode and room % stride and windows * stride < size + before:  # none may start beyond the image
        windows += 1
    if windows < 1:
        raise ValueError(
            f"a window of {kernel_size} with dilation {dilation} reaches over {reach} numbers, an image has {size} "
            f"({before + size + after} with padding): take a smaller window or more padding"
        )
    after = max(0, stride * (windows - 1) + reach - before - size)
    return Axis(size, kernel_size, stride, dilation, before, after, windows)


def pad(input: Tensor, rows: Axis, columns: Axis, value: float = 0.0) -> Tensor:
    """Give the image with its padding: (..., H, W) becomes (..., H + padding, W + padding)."""
    if not (rows.before or rows.after or columns.before or columns.after):
        return input
    padded = input.new_full((*input.shape[:-2], rows.padded_size, columns.padded_size), value)
    crop(padded, rows, columns).copy_(input)
    return padded


def crop(padded: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Give the image without its padding, as a view."""
    return padded[..., rows.before : rows.before + rows.size, columns.before : columns.before + columns.size]


def taps(padded: Tensor, dim: int, axis: Axis) -> list[Tensor]:
    """Give, for each tap of the windows along a dimension, what all the windows have there."""
    if dim == ROWS:
        return [padded[..., tap, :] for tap in axis.taps]
    return [padded[..., tap].contiguous() for tap in axis.taps]  # a copy: views with gaps are slow to work on


def windows(padded: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Give what each window sees, as a view: (..., H, W) becomes (..., kh, kw, h, w)."""
    *before, height, width = padded.stride()
    steps = (rows.dilation * height, columns.dilation * width, rows.stride * height, columns.stride * width)
    shape = (*padded.shape[:-2], rows.kernel_size, columns.kernel_size, rows.windows, columns.windows)
    return padded.as_strided(shape, (*before, *steps), padded.storage_offset())


def require_images(name: str, shape: torch.Size) -> None:
    """Raise ValueError unless the shape is that of a batch of images (N, C, H, W) or of one image (C, H, W)."""
    if len(shape) not in (3, 4):
        raise ValueError(
            f"{name} expects images of shape (N, C, H, W) or one of shape (C, H, W), got {tuple(shape)}: "
            "add the missing dimensions with unsqueeze"
        )


def require_slope(name: str, grad_output: Tensor, expected: tuple[int, ...]) -> None:
    """Raise ValueError unless the gradient has the output's shape."""
    if grad_output.shape != expected:
        raise ValueError(f"{name} expects a gradient of the output's shape {expected}, got {tuple(grad_output.shape)}")
