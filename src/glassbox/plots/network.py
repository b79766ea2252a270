"""A network from top to bottom, one row per layer, every channel drawn to the same scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import MUTED, PAPER, colormap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

WIDTH = 72.0
"""Width of the drawn part, in pixels of the network's input."""

ROW_GAP = 5.0
LEAST_PITCH = 10.5
"""Room for two lines of text beside a row, however thin."""

STRIP_HEIGHT = 4.0
LEAST_GAP = 0.5
"""Between two channels of a row; a row that would need less goes on below."""


def network(
    ax: Axes,
    outputs: Mapping[str, Tensor],
    *,
    values: bool = False,
    notes: Mapping[str, str] | None = None,
) -> Axes:
    """Draw what every layer hands on for one example: a square per channel, true to scale, or a strip of cells.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    outputs : mapping of str to Tensor
        The input and then each layer's output, in order: shape (C, H, W) or (1, C, H, W) for images, (features,) or
        (1, features) for vectors. An input of three channels is drawn as one picture in color. Channels that do not
        fit beside each other go on in further lines of the row.
    values : bool, optional
        Whether to fill the squares with the values. The first row is always filled. Rows with values of both signs get
        the diverging colors, white at zero; the others run from zero up. Each row has its own scale.
    notes : mapping of str to str, optional
        A remark to the right of a row, such as its number of parameters.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes, one unit per pixel of the input, y downwards.

    Raises
    ------
    ValueError
        If an output holds more than one example.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = network(ax, {"input": torch.rand(1, 28, 28), "conv": torch.rand(2, 29, 29), "dense": torch.rand(10)})
    >>> [text.get_text() for text in ax.texts]
    ['input', '1 × 28 × 28', 'conv', '2 × 29 × 29', 'dense', '10']
    >>> plt.close(fig)
    """
    notes = notes or {}
    top = bottom = 0.0
    for index, (name, output) in enumerate(outputs.items()):
        array = _one_example(name, output)
        height = _draw_row(ax, array, top, filled=values or index == 0, photo=index == 0)
        middle = top + height / 2
        ax.text(-2, middle, name, ha="right", va="center", fontweight="bold")
        shape = " × ".join(str(size) for size in array.shape)
        note = notes.get(name)
        ax.text(WIDTH + 2, middle, shape, ha="left", va="bottom" if note else "center")
        if note:
            ax.text(WIDTH + 2, middle + 0.6, note, ha="left", va="top", color=MUTED)
        bottom = top + height
        top += max(height + ROW_GAP, LEAST_PITCH)
    ax.set_axis_off()
    ax.set_aspect("equal")
    ax.set_xlim(-16, WIDTH + 32)
    ax.set_ylim(bottom + 2, -2)
    return ax


def _one_example(name: str, output: Tensor) -> np.ndarray:
    array = output.detach().cpu().numpy()
    if array.ndim in (2, 4):
        if len(array) != 1:
            raise ValueError(f"{name!r} holds {len(array)} examples; pass one, for instance trace of image[:1]")
        array = array[0]
    if array.ndim not in (1, 3):
        raise ValueError(f"{name!r} has shape {tuple(output.shape)}; expected (C, H, W) or (features,) for one example")
    return array


def _draw_row(ax: Axes, array: np.ndarray, top: float, *, filled: bool, photo: bool) -> float:
    """Draw one row from ``top`` down and return its height."""
    from matplotlib.patches import Rectangle

    if array.ndim == 1:
        array = array[None, None, :]
        sheets, height, width = array, STRIP_HEIGHT, WIDTH
    else:
        sheets = array.transpose(1, 2, 0)[None] if photo and len(array) == 3 else array
        height, width = float(array.shape[1]), float(array.shape[2])
    lines = math.ceil(len(sheets) / max(1, (WIDTH + LEAST_GAP) // (width + LEAST_GAP)))
    columns = math.ceil(len(sheets) / lines)
    gap = min(4.0, (WIDTH - columns * width) / max(1, columns - 1))
    limit = float(np.abs(array).max()) or 1.0
    signed = bool(array.min() < 0)
    for index, sheet in enumerate(sheets):
        line, column = divmod(index, columns)
        left = (WIDTH - columns * width - gap * (columns - 1)) / 2 + column * (width + gap)
        upper = top + line * (height + gap)
        extent = (left, left + width, upper + height, upper)
        if filled:
            ax.imshow(
                sheet,
                extent=extent,
                cmap=colormap(
                    ("photo" if len(sheets) == 1 and sheet.ndim == 3 else "ink")
                    if photo
                    else "signed"
                    if signed
                    else "positive"
                ),
                vmin=-limit if signed else 0,
                vmax=limit,
                aspect="auto",
                zorder=2,
            )
        strip = array.shape[1] == 1
        ax.add_patch(
            Rectangle(
                (left, upper),
                width,
                height,
                facecolor="none" if filled else MUTED,
                edgecolor=MUTED if filled else PAPER,
                linewidth=0.8,
                zorder=3,
            )
        )
        if strip and not filled:
            _separate_cells(ax, left, width, upper, height, array.shape[2])
    return lines * height + (lines - 1) * gap


def _separate_cells(ax: Axes, left: float, width: float, top: float, height: float, count: int) -> None:
    edges = left + width * np.arange(1, count) / count
    ax.vlines(edges, top, top + height, color=PAPER, linewidth=0.6, zorder=4)
