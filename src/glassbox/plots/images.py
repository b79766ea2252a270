"""One image, or many in a grid with a caption under each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import COLORMAPS, INK, PURPLE, colormap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

"""What the values of an image are, and the colors that suit them."""


def image(ax: Axes, values: Tensor, *, kind: str = "photo", limit: float | None = None, colorbar: bool = False) -> Axes:
    """Draw one image without axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    values : Tensor
        Shape (H, W), or more dimensions of size one before; a photo in color is (3, H, W), red, green and blue in
        [0, 1].
    kind : {"photo", "ink", "positive", "signed"}, optional
        ``"photo"``: gray, black at 0 and white at ``limit``. ``"positive"``: from 0 up. ``"signed"``: white at zero.
    limit : float, optional
        The value at the end of the color scale; the largest absolute value when it is not given, 1 for a photo.
    colorbar : bool, optional
        Whether to draw the scale beside the image.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If ``values`` is not one image, or ``kind`` is unknown.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = image(ax, torch.tensor([[-2.0, 1.0]]), kind="signed")
    >>> ax.images[0].get_clim()
    (-2.0, 2.0)
    >>> plt.close(fig)
    """
    if kind not in COLORMAPS:
        raise ValueError(f"unknown kind {kind!r}; choose one of {', '.join(map(repr, COLORMAPS))}")
    array = values.detach().cpu().numpy()
    in_color = kind == "photo" and array.ndim > 2 and math.prod(array.shape[:-2]) == array.shape[-3] == 3
    if array.ndim < 2 or not (in_color or math.prod(array.shape[:-2]) == 1):
        raise ValueError(f"one image (H, W) was expected, {tuple(values.shape)} came; pick one channel of one example")
    array = array.reshape(-1, *array.shape[-2:]).transpose(1, 2, 0) if in_color else array.reshape(array.shape[-2:])
    if limit is None:
        limit = 1.0 if kind in {"photo", "ink"} else float(np.abs(array).max()) or 1.0
    drawn = ax.imshow(array, cmap=colormap(kind), vmin=-limit if kind == "signed" else 0, vmax=limit)
    ax.set_axis_off()
    if colorbar:
        bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.8)
        bar.outline.set_visible(False)
    return ax


def image_grid(
    ax: Axes,
    images: Tensor,
    captions: Sequence[str] | None = None,
    *,
    columns: int = 5,
    kind: str = "photo",
    marked: Sequence[bool] | None = None,
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
) -> Axes:
    """Draw images side by side in rows, each with a caption under it, or with names for the rows and the columns.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    images : Tensor
        Shape (N, H, W) or (N, 1, H, W), all on one color scale; photos in color are (N, 3, H, W), in [0, 1].
    captions : sequence of str, optional
        One per image.
    columns : int, optional
        Images per row.
    kind : {"photo", "ink", "positive", "signed"}, optional
        What the values are, as for :func:`image`.
    marked : sequence of bool, optional
        Images whose caption is purple and bold, such as mistakes.
    row_names, column_names : sequence of str, optional
        What to write left of each row and above each column.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the images have other channels, or there is not one caption per image.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = image_grid(ax, torch.rand(3, 1, 28, 28), ["7", "2", "1"], columns=3)
    >>> len(ax.images), [text.get_text() for text in ax.texts]
    (3, ['7', '2', '1'])
    >>> plt.close(fig)
    """
    if kind not in COLORMAPS:
        raise ValueError(f"unknown kind {kind!r}; choose one of {', '.join(map(repr, COLORMAPS))}")
    in_color = kind == "photo" and images.dim() == 4 and images.shape[1] == 3
    if images.dim() not in (3, 4) or (images.dim() == 4 and images.shape[1] != 1 and not in_color):
        raise ValueError(
            f"images (N, H, W) or (N, 1, H, W), or photos in color (N, 3, H, W), were expected and "
            f"{tuple(images.shape)} came"
        )
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"{len(captions)} captions came with {len(images)} images; give one per image")
    array = images.detach().cpu().numpy()
    array = array.transpose(0, 2, 3, 1) if in_color else array.reshape(len(images), *images.shape[-2:])
    limit = 1.0 if kind in {"photo", "ink"} else float(np.abs(array).max()) or 1.0
    height, width = array.shape[1:3]
    right, down = 1.12 * width, height * (1.12 if captions is None else 1.42)
    for index, picture in enumerate(array):
        left, top = right * (index % columns), down * (index // columns)
        ax.imshow(
            picture,
            extent=(left, left + width, top + height, top),
            cmap=colormap(kind),
            vmin=-limit if kind == "signed" else 0,
            vmax=limit,
        )
        if captions is not None:
            stands_out = marked is not None and marked[index]
            ax.text(
                left + width / 2,
                top + 1.06 * height,
                captions[index],
                ha="center",
                va="top",
                color=PURPLE if stands_out else INK,
                fontweight="bold" if stands_out else "normal",
            )
    for row, name in enumerate(row_names):
        ax.text(-0.12 * width, down * row + height / 2, name, ha="right", va="center")
    for column, name in enumerate(column_names):
        ax.text(right * column + width / 2, -0.12 * height, name, ha="center", va="bottom", fontweight="bold")
    ax.set_axis_off()
    ax.set_aspect("equal")
    ax.set_xlim(-0.06 * width, right * min(columns, len(array)) - 0.06 * width)
    ax.set_ylim(down * math.ceil(len(array) / columns), -height * (0.6 if column_names else 0.06))
    return ax
