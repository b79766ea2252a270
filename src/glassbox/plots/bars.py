"""Named values as horizontal bars, each with its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import BLUE, MUTED, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor


def named_bars(
    ax: Axes,
    values: Tensor,
    names: Sequence[str],
    *,
    highlight: int | None = None,
    number_format: Callable[[float], str] = "{:.4f}".format,
) -> Axes:
    """Draw one horizontal bar per value, first on top, its name to the left and its number at its end.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    values : Tensor
        Shape (K,).
    names : sequence of str
        The K names.
    highlight : int, optional
        Index of the bar to emphasize.
    number_format : callable, optional
        How a value becomes text.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If there is not one name per value.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = named_bars(ax, torch.tensor([0.9, 0.1]), ["zero", "one"], highlight=0)
    >>> [text.get_text() for text in ax.texts]
    ['0.9000', '0.1000']
    >>> plt.close(fig)
    """
    lengths = values.detach().cpu().numpy()
    if lengths.shape != (len(names),):
        raise ValueError(f"values of shape {tuple(values.shape)} came with {len(names)} names; give one name per value")
    drawn = ax.barh(np.arange(len(names)), lengths, color=np.where(lengths < 0, BLUE, ORANGE), height=0.7)
    for index, bar in enumerate(drawn):
        bar.set_alpha(1.0 if highlight in (None, index) else 0.45)
    for index, length in enumerate(lengths):
        ax.annotate(
            number_format(float(length)),
            (max(float(length), 0.0), index),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontweight="bold" if index == highlight else "normal",
        )
    ax.axvline(0, color=MUTED, linewidth=1)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.tick_params(length=0)
    ax.set_xticks([])
    ax.spines[:].set_visible(False)
    low, high = min(0.0, float(lengths.min())), max(0.0, float(lengths.max()))
    # The numbers stand right of the bars: leave them room.
    ax.set_xlim(low, high + 0.35 * (high - low or 1.0))
    return ax
