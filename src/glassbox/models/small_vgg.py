"""The VGG-like network of lesson 3.6."""

from __future__ import annotations

from glassbox import nn
from glassbox.models.parts import NamedParts


class SmallVGG(NamedParts):
    """A small network in the style of VGG: pairs of 3x3 convolutions, then pooling; several answers at once.

    Each block has two convolutions (3x3, padding 1) with batch normalization and ReLU, and halves the image by
    max-pooling. A dense layer, a ReLU, a dropout and a last dense layer follow. The outputs are scores (logits): with
    `glassbox.nn.BCEWithLogitsLoss` each is a yes/no answer of its own.

    Parameters
    ----------
    n_outputs : int
        How many answers.
    in_channels : int
        Channels of the image: 3 for color.
    image_size : int or (int, int)
        Height and width of the images.
    widths : tuple of int
        Channels of each block.
    hidden : int
        Size of the dense layer before the last.
    dropout : float
        Share of the hidden values that are dropped while it learns.

    Raises
    ------
    ValueError
        If a number is below 1, or the image is too small to be halved once for each block.

    References
    ----------
    K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015,
    https://doi.org/10.48550/arXiv.1409.1556

    Examples
    --------
    >>> import torch
    >>> model = SmallVGG(2, image_size=48)
    >>> model(torch.zeros(5, 3, 48, 48)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        n_outputs: int,
        *,
        in_channels: int = 3,
        image_size: int | tuple[int, int] = 48,
        widths: tuple[int, ...] = (8, 16, 32),
        hidden: int = 64,
        dropout: float = 0.3,
    ) -> None:
        height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
        if min(n_outputs, in_channels, hidden, *widths) < 1:
            raise ValueError("SmallVGG expects n_outputs, in_channels, hidden and every width to be 1 or more")
        if min(height, width) < 2 ** len(widths):
            raise ValueError(
                f"an image of {height} x {width} cannot be halved {len(widths)} times; "
                f"take images of at least {2 ** len(widths)} pixels a side, or fewer widths"
            )
        parts: dict[str, nn.Module] = {}
        for block, channels in enumerate(widths, start=1):
            for which in "ab":
                parts[f"conv{block}{which}"] = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
                parts[f"norm{block}{which}"] = nn.BatchNorm2d(channels)
                parts[f"relu{block}{which}"] = nn.ReLU()
                in_channels = channels
            parts[f"pool{block}"] = nn.MaxPool2d(2)
            height, width = height // 2, width // 2
        super().__init__(
            **parts,
            flatten=nn.Flatten(),
            fc1=nn.Linear(in_channels * height * width, hidden),
            relu=nn.ReLU(),
            dropout=nn.Dropout(dropout),
            fc2=nn.Linear(hidden, n_outputs),
        )
