"""A map of signed values laid over the image that they speak about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassbox.plots.style import colormap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor


def heat_over(ax: Axes, picture: Tensor, values: Tensor, *, limit: float | None = None) -> Axes:
    """Draw an image in gray, and values over it: red above zero, blue below, the stronger the more opaque.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    picture : Tensor
        Shape (C, H, W), values in [0, 1]; its channels are averaged.
    values : Tensor
        Shape (h, w): a map of the whole picture, as coarse as you like.
    limit : float, optional
        The absolute value that is drawn at full strength; the largest one when it is not given.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ValueError
        If the picture is not (C, H, W), or the map not (h, w).

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import torch
    >>> fig, ax = plt.subplots()
    >>> ax = heat_over(ax, torch.rand(3, 32, 32), torch.randn(8, 8))
    >>> len(ax.images)
    2
    >>> plt.close(fig)
    """
    if picture.dim() != 3 or values.dim() != 2:
        raise ValueError(
            f"a picture (C, H, W) and a map (h, w) were expected, {tuple(picture.shape)} and {tuple(values.shape)} came"
        )
    heat = values.detach().cpu().numpy()
    limit = limit or float(np.abs(heat).max()) or 1.0
    strength = np.clip(heat / limit, -1, 1)
    colors = colormap("signed")(0.5 + strength / 2)
    colors[..., 3] = 0.85 * np.abs(strength)
    height, width = picture.shape[1:]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    # Paler, so that the dark end of the blues shows on dark hair.
    ax.imshow(0.35 + 0.65 * picture.detach().cpu().mean(dim=0).numpy(), cmap="gray", vmin=0, vmax=1, extent=extent)
    ax.imshow(colors, extent=extent, interpolation="bilinear")
    ax.set_axis_off()
    return ax
