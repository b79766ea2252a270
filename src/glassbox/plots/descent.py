"""A descent as a film: the point on the map of two parameters, and the derivatives that move it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.contours import contours, path
from glassbox.plots.style import BLUE, FAINT, MUTED, ORANGE, PAPER

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from torch import Tensor


def descent_movie(
    map_axes: Axes,
    bar_axes: Axes,
    risk: Callable[[Tensor], Tensor],
    parameters: Tensor,
    gradients: Tensor,
    *,
    names: Sequence[str],
    shown: tuple[int, int],
    x: tuple[float, float],
    y: tuple[float, float],
    levels: Sequence[float],
    frames: int = 30,
    milliseconds: int = 300,
) -> FuncAnimation:
    """Animate a descent over two of its parameters, the contours following the others.

    In each frame the map is that of the two parameters shown, with all others at their values of that iteration: the
    point lies at the very risk that its title tells. Beside the map stands a bar for each derivative, on a scale that
    shows large and small ones of either sign alike: linear near zero, logarithmic beyond.

    Parameters
    ----------
    map_axes, bar_axes : matplotlib.axes.Axes
        Where to draw the map, and the bars of the derivatives.
    risk : callable
        Takes parameters of shape (..., P) and returns the risks, shape (...).
    parameters : Tensor
        Shape (T, P): the points of the descent, the starting point first. It is iteration 1.
    gradients : Tensor
        Shape (T, P): the gradient at each of them.
    names : sequence of str
        The names of the P parameters.
    shown : tuple of int
        Which two parameters make the map.
    x, y : tuple of float
        The ends of the map's axes.
    levels : sequence of float
        The risks whose contours are drawn.
    frames : int, optional
        How many iterations to show at most, the early ones closer together.
    milliseconds : int, optional
        Time per frame.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        Until it runs, the last frame shows.

    Raises
    ------
    ValueError
        If there are no parameters to choose ``shown`` from, or not one gradient for each point and one name for each
        parameter.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> def bowl(w):
    ...     return (w**2).sum(dim=-1)
    >>> way = torch.tensor([[1.0, 1.0], [0.5, 0.5]])
    >>> fig, (left, right) = plt.subplots(1, 2)
    >>> options = {"shown": (0, 1), "x": (-2, 2), "y": (-2, 2), "levels": [1]}
    >>> movie = descent_movie(left, right, bowl, way, 2 * way, names=["a", "b"], **options)
    >>> left.get_title()
    'iteration 2: risk 0.5'
    >>> plt.close(fig)
    """
    from matplotlib.animation import FuncAnimation

    if parameters.dim() != 2 or not all(-parameters.shape[1] <= index < parameters.shape[1] for index in shown):
        raise ValueError(f"shown names the parameters {shown}, and parameters have shape {tuple(parameters.shape)}")
    if gradients.shape != parameters.shape or len(names) != parameters.shape[1]:
        raise ValueError(
            f"descent_movie expects gradients of shape {tuple(parameters.shape)} and {parameters.shape[1]} names, got "
            f"{tuple(gradients.shape)} and {len(names)}"
        )
    risks = risk(parameters).numpy()
    iterations = np.unique(np.geomspace(1, len(parameters), frames).round().astype(int))
    labels = map_axes.get_xlabel(), map_axes.get_ylabel()

    bars = bar_axes.barh(names, gradients[-1].numpy(), color=ORANGE, height=0.6)
    bar_axes.axvline(0, color=MUTED, linewidth=1)
    largest = float(gradients.abs().max()) or 1.0
    top = 10 ** np.floor(np.log10(largest))
    bar_axes.set_xscale("symlog", linthresh=top / 1000)
    bar_axes.set(xlim=(-1.5 * largest, 1.5 * largest), xlabel="derivative of the risk")
    bar_axes.set_xticks([-top, -top / 100, 0, top / 100, top])
    bar_axes.minorticks_off()
    bar_axes.xaxis.set_major_formatter("{x:g}")
    bar_axes.invert_yaxis()
    bar_axes.grid(axis="x", color=FAINT)

    def draw(frame: int) -> list[Artist]:
        last = int(iterations[frame])
        point = parameters[last - 1]

        def slice_through_point(places: Tensor) -> Tensor:
            moved = point.expand(*places.shape[:-1], -1).clone()
            moved[..., list(shown)] = places.to(moved.dtype)
            return risk(moved)

        map_axes.clear()
        contours(map_axes, slice_through_point, x, y, levels=levels, labels=False, resolution=81)
        path(map_axes, parameters[:last, list(shown)], dots=False)
        map_axes.plot(*point[list(shown)].tolist(), "o", color=ORANGE, markersize=9, markeredgecolor=PAPER, zorder=4)
        map_axes.set(xlabel=labels[0], ylabel=labels[1], title=f"iteration {last}: risk {risks[last - 1]:.2g}")
        for bar, derivative in zip(bars, gradients[last - 1].tolist(), strict=True):
            bar.set(width=derivative, color=ORANGE if derivative >= 0 else BLUE)
        return list(bars)

    figure = map_axes.figure
    movie = FuncAnimation(figure, draw, frames=len(iterations), interval=milliseconds)  # type: ignore[arg-type]
    figure.canvas.draw()  # where there is no screen nothing else draws it, and Matplotlib warns of that at the end
    draw(len(iterations) - 1)
    return movie
