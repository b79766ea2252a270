"""Examples as points on a plane, each drawn as the name of its class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassbox.plots.style import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor


def class_map(ax: Axes, points: Tensor, labels: Tensor, class_names: Sequence[str], *, size: float = 28) -> Axes:
    """Draw each example as a small colored text, the name of its class, so that no reader depends on the color.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    points : Tensor
        Shape (N, 2).
    labels : Tensor
        Shape (N,), int64: the class of each point.
    class_names : sequence of str
        At most ten names, best of one character.
    size : float, optional
        Area of a marker in square points.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes, without ticks.

    Raises
    ------
    ValueError
        If the points are not in a plane, there is not one label per point, or there are more than ten classes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = class_map(ax, torch.rand(4, 2), torch.tensor([0, 1, 1, 0]), ["0", "1"])
    >>> [len(group.get_offsets()) for group in ax.collections]
    [2, 2]
    >>> plt.close(fig)
    """
    import matplotlib

    if points.dim() != 2 or points.shape[1] != 2 or len(labels) != len(points):
        raise ValueError(f"points (N, 2) and labels (N,) were expected, {tuple(points.shape)} and {len(labels)} came")
    colors = matplotlib.color_sequences["tab10"]
    if len(class_names) > len(colors):
        raise ValueError(f"{len(class_names)} classes came; at most {len(colors)} have a color of their own")
    places, classes = points.detach().cpu().numpy(), labels.cpu().numpy()
    for index, name in enumerate(class_names):
        chosen = places[classes == index]
        ax.scatter(chosen[:, 0], chosen[:, 1], s=size, marker=f"${name}$", color=colors[index], linewidth=0.2)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color(MUTED)
    return ax
