"""A kernel that moves over an image, one output pixel per frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from glassbox.plots.matrix import cells, outline
from glassbox.plots.style import FAINT, MUTED, text_on

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor


def sliding_kernel(
    input_axes: Axes,
    output_axes: Axes,
    image: Tensor,
    kernel: Tensor,
    output: Tensor,
    *,
    kind: str = "photo",
    number_format: Callable[[float], str] = "{:.2f}".format,
    milliseconds: int = 900,
) -> FuncAnimation:
    r"""Animate a convolution: the window on the image, the sum of its products, the output filling up.

    Parameters
    ----------
    input_axes, output_axes : matplotlib.axes.Axes
        Where to draw the image and the output; the sum is written under the image.
    image : Tensor
        Shape (H, W).
    kernel : Tensor
        Shape (h, w).
    output : Tensor
        Shape (H - h + 1, W - w + 1): what the convolution, without padding, gave.
    kind : {"photo", "signed"}, optional
        What the values of the image are, as for :func:`cells`.
    number_format : callable, optional
        How a value becomes text.
    milliseconds : int, optional
        Time per frame.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        One frame per output pixel, row by row. Until it runs, the last one shows.

    Raises
    ------
    ValueError
        If the sizes of image, kernel and output do not belong together.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, (left, right) = plt.subplots(1, 2)
    >>> movie = sliding_kernel(left, right, torch.ones(3, 3), torch.ones(2, 2), torch.full((2, 2), 4.0))
    >>> fig.canvas.draw()
    >>> left.texts[-1].get_text()
    '+ 1.00 · 1.00  + 1.00 · 1.00\n+ 1.00 · 1.00  + 1.00 · 1.00\n= 4.00'
    >>> plt.close(fig)
    """
    from matplotlib.animation import FuncAnimation
    from matplotlib.patches import Rectangle

    height, width = kernel.shape
    rows, columns = output.shape
    if (rows + height - 1, columns + width - 1) != tuple(image.shape):
        raise ValueError(
            f"an image of {tuple(image.shape)} and a kernel of {tuple(kernel.shape)} do not give an output of "
            f"{tuple(output.shape)}; without padding it has {image.shape[0] - height + 1} rows "
            f"and {image.shape[1] - width + 1} columns"
        )
    for axes in (input_axes, output_axes):
        axes.set_anchor("N")  # the room below is for the sum
    cells(input_axes, image, kind=kind, number_format=number_format)
    outline(input_axes, 0, 0, height, width)
    window = input_axes.patches[-1]
    equation = input_axes.text(
        (image.shape[1] - 1) / 2, image.shape[0] - 0.2, "", ha="center", va="top", linespacing=1.4
    )

    cells(output_axes, output)
    mesh = output_axes.collections[0]
    fills = np.asarray(mesh.cmap(mesh.norm(output.detach().cpu().flatten().numpy()))).tolist()
    numbers = list(output_axes.texts)
    for text, value, fill in zip(numbers, output.flatten().tolist(), fills, strict=True):
        text.set(text=number_format(value), color=text_on(fill))
    veils = [
        Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=FAINT, edgecolor=MUTED, linewidth=0.5)
        for row in range(rows)
        for column in range(columns)
    ]
    for veil in veils:
        output_axes.add_patch(veil)

    def draw(frame: int) -> list[Artist]:
        row, column = divmod(frame, columns)
        window.set_xy((column - 0.5, row - 0.5))  # type: ignore[attr-defined]
        equation.set_text(_equation(image[row : row + height, column : column + width], kernel, number_format))
        for index, (veil, number) in enumerate(zip(veils, numbers, strict=True)):
            veil.set_visible(index > frame)
            number.set_visible(index <= frame)
        return [window, equation, *veils]

    draw(rows * columns - 1)
    # Lay the figure out once: frames must not move, and a new layout for each would take most of the time.
    figure = cast("Figure", input_axes.get_figure(root=True))
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return FuncAnimation(figure, draw, frames=rows * columns, interval=milliseconds)


def _equation(patch: Tensor, kernel: Tensor, number_format: Callable[[float], str]) -> str:
    """Write the sum of the products, one line per row of the kernel."""
    lines = [
        "  ".join(
            f"{'−' if weight < 0 else '+'} {number_format(abs(weight))} · {number_format(pixel)}"
            for weight, pixel in zip(weights, pixels, strict=True)
        )
        for weights, pixels in zip(kernel.tolist(), patch.tolist(), strict=True)
    ]
    return "\n".join(lines) + f"\n= {number_format(float(torch.sum(patch * kernel)))}"
