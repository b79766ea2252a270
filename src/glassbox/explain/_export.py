"""Write a network, its weights and a few samples as one page that explains itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import Module

from glassbox.explain._page import page_of
from glassbox.explain._recorder import Recorder
from glassbox.files import write_whole

TITLE = "A network with the box open"


def export(
    model: Module | Mapping[str, Module] | Recorder,
    samples: Any,
    path: str | os.PathLike[str],
    *,
    title: str = TITLE,
    labels: Tensor | Sequence[int] | None = None,
    classes: Sequence[str] | None = None,
    loss: str = "cross_entropy",
) -> Path:
    r"""Write one HTML file in which every number of a network opens into the sum that made it.

    The page holds the weights, the samples and a script that computes as `glassbox.nn` does: the values of every
    layer forward, the gradient of the loss backward. It needs no server and asks nothing of the network, so that it
    can be sent, kept and opened from disk. In a notebook, `show` gives the same page in a frame.

    Parameters
    ----------
    model : Sequential, mapping of str to Sequential, or Recorder
        The network, of `glassbox.nn` or of ``torch.nn``: convolutions, pooling, dense layers, batch normalization,
        ReLU, LeakyReLU, GELU, SiLU, sigmoid, tanh, softmax and flatten, with at most 100,000 weights; or one of these
        alone. It is shown as it predicts: batch normalization with the statistics of its training, without dropout.
        Weights in float64 keep their precision.

        Several networks with their names, as in ``{"untrained": first, "trained": second}``, are compared: they read
        the same sample, and the page says what each makes of it and of the number that is open, and turns from one to
        the other.

        Of a run that a `Recorder` has recorded, the page has a slider that goes to any of its states: the pictures and
        every number are then those of that state. The states may hold 1,000,000 weights together.
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
    page = page_of(model, samples, title=title, labels=labels, classes=classes, loss=loss)
    path = Path(path)
    write_whole(path, page)
    return path
