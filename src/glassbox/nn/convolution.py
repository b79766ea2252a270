"""The convolution: one small kernel of weights, laid on every place of an image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter, init

from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._checks import pair, require_floating, require_one_dtype
from glassbox.nn._padding import PADDING_MODES, extend
from glassbox.nn._windows import Axis, crop, lay, pad, require_images, require_slope

# How many numbers may be laid out at a time: what a processor's cache keeps, or what keeps a GPU busy.
_ROOM = {"cpu": 2**19, "cuda": 2**26}


def conv2d_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    r"""Compute :math:`y_{ofg} = b_o + \sum_{cvw} K_{ocvw}\, x_{c, f+v, g+w}`; see `conv2d`."""
    images, kernels, rows, columns = _settle(input, weight, bias, stride, padding, dilation, groups)
    start = images.new_zeros(1, 1, 1) if bias is None else bias.view(groups, -1, 1)
    output = images.new_empty(len(images), kernels.shape[2], rows.windows * columns.windows)  # (N·G, O/G, h·w)
    for some, seen in _lay_out(images, rows, columns, groups):
        total = _for_each(start, seen)
        for kernel_row, run in zip(_for_each(kernels, seen), _runs(seen, rows, columns), strict=True):
            total = torch.baddbmm(total, kernel_row, run, out=output[some])
    return output.view(*input.shape[:-3], len(weight), rows.windows, columns.windows)


@torch.no_grad()
def conv2d_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Gradients:
    r"""Compute :math:`\bar x`, :math:`\bar K` and :math:`\bar b` from :math:`\bar y`; see `conv2d`."""
    images, kernels, rows, columns = _settle(input, weight, bias, stride, padding, dilation, groups)
    require_slope("conv2d_backward", grad_output, (*input.shape[:-3], len(weight), rows.windows, columns.windows))
    slope = grad_output.reshape(len(images), kernels.shape[2], rows.windows * columns.windows)  # (N·G, O/G, h·w)
    needs = needs or (True, True, bias is not None)
    grad_padded = images.new_zeros(*images.shape[:2], rows.padded_size, columns.padded_size) if needs[0] else None
    grad_kernels = torch.zeros_like(kernels) if needs[1] else None
    product = None
    for some, seen in _lay_out(images, rows, columns, groups):
        runs = _runs(seen, rows, columns)
        if grad_kernels is not None:
            for grad_row, run in zip(grad_kernels, runs, strict=True):
                grad_row += torch.bmm(slope[some], run.mT).view(-1, *grad_row.shape).sum(0)
        if grad_padded is not None:
            seen.zero_()  # what was laid out has served: its gradient takes its place
            for kernel_row, run in zip(_for_each(kernels, seen), runs, strict=True):
                product = torch.bmm(kernel_row.mT, slope[some], out=None if product is None else product[: len(seen)])
                run.add_(product)
            _add_back(grad_padded[some], seen, rows, columns)
    return (
        crop(grad_padded, rows, columns).reshape(input.shape) if grad_padded is not None else None,
        _as_weight(grad_kernels, weight.shape) if grad_kernels is not None else None,
        slope.view(-1, len(weight), slope.shape[-1]).sum((0, 2)) if needs[2] else None,
    )


def _lay_out(images: Tensor, rows: Axis, columns: Axis, groups: int) -> Iterator[tuple[slice, Tensor]]:
    """Lay out what each column of a kernel sees in each row of the images, some images at a time.

    (n, C, H, W) becomes (n, C·kw, stride, H/stride·w). Rows that are a stride apart lie one after the other, so that
    what a row of a kernel sees is one run: see `_runs`. It is a copy that may be written over, as the next images do:
    fresh memory costs as much time as laying out.
    """
    room = None
    for some in _batches(images, rows, columns, groups):
        seen = _by_column(pad(images[some], rows, columns), rows, columns)
        room = seen.clone(memory_format=torch.contiguous_format) if room is None else room[: len(seen)].copy_(seen)
        yield some, room.view(len(seen), -1, rows.stride, seen.shape[-2] * columns.windows)


def _by_column(padded: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Give what each column of a kernel sees, as a view: (n, C, H, W) becomes (n, C, kw, stride, H/stride, w)."""
    image, channel, row, column = padded.stride()
    shape = (*padded.shape[:2], columns.kernel_size, rows.stride, rows.padded_size // rows.stride, columns.windows)
    steps = (image, channel, columns.dilation * column, row, rows.stride * row, columns.stride * column)
    return padded.as_strided(shape, steps, padded.storage_offset())


def _runs(seen: Tensor, rows: Axis, columns: Axis) -> list[Tensor]:
    """Give what each row of a kernel sees, as views of what was laid out: (n, C·kw, h·w) for each."""
    starts = [divmod(v * rows.dilation, rows.stride) for v in range(rows.kernel_size)]  # rows skipped, and which rows
    return [
        seen[:, :, phase, skipped * columns.windows : (skipped + rows.windows) * columns.windows]
        for skipped, phase in starts
    ]


def _add_back(padded: Tensor, seen: Tensor, rows: Axis, columns: Axis) -> None:
    """Add each number laid out to where in the images it was: the transpose of `_lay_out`."""
    there = _by_column(padded, rows, columns)
    for where, numbers in zip(there.unbind(2), seen.view(there.shape).unbind(2), strict=True):
        where.add_(numbers)


_conv2d = differentiable(conv2d_forward, conv2d_backward, autocast="low")


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
        y_{ofg} = b_o + \sum_{c,v,w} K_{ocvw}\, x_{c,\, f+v,\, g+w}

    which mathematics calls a cross-correlation. With :math:`\bar y = \partial L / \partial y`, the gradient that
    arrives, taken as 0 outside the image,

    .. math::
        \bar x_{cij} = \sum_{o,v,w} K_{ocvw}\, \bar y_{o,\, i-v,\, j-w}, \qquad
        \bar K_{ocvw} = \sum_{f,g} \bar y_{ofg}\, x_{c,\, f+v,\, g+w}, \qquad
        \bar b_o = \sum_{f,g} \bar y_{ofg},

    the last two summed over the batch as well. What each column of a kernel sees is laid out, so that the sums are one
    matrix product for each row of the kernels; its transpose takes the gradient back.

    Parameters
    ----------
    input : Tensor
        Images :math:`x`, of shape (N, C, H, W) or (C, H, W).
    weight : Tensor
        Kernels :math:`K`, of shape (O, C / groups, kh, kw).
    bias : Tensor, optional
        :math:`b`, of shape (O,).
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
        :math:`y`, of shape (N, O, h, w) or (O, h, w), with
        :math:`h = \lfloor (H + 2\,\text{padding} - \text{dilation}\,(kh - 1) - 1) / \text{stride} \rfloor + 1`.

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
    return _conv2d(input, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


class Conv2d(Module):
    r"""Convolution of images: see `glassbox.nn.functional.conv2d`.

    The weights and the bias start as uniform random numbers in :math:`\pm 1/\sqrt{C\,kh\,kw / \text{groups}}`.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels :math:`C` of the images that come in and :math:`O` of those that go out.
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
        _sides(self.kernel_size, self.stride, self.padding, self.dilation)
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
        """Return the convolved images (N, out_channels, h, w) of images (N, in_channels, H, W)."""
        padding = self.padding
        if self.padding_mode != "zeros":
            require_floating("Conv2d", input=input)
            require_images("Conv2d", input.shape)
            rows, columns = _sides(self.kernel_size, self.stride, self.padding, self.dilation)
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


# Shapes, options and errors, settled before the equation


def _settle(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> tuple[Tensor, Tensor, Axis, Axis]:
    """Check that all fits; give images (N·G, C/G, H, W), kernels (kh, G, O/G, C/G·kw) and how the windows lie."""
    if not (
        input.dtype == weight.dtype and weight.is_floating_point() and (bias is None or bias.dtype == weight.dtype)
    ):
        require_one_dtype("conv2d", input=input, weight=weight, bias=bias)
    stride, padding, dilation = (tuple(v) if isinstance(v, list) else v for v in (stride, padding, dilation))
    bias_shape = None if bias is None else bias.shape
    rows, columns = _axes(input.shape, weight.shape, bias_shape, stride, padding, dilation, groups)
    images = input if input.ndim == 4 else input[None]
    images = images if groups == 1 else images.reshape(-1, weight.shape[1], *images.shape[2:])
    return images, _by_row(weight, groups), rows, columns


@lru_cache(maxsize=1024, typed=True)
def _axes(
    images: torch.Size, weight: torch.Size, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> tuple[Axis, Axis]:
    """Check that the shapes fit, and lay the windows along the rows and along the columns."""
    require_images("conv2d", images)
    if len(weight) != 4 or 0 in weight[2:]:
        raise ValueError(f"conv2d expects a weight of shape (O, C / groups, kh, kw), got {tuple(weight)}")
    if groups < 1 or weight[0] % groups or images[-3] != weight[1] * groups:
        raise ValueError(
            f"conv2d expects {weight[1] * groups} channels for a weight of shape {tuple(weight)} in groups={groups} "
            f"equal parts, got an input of shape {tuple(images)}"
        )
    if bias is not None and bias != weight[:1]:
        raise ValueError(f"conv2d expects a bias of shape ({weight[0]},), got {tuple(bias)}")
    stride, dilation = pair("Conv2d", "stride", stride, least=1), pair("Conv2d", "dilation", dilation, least=1)
    sides = _sides(weight[2:], stride, padding, dilation)
    rows, columns = (lay(images[i], weight[i], stride[i], dilation[i], *sides[i], ceil_mode=False) for i in (-2, -1))
    return rows._replace(after=rows.after + -rows.padded_size % rows.stride), columns  # whole strides: see `_lay_out`


def _by_row(weight: Tensor, groups: int) -> Tensor:
    """Give the kernels row by row: (O, C/G, kh, kw) becomes (kh, G, O/G, C/G·kw)."""
    kernels, channels, height, width = weight.shape
    return weight.permute(2, 0, 1, 3).reshape(height, groups, kernels // groups, channels * width)


def _as_weight(kernels: Tensor, shape: torch.Size) -> Tensor:
    """Give back the weight of which `_by_row` made the kernels."""
    return kernels.view(shape[2], shape[0], shape[1], shape[3]).permute(1, 2, 0, 3).contiguous()


def _for_each(of_a_group: Tensor, seen: Tensor) -> Tensor:
    """Repeat what there is once for each group for each image: (..., G, x, y) becomes (..., n·G, x, y)."""
    groups = of_a_group.shape[-3]
    if groups == 1:
        return of_a_group.expand(*of_a_group.shape[:-3], len(seen), -1, -1)  # a view
    return of_a_group.repeat(*[1] * (of_a_group.ndim - 3), len(seen) // groups, 1, 1)


def _sides(kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[tuple[int, int], tuple[int, int]]:
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


def _batches(images: Tensor, rows: Axis, columns: Axis, groups: int) -> Iterator[slice]:
    """Split the batch: each number of an image is laid out as often as the kernel has columns."""
    numbers = groups * images.shape[1] * columns.kernel_size * rows.padded_size * columns.windows
    threads = torch.get_num_threads() if images.device.type == "cpu" else 1
    room = _ROOM.get(images.device.type, _ROOM["cuda"])
    some = groups * threads * max(1, round(room / max(1, numbers) / threads))  # as many for each thread, so none waits
    return (slice(first, first + some) for first in range(0, len(images), some))
