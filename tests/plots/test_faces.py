"""What lesson 3.6 draws: ROC curves, yes/no bars, and maps over a face."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from glassbox import plots
from glassbox.plots.style import BLUE, INK, ORANGE, PAPER

FALSE, TRUE = torch.tensor([0.0, 0.25, 1.0]), torch.tensor([0.0, 0.75, 1.0])


def test_a_roc_curve_runs_from_corner_to_corner_over_the_diagonal(ax):
    assert plots.roc_curves(ax, {"ours": (FALSE, TRUE), "guess": (FALSE, FALSE)}) is ax
    diagonal, ours, guess = (line.get_xydata().tolist() for line in ax.lines)
    assert diagonal == [[0, 0], [1, 1]]
    assert ours == [[0, 0], [0.25, 0.75], [1, 1]]
    assert guess == [[0, 0], [0.25, 0.25], [1, 1]]
    first, second = ax.texts
    assert (first.get_text(), second.get_text()) == ("ours", "guess")
    assert first.get_position()[1] > second.get_position()[1]


def test_rates_that_are_no_curve_are_refused(ax):
    with pytest.raises(ValueError, match=r"'ours' has rates of shapes \(3,\) and \(2,\)"):
        plots.roc_curves(ax, {"ours": (FALSE, TRUE[:2])})
    with pytest.raises(ValueError, match="5 curves came; at most 4"):
        plots.roc_curves(ax, {str(k): (FALSE, TRUE) for k in range(5)})


def test_a_wrong_answer_is_marked_and_the_truth_is_a_dot(ax):
    plots.yes_no_bars(ax, torch.tensor([0.9, 0.2, 0.7]), torch.tensor([1.0, 1.0, 0.0]), ["a", "b", "c"])
    bars = ax.containers[0].patches
    assert [bar.get_width() for bar in bars] == pytest.approx([0.9, 0.2, 0.7])
    assert [to_hex(bar.get_facecolor()) for bar in bars] == [BLUE, ORANGE, ORANGE]
    assert [bar.get_hatch() for bar in bars] == [None, "////", "////"]
    dots = ax.collections[-1]
    assert dots.get_offsets().tolist() == [[1, 0], [1, 1], [0, 2]]
    assert [to_hex(color) for color in dots.get_facecolor()] == [INK, INK, PAPER]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.yaxis_inverted()


def test_answers_that_do_not_fit_are_refused(ax):
    with pytest.raises(ValueError, match=r"shape \(2,\) came with answers of shape \(3,\) and 0 names"):
        plots.yes_no_bars(ax, torch.rand(2), torch.ones(3))
    with pytest.raises(ValueError, match="and 1 names"):
        plots.yes_no_bars(ax, torch.rand(2), torch.ones(2), ["a"])


def test_a_map_is_red_above_zero_blue_below_and_clear_at_zero(ax):
    plots.heat_over(ax, torch.rand(3, 8, 8), torch.tensor([[2.0, 0.0], [-1.0, 9.0]]), limit=2.0)
    picture, heat = ax.images
    colors = heat.get_array()
    assert picture.get_extent() == heat.get_extent() == [-0.5, 7.5, 7.5, -0.5]
    assert colors[0, 0, 0] > colors[0, 0, 2]
    assert colors[1, 0, 2] > colors[1, 0, 0]
    np.testing.assert_allclose(colors[..., 3], [[0.85, 0], [0.425, 0.85]])


def test_what_is_no_picture_with_a_map_is_refused(ax):
    with pytest.raises(ValueError, match=r"\(8, 8\) and \(2, 2\) came"):
        plots.heat_over(ax, torch.rand(8, 8), torch.rand(2, 2))


def test_arrows_end_at_their_vectors(ax):
    vectors = {"right": torch.tensor([3.0, 0.1]), "up": torch.tensor([0.1, 2.0]), "left": torch.tensor([-1.0, 0.0])}
    assert plots.named_arrows(ax, vectors) is ax
    heads = [text for text in ax.texts if text.arrow_patch]
    np.testing.assert_allclose([text.xy for text in heads], torch.stack(list(vectors.values())))
    assert all(text.xyann == (0, 0) for text in heads)
    names = {text.get_text(): text.get_ha() for text in ax.texts if text.get_text()}
    assert names == {"right": "left", "up": "center", "left": "right"}


def test_a_name_is_written_away_from_a_longer_arrow_beside_it(ax):
    plots.named_arrows(ax, {"short": torch.tensor([0.0, -1.0]), "long": torch.tensor([-0.6, -1.3])})
    names = {text.get_text(): text.get_ha() for text in ax.texts if text.get_text()}
    assert names == {"short": "left", "long": "center"}


def test_vectors_that_are_not_of_the_plane_are_refused(ax):
    with pytest.raises(ValueError, match=r"'v' has the shape \(3,\); give two components"):
        plots.named_arrows(ax, {"v": torch.rand(3)})
    with pytest.raises(ValueError, match="5 vectors came"):
        plots.named_arrows(ax, {str(k): torch.rand(2) for k in range(5)})
