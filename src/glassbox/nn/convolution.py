"""The convolution: the same few weights slide over the image, and each position gets a weighted sum of its patch.

How it is computed. All images of a batch are laid side by side, one row of pixels per channel. The kernel's tap (v, w)
then reads this row at a fixed distance ahead, and the convolution is a sum over taps of one matrix product each:
``sums += kernel[v, w] @ pixels[ahead : ahead + length]``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import Module, Parameter, init

from glassbox.nn.autograd import Gradients, differentiable
from glassbox.nn.checks import pair, require_one_dtype

Pair = tuple[int, int]


class Tap(NamedTuple):
    """One weight of the kernel: its place (v, w), the phase of the image that it reads, and how far ahead."""

    v: int
    w: int
    phase: Pair
    ahead: int


@dataclass(frozen=True)
class Rows:
    """The sizes of a convolution, and the way from images to rows of pixels and back.

    With a stride of s, output pixel f reads the input pixels s f + v. The image is therefore split into s phases, one
    per remainder of the position by s: within a phase, what neighboring outputs read lies side by side again.
    """

    batch: int
    size: Pair
    kernel: Pair
    stride: Pair
    padding: tuple[int, int, int, int]  # top, bottom, left, right
    dilation: Pair
    groups: int

    @cached_property
    def padded(self) -> Pair:
        """Size of a padded image."""
        top, bottom, left, right = self.padding
        return self.size[0] + top + bottom, self.size[1] + left + right

    @cached_property
    def output(self) -> Pair:
        """Size of an output map: floor((padded - dilation (kernel - 1) - 1) / stride) + 1."""
        sizes = zip(self.padded, self.dilation, self.kernel, self.stride, strict=True)
        high, wide = ((size - dilation * (kernel - 1) - 1) // stride + 1 for size, dilation, kernel, stride in sizes)
        return high, wide

    @cached_property
    def grid(self) -> Pair:
        """Size of one phase of a padded image."""
        return -(-self.padded[0] // self.stride[0]), -(-self.padded[1] // self.stride[1])

    @cached_property
    def pixels(self) -> int:
        """Number of pixels in a row: those of one phase of all images."""
        return self.batch * self.grid[0] * self.grid[1]

    @cached_property
    def taps(self) -> tuple[Tap, ...]:
        """The weights of the kernel, in row-major order."""
        taps = []
        for v in range(self.kernel[0]):
            for w in range(self.kernel[1]):
                down, down_phase = divmod(v * self.dilation[0], self.stride[0])
                along, along_phase = divmod(w * self.dilation[1], self.stride[1])
                taps.append(Tap(v, w, (down_phase, along_phase), down * self.grid[1] + along))
        return tuple(taps)

    @cached_property
    def length(self) -> int:
        """Number of positions from which every tap still falls into the row."""
        return max(self.pixels - self.taps[-1].ahead, 0)

    def from_images(self, images: Tensor) -> Tensor:
        """Pad images (N, C, H, W) and lay them out as (stride, stride, groups, C / groups, pixels)."""
        channels, (down, along), (high, wide) = images.shape[1], self.stride, self.grid
        padded = images.new_zeros(channels, self.batch, high * down, wide * along)
        self._without_padding(padded).copy_(images.transpose(0, 1))
        phases = padded.view(channels, self.batch, high, down, wide, along).permute(3, 5, 0, 1, 2, 4)
        return phases.reshape(down, along, self.groups, channels // self.groups, self.pixels)

    def to_images(self, rows: Tensor) -> Tensor:
        """Undo `from_images`: put the pixels back where they came from, and drop the padding."""
        channels, (down, along), (high, wide) = rows.shape[2] * rows.shape[3], self.stride, self.grid
        phases = rows.view(down, along, channels, self.batch, high, wide).permute(2, 3, 4, 0, 5, 1)
        padded = phases.reshape(channels, self.batch, high * down, wide * along)
        return self._without_padding(padded).transpose(0, 1)

    def _without_padding(self, padded: Tensor) -> Tensor:
        top, left = self.padding[0], self.padding[2]
        return padded[:, :, top : top + self.size[0], left : left + self.size[1]]

    def from_maps(self, maps: Tensor) -> Tensor:
        """Lay output maps (N, K, H', W') out as (groups, K / groups, length), with 0 where no output is."""
        channels, (high, wide) = maps.shape[1], self.output
        rows = maps.new_zeros(channels, self.batch, *self.grid)
        rows[:, :, :high, :wide] = maps.transpose(0, 1)
        return rows.view(self.groups, channels // self.groups, self.pixels)[..., : self.length]

    def to_maps(self, rows: Tensor) -> Tensor:
        """Take the output maps (N, K, H', W') out of rows (groups, K / groups, pixels)."""
        channels, (high, wide) = rows.shape[0] * rows.shape[1], self.output
        maps = rows.view(channels, self.batch, *self.grid)[:, :, :high, :wide]
        return maps.transpose(0, 1).contiguous()


def conv2d_forward(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, rows: Rows) -> Tensor:
    r"""Compute :math:`s_{k,f,g} = b_k + \sum_{c,v,w} K_{kcvw}\, x_{c,f+v,g+w}`; see `conv2d`."""
    pixels = rows.from_images(input)  # (stride, stride, G, C/G, pixels)
    kernel = weight.unflatten(0, (rows.groups, -1))  # (G, K/G, C/G, V, W)
    start = weight.new_zeros(weight.shape[0]) if bias is None else bias
    sums = start.view(*kernel.shape[:2], 1).repeat(1, 1, rows.pixels)  # (G, K/G, pixels)
    reached = sums[..., : rows.length]
    for v, w, phase, ahead in rows.taps:
        reached.baddbmm_(kernel[..., v, w], pixels[phase][..., ahead : ahead + rows.length])
    return rows.to_maps(sums)


def _conv2d_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    rows: Rows,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True, True),
) -> Gradients:
    """Compute what `conv2d_backward` describes."""
    kernel = weight.unflatten(0, (rows.groups, -1))  # (G, K/G, C/G, V, W)
    upstream = rows.from_maps(grad_output)  # (G, K/G, length)
    pixels = rows.from_images(input)  # (stride, stride, G, C/G, pixels)
    grad_pixels = torch.zeros_like(pixels) if needs[0] else None
    grad_kernel = weight.new_empty(kernel.shape) if needs[1] else None
    for v, w, phase, ahead in rows.taps:
        reached = slice(ahead, ahead + rows.length)
        if grad_kernel is not None:
            grad_kernel[..., v, w] = upstream @ pixels[phase][..., reached].mT
        if grad_pixels is not None:
            grad_pixels[phase][..., reached].baddbmm_(kernel[..., v, w].mT, upstream)
    grad_input = None if grad_pixels is None else rows.to_images(grad_pixels)
    grad_weight = None if grad_kernel is None else grad_kernel.view(weight.shape)
    grad_bias = grad_output.sum((0, 2, 3)) if bias is not None and needs[2] else None
    return grad_input, grad_weight, grad_bias


_conv2d = differentiable(conv2d_forward, _conv2d_backward, autocast="low")


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    r"""Slide a kernel over images: every output pixel is the weighted sum of a patch.

    .. math::
        s_{k,f,g} = b_k + \sum_{c} \sum_{v,w} K_{k,c,v,w}\; x_{c,\, f+v,\, g+w}

    With a stride S and a dilation D the pixel read is :math:`x_{c,\, S f + D v,\, S g + D w}`. The kernel is not
    flipped: this is what mathematics calls a cross-correlation and deep learning a convolution.

    Parameters
    ----------
    input : Tensor
        Images, shape (N, C, H, W), or one image (C, H, W).
    weight : Tensor
        Kernels, shape (K, C / groups, V, W).
    bias : Tensor, optional
        Shape (K,).
    stride : int or pair of int, default 1
        Pixels between two positions of the kernel.
    padding : int, pair of int, "same" or "valid", default 0
        Rows and columns of zeros around each image; "same" keeps the size of the image, "valid" adds none.
    dilation : int or pair of int, default 1
        Pixels between two taps of the kernel.
    groups : int, default 1
        Split the channels into groups that do not see each other.

    Returns
    -------
    Tensor
        Shape (N, K, H', W') with H' = floor((H + 2 padding - dilation (V - 1) - 1) / stride) + 1.

    Raises
    ------
    ValueError
        The shapes do not fit, or an option is out of its range.
    TypeError
        The tensors are not of one floating type.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998.
    https://doi.org/10.1109/5.726791

    Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.
    https://doi.org/10.48550/arXiv.1603.07285

    Examples
    --------
    >>> import torch
    >>> image = torch.tensor([[[[0.0, 0.0, 1.0, 1.0]]]])
    >>> conv2d(image, torch.tensor([[[[-1.0, 1.0]]]]))
    tensor([[[[0., 1., 0.]]]])
    """
    rows = _settle(input, weight, bias, stride, padding, dilation, groups)
    if input.dim() == 3:
        return _conv2d(input[None], weight, bias, rows=rows)[0]
    return _conv2d(input, weight, bias, rows=rows)


def conv2d_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, True, True),
) -> Gradients:
    r"""Compute the derivatives of `conv2d` from the gradient :math:`\partial R / \partial s` of its output.

    .. math::
        \frac{\partial R}{\partial x_{c,m,n}} = \sum_{k,v,w} \frac{\partial R}{\partial s_{k,\,m-v,\,n-w}}\, K_{k,c,v,w}
        \qquad
        \frac{\partial R}{\partial K_{k,c,v,w}} = \sum_{f,g} \frac{\partial R}{\partial s_{k,f,g}}\; x_{c,\,f+v,\,g+w}
        \qquad
        \frac{\partial R}{\partial b_k} = \sum_{f,g} \frac{\partial R}{\partial s_{k,f,g}}

    summed over the images of the batch. In the first, the kernel meets the gradient flipped: what tap (v, w) took from
    the pixel below and to the right, it gives back from the output above and to the left.

    Parameters
    ----------
    grad_output : Tensor
        Gradient of the risk with respect to the output, shape (N, K, H', W').
    input, weight, bias, stride, padding, dilation, groups
        What `conv2d` received.
    output : Tensor, optional
        Not used.
    needs : tuple of bool
        Which gradients are wanted.

    Returns
    -------
    tuple of Tensor or None
        Gradients with respect to input, weight and bias.

    Examples
    --------
    >>> import torch
    >>> image, kernel = torch.tensor([[[[1.0, 2.0, 3.0]]]]), torch.tensor([[[[10.0, 20.0]]]])
    >>> grad_image, grad_kernel, _ = conv2d_backward(torch.tensor([[[[1.0, 0.0]]]]), image, kernel)
    >>> grad_image, grad_kernel
    (tensor([[[[10., 20.,  0.]]]]), tensor([[[[1., 2.]]]]))
    """
    rows = _settle(input, weight, bias, stride, padding, dilation, groups)
    if input.dim() == 3:
        grads = _conv2d_backward(grad_output[None], input[None], weight, bias, rows=rows, needs=needs)
        return None if grads[0] is None else grads[0][0], *grads[1:]
    return _conv2d_backward(grad_output, input, weight, bias, rows=rows, needs=needs)


def _settle(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Rows:
    """Check the arguments of a convolution and return its sizes."""
    require_one_dtype("conv2d", input=input, weight=weight, bias=bias)
    if input.dim() not in (3, 4):
        raise ValueError(
            f"conv2d expects images of shape (N, C, H, W) or one of shape (C, H, W), got {tuple(input.shape)}: "
            "add the missing axes with unsqueeze"
        )
    if weight.dim() != 4 or min(weight.shape[2:]) < 1:
        raise ValueError(f"conv2d expects kernels of shape (K, C / groups, V, W), got {tuple(weight.shape)}")
    if not isinstance(groups, int) or groups < 1 or weight.shape[0] % groups:
        raise ValueError(f"conv2d expects groups to divide the {weight.shape[0]} output channels, got {groups}")
    if input.shape[-3] != weight.shape[1] * groups:
        raise ValueError(
            f"conv2d expects images of {weight.shape[1] * groups} channels for kernels of shape {tuple(weight.shape)} "
            f"in {groups} group(s), got {input.shape[-3]} channels in {tuple(input.shape)}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"conv2d expects a bias of shape ({weight.shape[0]},), got {tuple(bias.shape)}")
    stride, dilation = pair("conv2d", "stride", stride, least=1), pair("conv2d", "dilation", dilation, least=1)
    sides = _sides(padding, (weight.shape[2], weight.shape[3]), stride, dilation)
    batch = input.shape[0] if input.dim() == 4 else 1
    size, kernel = (input.shape[-2], input.shape[-1]), (weight.shape[2], weight.shape[3])
    rows = _rows(batch, size, kernel, stride, sides, dilation, groups)
    if min(rows.output) < 1:
        raise ValueError(
            f"conv2d: a kernel of {kernel[0]}x{kernel[1]} with dilation {dilation} does not fit into a padded image of "
            f"{rows.padded[0]}x{rows.padded[1]}: add padding, or take a smaller kernel"
        )
    return rows


_rows = lru_cache(maxsize=1024)(Rows)


def _sides(padding: Any, kernel: Pair, stride: Pair, dilation: Pair) -> tuple[int, int, int, int]:
    """Return how much to add at the top, bottom, left and right."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"conv2d expects stride 1 with padding='same', got {stride}: give the padding in numbers")
        down, along = (dilation[axis] * (kernel[axis] - 1) for axis in (0, 1))
        return down // 2, down - down // 2, along // 2, along - along // 2
    if isinstance(padding, str):
        raise ValueError(f"conv2d expects padding to be 'same', 'valid' or numbers, got {padding!r}")
    high, wide = pair("conv2d", "padding", padding, least=0)
    return high, high, wide, wide


# Padding that repeats the image: each padded pixel is a copy of a pixel of the image.

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def _pad_forward(input: Tensor, *, high: Tensor, wide: Tensor) -> Tensor:
    """Copy pixel (high[i], wide[j]) of the image to (i, j)."""
    return input.index_select(-2, high).index_select(-1, wide)


def _pad_backward(
    grad_output: Tensor, input: Tensor, *, high: Tensor, wide: Tensor, output: Tensor | None, needs: tuple[bool, ...]
) -> Gradients:
    """Add up, for each pixel of the image, the gradients of its copies."""
    columns = grad_output.new_zeros(*grad_output.shape[:-1], input.shape[-1]).index_add_(-1, wide, grad_output)
    return (torch.zeros_like(input).index_add_(-2, high, columns),)


_pad = differentiable(_pad_forward, _pad_backward)


def _source(size: int, before: int, after: int, mode: str, device: torch.device) -> Tensor:
    """Return, for each padded position along an axis, the position in the image that it copies."""
    most = {"reflect": size - 1, "circular": size}.get(mode)
    if most is not None and max(before, after) > most:
        raise ValueError(
            f"Conv2d: padding_mode={mode!r} can add at most {most} pixels to an axis of {size}, got "
            f"{max(before, after)}: take less padding or larger images"
        )
    position = torch.arange(-before, size + after, device=device)
    if mode == "reflect":
        return (size - 1) - ((size - 1) - position.abs()).abs()
    return position.remainder(size) if mode == "circular" else position.clamp(0, size - 1)


class Conv2d(Module):
    r"""A convolution layer that holds its kernels: :math:`s_{k,f,g} = b_k + \sum_{c,v,w} K_{kcvw}\, x_{c,f+v,g+w}`.

    Kernels and biases start uniform in :math:`\pm 1 / \sqrt{C V W / \text{groups}}`, the same numbers as in
    `torch.nn.Conv2d` for the same seed.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the images and number of output maps.
    kernel_size : int or pair of int
        Size of a kernel, (V, W).
    stride : int or pair of int, default 1
        Pixels between two positions of the kernel.
    padding : int, pair of int, "same" or "valid", default 0
        Rows and columns added around each image.
    dilation : int or pair of int, default 1
        Pixels between two taps of the kernel.
    groups : int, default 1
        Split the channels into groups that do not see each other; it divides both numbers of channels.
    bias : bool, default True
        Add a bias to each output map.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}, default "zeros"
        What is added around the image.
    device, dtype : optional
        Where and as what the weights are made.

    Attributes
    ----------
    weight : Parameter
        Shape (out_channels, in_channels / groups, V, W).
    bias : Parameter or None
        Shape (out_channels,).

    See Also
    --------
    glassbox.nn.functional.conv2d : The equation.

    Examples
    --------
    >>> import torch
    >>> layer = Conv2d(1, 2, kernel_size=2, padding=1)
    >>> layer(torch.zeros(50, 1, 28, 28)).shape
    torch.Size([50, 2, 29, 29])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | str = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"Conv2d expects groups to divide in_channels={in_channels} and out_channels={out_channels}, "
                f"got {groups}"
            )
        if padding_mode not in PADDING_MODES:
            raise ValueError(
                f"Conv2d expects padding_mode to be one of {', '.join(PADDING_MODES)}, got {padding_mode!r}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair("Conv2d", "kernel_size", kernel_size, least=1)
        self.stride = pair("Conv2d", "stride", stride, least=1)
        self.dilation = pair("Conv2d", "dilation", dilation, least=1)
        self.padding = padding if isinstance(padding, str) else pair("Conv2d", "padding", padding, least=0)
        self.groups = groups
        self.padding_mode = padding_mode
        self._sides = _sides(self.padding, self.kernel_size, self.stride, self.dilation)
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.bias: Parameter | None
        if bias:
            self.bias = Parameter(torch.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the kernels anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # with this a, the bound is 1 / sqrt(numbers in a patch)
        if self.bias is not None:
            bound = 1 / math.sqrt(max(self.weight[0].numel(), 1))
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Return the output maps."""
        if self.padding_mode == "zeros":
            return conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        top, bottom, left, right = self._sides
        high = _source(input.shape[-2], top, bottom, self.padding_mode, input.device)
        wide = _source(input.shape[-1], left, right, self.padding_mode, input.device)
        padded = _pad(input, high=high, wide=wide)
        return conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """Return what is printed between the parentheses."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text
