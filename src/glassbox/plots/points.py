"""Named points on a plane, and where a map sends each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import FAINT, INK, MUTED, PURPLE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def named_points(ax: Axes, points: pd.DataFrame, *, moved_to: pd.DataFrame | None = None) -> Axes:
    """Draw named points over two columns of a table, with an arrow from each to where it moves.

    Points at the same place share one label.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    points : pandas.DataFrame
        Two columns: the two coordinates; its index names the points.
    moved_to : pandas.DataFrame, optional
        Where each point goes, in the same order. Points that move are hollow, and an arrow leads to where they end.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If there are not two columns, or ``moved_to`` has another shape.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> points = pd.DataFrame({"sciences": [0.9, -0.3], "languages": [1.2, -2.1]}, index=["Ada", "Bob"])
    >>> fig, ax = plt.subplots()
    >>> ax = named_points(ax, points, moved_to=points.clip(lower=0))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('sciences', 'languages')
    >>> plt.close(fig)
    """
    if points.shape[1] != 2:
        raise ValueError(f"the points have {points.shape[1]} columns; give two, one for each axis")
    if moved_to is not None and moved_to.shape != points.shape:
        raise ValueError(f"{points.shape} points came with {moved_to.shape} destinations; give one for each point")

    start = points.to_numpy(dtype=float)
    end = start if moved_to is None else moved_to.to_numpy(dtype=float)
    moves = ~np.isclose(start, end).all(axis=1)
    ax.axhline(0, color=MUTED, linewidth=1)
    ax.axvline(0, color=MUTED, linewidth=1)
    ax.scatter(start[moves, 0], start[moves, 1], s=45, facecolor="none", edgecolor=PURPLE, linewidth=1.5, zorder=3)
    ax.scatter(end[:, 0], end[:, 1], s=55, color=INK, zorder=4)
    for origin, target in zip(start[moves], end[moves], strict=True):
        ax.annotate("", target, origin, arrowprops={"arrowstyle": "-|>", "color": PURPLE, "shrinkA": 4, "shrinkB": 5})
    labels = _labels(points.index, start, end)
    width, height = np.ptp([*start, *end], axis=0)
    for place, target, names in labels:
        # A label stands right of its point, or left of it where an arrow leaves to the right or another point is near,
        # unless an arrow passes there.
        away = np.array([other - place for other, _, _ in labels]) / (width or 1.0, height or 1.0)
        crowded = ((away[:, 0] > 0) & (away[:, 0] < 0.2) & (np.abs(away[:, 1]) < 0.05)).any()
        arrows = zip(start[moves], end[moves], strict=True)
        passes = any(_passes_left_of(arrow, place, 0.03 * width, 0.2 * width) for arrow in arrows)
        left = (target[0] > place[0] or crowded) and not passes
        ax.annotate(
            names,
            (place[0], place[1]),
            (-9 if left else 9, 4 if left else 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            zorder=5,
        )
    ax.set(xlabel=points.columns[0], ylabel=points.columns[1])
    ax.grid(color=FAINT)
    ax.margins(0.12)
    return ax


def _passes_left_of(arrow: tuple[np.ndarray, np.ndarray], place: np.ndarray, near: float, far: float) -> bool:
    """Tell whether an arrow passes on the left of a place, this far from it."""
    (x, y), (x_end, y_end) = arrow
    if not min(y, y_end) < place[1] < max(y, y_end):
        return False
    return bool(near < place[0] - (x + (place[1] - y) / (y_end - y) * (x_end - x)) < far)


def _labels(names: pd.Index, start: np.ndarray, end: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """Join the names of points that start at the same place and end at the same place."""
    together: dict[tuple[float, ...], list[str]] = {}
    for name, row in zip(names, np.hstack([start, end]).round(9), strict=True):
        together.setdefault(tuple(row), []).append(str(name))
    return [(np.array(row[:2]), np.array(row[2:]), ", ".join(group)) for row, group in together.items()]
