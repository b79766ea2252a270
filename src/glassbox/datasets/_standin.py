"""The digits that ship with scikit-learn, placed as MNIST places its own."""

from __future__ import annotations

import torch
from torch import Tensor

from glassbox.datasets._labelled import LabelledImages


def standin_digits(split: str) -> LabelledImages:
    """Enlarge the 8x8 digits to 20x20 and center them by mass in 28x28; 1,500 to train on, 297 to test on."""
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    rows = slice(0, 1500) if split == "train" else slice(1500, None)
    small = torch.tensor(pixels[rows], dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    large = torch.nn.functional.interpolate(small, size=20, mode="bicubic", align_corners=False)
    large = ((large - 0.3) / (0.8 - 0.3)).clamp(0, 1)  # the strokes of MNIST are thinner and blacker
    return LabelledImages(
        _center_by_mass(large),
        torch.tensor(classes[rows], dtype=torch.int64),
        source="scikit-learn's digits, standing in for MNIST",
        is_standin=True,
        class_names=tuple("0123456789"),
    )


def _center_by_mass(boxes: Tensor) -> Tensor:
    """Put each 20x20 box where its center of mass comes nearest to the middle of 28x28."""
    places = torch.arange(20.0)
    mass = boxes.sum(dim=(1, 2, 3))
    row = boxes.sum(dim=(1, 3)) @ places / mass
    column = boxes.sum(dim=(1, 2)) @ places / mass
    top = (13.5 - row).round().clamp(0, 8).long()
    left = (13.5 - column).round().clamp(0, 8).long()
    images = boxes.new_zeros(len(boxes), 1, 28, 28)
    for index, (i, j) in enumerate(zip(top.tolist(), left.tolist(), strict=True)):
        images[index, :, i : i + 20, j : j + 20] = boxes[index]
    return images
