"""What the pages that compute hold: weights, samples, and the still that a reader without JavaScript sees."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glassbox import explain, models
from glassbox.datasets import LabelledImages, mnist
from glassbox.explain._describe import describe


@lru_cache(maxsize=1)
def one_of_each() -> LabelledImages:
    """Return the first test digit of each class."""
    data = mnist("test")
    return data[torch.tensor([int((data.labels == digit).nonzero()[0]) for digit in range(10)])]


def pixels(images: Tensor) -> dict[str, Any]:
    """Store images in [0, 1] as one byte a pixel."""
    numbers = (images * 255).round().to(torch.uint8)
    return {"shape": list(images.shape), "data": base64.b64encode(numbers.numpy().tobytes()).decode(), "dtype": "uint8"}


def digit() -> dict[str, Any]:
    """SmallCNN as shipped, and one test digit of each class."""
    digits = one_of_each()
    return {
        "network": describe(models.SmallCNN(pretrained=True), (1, 28, 28), classes=digits.class_names),
        "samples": pixels(digits.images),
        "labels": digits.labels.tolist(),
        "source": digits.source,
    }


def digit_still() -> Any:
    """Draw a seven and the maps that the first two convolutions make of it."""
    import matplotlib.pyplot as plt

    from glassbox import plots, tracing

    plots.style.use()
    image = one_of_each().images[7:8]
    seen = tracing.trace(models.SmallCNN(pretrained=True), image)
    figure, axes = plt.subplots(1, 7, figsize=(7.2, 1.2))
    plots.image(axes[0], image)
    for ax, numbers in zip(axes[1:], [*seen["relu1"].output[0], *seen["relu2"].output[0]], strict=True):
        plots.image(ax, numbers, kind="positive")
    figure.alt_text = "A handwritten seven, the two maps of the first convolution and the four maps of the second."
    return figure


def _small_cnn(path: Path) -> None:
    title = "The network of lessons 1.3 and 1.4, open"
    explain.export(models.SmallCNN(pretrained=True), one_of_each(), path, title=title)


EXPORTS = {"small-cnn": _small_cnn}
"""Pages of `glassbox.explain.export` that the site links to, by name."""
