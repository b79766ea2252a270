"""Probabilities of several yes/no answers as bars, each beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import BLUE, FAINT, INK, MUTED, ORANGE, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor


def yes_no_bars(ax: Axes, probabilities: Tensor, answers: Tensor, names: Sequence[str] = ()) -> Axes:
    """Draw the probability of each yes as a bar from 0 to 1, and a dot at the true answer: full for yes, hollow for no.

    An answer on the wrong side of one half has an orange frame, and its bar is orange and hatched.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    probabilities : Tensor
        Shape (K,): of a yes.
    answers : Tensor
        Shape (K,): 1 for yes, 0 for no.
    names : sequence of str, optional
        The K questions, written to the left; none where a neighboring panel has them.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes, the first question on top.

    Raises
    ------
    ValueError
        If there is not one answer, or not one name, per probability.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = yes_no_bars(ax, torch.tensor([0.9, 0.2]), torch.tensor([1.0, 1.0]), ["glasses", "smile"])
    >>> [bar.get_hatch() for bar in ax.containers[0]]
    [None, '////']
    >>> plt.close(fig)
    """
    values, truth = probabilities.detach().cpu().numpy(), answers.cpu().numpy() > 0.5
    if values.ndim != 1 or truth.shape != values.shape or (names and len(names) != len(values)):
        raise ValueError(
            f"probabilities of shape {values.shape} came with answers of shape {truth.shape} and {len(names)} names; "
            "give one answer and one name for each"
        )
    rows, wrong = np.arange(len(values)), (values > 0.5) != truth
    grounds = ax.barh(rows, np.ones(len(values)), color=FAINT, height=0.66)
    bars = ax.barh(rows, values, color=[ORANGE if missed else BLUE for missed in wrong], height=0.66)
    for ground, bar, missed in zip(grounds, bars, wrong, strict=True):
        if missed:
            ground.set(edgecolor=ORANGE, linewidth=1.5)  # a bar near 0 could not be seen
            bar.set(hatch="////", edgecolor=PAPER, linewidth=0)
    ax.containers.reverse()  # the bars come before their background
    ax.axvline(0.5, color=MUTED, linewidth=1)
    fills = [INK if yes else PAPER for yes in truth]
    ax.scatter(truth.astype(float), rows, s=34, c=fills, edgecolors=INK, linewidths=1.2, zorder=3, clip_on=False)
    ax.set_yticks(rows, list(names) or [""] * len(values))
    ax.set(xlim=(0, 1), ylim=(len(values) - 0.5, -0.5))
    ax.set_xticks([0, 1], ["no", "yes"])
    ax.tick_params(length=0)
    ax.tick_params(axis="y", pad=8)
    ax.spines[:].set_visible(False)
    return ax
