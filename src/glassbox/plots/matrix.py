"""Signed numbers in cells: kernels, patches of pixels, weight matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import COLORMAPS, FRAME, MUTED, colormap, text_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor


def cells(
    ax: Axes,
    values: Tensor,
    *,
    kind: str = "signed",
    limit: float | None = None,
    number_format: Callable[[float], str] | None = "{:.2g}".format,
) -> Axes:
    """Draw a matrix as colored cells, with the number written in each.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    values : Tensor
        Shape (rows, columns).
    kind : {"signed", "positive", "ink", "photo"}, optional
        ``"signed"``: orange above zero, blue below, white at zero. ``"photo"``: from black at 0 to white at ``limit``.
    limit : float, optional
        The value at the end of the color scale; the largest absolute value when it is not given, 1 for a photo.
    number_format : callable, optional
        How a value becomes text; None writes no numbers, for large matrices.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes; cell [i, j] is centered at x = j, y = i, y downwards.

    Raises
    ------
    ValueError
        If ``values`` is not a matrix, or ``kind`` is unknown.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = cells(ax, torch.tensor([[-1.0, 0.0, 1.0]]))
    >>> [text.get_text() for text in ax.texts]
    ['-1', '0', '1']
    >>> plt.close(fig)
    """
    if kind not in COLORMAPS:
        raise ValueError(f"unknown kind {kind!r}; choose one of {', '.join(map(repr, COLORMAPS))}")
    if values.dim() != 2:
        raise ValueError(f"a matrix (rows, columns) was expected and {tuple(values.shape)} came")
    array = values.detach().cpu().numpy()
    if limit is None:
        limit = 1.0 if kind in {"photo", "ink"} else float(np.abs(array).max()) or 1.0
    rows, columns = array.shape
    numbered = number_format is not None
    # A mesh stays line art in an SVG, where an image would not.
    drawn = ax.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        array,
        cmap=colormap(kind),
        vmin=-limit if kind == "signed" else 0,
        vmax=limit,
        edgecolor=MUTED if numbered else "face",
        linewidth=0.5 if numbered else 0.1,
    )
    if number_format is not None:
        fills = np.asarray(drawn.cmap(drawn.norm(array))).tolist()
        for (row, column), value in np.ndenumerate(array):
            text = number_format(float(value))
            ax.text(column, row, text, ha="center", va="center", color=text_on(fills[row][column]))
    ax.set_axis_off()
    ax.set_aspect("equal")
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)
    return ax


def outline(ax: Axes, row: float, column: float, height: float, width: float, *, color: str = FRAME) -> Axes:
    """Draw a frame around a block of pixels or cells.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        An axes with an image or with cells, pixel [i, j] centered at x = j, y = i.
    row, column : float
        The block's first pixel.
    height, width : float
        The block's size in pixels.
    color : str, optional
        The frame's color.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = outline(cells(ax, torch.rand(6, 6)), row=2, column=1, height=3, width=3)
    >>> ax.patches[-1].get_xy()
    (0.5, 1.5)
    >>> plt.close(fig)
    """
    from matplotlib.patches import Rectangle

    frame = Rectangle((column - 0.5, row - 0.5), width, height, fill=False, edgecolor=color, linewidth=3, zorder=5)
    frame.set_clip_on(False)
    ax.add_patch(frame)
    return ax
