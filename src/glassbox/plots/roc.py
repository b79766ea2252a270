"""Receiver operating characteristic: what each threshold catches, against its false alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from glassbox.plots.style import FAINT, MUTED, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor


def roc_curves(ax: Axes, rates: Mapping[str, tuple[Tensor, Tensor]]) -> Axes:
    """Draw one ROC curve per name in the unit square, over the diagonal of those who guess.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    rates : mapping of str to pair of Tensor
        For each name the false-positive rates and the true-positive rates, both of shape (T,), one per threshold. The
        names stand in the lower right corner, which no curve that is better than guessing passes.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If a curve does not have as many true-positive as false-positive rates, or there are too many to tell apart.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = roc_curves(ax, {"ours": (torch.tensor([0.0, 0.2, 1.0]), torch.tensor([0.0, 0.9, 1.0]))})
    >>> [text.get_text() for text in ax.texts]
    ['ours']
    >>> plt.close(fig)
    """
    if len(rates) > len(SERIES):
        raise ValueError(f"{len(rates)} curves came; at most {len(SERIES)} stay apart, so split the figure")
    ax.plot([0, 1], [0, 1], color=FAINT, linewidth=1.5)
    styles = ["-", "--", "-.", ":"]
    for index, (name, (false, true)) in enumerate(rates.items()):
        if false.shape != true.shape or false.dim() != 1:
            raise ValueError(
                f"{name!r} has rates of shapes {tuple(false.shape)} and {tuple(true.shape)}; give two lists of one "
                "length, false positives first"
            )
        ax.plot(false.cpu().numpy(), true.cpu().numpy(), styles[index], color=SERIES[index])
        height = 0.05 + 0.13 * (len(rates) - 1 - index)
        ax.text(0.99, height, name, ha="right", va="bottom", color=SERIES[index], fontsize=9)
    ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], aspect="equal")
    ax.tick_params(colors=MUTED)
    return ax
