"""Curves over the steps of something, each with its name at its end."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import FAINT, SERIES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def curves(ax: Axes, table: pd.DataFrame, *, percent: bool = False, markers: bool = True) -> Axes:
    """Draw one curve per column of a table over its index, and write the column's name at the curve's end.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    table : pandas.DataFrame
        One column per curve; its index, and the index's name, make the horizontal axis. Missing values are skipped.
    percent : bool, optional
        Whether the values are shares of one that the axis shows in percent.
    markers : bool, optional
        Whether to mark each value.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If there are more columns than colors that readers can tell apart.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> table = pd.DataFrame({"training": [0.9, 0.4], "test": [0.8, 0.5]}, index=pd.Index([1, 2], name="epoch"))
    >>> fig, ax = plt.subplots()
    >>> ax = curves(ax, table)
    >>> [text.get_text() for text in ax.texts], ax.get_xlabel()
    (['training', 'test'], 'epoch')
    >>> plt.close(fig)
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    if table.shape[1] > len(SERIES):
        raise ValueError(f"{table.shape[1]} curves came; at most {len(SERIES)} stay apart, so split the figure")
    styles = ["-", "--", "-.", ":"]
    ends = []
    for (name, column), color, style in zip(table.items(), SERIES, styles, strict=False):
        present = column.dropna()
        ax.plot(present.index, present, style, color=color, marker="o" if markers else None, markersize=5)
        ends.append((float(present.index[-1]), float(present.iloc[-1]), str(name), color))
    if table.index.dtype.kind == "i":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if table.index.name:
        ax.set_xlabel(str(table.index.name))
    if percent:
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    ax.grid(axis="y", color=FAINT)
    _name_ends(ax, ends)
    return ax


def _name_ends(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Write each name right of its curve's end, names at least a line apart."""
    scale = ax.yaxis.get_transform()  # on a logarithmic axis a line is a factor
    low, high = scale.transform(np.array(ax.get_ylim()))
    line = 0.075 * (high - low)
    heights = scale.transform(np.array([end[1] for end in ends], dtype=float))
    placed = heights.copy()
    order = np.argsort(heights)
    for below, above in pairwise(order):
        placed[above] = max(placed[above], placed[below] + line)
    for (x, _, name, color), y in zip(ends, scale.inverted().transform(placed), strict=True):
        ax.annotate(name, (x, y), (9, 0), textcoords="offset points", va="center", color=color, annotation_clip=False)
