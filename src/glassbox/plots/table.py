"""A table of numbers as a heat map, with the weights of a sum above its columns and the sums beside its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import BLUE, FAINT, INK, MUTED, ORANGE, PAPER, colormap, text_on

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BAR = 0.9
"""Half the length of the longest bar beside the rows, in columns of the table."""

CHARACTER = 0.2
"""Width of a digit, in columns of the table."""


def weighted_table(
    ax: Axes,
    table: pd.DataFrame,
    *,
    weights: pd.DataFrame | None = None,
    bias: Sequence[float] | None = None,
    results: pd.DataFrame | pd.Series | None = None,
    weight_format: Callable[[float], str] = "{:g}".format,
    result_format: Callable[[float], str] = "{:.2f}".format,
) -> Axes:
    """Draw a table as a heat map, the weights above its columns and the weighted sums beside its rows.

    The higher a number, the darker its cell. A column whose weights are all zero fades: it plays no part in the sums.
    Each sum is a number and a bar, to the right of its zero line where it is positive and to the left where it is
    negative.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    table : pandas.DataFrame
        The numbers, one row per observation and one column per variable.
    weights : pandas.DataFrame, optional
        One row of weights per sum; its columns are those of ``table``.
    bias : sequence of float, optional
        The bias of each sum, drawn after its weights.
    results : pandas.DataFrame or pandas.Series, optional
        One column per sum, one row per row of ``table``; a series for a single sum.
    weight_format, result_format : callable, optional
        How a weight and a sum become text.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the weights do not fit the columns of the table, the biases the weights, or the results the rows.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> table = pd.DataFrame({"Maths": [12.0, 9.0], "CS": [14.0, 8.0]}, index=["Ada", "Bob"])
    >>> weights = pd.DataFrame([[0.5, 0.5]], columns=table.columns, index=["mean"])
    >>> fig, ax = plt.subplots()
    >>> ax = weighted_table(ax, table, weights=weights, results=table @ weights.T)
    >>> [text.get_text() for text in ax.texts][-2:]
    ['13.00', '8.50']
    >>> plt.close(fig)
    """
    import pandas as pd

    rows, columns = table.shape
    if weights is not None and weights.shape[1] != columns:
        raise ValueError(
            f"the weights have {weights.shape[1]} columns and the table {columns}; "
            "give one weight per column of the table"
        )
    sums = 0 if weights is None else len(weights)
    if bias is not None and len(bias) != sums:
        raise ValueError(f"{len(bias)} biases came with {sums} rows of weights; give one per row")
    if results is not None and len(results) != rows:
        raise ValueError(f"there are {len(results)} rows of results and {rows} rows in the table; give one per row")

    ax.set_axis_off()
    # A mesh stays line art in an SVG, where an image would not.
    numbers = table.to_numpy()
    lowest, highest = numbers.min(), numbers.max()
    # Half of the scale: on all of its grays dark words can be read.
    shades = {"cmap": colormap("ink"), "vmin": lowest, "vmax": lowest + 2 * (highest - lowest)}
    heat = ax.pcolormesh(np.arange(columns), np.arange(rows), numbers, edgecolor=PAPER, **shades)
    fills = np.asarray(heat.cmap(heat.norm(numbers))).tolist()
    used = np.ones(columns, dtype=bool) if weights is None else np.any(weights.to_numpy() != 0, axis=0)
    _write_cells(ax, table, fills, used)

    top = -0.6
    if weights is not None:
        top = -1.1 - len(weights)
        _draw_weights(ax, weights, weight_format)
    for index, value in enumerate([] if bias is None else bias):
        ax.text(
            columns - 0.35,
            index + top + 0.5,
            f"b = {value:g}",
            va="center",
            fontweight="bold",
            color=ORANGE if value > 0 else BLUE,
        )
    for column, name in enumerate(table.columns):
        ax.text(column - 0.1, top, name, rotation=40, ha="left", va="bottom", color=INK if used[column] else MUTED)
    right = columns - 0.5
    if results is not None:
        frame = results.to_frame() if isinstance(results, pd.Series) else results
        right = _draw_results(ax, frame, result_format, columns)
    ax.set_xlim(-0.5, right)
    ax.set_ylim(rows - 0.4, top - 1.4)
    return ax


def _write_cells(ax: Axes, table: pd.DataFrame, fills: list[list[list[float]]], used: np.ndarray) -> None:
    from matplotlib.patches import Rectangle

    rows, _ = table.shape
    for row, pupil in enumerate(table.index):
        ax.text(-0.65, row, str(pupil), ha="right", va="center")
        for column, value in enumerate(table.iloc[row]):
            color = text_on(fills[row][column]) if used[column] else MUTED
            ax.text(column, row, f"{value:.1f}", ha="center", va="center", color=color, zorder=3)
    for faded in np.flatnonzero(~used):
        ax.add_patch(Rectangle((faded - 0.5, -0.5), 1, rows, facecolor=PAPER, alpha=0.88, edgecolor="none", zorder=2))


def _draw_weights(ax: Axes, weights: pd.DataFrame, weight_format: Callable[[float], str]) -> None:
    from matplotlib.patches import Rectangle

    for index, name in enumerate(weights.index):
        y = index - len(weights) - 0.6
        ax.text(-0.65, y, str(name), ha="right", va="center", fontweight="bold")
        for column, weight in enumerate(weights.iloc[index]):
            color = FAINT if weight == 0 else ORANGE if weight > 0 else BLUE
            ax.add_patch(
                Rectangle(
                    (column - 0.44, y - 0.38), 0.88, 0.76, fill=weight != 0, facecolor=color, edgecolor=color, zorder=1
                )
            )
            ax.text(
                column,
                y,
                weight_format(weight),
                ha="center",
                va="center",
                color=MUTED if weight == 0 else PAPER,
                fontweight="normal" if weight == 0 else "bold",
            )


def _draw_results(ax: Axes, results: pd.DataFrame, result_format: Callable[[float], str], columns: int) -> float:
    values = results.to_numpy()
    scale = BAR / max(np.abs(values).max(), 1e-12)
    signed = bool((values < 0).any())
    left, right = (BAR if signed else 0.0), BAR
    number = CHARACTER * max(len(result_format(value)) for value in values.flat)
    position = columns - 0.1
    y = np.arange(len(results))
    for name, column in zip(results.columns, values.T, strict=True):
        zero = position + left
        ax.barh(y, column * scale, left=zero, height=0.62, color=np.where(column < 0, BLUE, ORANGE))
        ax.plot([zero, zero], [-0.5, len(results) - 0.5], color=MUTED, linewidth=1)
        ax.text(zero, -0.65, str(name), ha="center" if signed else "left", va="bottom", fontweight="bold")
        for row, value in enumerate(column.tolist()):
            ax.text(
                zero + right + 0.15 + number,
                row,
                result_format(value),
                ha="right",
                va="center",
                color=MUTED if value == 0 else INK,
            )
        position = zero + right + 0.4 + number
    return position
