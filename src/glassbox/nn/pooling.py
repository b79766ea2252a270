"""Pooling: one number for each window of the image, its largest or its mean; and flattening, which comes after it.

A window's entry (v, w), taken for all windows at once, is a strided slice of the image. Pooling is then the maximum, or
the sum, of a few slices of the output's size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn.autograd import Gradients, differentiable
from glassbox.nn.checks import pair, require_floating

Pair = tuple[int, int]


@dataclass(frozen=True)
class Windows:
    """The windows over an image: how many, how large, how far apart."""

    size: Pair
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    output: Pair

    def pad(self, images: Tensor, value: float) -> Tensor:
        """Add what surrounds the image, and what the last windows reach beyond it."""
        (top, left), (bottom, right) = self.padding, self.beyond
        if not (top or left or bottom or right):
            return images
        high, wide = self.size[0] + top + bottom, self.size[1] + left + right
        padded = images.new_full((*images.shape[:-2], high, wide), value)
        self.inner(padded).copy_(images)
        return padded

    @property
    def beyond(self) -> Pair:
        """Rows and columns that the last windows reach beyond the end of the image."""
        ends = zip(self.output, self.stride, self.kernel, self.dilation, self.padding, self.size, strict=True)
        high, wide = (
            max((count - 1) * stride + (kernel - 1) * dilation + 1 - padding - size, 0)
            for count, stride, kernel, dilation, padding, size in ends
        )
        return high, wide

    def inner(self, padded: Tensor) -> Tensor:
        """Return the image within its padding."""
        top, left = self.padding
        return padded[..., top : top + self.size[0], left : left + self.size[1]]

    def slices(self, padded: Tensor) -> Iterator[Tensor]:
        """Go through the entries of the windows in row-major order: each for all windows at once."""
        for v in range(self.kernel[0]):
            for w in range(self.kernel[1]):
                yield padded[..., self._every(v, 0), self._every(w, 1)]

    def _every(self, tap: int, axis: int) -> slice:
        start = tap * self.dilation[axis]
        return slice(start, start + (self.output[axis] - 1) * self.stride[axis] + 1, self.stride[axis])

    def places(self, device: torch.device) -> Tensor:
        """Return, for each pixel of the padded image, its place in the image, counted row by row; -1 outside."""
        places = torch.arange(self.size[0] * self.size[1], device=device).view(1, *self.size)
        return self.pad(places, -1)[0]


# Maximum


def max_pool2d_forward(input: Tensor, *, windows: Windows, return_indices: bool = False) -> Any:
    r"""Compute :math:`\max_{v,w} x_{S f + v,\, S g + w}`; see `max_pool2d`."""
    entries = windows.slices(windows.pad(input, -math.inf))
    if return_indices:
        return _with_indices(entries, windows.slices(windows.places(input.device)))
    largest = next(entries).clone()
    for entry in entries:
        torch.maximum(largest, entry, out=largest)
    return largest


def _with_indices(entries: Iterator[Tensor], places: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the largest entries and their places: among equals the first, among NaN the last, as in torch."""
    largest = next(entries)
    index = next(places).expand(largest.shape)
    for entry, place in zip(entries, places, strict=True):
        better = (entry > largest) | entry.isnan() | (index < 0)
        largest, index = torch.where(better, entry, largest), torch.where(better, place, index)
    return largest.clone(), index.contiguous()


def _max_pool2d_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    windows: Windows,
    output: Tensor,
    needs: tuple[bool, ...] = (True,),
    return_indices: bool = False,
) -> Gradients:
    """Compute what `max_pool2d_backward` describes."""
    padded = windows.pad(input, -math.inf)
    grad_input = torch.zeros_like(padded)
    remaining = grad_output.clone()  # the first entry that is largest takes it: nothing remains for its equals
    for entry, grad_entry in zip(windows.slices(padded), windows.slices(grad_input), strict=True):
        smaller = entry < output
        grad_entry.add_(remaining.masked_fill(smaller, 0))
        remaining.masked_fill_(smaller.logical_not_(), 0)
    return (windows.inner(grad_input),)


_max_pool2d = differentiable(max_pool2d_forward, _max_pool2d_backward, saves="both")


def max_pool2d(
    input: Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    r"""Keep the largest number of each window.

    .. math::
        y_{f,g} = \max_{v,w} \; x_{S f + v,\, S g + w}, \qquad
        \frac{\partial R}{\partial x_{m,n}} = \sum_{f,g} \frac{\partial R}{\partial y_{f,g}} \,
        \bigl[\text{window } (f, g) \text{ has its largest number at } (m, n)\bigr]

    with the stride S, in each channel by itself. Among equal numbers the first in row-major order is the largest.

    Parameters
    ----------
    input : Tensor
        Images, shape (N, C, H, W), or one image (C, H, W).
    kernel_size : int or pair of int
        Size of a window.
    stride : int or pair of int, optional
        Pixels between two windows; by default windows lie side by side.
    padding : int or pair of int, default 0
        Rows and columns of minus infinity around each image, at most half a window.
    dilation : int or pair of int, default 1
        Pixels between two entries of a window.
    ceil_mode : bool, default False
        Let the last windows reach beyond the image rather than leave pixels out.
    return_indices : bool, default False
        Return also where each largest number was, as its place in the image counted row by row.

    Returns
    -------
    Tensor or pair of Tensor
        Shape (N, C, H', W'), with H' = floor((H + 2 padding - dilation (V - 1) - 1) / stride) + 1 for windows V high.

    Raises
    ------
    ValueError
        The shape does not fit, or an option is out of its range.
    TypeError
        The input is not a floating-point tensor.

    References
    ----------
    Ranzato, Huang, Boureau and LeCun, Unsupervised learning of invariant feature hierarchies, 2007.
    https://doi.org/10.1109/CVPR.2007.383157

    Examples
    --------
    >>> import torch
    >>> max_pool2d(torch.tensor([[[1.0, 2.0, 0.0, 0.0], [4.0, 3.0, 0.0, 5.0]]]), 2)
    tensor([[[4., 5.]]])
    """
    windows = _settle("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool2d(input, windows=windows, return_indices=return_indices)


def max_pool2d_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
) -> Gradients:
    r"""Compute the derivative of `max_pool2d`: each window hands its gradient to its largest entry.

    Parameters
    ----------
    grad_output : Tensor
        Gradient of the risk with respect to the output, shape (N, C, H', W').
    input, kernel_size, stride, padding, dilation, ceil_mode
        What `max_pool2d` received.
    output : Tensor, optional
        What `max_pool2d` returned; computed again where it is not given.
    needs : tuple of bool
        Which gradients are wanted.

    Returns
    -------
    tuple of Tensor
        The gradient with respect to the input.

    Examples
    --------
    >>> import torch
    >>> max_pool2d_backward(torch.tensor([[[10.0]]]), torch.tensor([[[1.0, 2.0], [2.0, 0.0]]]), kernel_size=2)
    (tensor([[[ 0., 10.],
             [ 0.,  0.]]]),)
    """
    windows = _settle("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    largest = max_pool2d_forward(input, windows=windows) if output is None else output
    return _max_pool2d_backward(grad_output, input, windows=windows, output=largest, needs=needs)


# Mean


def avg_pool2d_forward(input: Tensor, *, windows: Windows, divisor: Tensor | int) -> Tensor:
    r"""Compute :math:`\frac{1}{d} \sum_{v,w} x_{S f + v,\, S g + w}`; see `avg_pool2d`."""
    entries = windows.slices(windows.pad(input, 0))
    total = next(entries).clone()
    for entry in entries:
        total.add_(entry)
    return total.div_(divisor)


def _avg_pool2d_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    windows: Windows,
    divisor: Tensor | int,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
) -> Gradients:
    """Compute what `avg_pool2d_backward` describes."""
    grad_input = torch.zeros_like(windows.pad(input, 0))
    share = grad_output / divisor
    for grad_entry in windows.slices(grad_input):
        grad_entry.add_(share)
    return (windows.inner(grad_input),)


_avg_pool2d = differentiable(avg_pool2d_forward, _avg_pool2d_backward)


def avg_pool2d(
    input: Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    r"""Take the mean of each window.

    .. math::
        y_{f,g} = \frac{1}{d} \sum_{v,w} x_{S f + v,\, S g + w}, \qquad
        \frac{\partial R}{\partial x_{m,n}} = \sum_{\text{windows } (f, g) \text{ over } (m, n)}
        \frac{1}{d} \frac{\partial R}{\partial y_{f,g}}

    with the stride S and the number of entries d.

    Parameters
    ----------
    input : Tensor
        Images, shape (N, C, H, W), or one image (C, H, W).
    kernel_size : int or pair of int
        Size of a window.
    stride : int or pair of int, optional
        Pixels between two windows; by default windows lie side by side.
    padding : int or pair of int, default 0
        Rows and columns of zeros around each image, at most half a window.
    ceil_mode : bool, default False
        Let the last windows reach beyond the image rather than leave pixels out.
    count_include_pad : bool, default True
        Count the zeros of the padding as entries.
    divisor_override : int, optional
        Divide by this number.

    Returns
    -------
    Tensor
        Shape (N, C, H', W').

    Raises
    ------
    ValueError
        The shape does not fit, or an option is out of its range.
    TypeError
        The input is not a floating-point tensor.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998.
    https://doi.org/10.1109/5.726791

    Examples
    --------
    >>> import torch
    >>> avg_pool2d(torch.tensor([[[1.0, 2.0], [4.0, 5.0]]]), 2)
    tensor([[[3.]]])
    """
    windows = _settle("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    divisor = _divisor(input, windows, count_include_pad, divisor_override)
    return _avg_pool2d(input, windows=windows, divisor=divisor)


def avg_pool2d_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
) -> Gradients:
    r"""Compute the derivative of `avg_pool2d`: each window shares its gradient among its entries.

    Parameters
    ----------
    grad_output : Tensor
        Gradient of the risk with respect to the output, shape (N, C, H', W').
    input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        What `avg_pool2d` received.
    output : Tensor, optional
        Not used.
    needs : tuple of bool
        Which gradients are wanted.

    Returns
    -------
    tuple of Tensor
        The gradient with respect to the input.

    Examples
    --------
    >>> import torch
    >>> avg_pool2d_backward(torch.tensor([[[8.0]]]), torch.zeros(1, 2, 2), kernel_size=2)
    (tensor([[[2., 2.],
             [2., 2.]]]),)
    """
    windows = _settle("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    divisor = _divisor(input, windows, count_include_pad, divisor_override)
    return _avg_pool2d_backward(grad_output, input, windows=windows, divisor=divisor, needs=needs)


def _divisor(input: Tensor, windows: Windows, count_include_pad: bool, override: int | None) -> Tensor | int:
    """Return by how much the sum of each window is divided: a number, or a tensor of shape (H', W')."""
    if override is not None:
        if override == 0:
            raise ValueError("avg_pool2d expects divisor_override to be another number than 0, got 0")
        return override
    if count_include_pad and windows.beyond == (0, 0):
        return windows.kernel[0] * windows.kernel[1]
    counts = []
    for axis in (0, 1):
        size, padding = windows.size[axis], windows.padding[axis]
        first = torch.arange(windows.output[axis], device=input.device) * windows.stride[axis] - padding
        last = first + windows.kernel[axis]
        if count_include_pad:
            counts.append(last.clamp_max(size + padding) - first)
        else:
            counts.append(last.clamp_max(size) - first.clamp_min(0))
    return (counts[0][:, None] * counts[1]).to(input.dtype)


def _settle(
    name: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Windows:
    """Check the arguments of a pooling and return its windows."""
    require_floating(name, input=input)
    if input.dim() not in (3, 4):
        raise ValueError(
            f"{name} expects images of shape (N, C, H, W) or one of shape (C, H, W), got {tuple(input.shape)}: "
            "add the missing axes with unsqueeze"
        )
    kernel = pair(name, "kernel_size", kernel_size, least=1)
    steps = kernel if stride is None or stride == [] else pair(name, "stride", stride, least=1)
    sides, spread = pair(name, "padding", padding, least=0), pair(name, "dilation", dilation, least=1)
    return _windows(name, (input.shape[-2], input.shape[-1]), kernel, steps, sides, spread, bool(ceil_mode))


@lru_cache(maxsize=1024)
def _windows(
    name: str, size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> Windows:
    """Count the windows that fit."""
    counts = []
    for axis in (0, 1):
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        if 2 * padding[axis] > reach:
            raise ValueError(
                f"{name} expects a padding of at most half a window, got padding={padding} for windows of {kernel} "
                f"with dilation {dilation}: a larger one would make windows that see no pixel"
            )
        room = size[axis] + 2 * padding[axis] - reach
        count = (-(-room // stride[axis]) if ceil_mode else room // stride[axis]) + 1
        if ceil_mode and (count - 1) * stride[axis] >= size[axis] + padding[axis]:
            count -= 1  # a window that would begin beyond the image
        counts.append(count)
    if min(counts) < 1 or min(size) < 1:
        raise ValueError(
            f"{name}: windows of {kernel} with dilation {dilation} do not fit into an image of {size} with padding "
            f"{padding}: take smaller windows"
        )
    return Windows(size, kernel, stride, padding, dilation, (counts[0], counts[1]))


# Modules


class MaxPool2d(Module):
    r"""The layer of `max_pool2d`: the largest number of each window.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, return_indices, ceil_mode
        As for `max_pool2d`.

    Examples
    --------
    >>> import torch
    >>> MaxPool2d(2)(torch.zeros(50, 2, 29, 29)).shape
    torch.Size([50, 2, 14, 14])
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode
        pair("MaxPool2d", "kernel_size", kernel_size, least=1)
        pair("MaxPool2d", "stride", self.stride, least=1)
        pair("MaxPool2d", "padding", padding, least=0)
        pair("MaxPool2d", "dilation", dilation, least=1)

    def forward(self, input: Tensor) -> Any:
        """Return the largest number of each window."""
        return max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        """Return what is printed between the parentheses."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    r"""The layer of `avg_pool2d`: the mean of each window.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As for `avg_pool2d`.

    Examples
    --------
    >>> import torch
    >>> AvgPool2d(2)(torch.ones(1, 1, 4, 4))
    tensor([[[[1., 1.],
              [1., 1.]]]])
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override
        pair("AvgPool2d", "kernel_size", kernel_size, least=1)
        pair("AvgPool2d", "stride", self.stride, least=1)
        pair("AvgPool2d", "padding", padding, least=0)

    def forward(self, input: Tensor) -> Tensor:
        """Return the mean of each window."""
        return avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """Return what is printed between the parentheses."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class Flatten(Module):
    r"""Lay the axes from `start_dim` to `end_dim` out in one: the numbers stay as they are, and so do their gradients.

    Parameters
    ----------
    start_dim, end_dim : int
        First and last axis; by default all but the first, which counts the observations.

    Examples
    --------
    >>> import torch
    >>> Flatten()(torch.zeros(50, 8, 4, 4)).shape
    torch.Size([50, 128])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the same numbers in fewer axes."""
        axes = max(input.dim(), 1)
        if not (-axes <= self.start_dim < axes and -axes <= self.end_dim < axes):
            raise IndexError(
                f"Flatten expects axes from {-axes} to {axes - 1} for shape {tuple(input.shape)}, "
                f"got start_dim={self.start_dim} and end_dim={self.end_dim}"
            )
        if self.start_dim % axes > self.end_dim % axes:
            raise ValueError(f"Flatten expects start_dim before end_dim, got {self.start_dim} and {self.end_dim}")
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return what is printed between the parentheses."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
