"""A function of two numbers as a surface in space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from glassbox.plots.contours import grid
from glassbox.plots.style import FAINT, ORANGE, PAPER, SEQUENTIAL, text_on

if TYPE_CHECKING:
    from mpl_toolkits.mplot3d import Axes3D
    from torch import Tensor


def surface(
    ax: Axes3D,
    function: Callable[[Tensor], Tensor],
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    points: Mapping[str, tuple[float, float]] | None = None,
    resolution: int = 31,
) -> Axes3D:
    """Draw the values of a function of two numbers as heights, and named points on the surface.

    Parameters
    ----------
    ax : mpl_toolkits.mplot3d.Axes3D
        Where to draw: ``plt.subplots(subplot_kw={"projection": "3d"})`` makes one.
    function : callable
        Takes a tensor of shape (rows, columns, 2), the points of a grid, and returns (rows, columns), their values.
    x, y : tuple of float
        The ends of the two axes.
    points : mapping of str to tuple of float, optional
        Names of points, and where they are.
    resolution : int, optional
        Points of the grid along each axis.

    Returns
    -------
    mpl_toolkits.mplot3d.Axes3D
        The same axes.

    Raises
    ------
    ValueError
        If ``function`` does not give one value per point.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots(subplot_kw={"projection": "3d"})
    >>> ax = surface(ax, lambda points: (points**2).sum(dim=-1), (-1, 1), (-1, 1), points={"A": (1, 0)})
    >>> [text.get_text() for text in ax.texts]
    ['  A']
    >>> plt.close(fig)
    """
    across, up, values = grid(function, x, y, resolution)
    ax.computed_zorder = False  # points on the surface are never behind it
    drawn = ax.plot_surface(
        across, up, values, cmap=SEQUENTIAL, rcount=resolution, ccount=resolution, linewidth=0.15, edgecolor=PAPER
    )
    for name, place in (points or {}).items():
        height = float(function(torch.tensor([[place]], dtype=torch.float64)))
        ax.plot(*([number] for number in (*place, height)), "o", color=ORANGE, markersize=8, markeredgecolor=PAPER)
        fill = np.asarray(drawn.cmap(drawn.norm(height))).tolist()
        ax.text(*place, height, f"  {name}", color=text_on(fill), fontweight="bold", zorder=6)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.pane.set_facecolor(PAPER)
        axis.pane.set_edgecolor(FAINT)
    ax.set(xlim=x, ylim=y)
    return ax
