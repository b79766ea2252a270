"""A function of two numbers as a map: contours, paths over them, arrows that point downhill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from glassbox.plots.style import GREEN, INK, MUTED, ORANGE, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

DEEPEST = 0.42
"""Opacity of the fill below the lowest level: text stays readable over it, in light and in dark."""


def contours(
    ax: Axes,
    function: Callable[[Tensor], Tensor],
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    levels: Sequence[float],
    labels: bool = True,
    resolution: int = 161,
) -> Axes:
    """Draw where a function of two numbers takes each of some values; the lower, the fuller the color.

    The color is green, the risk's own: orange and blue say the sign of a number.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    function : callable
        Takes a tensor of shape (rows, columns, 2), the points of a grid, and returns (rows, columns), their values.
    x, y : tuple of float
        The ends of the two axes.
    levels : sequence of float
        The values whose contours are drawn, in rising order.
    labels : bool, optional
        Whether to write each value on its contour.
    resolution : int, optional
        Points of the grid along each axis.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the levels do not rise, or ``function`` does not give one value per point.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots()
    >>> ax = contours(ax, lambda points: (points**2).sum(dim=-1), (-2, 2), (-1, 1), levels=[0.25, 1])
    >>> ax.get_xlim() == (-2, 2), ax.get_ylim() == (-1, 1)
    (True, True)
    >>> plt.close(fig)
    """
    from matplotlib.colors import to_rgba

    levels = [float(level) for level in levels]
    if sorted(set(levels)) != levels or not levels:
        raise ValueError(f"levels must rise from each to the next, not {levels}")
    across, up, values = grid(function, x, y, resolution)
    opacities = np.linspace(DEEPEST, 0, len(levels) + 1)[:-1]
    floor = min(float(values.min()), levels[0]) - 1.0
    ax.contourf(across, up, values, levels=[floor, *levels], colors=[to_rgba(GREEN, alpha) for alpha in opacities])
    lines = ax.contour(across, up, values, levels=levels, colors=MUTED, linewidths=0.8)
    if labels:
        ax.clabel(lines, fontsize=10, colors=INK, fmt="%g")
    ax.set(xlim=x, ylim=y)
    return ax


def grid(
    function: Callable[[Tensor], Tensor], x: tuple[float, float], y: tuple[float, float], resolution: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute a function of two numbers at the points of a grid.

    Parameters
    ----------
    function : callable
        As for :func:`contours`.
    x, y : tuple of float
        The ends of the two axes.
    resolution : int
        Points along each axis.

    Returns
    -------
    across, up, values : numpy.ndarray
        Shape (resolution, resolution): the first coordinate, the second, the value.

    Raises
    ------
    ValueError
        If ``function`` does not give one value per point.
    """
    points = torch.stack(
        torch.meshgrid(
            torch.linspace(*x, resolution, dtype=torch.float64),
            torch.linspace(*y, resolution, dtype=torch.float64),
            indexing="xy",
        ),
        dim=-1,
    )
    values = function(points)
    if values.shape != points.shape[:2]:
        raise ValueError(
            f"the function gave shape {tuple(values.shape)} for points of shape {tuple(points.shape)}; "
            f"one value per point, {tuple(points.shape[:2])}, was expected"
        )
    return points[..., 0].numpy(), points[..., 1].numpy(), values.detach().numpy()


def path(
    ax: Axes,
    points: Tensor,
    *,
    name: str = "",
    color: str = ORANGE,
    linestyle: str = "-",
    dots: bool = True,
    notes: Mapping[int, str] | None = None,
) -> Axes:
    """Draw the way from point to point.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    points : Tensor
        Shape (T, 2), in the order of the way.
    name : str, optional
        What a legend calls it.
    color, linestyle : str, optional
        How it looks.
    dots : bool, optional
        Whether to mark each point.
    notes : mapping of int to str, optional
        Index of a point to the text beside it; the point gets a larger dot.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the points are not in a plane.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = path(ax, torch.tensor([[0.0, 0.0], [1.0, 2.0]]), notes={0: "start"})
    >>> ax.lines[0].get_xdata().tolist(), ax.texts[0].get_text()
    ([0.0, 1.0], 'start')
    >>> plt.close(fig)
    """
    _check_plane(points)
    places = points.detach().cpu().numpy()
    ax.plot(
        places[:, 0],
        places[:, 1],
        linestyle,
        color=color,
        linewidth=1.5,
        marker="o" if dots else None,
        markersize=3,
        label=name or None,
    )
    for index, text in (notes or {}).items():
        ax.plot(*places[index], "o", color=color, markersize=8, markeredgecolor=PAPER, zorder=4)
        ax.annotate(text, places[index], (8, 6), textcoords="offset points", color=INK, fontweight="bold", zorder=5)
    return ax


def downhill_arrows(ax: Axes, points: Tensor, gradients: Tensor, *, scale: float, color: str = ORANGE) -> Axes:
    """Draw an arrow from each point against its gradient: the way down.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw. With equal scales on both axes the arrows stand at right angles to the contours.
    points, gradients : Tensor
        Shape (K, 2).
    scale : float
        Length of an arrow, as a multiple of its gradient: the step of a descent draws the move that it makes.
    color : str, optional
        The arrows' color.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If there is not one gradient for each point of a plane.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = downhill_arrows(ax, torch.tensor([[1.0, 2.0]]), torch.tensor([[4.0, 0.0]]), scale=0.1)
    >>> [round(float(move), 3) for move in ax.collections[0].U]
    [-0.4]
    >>> plt.close(fig)
    """
    _check_plane(points)
    if gradients.shape != points.shape:
        raise ValueError(f"{tuple(points.shape)} points came with {tuple(gradients.shape)} gradients; give one each")
    starts, moves = points.detach().cpu().numpy(), -scale * gradients.detach().cpu().numpy()
    ax.quiver(*starts.T, *moves.T, color=color, angles="xy", scale_units="xy", scale=1, width=0.007, zorder=3)
    return ax


def _check_plane(points: Tensor) -> None:
    if points.dim() != 2 or points.shape[1] != 2:
        raise ValueError(f"points of shape (K, 2) were expected, {tuple(points.shape)} came")
