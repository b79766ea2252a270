"""Small random changes to training images that leave what they show unchanged."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

__all__ = ["distort", "shift"]


def shift(images: Tensor, generator: torch.Generator | None = None, *, pixels: int = 1) -> Tensor:
    r"""Move each image by a whole number of pixels, up to `pixels` in each direction; zeros come in at the border.

    Parameters
    ----------
    images : Tensor
        Shape (N, C, H, W).
    generator : torch.Generator, optional
        Where the random numbers come from; torch's own by default.
    pixels : int
        The longest move along each axis.

    Returns
    -------
    Tensor
        Shape (N, C, H, W): new images.

    Examples
    --------
    >>> moved = shift(torch.ones(8, 1, 4, 4), torch.Generator().manual_seed(0))
    >>> sorted(set(moved.sum(dim=(1, 2, 3)).tolist()))
    [9.0, 12.0, 16.0]
    """
    n, _, height, width = images.shape
    drawn = _uniform((2, n, 1), images, generator)
    down, right = (drawn * (2 * pixels + 1)).long()
    rows = down + torch.arange(height, device=images.device)  # (N, H)
    columns = right + torch.arange(width, device=images.device)  # (N, W)
    which = torch.arange(n, device=images.device)[:, None, None]
    padded = pad(images, (pixels,) * 4).permute(0, 2, 3, 1)  # channels last: one index picks all of them
    return padded[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def distort(
    images: Tensor,
    generator: torch.Generator | None = None,
    *,
    degrees: float = 7.0,
    scale: float = 0.07,
    shear: float = 0.07,
    pixels: float = 1.0,
) -> Tensor:
    r"""Rotate, scale, shear and move each image a little, by bilinear interpolation.

    The pixel at :math:`p`, from the middle, takes the value of the old image at :math:`A p + t`, with

    .. math::

        A = s \begin{pmatrix} \cos\theta & -\sin\theta \\ \sin\theta & \cos\theta \end{pmatrix}
          + \begin{pmatrix} 0 & k \\ 0 & 0 \end{pmatrix}

    and the angle, the scale, the shear and the move drawn evenly from their ranges for each image.

    Parameters
    ----------
    images : Tensor
        Shape (N, C, H, W).
    generator : torch.Generator, optional
        Where the random numbers come from; torch's own by default.
    degrees : float
        The largest angle :math:`\theta`.
    scale : float
        How far :math:`s` goes from 1.
    shear : float
        How far :math:`k` goes from 0.
    pixels : float
        The longest move along each axis.

    Returns
    -------
    Tensor
        Shape (N, C, H, W): new images.

    Examples
    --------
    >>> distort(torch.ones(2, 1, 28, 28)).shape
    torch.Size([2, 1, 28, 28])
    """
    n, _, height, width = images.shape
    drawn = _uniform((5, n), images, generator) * 2 - 1
    angle, s, k = drawn[0] * math.radians(degrees), 1 + drawn[1] * scale, drawn[2] * shear
    right, down = drawn[3] * 2 * pixels / width, drawn[4] * 2 * pixels / height  # the grid goes from -1 to 1
    cosine, sine = s * angle.cos(), s * angle.sin()
    matrix = torch.stack([cosine, k - sine, right, sine, cosine, down], dim=1).reshape(n, 2, 3)
    grid = affine_grid(matrix, list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)


def _uniform(shape: tuple[int, ...], images: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw numbers evenly from 0 to 1 where the generator is, and put them where the images are."""
    device = images.device if generator is None else generator.device
    return torch.rand(shape, generator=generator, device=device).to(images.device, images.dtype)
