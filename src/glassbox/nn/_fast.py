"""The sums of some equations arranged for speed: same tensors in, same results to rounding.

The equation is the place to learn what is computed; here stands how to compute it sooner. The bridge takes an
arrangement where its ``pays`` says that it is the faster one, and none inside `by_the_equation`; ``make bench``
measures both. Nothing here is recorded by autograd, so that memory may be written over.

- A convolution lays out what each *column* of a kernel sees, kw copies of the image instead of kh·kw: rows of a kernel
  read the same copy, each from another line of it on. Some images at a time, so that what is laid out stays in the
  cache, and over what was laid out before, as fresh memory costs as much as filling it.
- A maximum remembers the first place that holds it. Places are numbered, those of smaller numbers raised beyond all
  others, and the smallest is taken: no branch, and one type of number throughout. Where no gradient will be asked for,
  it takes the largest along the rows and then along the columns: kh + kw steps instead of kh·kw.
- A normalization of many numbers waits for memory, not for the processor: each step writes over the step before.
- A dense layer's product starts from the bias: no second walk through its sums.
- A gate multiplies by 1 or 0 instead of choosing number by number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from glassbox.nn._bridge import Arrangement, Gradients
from glassbox.nn._precision import in_float32
from glassbox.nn._windows import Axis, crop, pad, windows_of

# How many numbers may be laid out at a time: what a processor's cache keeps, or what keeps a GPU busy.
_ROOM = {"cpu": 2**19, "cuda": 2**26}

# From where on an arrangement is the faster one.
_COPIES_SPARED = 16  # of each number that a kernel sees
_NUMBERS = {"dense": 2**15, "convolution": 2**14, "maximum": 2**12, "normalization": 2**18, "gate": 2**13}

# Dense


def _dense_forward(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Let the product start from the bias instead of adding it to all sums."""
    return torch.addmm(bias, input, weight.T)


def _dense_pays(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> bool:
    """Tell whether there is a bias, to be added to so many sums that one more walk through them is felt."""
    return bias is not None and input.ndim == 2 and len(input) * len(weight) >= _NUMBERS["dense"]


dense = Arrangement(_dense_forward, None, _dense_pays)

# Convolution


def _convolve_forward(
    images: Tensor, weight: Tensor, bias: Tensor | None = None, *, rows: Axis, columns: Axis, groups: int
) -> tuple[Tensor, None]:
    """Add up one matrix product for each row of the kernels; what was laid out is not kept."""
    rows, parts, kernels = _whole_strides(rows), _split(images, groups), _by_row(weight, groups)
    start = parts.new_zeros(1, 1, 1) if bias is None else bias.view(groups, -1, 1)
    output = parts.new_empty(len(parts), kernels.shape[2], rows.windows * columns.windows)  # (N·G, C'/G, H'·W')
    for some, seen in _lay_out(parts, rows, columns, groups):
        total = _for_each(start, seen)
        for kernel_row, run in zip(_for_each(kernels, seen), _runs(seen, rows, columns), strict=True):
            total = torch.baddbmm(total, kernel_row, run, out=output[some])
    return output.view(len(images), len(weight), rows.windows, columns.windows), None


def _convolve_backward(
    grad_output: Tensor,
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    seen: None = None,
    needs: tuple[bool, ...],
    rows: Axis,
    columns: Axis,
    groups: int,
) -> Gradients:
    """Multiply by the transposes: for each row of the kernels, and for what each of their columns sees."""
    rows, parts, kernels = _whole_strides(rows), _split(images, groups), _by_row(weight, groups)
    grad_parts = grad_output.reshape(len(parts), kernels.shape[2], rows.windows * columns.windows)  # (N·G, C'/G, H'·W')
    grad_padded = parts.new_zeros(*parts.shape[:2], rows.padded_size, columns.padded_size) if needs[0] else None
    half = weight.dtype in (torch.float16, torch.bfloat16)  # whose sums over many images are kept in more digits
    grad_kernels = torch.zeros_like(kernels, dtype=torch.float32 if half else None) if needs[1] else None
    product = None
    for some, laid in _lay_out(parts, rows, columns, groups):
        runs = _runs(laid, rows, columns)
        if grad_kernels is not None:
            for grad_row, run in zip(grad_kernels, runs, strict=True):
                grad_row += torch.bmm(grad_parts[some], run.mT).view(-1, *grad_row.shape).sum(0, dtype=grad_row.dtype)
        if grad_padded is not None:
            laid.zero_()  # what was laid out has served: its gradient takes its place
            for kernel_row, run in zip(_for_each(kernels, laid), runs, strict=True):
                out = None if product is None else product[: len(laid)]
                product = torch.bmm(kernel_row.mT, grad_parts[some], out=out)
                run.add_(product)
            _add_back(grad_padded[some], laid, rows, columns)
    return (
        crop(grad_padded, rows, columns).reshape(images.shape) if grad_padded is not None else None,
        _as_weight(grad_kernels, weight) if grad_kernels is not None else None,
        grad_output.sum((0, 2, 3)) if needs[2] else None,
    )


def _convolve_pays(images: Tensor, weight: Tensor, *_: Tensor | None, **__: Any) -> bool:
    """Tell whether the copies that are spared, kw instead of kh·kw, weigh more than kh products instead of one."""
    channels, height, width = weight.shape[1:]
    return channels * (height - 1) * width >= _COPIES_SPARED and images.numel() >= _NUMBERS["convolution"]


convolution = Arrangement(_convolve_forward, _convolve_backward, _convolve_pays)


def _whole_strides(rows: Axis) -> Axis:
    """Let the padded image end on a whole stride: see `_by_column`."""
    return rows._replace(after=rows.after + -rows.padded_size % rows.stride)


def _split(images: Tensor, groups: int) -> Tensor:
    """Give each group of channels as an image of its own: (N, C, H, W) becomes (N·G, C/G, H, W)."""
    return images if groups == 1 else images.reshape(-1, images.shape[1] // groups, *images.shape[2:])


def _lay_out(images: Tensor, rows: Axis, columns: Axis, groups: int) -> Iterator[tuple[slice, Tensor]]:
    """Lay out what each column of a kernel sees in each row of the images, some images at a time.

    (n, C, H, W) becomes (n, C·kw, stride, H/stride·W'). Rows that are a stride apart lie one after the other, so that
    what a row of a kernel sees is one run: see `_runs`. It is a copy that may be written over, as the next images do.
    """
    room = None
    for some in _batches(images, rows, columns, groups):
        seen = _by_column(pad(images[some], rows, columns), rows, columns)
        room = seen.clone(memory_format=torch.contiguous_format) if room is None else room[: len(seen)].copy_(seen)
        yield some, room.view(len(seen), -1, rows.stride, seen.shape[-2] * columns.windows)


def _by_column(padded: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Give what each column of a kernel sees, as a view: (n, C, H, W) becomes (n, C, kw, stride, H/stride, W')."""
    strides = rows._replace(kernel_size=rows.stride, dilation=1, windows=rows.padded_size // rows.stride)
    return windows_of(padded, strides, columns).transpose(2, 3)


def _runs(seen: Tensor, rows: Axis, columns: Axis) -> list[Tensor]:
    """Give what each row of a kernel sees, as views of what was laid out: (n, C·kw, H'·W') for each."""
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


def _by_row(weight: Tensor, groups: int) -> Tensor:
    """Give the kernels row by row: (C', C/G, kh, kw) becomes (kh, G, C'/G, C/G·kw)."""
    kernels, channels, height, width = weight.shape
    return weight.permute(2, 0, 1, 3).reshape(height, groups, kernels // groups, channels * width)


def _as_weight(kernels: Tensor, weight: Tensor) -> Tensor:
    """Bring kernels row by row back to the shape and the type of the weight."""
    kernels = kernels.view(weight.shape[2], *weight.shape[:2], weight.shape[3])
    return kernels.permute(1, 2, 0, 3).to(weight.dtype, memory_format=torch.contiguous_format)


def _for_each(of_a_group: Tensor, seen: Tensor) -> Tensor:
    """Repeat what there is once for each group for each image: (..., G, x, y) becomes (..., n·G, x, y)."""
    groups = of_a_group.shape[-3]
    if groups == 1:
        return of_a_group.expand(*of_a_group.shape[:-3], len(seen), -1, -1)  # a view
    return of_a_group.repeat(*[1] * (of_a_group.ndim - 3), len(seen) // groups, 1, 1)


def _batches(images: Tensor, rows: Axis, columns: Axis, groups: int) -> Iterator[slice]:
    """Split the batch: each number of an image is laid out as often as the kernel has columns."""
    numbers = groups * images.shape[1] * columns.kernel_size * rows.padded_size * columns.windows
    threads = torch.get_num_threads() if images.device.type == "cpu" else 1
    room = _ROOM.get(images.device.type, _ROOM["cuda"])
    some = groups * threads * max(1, round(room / max(1, numbers) / threads))  # as many for each thread, so none waits
    return (slice(first, first + some) for first in range(0, len(images), some))


# Maximum


def _maximum_forward(images: Tensor, *, rows: Axis, columns: Axis) -> tuple[Tensor, Tensor]:
    """Take the largest that each window sees, and the first place that holds it: its row · W + its column."""
    pixels = images.shape[-2:].numel()
    exact = torch.float64 if images.dtype == torch.float64 or pixels > 2**23 else torch.float32
    places = torch.arange(pixels, device=images.device, dtype=exact).view(images.shape[-2:])
    places = _taps_first(pad(places, rows, columns, torch.inf), rows, columns)  # (kh, kw, H', W')
    places = places.view(*places.shape[:2], *[1] * (images.ndim - 2), *places.shape[2:])
    seen = _taps_first(pad(images.to(exact), rows, columns, -torch.inf), rows, columns)  # (kh, kw, ..., H', W')
    largest = seen.amax((0, 1))  # (..., H', W')
    # Behind are 1 or 0 as numbers, over what was seen: a mask of bools takes longer.
    if largest.is_cpu and math.isfinite(largest.sum()):
        behind = seen.lt_(largest)
    else:  # what is at most the next smaller number: infinity where the largest is NaN, which no NaN is
        below = torch.nextafter(largest, places.new_full((), -torch.inf)).nan_to_num(torch.inf, neginf=-torch.inf)
        behind = seen.le_(below)
    beyond = 1 << (pixels - 1).bit_length()  # added to the places behind, and taken away where all are: at -infinity
    first = torch.add(places, behind, alpha=beyond, out=behind).amin((0, 1))
    winners = first.int().bitwise_and_(beyond - 1).long()  # in two steps: twice as fast
    return largest.to(images.dtype), winners


def _maximum_backward(
    grad_output: Tensor,
    images: Tensor,
    *,
    winners: Tensor,
    needs: tuple[bool, ...],
    rows: Axis,
    columns: Axis,
) -> Gradients:
    """Add to zeros in their own place."""
    grad_images = grad_output.new_zeros(*images.shape[:-2], images.shape[-2:].numel())  # (..., H·W)
    return (grad_images.scatter_add_(-1, winners.flatten(-2), grad_output.flatten(-2)).view(images.shape),)


def _maximum_alone(images: Tensor, *, rows: Axis, columns: Axis) -> Tensor:
    """Take the largest along the rows, then along the columns."""
    padded = pad(images, rows, columns, -torch.inf)
    largest = reduce(torch.maximum, [padded[..., rows.tap(v), :] for v in range(rows.kernel_size)])
    # Each tap as a copy: a view with gaps is slow to compute with.
    taps = [largest[..., columns.tap(w)] for w in range(columns.kernel_size)]
    return reduce(torch.maximum, [tap.clone(memory_format=torch.contiguous_format) for tap in taps])


def _taps_first(padded: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Give what each window sees, as a copy with the window's own dimensions in front."""
    return windows_of(padded, rows, columns).movedim((-4, -3), (0, 1)).clone(memory_format=torch.contiguous_format)


def _maximum_pays(images: Tensor, *, rows: Axis, columns: Axis) -> bool:
    """Tell whether there are so many numbers that computing takes longer than calling."""
    return images.numel() >= _NUMBERS["maximum"]


maximum = Arrangement(_maximum_forward, _maximum_backward, _maximum_pays, _maximum_alone)


# Normalization


@in_float32
def _normalize_forward(
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    from_batch: bool = False,
    eps: float = 1e-5,
) -> Tensor:
    """Scale once, by the weight and the spread together."""
    inverse = (variance + eps).rsqrt()
    output = (input - mean).mul_(inverse if weight is None else weight * inverse)
    return output if bias is None else output.add_(bias)


@in_float32
def _normalize_backward(
    grad_output: Tensor,
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...],
    from_batch: bool = False,
    eps: float = 1e-5,
) -> Gradients:
    """Turn the normalized input into the gradient of the input, step by step in its own place."""
    inverse = (variance + eps).rsqrt()
    normalized = (input - mean).mul_(inverse)
    dims, m = [dim for dim in range(input.dim()) if dim != 1], input.numel() // mean.numel()
    grad_bias = grad_output.sum(dims, keepdim=True)
    grad_weight = (grad_output * normalized).sum(dims, keepdim=True)
    slope = (
        normalized.mul_(-grad_weight / m).add_(grad_output).sub_(grad_bias / m) if from_batch else grad_output.clone()
    )
    grad_input = slope.mul_(inverse if weight is None else weight * inverse)
    return grad_input, None, None, grad_weight if needs[3] else None, grad_bias if needs[4] else None


def _normalization_pays(input: Tensor, *others: Any, **options: Any) -> bool:
    """Tell whether there are so many numbers that memory takes longer than computing."""
    return input.numel() >= _NUMBERS["normalization"]


normalization = Arrangement(_normalize_forward, _normalize_backward, _normalization_pays)

# Gate


def _gate_backward(
    grad_output: Tensor, input: Tensor | None, *, output: Tensor, needs: tuple[bool, ...] = (True,)
) -> Gradients:
    """Multiply by 1 or 0, the sign of a number that is 0 or more.

    The product is what `torch.where` gives unless an infinity or a NaN is among the factors: the scalar product of the
    output and what passed tells, at little cost.
    """
    passed = output.sign().mul_(grad_output)
    if math.isfinite(torch.dot(passed.reshape(-1), output.reshape(-1))):
        return (passed,)
    return (torch.where(output <= 0, 0, grad_output),)


def _gate_pays(input: Tensor) -> bool:
    """Tell whether there are so many numbers on a processor that `torch.where`, number by number, takes longer."""
    return input.is_cpu and input.numel() >= _NUMBERS["gate"]


gate = Arrangement(None, _gate_backward, _gate_pays)
