"""Images with their labels, and the words that say where they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages:
    """Images, their labels and where they come from.

    An integer index gives one pair ``(image, label)``, so that a :class:`torch.utils.data.DataLoader` takes the object
    as it is. A slice, a list, a mask or a tensor of indices gives a smaller ``LabelledImages``.

    Parameters
    ----------
    images : Tensor
        Shape (N, C, H, W), float32, values in [0, 1].
    labels : Tensor
        Shape (N,), int64, one class per image; or (N, K), float32, K yes/no answers per image.
    source : str
        What the images are, in words that figures and sentences quote.
    is_standin : bool
        Whether the images stand in for others that could not be had.
    class_names : tuple of str
        The name of each class, or of each of the K answers.

    Raises
    ------
    ValueError
        If there are not as many labels as images.

    Examples
    --------
    >>> data = LabelledImages(torch.zeros(3, 1, 28, 28), torch.tensor([4, 0, 4]), source="nothing")
    >>> len(data), len(data[:2]), len(data[data.labels == 4])
    (3, 2, 2)
    >>> image, label = data[0]
    >>> image.shape, int(label)
    (torch.Size([1, 28, 28]), 4)
    """

    images: Tensor
    labels: Tensor
    source: str
    is_standin: bool = False
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(
                f"{len(self.images)} images came with {len(self.labels)} labels; give one row of labels per image"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Any:
        selected, labels = self.images[index], self.labels[index]
        if selected.dim() < self.images.dim():
            return selected, labels
        return replace(self, images=selected, labels=labels)

    def __repr__(self) -> str:
        shape = tuple(self.images.shape)
        return f"LabelledImages({self.source!r}, images {shape}, labels {tuple(self.labels.shape)})"

    def to(self, device: torch.device | str) -> LabelledImages:
        """Copy images and labels to a device.

        Parameters
        ----------
        device : torch.device or str
            Where to copy them, such as ``"cuda"``.

        Returns
        -------
        LabelledImages
            The same data over there.
        """
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))
