"""Pooling: an image made smaller, each window replaced by its largest number or by its mean."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.nn import _fast
from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._by_hand import by_hand
from glassbox.nn._geometry import divisor_of_windows, pooling_axes, require_avg_pool2d, require_max_pool2d
from glassbox.nn._windows import Axis, add_back, lay_out

# Maximum


def maximum_forward(images: Tensor, *, rows: Axis, columns: Axis) -> tuple[Tensor, Tensor]:
    r"""Take each window's largest number, :math:`y_{cfg} = \max_{vw} x_{c,\, fs+v,\, gs+w}`, and where its winner is.

    The place is row · W + column. Of several largest numbers it is the first in reading order; a NaN wins over any
    number, and padding never wins. See `max_pool2d`.
    """
    seen = lay_out(images, rows, columns, value=-torch.inf).flatten(-4, -3)  # x: (..., kh·kw, H', W')
    output, tap = seen.max(-3, keepdim=True)  # (..., 1, H', W'): y, and which of the kh·kw numbers it is
    winners = places_seen(rows, columns, images.device).expand_as(seen).gather(-3, tap)  # where in the image that is
    return output.squeeze(-3), winners.squeeze(-3)  # (..., H', W')


def maximum_backward(
    grad_output: Tensor,
    images: Tensor,
    *,
    winners: Tensor,
    needs: tuple[bool, ...] = (True,),
    rows: Axis,
    columns: Axis,
) -> Gradients:
    r"""Give each :math:`\bar y_{cfg}` to the winner of its window; see `max_pool2d`."""
    grad_images = torch.zeros_like(images).flatten(-2)  # (..., H·W)
    grad_images = grad_images.scatter_add(-1, winners.flatten(-2), grad_output.flatten(-2))  # the sum over f and g
    return (grad_images.view(images.shape),)


def places_seen(rows: Axis, columns: Axis, device: torch.device) -> Tensor:
    """Give where in the image each tap of each window is, as row · W + column: (kh·kw, H', W').

    Padding is -inf, and could win only in a window whose numbers are all -inf: it names its first tap in the image
    instead.
    """
    outside = rows.size * columns.size  # greater than every place in the image
    pixels = torch.arange(outside, device=device).view(rows.size, columns.size)
    places = lay_out(pixels, rows, columns, value=outside).flatten(0, 1)  # (kh·kw, H', W')
    # Places grow from tap to tap, so that the least is the first; each window has one in the image (`pooling_axes`).
    return torch.where(places == outside, places.amin(0), places)


_maximum = differentiable(maximum_forward, maximum_backward, keeps="winners", fast=_fast.maximum)


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

    with no padding, dilation 1 and the stride :math:`s`. Where several numbers are the largest, the first in reading
    order receives the gradient. A number that is not a number (NaN) is larger than any other, as in torch; of several
    in a window torch takes the last, and the first is taken here.

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
        :math:`y`, of shape (N, C, H', W') or (C, H', W'), and with ``return_indices`` where in the image each number
        was, row · W + column, int64.

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
    rows, columns = pooling_axes("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    output = _maximum(input, rows=rows, columns=columns)
    return (output, maximum_forward(input.detach(), rows=rows, columns=columns)[1]) if return_indices else output


@by_hand(require_max_pool2d)
def max_pool2d_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Gradients:
    r"""Give each :math:`\bar y_{cfg}` to the winner of its window; see `max_pool2d`."""
    rows, columns = pooling_axes("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    _, winners = maximum_forward(input, rows=rows, columns=columns)
    return maximum_backward(grad_output, input, winners=winners, rows=rows, columns=columns)


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
        """Return the smaller images (N, C, H', W') of images (N, C, H, W)."""
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


def mean_forward(images: Tensor, *, rows: Axis, columns: Axis, divisor: Any) -> Tensor:
    r"""Compute :math:`y_{cfg} = \frac{1}{k_h k_w} \sum_{vw} x_{c,\, fs+v,\, gs+w}`; see `avg_pool2d`."""
    seen = lay_out(images, rows, columns)  # (..., kh, kw, H', W')
    seen = seen.flatten(-4, -3)  # (..., kh·kw, H', W'): to add over one dimension is quicker than over two
    return seen.sum(-3) / divisor  # (..., H', W'), by kh·kw, by how many of them count, or by the override


def mean_backward(
    grad_output: Tensor,
    images: Tensor,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
    rows: Axis,
    columns: Axis,
    divisor: Any,
) -> Gradients:
    r"""Share each :math:`\bar y_{cfg}` equally among the numbers of its window; see `avg_pool2d`."""
    share = (grad_output / divisor)[..., None, None, :, :]  # (..., 1, 1, H', W')
    grad_seen = share.expand(*images.shape[:-2], rows.kernel_size, columns.kernel_size, -1, -1)
    return (add_back(grad_seen, rows, columns),)  # (..., H, W)


_mean = differentiable(mean_forward, mean_backward)


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
        y_{cfg} = \frac{1}{k_h k_w} \sum_{v,w} x_{c,\, fs+v,\, gs+w}, \qquad
        \bar x_{cij} = \frac{1}{k_h k_w} \sum_{f,g} \bar y_{cfg}\, [(i, j) \text{ is in window } (f, g)]

    with no padding and the stride :math:`s`.

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
        :math:`y`, of shape (N, C, H', W') or (C, H', W').

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
    rows, columns = pooling_axes("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    divisor = divisor_of_windows(input, rows, columns, count_include_pad, divisor_override)
    return _mean(input, rows=rows, columns=columns, divisor=divisor)


@by_hand(require_avg_pool2d)
def avg_pool2d_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True,),
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Gradients:
    r"""Share each :math:`\bar y_{cfg}` equally among the numbers of its window; see `avg_pool2d`."""
    rows, columns = pooling_axes("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    divisor = divisor_of_windows(input, rows, columns, count_include_pad, divisor_override)
    return mean_backward(grad_output, input, rows=rows, columns=columns, divisor=divisor)


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
        """Return the smaller images (N, C, H', W') of images (N, C, H, W)."""
        window = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return avg_pool2d(input, *window, self.count_include_pad, self.divisor_override)

    def extra_repr(self) -> str:
        """Write the arguments as torch does."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
