"""What the pages that compute hold: weights, samples, and the still that a reader without JavaScript sees."""

from __future__ import annotations

import ast
import base64
import gzip
import io
from collections import OrderedDict
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import PIL.Image
import torch
from torch import Tensor

from glassbox import datasets, explain, models, nn, plots
from glassbox.datasets import LabelledImages, mnist
from glassbox.explain._describe import describe
from glassbox_site.lessons import GALLERY


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

    from glassbox import tracing

    plots.style.use()
    image = one_of_each().images[7:8]
    seen = tracing.trace(models.SmallCNN(pretrained=True), image)
    figure, axes = plt.subplots(1, 7, figsize=(7.2, 1.2))
    plots.image(axes[0], image)
    for ax, numbers in zip(axes[1:], [*seen["relu1"].output[0], *seen["relu2"].output[0]], strict=True):
        plots.image(ax, numbers, kind="positive")
    figure.alt_text = "A handwritten seven, the two maps of the first convolution and the four maps of the second."
    return figure


TRAINING, HELD_OUT = 2000, 500  # digits of the page that trains: the first of each set, or as many as there are
LEVELS = 15  # above paper: four bits a pixel


def few(split: str, count: int) -> LabelledImages:
    data = mnist(split)
    return data[: min(count, len(data.labels))]


def small_cnn_to_train() -> dict[str, Any]:
    """SmallCNN without its weights, which the page draws, and one test digit of each class."""
    page = digit()
    for layer in page["network"]["layers"]:
        for part in ("weight", "bias"):
            if part in layer:
                layer[part] = layer[part] and {"shape": layer[part]["shape"]}
    counts = {"training": len(few("train", TRAINING).labels), "heldOut": len(few("test", HELD_OUT).labels)}
    return {**page, "counts": counts}


def digits_to_learn() -> dict[str, Any]:
    """The digits that the page learns from, and those that it is tried on."""
    return {"training": packed(few("train", TRAINING)), "heldOut": packed(few("test", HELD_OUT))}


def packed(digits: LabelledImages) -> dict[str, Any]:
    """Store digits with four bits a pixel, two pixels in a byte, compressed."""
    numbers = (digits.images * LEVELS).round().to(torch.uint8).reshape(-1, 2)
    pairs = (16 * numbers[:, 0] + numbers[:, 1]).numpy().tobytes()
    pixels_of_all = base64.b64encode(gzip.compress(pairs, mtime=0)).decode()
    return {"pixels": pixels_of_all, "labels": "".join(map(str, digits.labels.tolist()))}


def train_still() -> Any:
    """Draw the kernels of the second convolution before and after training."""
    import matplotlib.pyplot as plt

    plots.style.use()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fresh = models.SmallCNN()
    trained = models.SmallCNN(pretrained=True)
    figure, axes = plt.subplots(2, 8, figsize=(7.2, 2.1))
    for row, (words, model) in enumerate({"random": fresh, "trained": trained}.items()):
        kernels = model.conv2.weight.detach().flatten(0, 1)
        for ax, kernel in zip(axes[row], kernels, strict=True):
            plots.image(ax, kernel, kind="signed")
        axes[row, 0].set_ylabel(words)
    figure.alt_text = "The eight kernels of the second convolution, before training in one row and after it in another."
    return figure


def literals_of(lesson: str) -> dict[str, Any]:
    """Return what a lesson's script assigns as plain values, by name: a page shows the lesson's own numbers."""
    found = {}
    for statement in ast.parse((GALLERY / lesson).read_text("utf-8")).body:
        if not isinstance(statement, ast.Assign):
            continue
        name, value = statement.targets[0], statement.value
        several = isinstance(name, ast.Tuple) and isinstance(value, ast.Tuple)
        for target, part in zip(name.elts, value.elts, strict=True) if several else [(name, value)]:
            with suppress(ValueError):
                found[ast.unparse(target)] = ast.literal_eval(part)
    return found


def marks_to_weigh() -> dict[str, Any]:
    """The marks of lesson 1.1 and the questions that it asks of them; the page begins with the first two."""
    grades = datasets.load_grades()

    def question(name: str, weights: dict[str, float], bias: float = 0.0) -> dict[str, Any]:
        return {"name": name, "weights": [weights.get(column, 0.0) for column in grades.columns], "bias": bias}

    sciences = ["Maths", "Physics", "CS", "Biology", "Chemistry"]
    return {
        "pupils": list(grades.index),
        "columns": list(grades.columns),
        "rows": grades.to_numpy().tolist(),
        "questions": [
            question("Sciences above 10", dict.fromkeys(sciences, 0.2), -10.0),
            question("Languages above 10", dict.fromkeys(["LV1", "LV2"], 0.5), -10.0),
            question("The mean", dict.fromkeys(grades.columns, 1 / len(grades.columns))),
            question("Maths − CS", {"Maths": 1.0, "CS": -1.0}),
            question("All zero", {}),
        ],
    }


def weights_still() -> Any:
    """Draw the weights that the page begins with and the sums that they make."""
    import matplotlib.pyplot as plt
    import pandas as pd

    plots.style.use()
    grades, asked = datasets.load_grades(), marks_to_weigh()["questions"][0]
    weights = pd.DataFrame([asked["weights"]], index=["weights"], columns=grades.columns)
    sums = (grades @ weights.loc["weights"] + asked["bias"]).rename("sum")
    figure, ax = plt.subplots(figsize=(5.6, 4.2))
    plots.weighted_table(ax, grades, weights=weights, bias=[asked["bias"]], results=sums)
    figure.alt_text = "Eleven pupils with seven marks, a weight above each subject, and their sums as bars."
    return figure


def photo_to_filter() -> dict[str, Any]:
    """The photograph of lesson 1.2, a little smaller and without loss, and the kernels of the lesson."""
    gray = (datasets.photo("china")[0, 0, 50:290, 85:325] * 255).round().to(torch.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(gray.numpy()).save(file, "WEBP", lossless=True, quality=100, method=6)
    bank = literals_of("part1_representation/plot_12_convolution.py")["bank"]
    return {
        "photo": base64.b64encode(file.getvalue()).decode(),
        "credit": datasets.PHOTO_CREDITS["china"],
        "place": [150, 17],  # the edge of the lesson's pillar
        "presets": [
            {"name": name, "kernel": [weight for row in table for weight in row], "divisor": divisor}
            for name, (table, divisor) in bank.items()
        ],
    }


def filter_still() -> Any:
    """Draw the photograph before and after the first kernel of the lesson."""
    import matplotlib.pyplot as plt

    from glassbox.nn import functional

    plots.style.use()
    photo = datasets.photo("china")[..., 50:290, 85:325]
    edges = functional.conv2d(photo, torch.tensor([-1.0, 0, 1]).expand(1, 1, 3, 3) / 3)
    figure, (before, after) = plt.subplots(1, 2, figsize=(7.2, 3.7))
    plots.image(before, photo)
    plots.image(after, edges, kind="signed")
    figure.alt_text = (
        "A pagoda before and after a filter: edges that get brighter to the right are orange, others blue."
    )
    return figure


def pupils_to_descend() -> dict[str, Any]:
    """The pupils of lesson 2.1 and those of lesson 3.4, and where a descent starts."""
    return {
        "sets": [
            _pupils("4, of lesson 2.1", datasets.load_exam(), ["Maths", "CS", "French"], [0, 0.333, 0.333, 0.333]),
            _pupils("200, of lesson 3.4", datasets.make_pupils(200), ["Maths", "CS"], [0, 0, 0]),
        ]
    }


def _pupils(name: str, marks: Any, columns: list[str], start: list[float]) -> dict[str, Any]:
    features, targets = marks[columns].to_numpy().tolist(), marks["Exam"].tolist()
    return {"name": name, "columns": columns, "features": features, "targets": targets, "start": start}


def descent_still() -> Any:
    """Draw a descent on the contours of the risk of lesson 2.1."""
    import matplotlib.pyplot as plt

    from glassbox.descent import empirical_risk, gradient_descent, step_limit

    plots.style.use()
    four = pupils_to_descend()["sets"][0]
    features, targets = four["features"], four["targets"]
    path = gradient_descent(four["start"], features, targets, step=0.95 * step_limit(features), iterations=40)

    def risk(places: Tensor) -> Tensor:
        weights = path.parameters[-1].expand(*places.shape[:-1], 4).clone()
        weights[..., 2:] = places
        return empirical_risk(weights, features, targets)

    figure, ax = plt.subplots(figsize=(4.6, 4.4))
    plots.contours(ax, risk, (0.2, 0.8), (-0.1, 0.5), levels=[0.2, 0.5, 1, 2, 4, 8, 16])
    plots.path(ax, path.parameters[:, 2:], notes={0: "start"})
    ax.set(xlabel="w2 CS", ylabel="w3 French", aspect="equal")
    figure.alt_text = "A descent zigzags down the contours of the risk over two weights."
    return figure


def pupils_to_race() -> dict[str, Any]:
    """The pupils and the start of lesson 3.4."""
    weights = literals_of("part3_learning/plot_34_minibatches.py")["bad_weights"]
    pupils = _pupils("", datasets.make_pupils(200), ["Maths", "CS"], weights)
    mean = sum(pupils["targets"]) / len(pupils["targets"])
    return {name: pupils[name] for name in ("columns", "features", "targets")} | {"start": [mean, *weights]}


def race_still() -> Any:
    """Draw three descents of lesson 3.4 on one map, after as many gradients."""
    import matplotlib.pyplot as plt

    from glassbox.descent import empirical_risk, gradient_descent, least_squares, standardize

    plots.style.use()
    data = pupils_to_race()
    features, targets = standardize(data["features"])[0], data["targets"]
    constant = least_squares(features, targets)[0]

    def risk(places: Tensor) -> Tensor:
        return empirical_risk(torch.cat([constant.expand(*places.shape[:-1], 1), places], dim=-1), features, targets)

    figure, ax = plt.subplots(figsize=(4.6, 4.0))
    plots.contours(ax, risk, (-2, 2.9), (-0.4, 3.2), levels=[1.2, 2, 4, 8, 16])
    racers = {"one": (1, plots.style.BLUE), "20": (20, plots.style.ORANGE), "all 200": (200, plots.style.MUTED)}
    for name, (size, color) in racers.items():
        path = gradient_descent(
            data["start"], features, targets, step=0.05, iterations=1 + 600 // size, batch_size=size
        )
        ax.plot(*path.parameters[:, 1:].T, color=color, linewidth=1 if size == 1 else 2.5, zorder=3, label=name)
    ax.legend(title="pupils for a step", loc="upper left")
    ax.set(xlabel="w1 Maths", ylabel="w2 CS", aspect="equal")
    figure.alt_text = (
        "Three descents on the contours of one risk: one of three steps that has hardly begun, one of thirty that is "
        "nearly there, one of six hundred that dances around the lowest point."
    )
    return figure


def network_of_lesson() -> dict[str, Any]:
    """The network of lesson 3.3, its input and its right answer."""
    lesson = literals_of("part3_learning/plot_33_backpropagation.py")
    return {"x": lesson["x"], "y": lesson["y"], **{name: list(lesson[name].values()) for name in "wb"}}


def backprop_still() -> Any:
    """Draw the network of lesson 3.3 with its outputs and weights."""
    import matplotlib.pyplot as plt

    plots.style.use()
    lesson = network_of_lesson()
    outputs = [torch.tensor(lesson["x"])]
    for weight, bias in zip(lesson["w"], lesson["b"], strict=True):
        outputs.append(torch.sigmoid(torch.tensor(weight) @ outputs[-1] + torch.tensor(bias)))
    figure, ax = plt.subplots(figsize=(7.2, 4.2))
    plots.perceptron(ax, [output.tolist() for output in outputs], lesson["w"])
    figure.alt_text = "A network of two inputs, three and two hidden units, two outputs, with its numbers."
    return figure


def _small_cnn(path: Path) -> None:
    title = "The network of lessons 1.3 and 1.4, open"
    explain.export(models.SmallCNN(pretrained=True), one_of_each(), path, title=title)


def _convolution(path: Path) -> None:
    """The convolution of lesson 3.5, with the target from which its slope of each sum, delta, comes."""
    lesson = literals_of("part3_learning/plot_35_convolution_backward.py")
    kernel, image, delta = (torch.tensor(lesson[name]).float() for name in ("K", "o", "delta"))
    model = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 1, 3), flatten=nn.Flatten()))
    model.load_state_dict({"conv.weight": kernel[None, None], "conv.bias": torch.zeros(1)})
    with torch.no_grad():
        sums = model(image[None, None])
    target = sums - delta.reshape(1, -1) * sums.numel() / 2  # the squared error has the slope 2/n (sum - target)
    title = "The convolution of lesson 3.5, open"
    explain.export(model, image[None, None], path, title=title, labels=target, loss="mse_loss")


EXPORTS = {"small-cnn": _small_cnn, "convolution": _convolution}
"""Pages of `glassbox.explain.export` that the site links to, by name."""
