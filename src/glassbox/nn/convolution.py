"""The convolution: one small kernel of weights, laid on every place of an image."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter, init

from glassbox.nn import _fast
from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._by_hand import by_hand
from glassbox.nn._checks import pair, require_floating
from glassbox.nn._geometry import conv2d_axes, require_conv2d, sides
from glassbox.nn._padding import PADDING_MODES, extend
from glassbox.nn._windows import Axis, add_back, lay_out, require_images


def convolve_forward(
    images: Tensor, weight: Tensor, bias: Tensor | None = None, *, rows: Axis, columns: Axis, groups: int
) -> tuple[Tensor, Tensor]:
    r"""Compute :math:`y_{c'fg} = b_{c'} + \sum_{cvw} K_{c'cvw}\, x_{c, f+v, g+w}`, or :math:`Y = K S + b`."""
    kernels = kernels_as_matrix(weight, groups)  # K: (G, C'/G, C/G·kh·kw)
    seen = windows_as_matrix(images, rows, columns, groups)  # S: (N, G, C/G·kh·kw, H'·W')
    output = kernels @ seen  # Y: (N, G, C'/G, H'·W'), the sum over c, v and w
    output = output.view(len(images), len(weight), rows.windows, columns.windows)  # (N, C', H', W')
    if bias is not None:
        output += bias[:, None, None]  # b to each map, in the place of the product
    return output, seen


def convolve_backward(
    grad_output: Tensor,
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    seen: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True, True),
    rows: Axis,
    columns: Axis,
    groups: int,
) -> Gradients:
    r"""Compute :math:`\bar S = K^\top \bar Y`, added to the images, :math:`\bar K = \bar Y S^\top`, :math:`\bar b`."""
    kernels = kernels_as_matrix(weight, groups)  # K: (G, C'/G, C/G·kh·kw)
    if seen is None or torch.is_grad_enabled():  # a second derivative goes through what was seen too
        seen = windows_as_matrix(images, rows, columns, groups)  # S: (N, G, C/G·kh·kw, H'·W')
    grad_y = grad_output.unflatten(1, (groups, -1)).flatten(-2)  # of Y: (N, G, C'/G, H'·W')
    # The gradient of S, summed over c'; then each number to its pixel, summed over v and w.
    grad_images = matrix_to_images(kernels.mT @ grad_y, images, rows, columns) if needs[0] else None
    grad_weight = (grad_y @ seen.mT).sum(0).view(weight.shape) if needs[1] else None  # over f, g and the batch
    grad_bias = grad_output.sum((0, 2, 3)) if needs[2] else None  # (C',): over f, g and the batch
    return grad_images, grad_weight, grad_bias


def kernels_as_matrix(weight: Tensor, groups: int) -> Tensor:
    """Write each kernel as a row of K: (C', C/G, kh, kw) becomes (G, C'/G, C/G·kh·kw)."""
    return weight.flatten(1).unflatten(0, (groups, -1))


def windows_as_matrix(images: Tensor, rows: Axis, columns: Axis, groups: int) -> Tensor:
    """Write what each window sees as a column of S: (N, C, H, W) becomes (N, G, C/G·kh·kw, H'·W')."""
    windows = lay_out(images, rows, columns)  # (N, C, kh, kw, H', W')
    return windows.flatten(-2).flatten(1, 3).unflatten(1, (groups, -1))


def matrix_to_images(matrix: Tensor, images: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Add each number of a matrix like S to where it was seen, the transpose of `windows_as_matrix`: (N, C, H, W)."""
    shape = (*images.shape[:2], rows.kernel_size, columns.kernel_size, rows.windows, columns.windows)
    return add_back(matrix.view(shape), rows, columns)


_convolve = differentiable(convolve_forward, convolve_backward, keeps="seen", autocast="low", fast=_fast.convolution)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    r"""Convolve images with kernels: at every place, a weighted sum of the numbers around it.

    With stride and dilation 1 and no padding,

    .. math::
        y_{c'fg} = b_{c'} + \sum_{c,v,w} K_{c'cvw}\, x_{c,\, f+v,\, g+w}

    which mathematics calls a cross-correlation. With :math:`\bar y = \partial L / \partial y`, the gradient that
    arrives, taken as 0 outside the image,

    .. math::
        \bar x_{cij} = \sum_{c',v,w} K_{c'cvw}\, \bar y_{c',\, i-v,\, j-w}, \qquad
        \bar K_{c'cvw} = \sum_{f,g} \bar y_{c'fg}\, x_{c,\, f+v,\, g+w}, \qquad
        \bar b_{c'} = \sum_{f,g} \bar y_{c'fg},

    the last two summed over the batch as well. Each window is laid out as a column of a matrix :math:`S` and each
    kernel as a row of :math:`K`, so that the first sum is one product, and its transposes give the gradients:

    .. math::
        Y = K S + b, \qquad \bar S = K^\top \bar Y, \qquad \bar K = \bar Y S^\top,

    where each number of :math:`\bar S` is added to the pixel of :math:`\bar x` that was seen there.

    Parameters
    ----------
    input : Tensor
        Images :math:`x`, of shape (N, C, H, W) or (C, H, W).
    weight : Tensor
        Kernels :math:`K`, of shape (C', C / groups, kh, kw).
    bias : Tensor, optional
        :math:`b`, of shape (C',).
    stride : int or (int, int), default 1
        Steps from window to window, in rows and columns.
    padding : int, (int, int), "same" or "valid", default 0
        Zeros on each side of the image. "same" adds as many as keep its size, "valid" none.
    dilation : int or (int, int), default 1
        Steps between the numbers that a window sees.
    groups : int, default 1
        Into how many groups channels and kernels are split; a kernel sees the channels of its group.

    Returns
    -------
    Tensor
        :math:`y`, of shape (N, C', H', W') or (C', H', W'), with
        :math:`H' = \lfloor (H + 2\,\text{padding} - \text{dilation}\,(kh - 1) - 1) / \text{stride} \rfloor + 1`.

    Raises
    ------
    TypeError
        The tensors do not hold floating-point numbers of one type, or an option is no whole number.
    ValueError
        The shapes do not fit, the window is larger than the image, or an option is out of its range.

    References
    ----------
    LeCun et al., Gradient-based learning applied to document recognition, 1998. https://doi.org/10.1109/5.726791

    Chellapilla, Puri and Simard, High performance convolutional neural networks for document processing, 2006.
    https://inria.hal.science/inria-00112631

    Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.
    https://doi.org/10.48550/arXiv.1603.07285

    Examples
    --------
    A kernel that finds where the image becomes brighter from left to right.

    >>> import torch
    >>> from glassbox.nn.functional import conv2d
    >>> image = torch.tensor([[[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]])
    >>> kernel = torch.tensor([[[[-1.0, 1.0]]]])
    >>> conv2d(image, kernel)
    tensor([[[0., 1., 0.],
             [0., 1., 0.]]])
    """
    rows, columns = conv2d_axes(input, weight, bias, stride, padding, dilation, groups)
    if input.ndim == 3:
        return _convolve(input[None], weight, bias, rows=rows, columns=columns, groups=groups)[0]
    return _convolve(input, weight, bias, rows=rows, columns=columns, groups=groups)


@by_hand(require_conv2d)
def conv2d_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True, True),
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Gradients:
    r"""Compute :math:`\bar x`, :math:`\bar K` and :math:`\bar b` from :math:`\bar y`; see `conv2d`."""
    rows, columns = conv2d_axes(input, weight, bias, stride, padding, dilation, groups)
    if input.ndim == 3:
        grad_output, input = grad_output[None], input[None]
    return convolve_backward(grad_output, input, weight, needs=needs, rows=rows, columns=columns, groups=groups)


class Conv2d(Module):
    r"""Convolution of images: see `glassbox.nn.functional.conv2d`.

    The weights and the bias start as uniform random numbers in :math:`\pm 1/\sqrt{C\,kh\,kw / \text{groups}}`.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels :math:`C` of the images that come in and :math:`C'` of those that go out.
    kernel_size : int or (int, int)
        Rows and columns of a kernel.
    stride, padding, dilation, groups
        As for `glassbox.nn.functional.conv2d`.
    bias : bool, default True
        Add a number to each output channel, learned too.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What stands in the padding: zeros, the image mirrored at its border, its border repeated, or its other side.
    device, dtype : optional
        Where the weights are and of which type.

    Attributes
    ----------
    weight : Parameter
        Of shape (out_channels, in_channels / groups, kh, kw).
    bias : Parameter or None
        Of shape (out_channels,).

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> layer = nn.Conv2d(1, 2, kernel_size=2, padding=1)
    >>> layer(torch.zeros(50, 1, 28, 28)).shape
    torch.Size([50, 2, 29, 29])
    """

    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"Conv2d expects groups to divide {in_channels} channels that come in and {out_channels} that go out, "
                f"got groups={groups}"
            )
        if padding_mode not in PADDING_MODES:
            raise ValueError(
                f"Conv2d expects padding_mode to be one of {', '.join(PADDING_MODES)}, got {padding_mode!r}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair("Conv2d", "kernel_size", kernel_size, least=1)
        self.stride = pair("Conv2d", "stride", stride, least=1)
        self.padding = padding if isinstance(padding, str) else pair("Conv2d", "padding", padding, least=0)
        self.dilation = pair("Conv2d", "dilation", dilation, least=1)
        self.groups = groups
        self.padding_mode = padding_mode
        sides(self.kernel_size, self.stride, self.padding, self.dilation)
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(torch.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(torch.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights and the bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # a of sqrt(5) makes the bound 1/sqrt(inputs of a sum)
        inputs = self.weight[0].numel() if self.out_channels else 0
        if self.bias is not None and inputs:
            init.uniform_(self.bias, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs))

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolved images (N, out_channels, H', W') of images (N, in_channels, H, W)."""
        padding = self.padding
        if self.padding_mode != "zeros":
            require_floating("Conv2d", input=input)
            require_images("Conv2d", input.shape)
            rows, columns = sides(self.kernel_size, self.stride, self.padding, self.dilation)
            input, padding = extend(input, rows=rows, columns=columns, mode=self.padding_mode), (0, 0)
        return conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """Write the arguments as torch does."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        text += f", padding={self.padding}" if self.padding != (0, 0) else ""
        text += f", dilation={self.dilation}" if self.dilation != (1, 1) else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        text += ", bias=False" if self.bias is None else ""
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")
