"""Write a network, its weights and a few samples as one page that explains itself."""

from __future__ import annotations

import html
import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

import glassbox
from glassbox.explain._bundle import JS, script
from glassbox.explain._describe import check_finite, describe, stored
from glassbox.explain._policy import policy
from glassbox.files import write_whole

HERE = Path(__file__).parent
LIMIT = 500_000
"""How many numbers the samples of a page may hold: 637 digits of MNIST, 2.7 megabytes."""


def export(
    model: Module,
    samples: Any,
    path: str | os.PathLike[str],
    *,
    title: str = "A network with the box open",
    labels: Tensor | Sequence[int] | None = None,
    classes: Sequence[str] | None = None,
    loss: str = "cross_entropy",
) -> Path:
    r"""Write one HTML file in which every number of a network opens into the sum that made it.

    The page holds the weights, the samples and a script that computes as `glassbox.nn` does: the values of every
    layer forward, the gradient of the loss backward. It needs no server and asks nothing of the network, so that it
    can be sent, kept and opened from disk.

    Parameters
    ----------
    model : Sequential
        The network, of `glassbox.nn` or of ``torch.nn``: convolutions, pooling, dense layers, batch normalization,
        ReLU, LeakyReLU, GELU, SiLU, sigmoid, tanh, softmax and flatten, with at most 100,000 weights; or one of these
        alone. It is shown as it predicts: batch normalization with the statistics of its training, without dropout.
        Weights in float64 keep their precision.
    samples : Tensor, array or LabelledImages
        What the reader can choose from: shape (N, C, H, W) or (N, features). Labels and class names come with
        `LabelledImages`. Images between 0 and 1 are shown as ink on paper where their edges are mostly 0, as those of
        drawn digits, else, and where they have three channels, as photographs.
    path : path-like
        The file to write. Folders that are missing are made; a file that is there is replaced.
    title : str
        The title of the page.
    labels : Tensor or sequence of int, optional
        The right answers: for the cross-entropy one class for each sample, for the others the outputs that were
        expected, of shape (N, outputs).
    classes : sequence of str, optional
        The names of the outputs.
    loss : {"cross_entropy", "mse_loss", "binary_cross_entropy_with_logits"}
        What the gradient is of.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TypeError
        If the model is no sequence of layers, or title, samples, labels or classes are of another type.
    NotImplementedError
        If the page cannot open a layer; the message names it and says what to do.
    ValueError
        If shapes, labels or names do not fit each other, or the page would be too large.

    Examples
    --------
    >>> import tempfile, torch
    >>> from glassbox import explain, nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = explain.export(model, torch.rand(5, 1, 2, 2), f"{folder}/model.html", classes=["cat", "dog"])
    ...     page.read_text(encoding="utf-8").splitlines()[0]
    '<!doctype html>'
    """
    if not isinstance(samples, Tensor) and isinstance(getattr(samples, "images", None), Tensor):
        labels = samples.labels if labels is None else labels
        classes = (samples.class_names or None) if classes is None else classes
        samples = samples.images
    if not isinstance(title, str):
        raise TypeError(f"title expects a string, got {type(title).__name__}: leave it out for the usual one")
    samples = _samples(samples)
    network = describe(model, samples.shape[1:], classes=classes, loss=loss)
    data = {"title": title, "network": network, "samples": stored(samples), "arePhotos": _are_photos(samples)}
    data |= _answers(labels, len(samples), network)
    page = _fill(title, data)
    path = Path(path)
    write_whole(path, page)
    return path


def _samples(samples: Any) -> Tensor:
    """Check the samples, and give them as a tensor."""
    if isinstance(samples, np.ndarray):
        samples = torch.from_numpy(np.ascontiguousarray(samples))
    if not isinstance(samples, Tensor):
        hint = "a tensor (N, C, H, W) or (N, features)"
        if isinstance(samples, tuple) and len(samples) == 2:
            hint = "export(model, images, path, labels=labels)"
        raise TypeError(
            f"samples expects a tensor, an array or LabelledImages, got {type(samples).__name__}: try {hint}"
        )
    if samples.ndim not in (2, 4) or len(samples) == 0:
        raise ValueError(
            f"samples must have the shape (N, C, H, W) or (N, features), got {tuple(samples.shape)}; "
            "one image alone becomes a batch by image[None]"
        )
    if samples.numel() > LIMIT:
        fitting = LIMIT // samples[0].numel()
        raise ValueError(f"{len(samples)} samples are too many for one page; try samples[:{max(1, min(20, fitting))}]")
    if samples.is_complex():
        raise TypeError(f"samples expects real numbers, got {samples.dtype}: try samples.abs()")
    check_finite("samples", samples)
    return samples


def _are_photos(samples: Tensor) -> bool:
    """Tell photographs, whose light is never turned into ink: they have three channels, or edges that are not empty."""
    if samples.ndim == 2:
        return False
    edges = [samples[:, :, [0, -1]].flatten(), samples[..., [0, -1]].flatten()]
    return samples.shape[1] == 3 or (torch.cat(edges) == 0).float().mean().item() < 0.5


def _answers(labels: Any, count: int, network: dict[str, Any]) -> dict[str, Any]:
    """Give the right answers as the page reads them: class numbers, or the outputs that were expected."""
    if labels is None:
        return {"labels": None, "targets": None}
    outputs = network["outputs"]
    labels = _numbers(labels)
    if network["loss"] != "cross_entropy":
        if labels.shape != (count, outputs):
            raise ValueError(
                f"labels expects the shape {(count, outputs)} for {network['loss']}, got {tuple(labels.shape)}"
            )
        check_finite("labels", labels)
        return {"labels": None, "targets": stored(labels)}
    if labels.shape != (count,) or labels.is_floating_point():
        hint = ""
        if labels.shape == (count, outputs):
            hint = ": try labels.argmax(1), or loss='binary_cross_entropy_with_logits' where several may be right"
        raise ValueError(
            f"labels must be {count} class numbers, got {labels.dtype} of shape {tuple(labels.shape)}{hint}"
        )
    if labels.min() < 0 or labels.max() >= outputs:
        raise ValueError(f"labels must lie between 0 and {outputs - 1}, got {labels.min()} to {labels.max()}")
    return {"labels": labels.tolist(), "targets": None}


def _numbers(labels: Any) -> Tensor:
    """Give labels as a tensor."""
    try:
        return torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError):
        first = next(iter(labels), None) if isinstance(labels, Iterable) else labels
        raise TypeError(
            f"labels expects numbers, got {first!r}: try labels=[classes.index(name) for name in names]"
        ) from None


def _fill(title: str, data: dict[str, Any]) -> str:
    """Put title, style and script into the template; what was put in is not searched for further places."""
    code = script(JS / "tracer.js", selector='[data-play="tracer"]', data=data)
    style = "".join((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "colors.css", "tracer.css"))
    layers = data["network"]["layers"]
    count, samples = sum(_size(layer) for layer in layers), data["samples"]["shape"][0]
    parts = {
        "generator": html.escape(f"glassbox {glassbox.__version__}"),
        "policy": policy([code], [style]),  # the one script that the browser runs: text in the page is never one
        "title": html.escape(title),
        "style": style,
        "summary": f"{_count(len(layers), 'layer')}, {_count(count, 'weight')}, {_count(samples, 'sample')}.",
        "script": code,
    }
    template = (HERE / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _size(layer: dict[str, Any]) -> int:
    tensors = (layer.get("weight"), layer.get("bias"))
    return sum(math.prod(tensor["shape"]) for tensor in tensors if tensor is not None)
