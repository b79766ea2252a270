"""The windows of a convolution that touch one pixel, and by which weight each of them does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import FAINT, INK, MUTED, PAPER, PURPLE, colormap, text_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

GAP = 1.6
"""Pixels between two of the small images."""


def touching_windows(
    ax: Axes, kernel: Tensor, size: int, pixel: tuple[int, int], *, gradient: Tensor | None = None
) -> Axes:
    r"""Draw one small image for each output whose window could hold a pixel, the weights in the window written in it.

    Output :math:`(f, g)` touches pixel :math:`(i, j)` by the weight :math:`K[i - f, j - g]`, which is framed. The small
    images stand as their outputs do, so that the framed weights, read row by row, are the kernel turned by half a turn.
    Where :math:`(f, g)` lies outside the output there is no window: that is the padding.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    kernel : Tensor
        Shape (h, w).
    size : int
        Height and width of the image, which has no padding.
    pixel : tuple of int
        Row and column of the pixel.
    gradient : Tensor, optional
        Shape (size - h + 1, size - w + 1): a gradient for each output, written above its small image.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the kernel is no matrix that fits the image, the pixel is not in it, or there is not one gradient per output.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = touching_windows(ax, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), size=3, pixel=(1, 1))
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "framed"]
    ['4', '3', '2', '1']
    >>> plt.close(fig)
    """
    if kernel.dim() != 2 or max(kernel.shape) > size:
        raise ValueError(
            f"a kernel (h, w) that fits an image of {size} x {size} was expected, {tuple(kernel.shape)} came"
        )
    if not all(0 <= place < size for place in pixel):
        raise ValueError(f"pixel {pixel} is not in an image of {size} x {size}, whose rows and columns begin at 0")
    height, width = kernel.shape
    outputs = size - height + 1, size - width + 1
    if gradient is not None and gradient.shape != outputs:
        raise ValueError(
            f"a gradient of shape {outputs}, one for each output, was expected, {tuple(gradient.shape)} came"
        )
    first_row, first_column = pixel[0] - height + 1, pixel[1] - width + 1
    step = size + GAP
    for row in range(height):
        for column in range(width):
            output = first_row + row, first_column + column
            exists = all(0 <= place < count for place, count in zip(output, outputs, strict=True))
            corner = step * row, step * column
            _draw_image(ax, kernel, size, pixel, output, corner, exists=exists)
            name = "outside: 0"
            if exists:
                place = f"({output[0]}, {output[1]})"
                name = f"output {place}" if gradient is None else f"δ {place} = {float(gradient[output]):.2g}"
            center = corner[1] + (size - 1) / 2, corner[0] - 0.75
            ax.text(*center, name, ha="center", va="bottom", color=INK if exists else MUTED, fontsize=10)
    ax.set_axis_off()
    ax.set_aspect("equal")
    ax.set_xlim(-0.7, width * step - GAP - 0.3)
    ax.set_ylim(height * step - GAP - 0.3, -1.6)
    return ax


def _draw_image(
    ax: Axes,
    kernel: Tensor,
    size: int,
    pixel: tuple[int, int],
    output: tuple[int, int],
    corner: tuple[float, float],
    *,
    exists: bool,
) -> None:
    """Draw the image with the window of one output, and frame the pixel."""
    from matplotlib.patches import Rectangle

    top, left = corner
    square = Rectangle(
        (left - 0.5, top - 0.5),
        size,
        size,
        facecolor=FAINT if exists else PAPER,
        edgecolor=MUTED,
        linewidth=0.6,
        linestyle="-" if exists else ":",
    )
    ax.add_patch(square)
    if exists:
        limit = float(kernel.abs().max()) or 1.0
        fills = colormap("signed")(0.5 + kernel.detach().cpu().numpy() / (2 * limit))
        for (v, w), weight in np.ndenumerate(kernel.detach().cpu().numpy()):
            y, x = top + output[0] + v, left + output[1] + w
            ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=fills[v, w], edgecolor=MUTED, linewidth=0.5))
            framed = (output[0] + v, output[1] + w) == pixel
            ax.text(
                x,
                y,
                f"{weight:.2g}",
                ha="center",
                va="center",
                color=text_on(fills[v, w].tolist()),
                fontsize=12 if framed else 8,
                fontweight="bold" if framed else "normal",
                gid="framed" if framed else None,
            )
    frame = Rectangle(
        (left + pixel[1] - 0.5, top + pixel[0] - 0.5), 1, 1, fill=False, edgecolor=PURPLE, linewidth=2.5, zorder=5
    )
    ax.add_patch(frame)
