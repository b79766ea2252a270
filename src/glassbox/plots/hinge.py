"""ReLU as a hinge, with the observations on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import BLUE, FAINT, MUTED, ORANGE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def hinge(ax: Axes, sums: pd.Series, *, bias: float = 0.0) -> Axes:
    """Draw max(0, sum + bias) against the sum, and each observation on the curve.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    sums : pandas.Series
        The weighted sum of each observation, without the bias.
    bias : float, optional
        What is added before ReLU: the hinge lies where the sum is ``-bias``.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> fig, ax = plt.subplots()
    >>> ax = hinge(ax, pd.Series([9.7, 10.9]), bias=-10)
    >>> [text.get_text() for text in ax.texts]
    ['1 put to zero', '1 kept', 'hinge at 10']
    >>> plt.close(fig)
    """
    values = sums.to_numpy(dtype=float)
    outputs = np.maximum(0, values + bias)
    kept = outputs > 0
    low, high = min(values.min(), -bias) - 0.5, max(values.max(), -bias) + 0.5
    top = high + bias
    ax.axvline(-bias, color=MUTED, linewidth=1, linestyle="--")
    ax.plot([low, -bias, high], [0, 0, top], color=FAINT, linewidth=5, solid_joinstyle="round", zorder=1)
    ax.scatter(values[~kept], outputs[~kept], s=55, color=BLUE, marker="X", zorder=3)
    ax.scatter(values[kept], outputs[kept], s=55, color=ORANGE, zorder=3)
    ax.text((low - bias) / 2, 0.12 * top, f"{(~kept).sum()} put to zero", ha="center", color=BLUE)
    ax.text(-bias + 0.5 * top, 0.38 * top, f"{kept.sum()} kept", ha="left", color=ORANGE)
    ax.text(
        -bias + 0.02 * (high - low), 0.95 * top, f"hinge at {-bias:g}", ha="left", color=MUTED, backgroundcolor="none"
    )
    return ax
