"""The drawn perceptron: numbers, arrows, texts, and what is refused."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from glassbox import plots
from glassbox.plots import style
from glassbox.plots.style import BLUE, ORANGE

NODES = [[1.0, 0.5], [0.1, 0.2, 0.3], [0.7]]
EDGES = [[[1.5, -1.25], [0.75, 2.0], [-3.0, 4.0]], [[0.6, -0.8, 0.9]]]


def arrows(ax):
    return [text for text in ax.texts if getattr(text, "arrow_patch", None)]


def places_of(ax):
    return {text.get_text(): np.array(text.get_position()) for text in ax.texts if text.get_text()}


def test_every_node_and_every_edge_carries_its_number(ax):
    assert plots.perceptron(ax, NODES, EDGES) is ax
    expected = [f"{value:.2f}" for layer in NODES for value in layer]
    expected += [f"{value:.2f}" for edge in EDGES for row in edge for value in row]
    assert sorted(text.get_text() for text in ax.texts if text.get_text()) == sorted(expected)
    assert len(ax.collections) == 6


def test_a_number_lies_on_the_edge_from_p_to_k(ax):
    plots.perceptron(ax, NODES, EDGES)
    places = places_of(ax)
    for k, row in enumerate(EDGES[0]):
        for p, value in enumerate(row):
            start, end = places[f"{NODES[0][p]:.2f}"], places[f"{NODES[1][k]:.2f}"]
            share = places[f"{value:.2f}"][0]
            assert 0.2 < share < 0.8
            np.testing.assert_allclose(places[f"{value:.2f}"], start + share * (end - start))


def test_sign_is_color_and_size_is_width(ax):
    plots.perceptron(ax, NODES, EDGES)
    drawn = [arrow.arrow_patch for arrow in arrows(ax)][:6]
    values = [EDGES[0][k][p] for p in range(2) for k in range(3)]
    assert [to_hex(patch.get_edgecolor()) for patch in drawn] == [ORANGE if v > 0 else BLUE for v in values]
    assert np.argsort([patch.get_linewidth() for patch in drawn]).tolist() == np.argsort(np.abs(values)).tolist()


@pytest.mark.parametrize(("backward", "head", "tail"), [(False, 1, 0), (True, 0, 1)])
def test_arrows_turn_round(ax, backward, head, tail):
    plots.perceptron(ax, NODES[:2], EDGES[:1], backward=backward)
    for arrow in arrows(ax):
        assert arrow.xy[0] == head
        assert arrow.xyann[0] == tail


def test_gradients_have_one_scale_for_all_layers_and_weights_one_for_each(ax):
    plots.perceptron(ax, [[1.0], [1.0], [1.0]], [[[0.1]], [[1.0]]])
    plots.perceptron(ax, [[1.0], [1.0], [1.0]], [[[0.1]], [[1.0]]], backward=True)
    first, last, first_back, last_back = (arrow.arrow_patch.get_linewidth() for arrow in arrows(ax))
    assert first == last == last_back
    assert first_back < 0.5 * last_back


def test_a_label_stands_above_its_node_and_below_the_last_of_several(ax):
    plots.perceptron(ax, NODES, EDGES, labels=[["first", "last"], [""] * 3, ["alone"]], titles=["in", "hidden", "out"])
    notes = {text.get_text(): text for text in ax.texts if text.get_text() in {"first", "last", "alone"}}
    assert [notes[name].xy for name in ("first", "last", "alone")] == [(0, 0.5), (0, -0.5), (2, 0)]
    assert [notes[name].xyann[1] > 0 for name in ("first", "last", "alone")] == [True, False, True]
    assert [places_of(ax)[title][0] for title in ("in", "hidden", "out")] == [0, 1, 2]


def test_no_number_lies_on_a_label():
    """As in lesson 3.3, whose labels and numbers are the longest."""
    labels = [[""] * 2, [f"δ = +0.01{n}" for n in range(3)], ["δ = -0.069", "δ = +0.056"], ["δ = -0.117", "δ = +0.148"]]
    edges = [np.full((3, 2), 0.012), np.full((2, 3), -0.019), np.full((2, 2), 0.066)]
    nodes = [[0.0] * len(layer) for layer in labels]
    with plt.rc_context():
        style.use()
        fig, ax = plt.subplots(figsize=(4.8, 5.2))
        plots.perceptron(ax, nodes, edges, labels=labels, backward=True, number_format="{:.3f}".format)
        fig.draw_without_rendering()
    boxes = {"labels": [], "numbers": []}
    for text in ax.texts:
        if text.get_text() not in ("", "0.000"):
            boxes["labels" if "δ" in text.get_text() else "numbers"].append(Text.get_window_extent(text))
    assert (len(boxes["labels"]), len(boxes["numbers"])) == (7, 16)
    assert not [label for label in boxes["labels"] if label.count_overlaps(boxes["numbers"])]
    plt.close(fig)


def test_what_does_not_fit_is_refused(ax):
    with pytest.raises(ValueError, match=r"edges of shapes \[\(3, 2\), \(1, 3\)\], not \[\(2, 3\), \(1, 3\)\]"):
        plots.perceptron(ax, NODES, [np.transpose(EDGES[0]), EDGES[1]])
    with pytest.raises(ValueError, match=r"edges of shapes .* not \[\(3, 2\)\]"):
        plots.perceptron(ax, NODES, EDGES[:1])
    with pytest.raises(ValueError, match=r"labels needs a text for each node, \[2, 3, 1\], not \[2, 3\]"):
        plots.perceptron(ax, NODES, EDGES, labels=[["", ""], ["", "", ""]])
    with pytest.raises(ValueError, match="3 layers came with 2 titles"):
        plots.perceptron(ax, NODES, EDGES, titles=["in", "out"])
