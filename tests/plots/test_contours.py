"""Contours, paths, arrows, the surface and prediction errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.contour import QuadContourSet
from matplotlib.quiver import Quiver

from glassbox import plots
from glassbox.plots.style import GREEN, MUTED


def tilted(points):
    return points[..., 0] ** 2 + 4 * points[..., 1] ** 2


def sets_of(ax):
    fill, lines = (artist for artist in ax.collections if isinstance(artist, QuadContourSet))
    return fill, lines


def test_the_function_has_its_level_along_each_contour(ax):
    assert plots.contours(ax, tilted, (-3, 3), (-2, 2), levels=[1, 4]) is ax
    _, lines = sets_of(ax)
    assert lines.levels.tolist() == [1, 4]
    for level, drawn in zip(lines.levels, lines.get_paths(), strict=True):
        np.testing.assert_allclose(tilted(torch.tensor(drawn.vertices)), level, rtol=2e-3)
    assert {text.get_text() for text in lines.labelTexts} == {"1", "4"}


def test_lower_ground_is_fuller_in_color(ax):
    plots.contours(ax, tilted, (-3, 3), (-2, 2), levels=[1, 4, 9], labels=False)
    fill, lines = sets_of(ax)
    colors = fill.get_facecolor()
    assert {tuple(color[:3]) for color in colors} == {to_rgb(GREEN)}
    assert (np.diff(colors[:, 3]) < 0).all()
    assert tuple(lines.get_edgecolor()[0][:3]) == to_rgb(MUTED)
    assert not ax.texts


def test_contours_refuse_what_cannot_be_drawn(ax):
    with pytest.raises(ValueError, match="levels must rise"):
        plots.contours(ax, tilted, (-1, 1), (-1, 1), levels=[2, 1])
    with pytest.raises(ValueError, match="levels must rise"):
        plots.contours(ax, tilted, (-1, 1), (-1, 1), levels=[])
    with pytest.raises(ValueError, match=r"gave shape \(\) for points of shape \(9, 9, 2\)"):
        plots.contours(ax, torch.sum, (-1, 1), (-1, 1), levels=[1], resolution=9)


def test_a_path_goes_through_its_points_and_notes_stand_beside_theirs(ax):
    points = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, -1.0]])
    assert plots.path(ax, points, name="way", notes={2: "end"}) is ax
    way, end = ax.lines
    np.testing.assert_array_equal(way.get_xydata(), points)
    np.testing.assert_array_equal(end.get_xydata(), points[2:])
    assert way.get_label() == "way"
    assert (ax.texts[0].get_text(), tuple(ax.texts[0].xy)) == ("end", (4.0, -1.0))


def test_arrows_lead_against_the_gradient(ax):
    points = torch.tensor([[1.0, 0.5], [-1.0, 0.0]])
    gradients = torch.stack([2 * points[:, 0], 8 * points[:, 1]], dim=1)
    assert plots.downhill_arrows(ax, points, gradients, scale=0.1) is ax
    (arrows,) = [artist for artist in ax.collections if isinstance(artist, Quiver)]
    np.testing.assert_array_equal(arrows.get_offsets(), points)
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], axis=1), -0.1 * gradients)
    assert (arrows.angles, arrows.scale, arrows.scale_units) == ("xy", 1, "xy")


def test_points_outside_a_plane_are_refused(ax):
    with pytest.raises(ValueError, match=r"\(4, 3\) came"):
        plots.path(ax, torch.zeros(4, 3))
    with pytest.raises(ValueError, match=r"\(2, 2\) points came with \(3, 2\) gradients"):
        plots.downhill_arrows(ax, torch.zeros(2, 2), torch.zeros(3, 2), scale=1)


def test_each_error_leads_from_the_target_to_the_prediction(ax):
    marks = pd.Series([14.0, 7.0, 3.0], index=["P", "Q", "R"], name="exam")
    assert plots.prediction_errors(ax, marks, pd.Series([12.0, 8.5, 3.0], name="prediction")) is ax
    (errors,) = ax.collections
    np.testing.assert_array_equal(errors.get_segments(), [[[0, 14], [0, 12]], [[1, 7], [1, 8.5]], [[2, 3], [2, 3]]])
    assert [line.get_label() for line in ax.lines] == ["exam", "prediction"]
    assert [line.get_ydata().tolist() for line in ax.lines] == [[14, 7, 3], [12, 8.5, 3]]
    assert [text.get_text() for text in ax.texts] == ["-2.0", "+1.5", "0"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["P", "Q", "R"]
    with pytest.raises(ValueError, match="3 targets came with 2 predictions"):
        plots.prediction_errors(ax, marks, marks[:2])
