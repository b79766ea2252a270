"""The gradient of an image by two ways, as a film: kernels stamped on it, and a turned kernel that moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from glassbox.plots.matrix import cells, outline
from glassbox.plots.style import text_on

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure
    from torch import Tensor


def stamping_kernel(
    delta_axes: Axes,
    kernel_axes: Axes,
    stamped_axes: Axes,
    turned_axes: Axes,
    delta: Tensor,
    kernel: Tensor,
    *,
    number_format: Callable[[float], str] = "{:.2f}".format,
    milliseconds: int = 700,
) -> FuncAnimation:
    r"""Animate the gradient of an image through a convolution, first by stamps, then by the turned kernel.

    Each :math:`\delta_{f,g}` adds itself times the whole kernel at its place. Then a window of the kernel's size moves
    over :math:`\delta` with its border of zeros, and each sum of products with the turned kernel is one pixel. Both
    fill the same table.

    Parameters
    ----------
    delta_axes, kernel_axes, stamped_axes, turned_axes : matplotlib.axes.Axes
        Where to draw :math:`\delta` with its padding, the kernel as it is used, and the table by either way. They have
        one scale of colors.
    delta : Tensor
        Shape (H, W): the derivatives by the outputs.
    kernel : Tensor
        Shape (h, w).
    number_format : callable, optional
        How a value becomes text.
    milliseconds : int, optional
        Time per frame.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        One frame per stamp, then one per pixel. Until it runs, the last one shows.

    Raises
    ------
    ValueError
        If ``delta`` or ``kernel`` is not a matrix.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, axes = plt.subplots(1, 4)
    >>> movie = stamping_kernel(*axes, torch.ones(1, 2), torch.tensor([[1.0, 2.0]]))
    >>> fig.canvas.draw()
    >>> [text.get_text() for text in axes[2].texts]  # the first stamp
    ['1.00', '2.00', '0.00']
    >>> plt.close(fig)
    """
    from matplotlib.animation import FuncAnimation

    for name, values in {"delta": delta, "kernel": kernel}.items():
        if values.dim() != 2:
            raise ValueError(f"{name} is to be a matrix (rows, columns) and has the shape {tuple(values.shape)}")
    (rows, columns), (height, width) = delta.shape, kernel.shape
    padded = torch.nn.functional.pad(delta, (width - 1, width - 1, height - 1, height - 1))
    turned = kernel.flip(0, 1)
    stamped = [torch.zeros(rows + height - 1, columns + width - 1, dtype=delta.dtype)]
    for f in range(rows):
        for g in range(columns):
            stamped.append(stamped[-1].clone())
            stamped[-1][f : f + height, g : g + width] += delta[f, g] * kernel
    limit = float(max(values.abs().max() for values in (delta, kernel, *stamped))) or 1.0
    cells(delta_axes, padded, limit=limit, number_format=number_format)
    tables = [_Table(axes, stamped[-1], limit, number_format) for axes in (stamped_axes, turned_axes)]
    weights = _Table(kernel_axes, kernel, limit, number_format)
    frames = {}
    for axes, shape in ((delta_axes, (1, 1)), (stamped_axes, kernel.shape), (turned_axes, (1, 1))):
        outline(axes, 0, 0, *shape)
        frames[axes] = axes.patches[-1]
    stamps = rows * columns

    def draw(frame: int) -> list[Artist]:
        is_stamp = frame < stamps
        frames[stamped_axes].set_visible(is_stamp)
        frames[turned_axes].set_visible(not is_stamp)
        weights.show(kernel if is_stamp else turned)
        kernel_axes.set_title("kernel" if is_stamp else "turned kernel")
        if is_stamp:
            f, g = divmod(frame, columns)
            _move(frames[delta_axes], f + height - 1, g + width - 1, 1, 1)
            _move(frames[stamped_axes], f, g, height, width)
            tables[0].show(stamped[frame + 1])
            tables[1].show(stamped[-1], known=0)
        else:
            i, j = divmod(frame - stamps, columns + width - 1)
            _move(frames[delta_axes], i, j, height, width)
            _move(frames[turned_axes], i, j, 1, 1)
            tables[0].show(stamped[-1])
            made = stamped[-1].clone()
            made[i, j] = (padded[i : i + height, j : j + width] * turned).sum()
            tables[1].show(made, known=frame - stamps + 1)
        return [*frames.values()]

    last = stamps + stamped[-1].numel() - 1
    draw(last)
    # Lay the figure out once: frames must not move, and a new layout for each would take most of the time.
    figure = cast("Figure", delta_axes.get_figure(root=True))
    for _ in range(2):  # the titles take their room once the tables have their shape
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return FuncAnimation(figure, draw, frames=last + 1, interval=milliseconds)


class _Table:
    """A table of cells whose values change."""

    def __init__(self, axes: Axes, values: Tensor, limit: float, number_format: Callable[[float], str]) -> None:
        cells(axes, values, limit=limit, number_format=number_format)
        self.mesh = cast("QuadMesh", axes.collections[0])
        self.texts = list(axes.texts)
        self.number_format = number_format

    def show(self, values: Tensor, *, known: int | None = None) -> None:
        """Write the values; the first ``known`` of them alone, if there are others to come."""
        numbers = values.flatten().tolist()
        known = len(numbers) if known is None else known
        shown = np.array([*numbers[:known], *[0.0] * (len(numbers) - known)])
        self.mesh.set_array(shown.reshape(values.shape))
        fills = np.asarray(self.mesh.cmap(self.mesh.norm(shown))).tolist()
        for place, (text, value, fill) in enumerate(zip(self.texts, shown.tolist(), fills, strict=True)):
            text.set(text=self.number_format(value) if place < known else "", color=text_on(fill))


def _move(frame: Artist, row: int, column: int, height: int, width: int) -> None:
    frame.set(x=column - 0.5, y=row - 0.5, width=width, height=height)
