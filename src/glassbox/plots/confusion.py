"""What a classifier takes for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import MUTED, colormap, text_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor


def confusion_matrix(ax: Axes, counts: Tensor, class_names: Sequence[str]) -> Axes:
    """Draw a table of counts: a row per true class, a column per predicted class, mistakes in color.

    The diagonal, where prediction and truth agree, carries its counts without color, so that the mistakes stand out.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    counts : Tensor
        Shape (K, K), integers: entry [i, j] counts the examples of class i that were taken for class j.
    class_names : sequence of str
        The K names.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the counts are not a K × K table for the K names.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = confusion_matrix(ax, torch.tensor([[9, 1], [0, 8]]), ["cat", "dog"])
    >>> [text.get_text() for text in ax.texts]
    ['9', '1', '8']
    >>> plt.close(fig)
    """
    size = len(class_names)
    if tuple(counts.shape) != (size, size):
        raise ValueError(f"counts of shape {tuple(counts.shape)} came with {size} names; expected ({size}, {size})")
    table = counts.detach().cpu().numpy()
    mistakes = np.where(np.eye(size, dtype=bool), 0, table)
    shown = np.ma.masked_equal(mistakes, 0)
    # A mesh stays line art in an SVG, where an image would not.
    drawn = ax.pcolormesh(
        range(size), range(size), shown, cmap=colormap("positive"), vmin=0, vmax=max(1, mistakes.max())
    )
    fills = np.asarray(drawn.cmap(drawn.norm(table))).tolist()
    for (row, column), count in np.ndenumerate(table):
        if count:
            agrees = row == column
            color = MUTED if agrees else text_on(fills[row][column])
            ax.text(column, row, str(count), ha="center", va="center", color=color)
    ax.set(xlabel="read as", ylabel="truth", xticks=range(size), yticks=range(size))
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.set_xticklabels(class_names)
    ax.set_yticklabels(class_names)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
