"""Predictions beside the truth, the error of each as a line between the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import BLUE, FAINT, MUTED, ORANGE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def prediction_errors(ax: Axes, targets: pd.Series, predictions: pd.Series) -> Axes:
    """Draw, for each observation, what should be predicted, what is predicted, and the error between them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    targets : pandas.Series
        What should be predicted; its index names the observations, and its name is that of the dots.
    predictions : pandas.Series
        What is predicted, in the same order; its name is that of the crosses.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If there is not one prediction for each target.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> marks = pd.Series([14.0, 7.0], index=["Ada", "Bob"], name="mark")
    >>> fig, ax = plt.subplots()
    >>> ax = prediction_errors(ax, marks, pd.Series([12.5, 8.0], name="prediction"))
    >>> [text.get_text() for text in ax.texts]
    ['-1.5', '+1.0']
    >>> plt.close(fig)
    """
    if len(targets) != len(predictions):
        raise ValueError(f"{len(targets)} targets came with {len(predictions)} predictions; give one for each")
    places = np.arange(len(targets))
    truth, guess = targets.to_numpy(dtype=float), predictions.to_numpy(dtype=float)
    ax.vlines(places, truth, guess, color=MUTED, linewidth=2, zorder=1)
    ax.plot(places, truth, "o", color=BLUE, markersize=11, label=targets.name)
    ax.plot(places, guess, "X", color=ORANGE, markersize=8, label=predictions.name)
    for place, middle, error in zip(places.tolist(), (truth + guess) / 2, guess - truth, strict=True):
        text, right = (f"{error:+.1f}", 7) if abs(error) >= 0.05 else ("0", 10)  # beside the line, or the dot
        at = (place, middle)
        ax.annotate(text, at, (right, 0), textcoords="offset points", va="center", color=MUTED, fontsize=10)
    ax.set_xticks(places, [str(name) for name in targets.index])
    ax.set_xlim(-0.5, len(targets) - 0.2)
    ax.grid(axis="y", color=FAINT)
    return ax
