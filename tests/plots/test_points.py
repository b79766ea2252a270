from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation

from glassbox import plots

POINTS = pd.DataFrame({"s": [1.0, -1.0, 2.0, 2.0], "t": [1.0, -2.0, 0.5, 0.5]}, index=["A", "B", "C", "D"])


def test_points_lie_where_the_table_says(ax):
    assert plots.named_points(ax, POINTS) is ax
    hollow, filled = ax.collections
    assert len(hollow.get_offsets()) == 0
    np.testing.assert_array_equal(filled.get_offsets(), POINTS.to_numpy())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("s", "t")


def test_an_arrow_leads_from_each_point_that_moves(ax):
    plots.named_points(ax, POINTS, moved_to=POINTS.clip(lower=0))
    hollow, filled = ax.collections
    np.testing.assert_array_equal(hollow.get_offsets(), [[-1.0, -2.0]])
    np.testing.assert_array_equal(filled.get_offsets(), POINTS.clip(lower=0).to_numpy())
    (arrow,) = [text for text in ax.texts if isinstance(text, Annotation) and text.arrow_patch]
    assert tuple(arrow.xy) == (0.0, 0.0)
    assert arrow.get_position() == (-1.0, -2.0)


def test_points_at_one_place_share_a_label(ax):
    plots.named_points(ax, POINTS)
    assert [text.get_text() for text in ax.texts] == ["A", "B", "C, D"]


def test_a_label_makes_way_for_an_arrow(ax):
    start = pd.DataFrame({"s": [-0.8, -0.1, 4.0], "t": [-4.0, -3.0, 1.0]}, index=["A", "B", "C"])
    plots.named_points(ax, start, moved_to=start.clip(lower=0))
    side = {text.get_text(): text.get_ha() for text in ax.texts}
    assert (side["A"], side["B"]) == ("right", "left")  # the arrow of A passes on the left of B


def test_what_is_not_a_plane_is_refused(ax):
    with pytest.raises(ValueError, match="3 columns; give two"):
        plots.named_points(ax, POINTS.assign(u=0.0))
    with pytest.raises(ValueError, match="one for each point"):
        plots.named_points(ax, POINTS, moved_to=POINTS.iloc[:2])
