"""A small perceptron from left to right, with a number on every node and every edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from glassbox.plots.style import BLUE, INK, MUTED, ORANGE, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NODE = 37.0
"""Diameter of a node in points: room for a number such as -0.123."""

LABEL_SIZE = np.array([0.3, 0.12])
"""Width and height of a number on an edge, in units of the axes; they keep numbers apart."""

LABEL_ROOM = np.array([0.45, 0.12])
"""How far a number must be from the middle of a node's label, across or along, so as not to lie on it."""


def perceptron(
    ax: Axes,
    nodes: Sequence[ArrayLike],
    edges: Sequence[ArrayLike],
    *,
    labels: Sequence[Sequence[str]] | None = None,
    titles: Sequence[str] | None = None,
    backward: bool = False,
    number_format: Callable[[float], str] = "{:.2f}".format,
) -> Axes:
    """Draw the layers of a perceptron as columns of nodes, with arrows between them.

    An arrow is orange where its number is above zero and blue where it is below, and the thicker the larger the number
    is among those of its two layers.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    nodes : sequence of array
        For each layer the numbers in its nodes, from top to bottom.
    edges : sequence of array
        Between each layer and the next, shape (nodes of the next, nodes of this): ``edges[l][k, p]`` leads from p to k,
        as in the weight of a dense layer.
    labels : sequence of sequence of str, optional
        For each layer a text at each of its nodes: above it, and below the last one of several, where no arrow comes.
        An empty text draws nothing.
    titles : sequence of str, optional
        A title above each layer.
    backward : bool, optional
        Whether the arrows point back, from k to p.
    number_format : callable, optional
        How a number becomes text.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: layer l is at x = l, and the layers are centered at y = 0.

    Raises
    ------
    ValueError
        If the edges, the texts or the titles do not fit the nodes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots()
    >>> ax = perceptron(ax, nodes=[[1.0, 2.0], [0.5]], edges=[[[-1.0, 0.75]]])
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['-1.00', '0.75', '1.00', '2.00', '0.50']
    >>> plt.close(fig)
    """
    layers = [np.asarray(layer, dtype=float) for layer in nodes]
    weights = [np.asarray(edge, dtype=float) for edge in edges]
    _check(layers, weights, labels, titles)
    places = [
        np.column_stack([np.full(len(layer), float(column)), (len(layer) - 1) / 2 - np.arange(len(layer))])
        for column, layer in enumerate(layers)
    ]
    largest = [float(np.abs(weight).max(initial=0.0)) or 1.0 for weight in weights]
    if backward:  # gradients of one and the same risk: one scale for all layers
        largest = [max(largest)] * len(largest)
    half = max(len(layer) for layer in layers) / 2
    ax.set(xlim=(-0.42, len(layers) - 0.58), ylim=(-half - 0.1, half + (0.3 if titles else 0.05)))
    ax.set_axis_off()
    labels = labels or [[""] * len(layer) for layer in layers]
    written = [_write_beside(ax, *each) for each in zip(places, labels, strict=True)]
    for column, (weight, of) in enumerate(zip(weights, largest, strict=True)):
        kept_free = [*written[column], *written[column + 1]]
        _draw_edges(ax, places[column], places[column + 1], weight, of, backward, number_format, kept_free)
    for layer, place in zip(layers, places, strict=True):
        for (x, y), value in zip(place, layer, strict=True):
            ax.scatter([x], [y], s=NODE**2, facecolor=PAPER, edgecolor=INK, linewidth=1.5, zorder=4)
            ax.text(x, y, number_format(value), ha="center", va="center", fontsize=10, fontweight="bold", zorder=5)
    for column, title in enumerate(titles or []):
        ax.text(column, half + 0.1, title, ha="center", va="bottom", color=MUTED)
    return ax


def _check(
    layers: Sequence[np.ndarray],
    weights: Sequence[np.ndarray],
    labels: Sequence[Sequence[str]] | None,
    titles: Sequence[str] | None,
) -> None:
    sizes = [len(layer) for layer in layers]
    shapes = [weight.shape for weight in weights]
    expected = [(after, before) for before, after in pairwise(sizes)]
    if shapes != expected:
        raise ValueError(f"layers of {sizes} nodes need edges of shapes {expected}, not {shapes}")
    if labels is not None and [len(column) for column in labels] != sizes:
        raise ValueError(f"labels needs a text for each node, {sizes}, not {[len(column) for column in labels]}")
    if titles is not None and len(titles) != len(sizes):
        raise ValueError(f"{len(sizes)} layers came with {len(titles)} titles; give one for each")


def _write_beside(ax: Axes, place: np.ndarray, labels: Sequence[str]) -> list[np.ndarray]:
    """Write a text at each node of a layer, and return where they are, as far as there is one."""
    middles = []
    unit = np.ptp(ax.transData.transform([(0, 0), (0, 1)])[:, 1]) * 72 / ax.figure.dpi  # in points
    for row, (node, label) in enumerate(zip(place, labels, strict=True)):
        if label:
            side = -1 if len(place) > 1 and row == len(place) - 1 else 1
            ax.annotate(
                label,
                tuple(node),
                (0, side * (NODE / 2 + 3)),
                textcoords="offset points",
                ha="center",
                va="bottom" if side > 0 else "top",
                fontsize=9,
                bbox={"boxstyle": "square,pad=0.05", "facecolor": PAPER, "edgecolor": "none"},
                zorder=3.5,
            )
            middles.append(node + np.array([0, side * (NODE / 2 + 8) / unit]))
    return middles


def _draw_edges(
    ax: Axes,
    left: np.ndarray,
    right: np.ndarray,
    weight: np.ndarray,
    largest: float,
    backward: bool,
    number_format: Callable[[float], str],
    labels: Sequence[np.ndarray],
) -> None:
    """Draw the arrows between two layers, and then each number where it is far from the others and from labels."""
    pairs = [(p, k) for p in range(len(left)) for k in range(len(right))]
    taken: list[np.ndarray] = []
    for p, k in pairs:
        value = weight[k, p]
        color = ORANGE if value > 0 else BLUE if value < 0 else MUTED
        ends = (left[p], right[k]) if backward else (right[k], left[p])
        ax.annotate(
            "",
            *ends,
            arrowprops={
                "arrowstyle": "-|>",
                "color": color,
                "linewidth": 0.8 + 2.0 * abs(value) / largest,
                "shrinkA": NODE / 2 + 1,
                "shrinkB": NODE / 2 + 1,
            },
            zorder=2,
        )
        others = [(left[a], right[b]) for a, b in pairs if (a, b) != (p, k)]
        place = _free_place(left[p], right[k], others, taken, labels)
        taken.append(place)
        ax.text(
            place[0],
            place[1],
            number_format(value),
            ha="center",
            va="center",
            fontsize=9,
            color=color,
            bbox={"boxstyle": "square,pad=0.08", "facecolor": PAPER, "edgecolor": "none"},
            zorder=3,
        )


def _free_place(
    start: np.ndarray,
    end: np.ndarray,
    others: Sequence[tuple[np.ndarray, np.ndarray]],
    taken: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
) -> np.ndarray:
    """Return the point of an edge that lies on no label, is farthest from the other numbers, then from other edges."""

    def room(share: float) -> float:
        point = start + share * (end - start)
        numbers = [float(np.abs((point - place) / LABEL_SIZE).max()) for place in taken]
        free = [float(np.abs((point - place) / LABEL_ROOM).max()) for place in labels]
        lines = [abs(float((a + share * (b - a) - point)[1])) / LABEL_SIZE[1] for a, b in others]
        return 5.0 * min([1.0, *free]) + min([2.0, *numbers]) + 0.5 * min([1.5, *lines]) - abs(share - 0.5) * 0.2

    return start + max(np.linspace(0.33, 0.67, 35), key=room) * (end - start)
