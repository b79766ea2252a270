"""Vectors of the plane as arrows from the origin, each with its name at its tip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from glassbox.plots.style import FAINT, MUTED, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor


def named_arrows(ax: Axes, vectors: Mapping[str, Tensor]) -> Axes:
    """Draw vectors as arrows from the origin, on axes of one scale.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    vectors : mapping of str to Tensor
        Shape (2,) each: the name of a vector and its two components.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If a vector does not have two components, or there are more than readers can tell apart.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = named_arrows(ax, {"a": torch.tensor([1.0, 0.0]), "b": torch.tensor([0.0, 1.0])})
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['a', 'b']
    >>> plt.close(fig)
    """
    if len(vectors) > len(SERIES):
        raise ValueError(f"{len(vectors)} vectors came; at most {len(SERIES)} stay apart, so split the figure")
    ax.axhline(0, color=FAINT, linewidth=1)
    ax.axvline(0, color=FAINT, linewidth=1)
    for name, vector in vectors.items():
        if tuple(vector.shape) != (2,):
            raise ValueError(f"{name!r} has the shape {tuple(vector.shape)}; give two components")
    tips = [cast("tuple[float, float]", tuple(vector.detach().cpu().tolist())) for vector in vectors.values()]
    for name, tip, color in zip(vectors, tips, SERIES, strict=False):
        x, y = tip
        arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 2, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 14}
        ax.annotate("", tip, (0, 0), arrowprops=arrow)
        length = float(np.hypot(x, y)) or 1.0
        side = "center" if abs(x) < length / 2 else "left" if x > 0 else "right"
        if side == "center":  # a longer arrow may end beside this name: write away from it
            beside = [u - x for u, v in tips if v * y > y * y and u != x and np.hypot(u - x, v - y) < length]
            side = ("left" if beside[0] < 0 else "right") if beside else side
        away = (14 * x / length, 14 * y / length)
        ax.annotate(name, tip, away, textcoords="offset points", ha=side, va="center", color=color)
    corners = np.array([*tips, (0.0, 0.0)])
    ax.update_datalim(corners)
    ax.autoscale_view()
    ax.margins(0.4)
    ax.set_aspect("equal", adjustable="datalim")
    ax.tick_params(colors=MUTED)
    return ax
