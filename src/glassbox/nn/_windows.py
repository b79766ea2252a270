"""Windows that move over an image: what a convolution and a pooling share.

A window has a place for each of its ``kernel_size`` numbers: its taps. ``dilation`` is the step from tap to tap,
``stride`` the step from window to window, and the image is ``padding`` larger on each side. `lay_out` gives what every
window sees, `add_back` is its transpose: what is given to each tap goes back to where in the image it was seen.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor


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

    def sees_the_image(self, window: int) -> bool:
        """Tell whether a window has a tap in the image, and not all of them in its padding."""
        first = window * self.stride - self.before
        return any(0 <= first + tap * self.dilation < self.size for tap in range(self.kernel_size))

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


def lay_out(images: Tensor, rows: Axis, columns: Axis, value: float = 0.0) -> Tensor:
    """Give what each window sees: (..., H, W) becomes (..., kh, kw, H', W'), a view of the padded images."""
    return windows_of(pad(images, rows, columns, value), rows, columns)


def add_back(given: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Add up, at each place of the images, what windows are given for it: (..., kh, kw, H', W') becomes (..., H, W)."""
    half = given.dtype in (torch.float16, torch.bfloat16)  # whose sums are kept in more digits
    padded = given.new_zeros(
        *given.shape[:-4], rows.padded_size, columns.padded_size, dtype=torch.float32 if half else given.dtype
    )
    for v in range(rows.kernel_size):
        for w in range(columns.kernel_size):
            padded[..., rows.tap(v), columns.tap(w)] += given[..., v, w, :, :]
    return crop(padded, rows, columns).to(given.dtype)


def pad(images: Tensor, rows: Axis, columns: Axis, value: float = 0.0) -> Tensor:
    """Give the images with their padding: (..., H, W) becomes (..., H + padding, W + padding)."""
    if not (rows.before or rows.after or columns.before or columns.after):
        return images
    padded = images.new_full((*images.shape[:-2], rows.padded_size, columns.padded_size), value)
    crop(padded, rows, columns).copy_(images)
    return padded


def crop(padded: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Give the images without their padding, as a view."""
    return padded[..., rows.before : rows.before + rows.size, columns.before : columns.before + columns.size]


def windows_of(padded: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Give what each window sees, as a view of padded images: see `lay_out`."""
    for axis in (rows, columns):  # each puts its windows where the axis was, and what they see last
        reach = axis.dilation * (axis.kernel_size - 1) + 1
        padded = padded.unfold(-2, reach, axis.stride)[..., :: axis.dilation]
    return padded.movedim((-2, -1), (-4, -3))  # (..., kh, kw, H', W')


def require_images(name: str, shape: torch.Size) -> None:
    """Raise ValueError unless the shape is that of a batch of images (N, C, H, W) or of one image (C, H, W)."""
    if len(shape) not in (3, 4):
        raise ValueError(
            f"{name} expects images of shape (N, C, H, W) or one of shape (C, H, W), got {tuple(shape)}: "
            "add the missing dimensions with unsqueeze"
        )
