"""Curves, bars and the confusion matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex

from glassbox import plots
from glassbox.plots.style import BLUE, ORANGE

TABLE = pd.DataFrame({"training": [0.5, 0.9], "test": [0.6, 0.9]}, index=pd.Index([1, 2], name="epoch"))


def test_a_curve_per_column_with_its_name_at_its_end(ax):
    assert plots.curves(ax, TABLE, percent=True) is ax
    for line, name in zip(ax.lines, TABLE.columns, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), TABLE.index)
        np.testing.assert_array_equal(line.get_ydata(), TABLE[name])
    assert [text.get_text() for text in ax.texts] == ["training", "test"]
    assert all(text.xy[0] == 2 for text in ax.texts)
    assert ax.yaxis.get_major_formatter()(0.5) in {"50%", "50.0%"}


def test_names_of_curves_that_end_together_stay_apart(ax):
    plots.curves(ax, TABLE)
    first, second = (text.xy[1] for text in ax.texts)
    assert abs(first - second) > 0.02


def test_names_stand_at_their_ends_on_a_logarithmic_axis(ax):
    ax.set_yscale("log")
    plots.curves(ax, pd.DataFrame({"high": [1.0, 1e-2], "low": [1.0, 1e-4], "close": [1.0, 1.01e-4]}))
    high, low, close = (text.xy[1] for text in ax.texts)
    assert (high, low) == pytest.approx((1e-2, 1e-4))
    assert 1.5e-4 < close < 1e-3


def test_curves_differ_in_more_than_color(ax):
    plots.curves(ax, TABLE)
    assert len({line.get_linestyle() for line in ax.lines}) == 2


def test_a_column_may_end_early(ax):
    plots.curves(ax, pd.DataFrame({"short": [1.0, 2.0, np.nan]}))
    assert tuple(ax.texts[0].xy) == (1.0, 2.0)


def test_a_curve_runs_across_missing_values(ax):
    plots.curves(ax, pd.DataFrame({"gap": [1.0, np.nan, 3.0]}))
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 1], [2, 3]])


def test_too_many_curves_are_refused(ax):
    with pytest.raises(ValueError, match="5 curves came"):
        plots.curves(ax, pd.DataFrame(np.zeros((2, 5))))


def test_bars_have_the_lengths_and_order_of_the_values(ax):
    plots.named_bars(ax, torch.tensor([0.25, -1.0, 0.5]), ["a", "b", "c"], highlight=2)
    patches = ax.containers[0].patches
    assert [patch.get_width() for patch in patches] == [0.25, -1.0, 0.5]
    assert [to_hex(patch.get_facecolor()) for patch in patches] == [ORANGE, BLUE, ORANGE]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert [text.get_text() for text in ax.texts] == ["0.2500", "-1.0000", "0.5000"]
    assert ax.yaxis_inverted()


def test_bars_need_a_name_each(ax):
    with pytest.raises(ValueError, match="came with 1 names"):
        plots.named_bars(ax, torch.zeros(2), ["a"])


def test_the_confusion_matrix_colors_mistakes_only(ax):
    plots.confusion_matrix(ax, torch.tensor([[9, 1, 0], [0, 8, 3], [0, 0, 5]]), ["a", "b", "c"])
    (mesh,) = [artist for artist in ax.collections if isinstance(artist, QuadMesh)]
    assert mesh.get_array().compressed().tolist() == [1, 3]
    assert mesh.get_clim() == (0, 3)
    place = {text.get_text(): text.get_position() for text in ax.texts}
    assert place["3"] == (2, 1), "read as c, truth b"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("read as", "truth")
    assert ax.yaxis_inverted()


def test_a_confusion_matrix_without_mistakes_is_drawn(ax):
    plots.confusion_matrix(ax, torch.diag(torch.tensor([3, 4])), ["a", "b"])
    assert {text.get_text() for text in ax.texts} == {"3", "4"}


def test_counts_must_fit_the_names(ax):
    with pytest.raises(ValueError, match=r"expected \(3, 3\)"):
        plots.confusion_matrix(ax, torch.zeros(2, 2), ["a", "b", "c"])
