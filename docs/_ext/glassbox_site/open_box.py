"""The picture of the home page: one digit on its way through the shipped network, computed at each build.

The directive ``open-box`` takes a list. Each item is the caption of a stage and its alternative text at once; the last
one belongs to the probabilities. The maps are small images inside the page, which its stylesheet lays out.
"""

from __future__ import annotations

import base64
import io
from functools import cache

import numpy as np
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from glassbox.plots.style import colormap

STAGES = ("input", "relu1", "relu2", "relu3", "relu4")


@cache
def outputs_of_stages() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return what each stage holds, (maps, height, width) or (numbers,), and the ten probabilities.

    The digit is the first four that the network reads right and yet hesitates on: its other classes get a share too.
    """
    import torch

    from glassbox import datasets, models, tracing

    test = datasets.mnist("test")
    network = models.SmallCNN(pretrained=True)
    fours = test.images[test.labels == 4]
    with torch.no_grad():
        share = network(fours).softmax(dim=1)[:, 4]
    hesitant = (share > 0.5) & (share < 0.95)
    digit = fours[int(hesitant.int().argmax())][None]
    inside = tracing.trace(network, digit)
    outputs = {"input": digit} | {name: inside[name].output for name in STAGES[1:]}
    scores = inside["fc2"].output[0]
    return {name: output[0].numpy() for name, output in outputs.items()}, scores.softmax(dim=0).numpy()


def paint(numbers: np.ndarray, largest: float, kind: str) -> np.ndarray:
    """Return red, green and blue, 0 to 255, for each number from zero up."""
    return colormap(kind)(numbers / largest, bytes=True)[..., :3]


def maps(numbers: np.ndarray, kind: str) -> str:
    """Return the maps of a stage as images, a pixel for each number, their bytes included."""
    images = []
    for sheet in numbers:
        buffer = io.BytesIO()
        Image.fromarray(paint(sheet, numbers.max(), kind)).save(buffer, "webp", lossless=True, method=6)
        data = base64.b64encode(buffer.getvalue()).decode()
        height, width = sheet.shape
        images.append(f'<img src="data:image/webp;base64,{data}" width="{width}" height="{height}" alt="">')
    return "".join(images)


def cells(numbers: np.ndarray) -> str:
    """Return the numbers of a vector as colored cells."""
    return "".join(
        f'<i style="background: rgb({red} {green} {blue})"></i>'
        for red, green, blue in paint(numbers, numbers.max(), "positive")
    )


def bars(probabilities: np.ndarray) -> str:
    """Return the probabilities as bars, a line for each class."""
    highest = probabilities.argmax()
    lines = [
        f'<span class="bar{" highest" if digit == highest else ""}" style="--probability: {probability:.4f}">'
        f"<b>{digit}</b><i></i><span>{probability:.1%}</span></span>"
        for digit, probability in enumerate(probabilities)
    ]
    return "".join(lines)


class OpenBox(SphinxDirective):
    """The stages side by side, each with its caption."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        captions = [item for node in self.parse_content_to_nodes() for item in node.findall(nodes.list_item)]
        if len(captions) != len(STAGES) + 1:
            raise self.error(f"open-box has {len(captions)} captions; expected {len(STAGES) + 1}, one for each stage")
        outputs, probabilities = outputs_of_stages()
        pictures = [
            (f"maps maps-{len(numbers)}", maps(numbers, "ink" if name == "input" else "positive"))
            if numbers.ndim == 3
            else ("cells", cells(numbers))
            for name, numbers in outputs.items()
        ]
        pictures.append(("bars", bars(probabilities)))
        box = nodes.container(classes=["open-box"])
        for number, ((kind, html), caption) in enumerate(zip(pictures, captions, strict=True)):
            words = nodes.container("", *caption.children, ids=[f"stage-{number}"], classes=["stage-caption"])
            picture = f'<div class="{kind}" role="img" aria-labelledby="stage-{number}">{html}</div>'
            box += nodes.container("", nodes.raw("", picture, format="html"), words, classes=["stage"])
        return [box]


def setup(app: Sphinx) -> None:
    app.add_directive("open-box", OpenBox)
