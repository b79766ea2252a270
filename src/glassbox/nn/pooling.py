"""Pooling: an image made smaller, each window replaced by its largest number or by its mean.

Both are done along the rows, then along the columns: the largest number of a window is the largest among the largest of
its rows. That takes kh + kw steps instead of kh·kw.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._checks import pair, require_floating
from glassbox.nn._windows import COLUMNS, ROWS, Axis, crop, lay, pad, require_images, require_slope, taps, windows

# Maximum


def max_pool2d_forward(input: Tensor, *, return_indices: bool = False, **window: Any) -> Any:
    r"""Compute :math:`y_{fg} = \max_{vw} x_{fs+v,\, gs+w}`; see `max_pool2d`."""
    rows, columns = _settle("max_pool2d", input, **window)
    padded = pad(input, rows, columns, -torch.inf)
    output = _largest(_largest(padded, ROWS, rows), COLUMNS, columns)  # (N, C, h, w)
    return (output, _places(input, output, rows, columns)) if return_indices else output


@torch.no_grad()
def max_pool2d_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    return_indices: bool = False,
    **window: Any,
) -> Gradients:
    r"""Give :math:`\bar y_{fg}` to the first of the largest numbers of its window; see `max_pool2d`."""
    rows, columns = _settle("max_pool2d", input, **window)
    require_slope("max_pool2d_backward", grad_output, (*input.shape[:-2], rows.windows, columns.windows))
    largest = max_pool2d_forward(input, **window) if output is None else output
    grad_images = grad_output.new_zeros(*input.shape[:-2], input.shape[-2:].numel())  # (N, C, H·W)
    grad_images.scatter_add_(-1, _places(input, largest, rows, columns).flatten(-2), grad_output.flatten(-2))
    return (grad_images.view(input.shape),)


def _largest(padded: Tensor, dim: int, axis: Axis) -> Tensor:
    """Give the largest number of each window along a dimension."""
    best, *others = taps(padded, dim, axis)
    for tap in others:
        best = torch.maximum(best, tap)
    return best


def _places(input: Tensor, largest: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Give where each window first has its largest number: its row · W + its column in the image."""
    pixels = input.shape[-2:].numel()
    exact = torch.float64 if input.dtype == torch.float64 or pixels > 2**23 else torch.float32  # holds 2 · pixels
    places = torch.arange(pixels, device=input.device, dtype=exact).view(*[1] * (input.ndim - 2), *input.shape[-2:])
    places = _taps_first(pad(places, rows, columns, torch.inf), rows, columns)  # (kh, kw, 1, 1, h, w)
    seen = _taps_first(pad(input.to(exact), rows, columns, -torch.inf), rows, columns)  # (kh, kw, N, C, h, w)
    largest = largest.nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)  # a NaN is not below infinity
    behind = seen.lt_(largest)  # 1 or 0 as numbers, over what was seen: a mask of bools takes longer
    return torch.add(places, behind, alpha=pixels, out=behind).amin((0, 1)).long()


def _taps_first(padded: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Give what each window sees, as a copy with the window's own dimensions in front."""
    seen = windows(padded, rows, columns).movedim((-4, -3), (0, 1))
    return seen.clone(memory_format=torch.contiguous_format)


_max_pool2d = differentiable(max_pool2d_forward, max_pool2d_backward, saves="both")


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    r"""Replace each window of an image by its largest number.

    .. math::
        y_{cfg} = \max_{v,w}\, x_{c,\, fs+v,\, gs+w}, \qquad
        \bar x_{cij} = \sum_{f,g} \bar y_{cfg}\, [(i, j) \text{ is where window } (f, g) \text{ has its maximum}]

    with the stride :math:`s`. Where several numbers are the largest, the first in reading order receives the gradient.
    A number that is not a number (NaN) is larger than any other, as in torch.

    Parameters
    ----------
    input : Tensor
        Images :math:`x`, of shape (N, C, H, W) or (C, H, W).
    kernel_size : int or (int, int)
        Rows and columns of a window.
    stride : int or (int, int), optional
        Steps from window to window. By default the windows lie side by side.
    padding : int or (int, int), default 0
        How far the windows reach past each side of the image; what is there is never the largest.
    dilation : int or (int, int), default 1
        Steps between the numbers that a window sees.
    ceil_mode : bool, default False
        Let the last window reach past the image rather than leave numbers out.
    return_indices : bool, default False
        Give the places as well.

    Returns
    -------
    Tensor or (Tensor, Tensor)
        :math:`y`, of shape (N, C, h, w) or (C, h, w), and with ``return_indices`` where in the image each number was,
        row · W + column, int64.

    Raises
    ------
    TypeError
        The input is no floating-point tensor, or an option is no whole number.
    ValueError
        The shape is not that of images, the window is larger than they are, or an option is out of its range.

    References
    ----------
    Ranzato et al., Unsupervised learning of invariant feature hierarchies with applications to object recognition,
    2007. https://doi.org/10.1109/CVPR.2007.383157

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import max_pool2d, max_pool2d_backward
    >>> image = torch.tensor([[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 0.0]]])
    >>> max_pool2d(image, 2)
    tensor([[[5., 2.]]])
    >>> max_pool2d_backward(torch.tensor([[[10.0, 20.0]]]), image, kernel_size=2)
    (tensor([[[ 0., 10., 20.,  0.],
             [ 0.,  0.,  0.,  0.]]]),)
    """
    return _max_pool2d(
        input,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
        return_indices=return_indices,
    )


class MaxPool2d(Module):
    """Largest number of each window: see `glassbox.nn.functional.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, return_indices, ceil_mode
        As for `glassbox.nn.functional.max_pool2d`.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.MaxPool2d(2)(torch.zeros(50, 2, 29, 29)).shape
    torch.Size([50, 2, 14, 14])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
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

    def forward(self, input: Tensor) -> Any:
        """Return the smaller images (N, C, h, w) of images (N, C, H, W)."""
        return max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        """Write the arguments as torch does."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


# Mean


def avg_pool2d_forward(
    input: Tensor, *, count_include_pad: bool = True, divisor_override: int | None = None, **window: Any
) -> Tensor:
    r"""Compute :math:`y_{fg} = \frac{1}{kk} \sum_{vw} x_{fs+v,\, gs+w}`; see `avg_pool2d`."""
    rows, columns = _settle("avg_pool2d", input, **window)
    sums = _sum(_sum(pad(input, rows, columns), ROWS, rows), COLUMNS, columns)  # (N, C, h, w)
    return sums / _divisor(input, rows, columns, count_include_pad, divisor_override)


@torch.no_grad()
def avg_pool2d_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    **window: Any,
) -> Gradients:
    r"""Share :math:`\bar y_{fg}` equally among the numbers of its window; see `avg_pool2d`."""
    rows, columns = _settle("avg_pool2d", input, **window)
    require_slope("avg_pool2d_backward", grad_output, (*input.shape[:-2], rows.windows, columns.windows))
    share = grad_output / _divisor(input, rows, columns, count_include_pad, divisor_override)
    grad_padded = _give_all(_give_all(share, COLUMNS, columns), ROWS, rows)
    return (crop(grad_padded, rows, columns),)


def _sum(padded: Tensor, dim: int, axis: Axis) -> Tensor:
    """Give the sum of each window along a dimension."""
    first, *others = taps(padded, dim, axis)
    for tap in others:
        first = first + tap
    return first


def _give_all(grad_output: Tensor, dim: int, axis: Axis) -> Tensor:
    """Give each gradient to all the taps of its window."""
    shape = list(grad_output.shape)
    shape[dim] = axis.padded_size
    grad_padded = grad_output.new_zeros(shape)
    for tap in axis.taps:
        (grad_padded[..., tap] if dim == COLUMNS else grad_padded[..., tap, :]).add_(grad_output)
    return grad_padded


def _divisor(input: Tensor, rows: Axis, columns: Axis, count_include_pad: bool, divisor_override: int | None) -> Any:
    """Give by how many numbers a sum is divided: one number, or one for each window (h, w)."""
    if divisor_override is not None:
        if divisor_override == 0:
            raise ValueError(
                "avg_pool2d divides by divisor_override, but divisor_override=0 came: give another number."
            )
        return divisor_override
    counts = []
    for axis in (rows, columns):
        start = torch.arange(axis.windows, device=input.device) * axis.stride - axis.before
        end = (start + axis.kernel_size).clamp(max=axis.size + (axis.before if count_include_pad else 0))
        counts.append(end - (start if count_include_pad else start.clamp(min=0)))
    return counts[0][:, None] * counts[1]


_avg_pool2d = differentiable(avg_pool2d_forward, avg_pool2d_backward)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    r"""Replace each window of an image by the mean of its numbers.

    .. math::
        y_{cfg} = \frac{1}{kh\,kw} \sum_{v,w} x_{c,\, fs+v,\, gs+w}, \qquad
        \bar x_{cij} = \frac{1}{kh\,kw} \sum_{f,g} \bar y_{cfg}\, [(i, j) \text{ is in window } (f, g)]

    with the stride :math:`s`.

    Parameters
    ----------
    input : Tensor
        Images :math:`x`, of shape (N, C, H, W) or (C, H, W).
    kernel_size : int or (int, int)
        Rows and columns of a window.
    stride : int or (int, int), optional
        Steps from window to window. By default the windows lie side by side.
    padding : int or (int, int), default 0
        Zeros on each side of the image.
    ceil_mode : bool, default False
        Let the last window reach past the image rather than leave numbers out.
    count_include_pad : bool, default True
        Divide by the size of the window, padding included; otherwise by how many numbers of the image it sees.
    divisor_override : int, optional
        Divide by this number.

    Returns
    -------
    Tensor
        :math:`y`, of shape (N, C, h, w) or (C, h, w).

    Raises
    ------
    TypeError
        The input is no floating-point tensor, or an option is no whole number.
    ValueError
        The shape is not that of images, the window is larger than they are, or an option is out of its range.

    References
    ----------
    LeCun et al., Gradient-based learning applied to document recognition, 1998. https://doi.org/10.1109/5.726791

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import avg_pool2d
    >>> avg_pool2d(torch.tensor([[[1.0, 5.0, 2.0, 2.0], [3.0, 3.0, 2.0, 0.0]]]), 2)
    tensor([[[3.0000, 1.5000]]])
    """
    return _avg_pool2d(
        input,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        divisor_override=divisor_override,
    )


class AvgPool2d(Module):
    """Mean of each window: see `glassbox.nn.functional.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As for `glassbox.nn.functional.avg_pool2d`.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> nn.AvgPool2d(2)(torch.zeros(50, 2, 29, 29)).shape
    torch.Size([50, 2, 14, 14])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
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

    def forward(self, input: Tensor) -> Tensor:
        """Return the smaller images (N, C, h, w) of images (N, C, H, W)."""
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
        """Write the arguments as torch does."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


# Shapes, options and errors, settled before the equation


def _settle(
    name: str,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> tuple[Axis, Axis]:
    """Check that all fits, and lay the windows along the rows and along the columns."""
    if not input.is_floating_point():
        require_floating(name, input=input)
    options = (tuple(v) if isinstance(v, list) else v for v in (kernel_size, stride, padding, dilation))
    return _axes(name, input.shape, *options, bool(ceil_mode))


@lru_cache(maxsize=1024, typed=True)
def _axes(
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
    return rows, columns
