"""What the units of a network see of a plane: where each is active, where its hinge lies, how the plane is folded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.contours import grid
from glassbox.plots.style import FAINT, INK, MUTED, ORANGE, PAPER, PURPLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

FULLEST = 0.65
"""Opacity of the fill at the largest value."""

STEPS = 10


def activity(
    ax: Axes,
    function: Callable[[Tensor], Tensor],
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    boundary: float | None = None,
    resolution: int = 161,
) -> Axes:
    """Fill a plane with the values of a unit: paper where it is zero, the fuller the larger.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    function : callable
        Takes a tensor of shape (rows, columns, 2), the points of a grid, and returns (rows, columns), the values: zero
        or above.
    x, y : tuple of float
        The ends of the two axes.
    boundary : float, optional
        The value along which a line is drawn, such as 0.5 for a probability.
    resolution : int, optional
        Points of the grid along each axis.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If a value is below zero, or ``function`` does not give one value per point.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots()
    >>> ax = activity(ax, lambda points: points[..., 0].clamp(min=0), (-1, 1), (-2, 2))
    >>> ax.get_xlim() == (-1, 1), ax.get_ylim() == (-2, 2)
    (True, True)
    >>> plt.close(fig)
    """
    from matplotlib.colors import to_rgba

    across, up, values = grid(function, x, y, resolution)
    if values.min() < 0:
        raise ValueError(f"values of zero and above were expected, {values.min():.3g} came; apply ReLU or the logistic")
    levels = np.linspace(0, float(values.max()) or 1.0, STEPS + 1)
    levels[-1] *= 1 + 1e-9
    fills = [to_rgba(ORANGE, alpha) for alpha in np.linspace(0, FULLEST, STEPS)]
    ax.contourf(across, up, values, levels=levels, colors=fills)
    if boundary is not None:
        ax.contour(across, up, values, levels=[boundary], colors=INK, linewidths=2)
    ax.set(xlim=x, ylim=y, aspect="equal")
    return ax


def hinge_lines(
    ax: Axes,
    weight: Tensor,
    bias: Tensor,
    *,
    names: Sequence[str] | None = None,
) -> Axes:
    """Draw where each unit of a first layer has its sum at zero, with an arrow to the side where it is active.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw; its limits must be set, for only the part of a line within them gets its arrow.
    weight, bias : Tensor
        Shapes (units, 2) and (units,): those of a ``Linear`` layer.
    names : sequence of str, optional
        What stands at each arrow.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the weight is not (units, 2), the bias not (units,), or there is not one name for each unit.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> limits = ax.set(xlim=(-2, 2), ylim=(-2, 2))
    >>> ax = hinge_lines(ax, torch.tensor([[1.0, 0.0]]), torch.tensor([-1.0]))
    >>> [round(float(x), 6) for x in ax.lines[0].get_xdata()]
    [1.0, 1.0]
    >>> plt.close(fig)
    """
    if weight.dim() != 2 or weight.shape[1] != 2 or bias.shape != weight.shape[:1]:
        raise ValueError(
            f"weight (units, 2) and bias (units,) were expected, {tuple(weight.shape)} and {tuple(bias.shape)} came"
        )
    if names is not None and len(names) != len(weight):
        raise ValueError(f"{len(weight)} units came with {len(names)} names; give one for each")
    limits = ax.get_xlim(), ax.get_ylim()
    reach = float(np.linalg.norm([high - low for low, high in limits]))
    middle = np.array([sum(limit) / 2 for limit in limits])
    for unit, (w, b) in enumerate(zip(weight.detach().cpu().numpy(), bias.detach().cpu().numpy(), strict=True)):
        size = float(np.linalg.norm(w))
        if size == 0:
            continue
        normal = w / size
        nearest = middle - normal * ((middle @ w + b) / size)
        along = np.array([-normal[1], normal[0]]) * reach
        ax.plot(*np.column_stack([nearest - along, nearest + along]), color=PURPLE, linewidth=1.5, zorder=3)
        if all(low <= value <= high for value, (low, high) in zip(nearest, limits, strict=True)):
            ax.annotate(
                "",
                nearest + 0.07 * reach * normal,
                nearest,
                arrowprops={"arrowstyle": "-|>", "color": PURPLE, "shrinkA": 0, "shrinkB": 0},
                zorder=3,
            )
            if names is not None:
                right, up = nearest + 0.1 * reach * normal
                ax.text(right, up, names[unit], ha="center", va="center", zorder=5)
    ax.set(xlim=limits[0], ylim=limits[1])
    return ax


def yes_no_points(ax: Axes, points: Tensor, labels: Tensor) -> Axes:
    """Draw the points of a plane: full where the answer is yes, hollow where it is no.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    points : Tensor
        Shape (N, 2).
    labels : Tensor
        Shape (N,): above one half is a yes.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the points are not in a plane, or there is not one label per point.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = yes_no_points(ax, torch.rand(3, 2), torch.tensor([1, 0, 1]))
    >>> [len(group.get_offsets()) for group in ax.collections]
    [2, 1]
    >>> plt.close(fig)
    """
    if points.dim() != 2 or points.shape[1] != 2 or labels.shape != points.shape[:1]:
        raise ValueError(f"points (N, 2) and labels (N,) were expected, {tuple(points.shape)} and {len(labels)} came")
    places, yes = points.detach().cpu().numpy(), labels.detach().cpu().numpy() > 0.5
    ax.scatter(places[yes, 0], places[yes, 1], s=24, facecolor=INK, edgecolor=PAPER, linewidth=0.8, zorder=4)
    ax.scatter(places[~yes, 0], places[~yes, 1], s=20, facecolor=PAPER, edgecolor=MUTED, linewidth=1.2, zorder=4)
    return ax


def mapped_grid(ax: Axes, points: Tensor) -> Axes:
    """Draw where a map sends the lines of a grid.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    points : Tensor
        Shape (rows, columns, 2): where each point of the grid comes to lie. Lines that come to lie on each other are
        drawn over each other, so that a folded part is darker.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the points are not a grid in a plane.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = mapped_grid(ax, torch.rand(3, 4, 2))
    >>> len(ax.lines)
    7
    >>> plt.close(fig)
    """
    if points.dim() != 3 or points.shape[2] != 2:
        raise ValueError(f"points of shape (rows, columns, 2) were expected, {tuple(points.shape)} came")
    places = points.detach().cpu().numpy()
    for row in places:
        ax.plot(*row.T, color=MUTED, linewidth=1.2, alpha=0.45)
    for column in places.swapaxes(0, 1):
        ax.plot(*column.T, color=MUTED, linewidth=1.2, alpha=0.45)
    ax.grid(color=FAINT)
    ax.set_aspect("equal")
    return ax
