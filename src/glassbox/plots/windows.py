"""Where a kernel's window comes to lie: padding and stride made visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassbox.plots.style import FAINT, INK, PAPER, PURPLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def window_centers(ax: Axes, size: int, *, kernel_size: int, padding: int = 0, stride: int = 1) -> Axes:
    """Draw a square image with its padding, the first window, and a dot at the center of each window.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    size : int
        Height and width of the image.
    kernel_size : int
        Height and width of the window.
    padding : int, optional
        Rows and columns of zeros added on each side.
    stride : int, optional
        How far the window moves from one output pixel to the next.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the window does not fit even once.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots()
    >>> ax = window_centers(ax, 6, kernel_size=3, padding=1, stride=2)
    >>> len(ax.collections[0].get_offsets())
    9
    >>> plt.close(fig)
    """
    from matplotlib.patches import Rectangle

    if kernel_size > size + 2 * padding:
        raise ValueError(f"a window of {kernel_size} does not fit {size} pixels with a padding of {padding}")
    for row in range(-padding, size + padding):
        for column in range(-padding, size + padding):
            inside = 0 <= row < size and 0 <= column < size
            ax.add_patch(
                Rectangle(
                    (column - 0.5, row - 0.5),
                    1,
                    1,
                    facecolor=FAINT if inside else PAPER,
                    edgecolor=PAPER if inside else FAINT,
                    linestyle="-" if inside else ":",
                )
            )
    first = -padding - 0.5
    ax.add_patch(Rectangle((first, first), kernel_size, kernel_size, fill=False, edgecolor=PURPLE, linewidth=2.5))
    half = (kernel_size - 1) / 2
    centers = [start + half for start in range(-padding, size + padding - kernel_size + 1, stride)]
    ax.scatter([x for _ in centers for x in centers], [y for y in centers for _ in centers], s=40, color=INK, zorder=3)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_xlim(-padding - 0.7, size + padding - 0.3)
    ax.set_ylim(size + padding - 0.3, -padding - 0.7)
    return ax
