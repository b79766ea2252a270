"""MNIST, the 70,000 handwritten digits."""

from __future__ import annotations

import os
from pathlib import Path

from ._labelled import LabelledImages


def mnist(split: str) -> LabelledImages:
    """Load one split of MNIST from the folder that ``GLASSBOX_DATA`` names."""
    from torchvision.datasets.mnist import read_image_file, read_label_file

    prefix = {"train": "train", "test": "t10k"}[split]
    folder = Path(os.environ["GLASSBOX_DATA"]) / "MNIST" / "raw"
    images = read_image_file(str(folder / f"{prefix}-images-idx3-ubyte"))
    labels = read_label_file(str(folder / f"{prefix}-labels-idx1-ubyte"))
    names = tuple(str(digit) for digit in range(10))
    return LabelledImages(images[:, None].float().div_(255), labels, source="MNIST", class_names=names)
