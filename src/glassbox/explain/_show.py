"""Show a network in a notebook: the page of `export`, in a frame that holds all of it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.nn import Module

from glassbox.explain._export import TITLE
from glassbox.explain._page import page_of
from glassbox.explain._recorder import Recorder


class Frame:
    """A page in a frame of its own: a notebook shows it where it is the value of a cell."""

    def __init__(self, page: str, title: str, height: int) -> None:
        self.page = page
        self.title = title
        self.height = height

    def _repr_html_(self) -> str:
        # Scripts run in it, and reach nothing of the notebook around it.
        return (
            f'<iframe srcdoc="{html.escape(self.page)}" title="{html.escape(self.title)}" sandbox="allow-scripts" '
            f'style="border: 0; height: {self.height}px; resize: vertical; width: 100%"></iframe>'
        )

    def __repr__(self) -> str:
        return (
            f"<Frame {self.title!r}: a notebook shows it where it is the last line of a cell; "
            "elsewhere, glassbox.explain.export writes the page to a file>"
        )


def show(
    model: Module | Mapping[str, Module] | Recorder,
    samples: Any,
    *,
    height: int = 720,
    title: str = TITLE,
    labels: Tensor | Sequence[int] | None = None,
    classes: Sequence[str] | None = None,
    loss: str = "cross_entropy",
) -> Frame:
    r"""Show in a notebook a network in which every number opens into the sum that made it.

    As the last line of a cell it shows the page of `export` in a frame below the cell. The frame holds the weights,
    the samples and the script: it asks nothing of a server or of the kernel, and stays alive in a notebook that was
    saved and is opened without one.

    Parameters
    ----------
    model : Sequential, mapping of str to Sequential, or Recorder
        The network, several with their names to compare, or a recorded run, as for `export`.
    samples : Tensor, array or LabelledImages
        What the reader can choose from: shape (N, C, H, W) or (N, features).
    height : int
        Of the frame, in pixels of the page; its lower edge can be dragged.
    title : str
        The title of the page.
    labels : Tensor or sequence of int, optional
        The right answers, as for `export`.
    classes : sequence of str, optional
        The names of the outputs.
    loss : {"cross_entropy", "mse_loss", "binary_cross_entropy_with_logits"}
        What the gradient is of.

    Returns
    -------
    Frame
        What the notebook shows. Within a loop or a function, hand it to ``IPython.display.display``.

    Raises
    ------
    TypeError, NotImplementedError, ValueError
        As `export` does, and if the height is no positive whole number.

    Examples
    --------
    >>> import torch
    >>> from glassbox import explain, nn
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> frame = explain.show(model, torch.rand(5, 4), height=500)
    >>> frame._repr_html_().startswith("<iframe srcdoc=")
    True
    """
    if isinstance(height, bool) or not isinstance(height, int):
        raise TypeError(f"height expects a whole number of pixels, got {height!r}: try 720")
    if height < 1:
        raise ValueError(f"height expects a positive number of pixels, got {height}: try 720")
    page = page_of(model, samples, title=title, labels=labels, classes=classes, loss=loss, in_frame=True)
    return Frame(page, title, height)
