from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from glassbox import plots
from glassbox.plots.style import BLUE, MUTED, ORANGE

TABLE = pd.DataFrame({"Maths": [12.0, 9.0], "CS": [14.0, 8.0], "LV1": [3.0, 20.0]}, index=["Ada", "Bob"])
WEIGHTS = pd.DataFrame([[1.0, -1.0, 0.0]], columns=TABLE.columns, index=["difference"])


def texts(ax):
    return [text.get_text() for text in ax.texts]


def bars(ax):
    return [patch for container in ax.containers for patch in container.patches]


def test_the_cells_hold_the_table(ax):
    assert plots.weighted_table(ax, TABLE) is ax
    (mesh,) = [artist for artist in ax.collections if isinstance(artist, QuadMesh)]
    np.testing.assert_array_equal(mesh.get_array(), TABLE.to_numpy())
    assert {"Ada", "Bob", "Maths", "CS", "LV1", "12.0", "20.0"} <= set(texts(ax))


def test_the_first_row_is_on_top(ax):
    plots.weighted_table(ax, TABLE)
    height = {text.get_text(): ax.transData.transform(text.get_position())[1] for text in ax.texts}
    assert height["Maths"] > height["Ada"] > height["Bob"]


def test_each_weight_stands_over_its_column(ax):
    plots.weighted_table(ax, TABLE, weights=WEIGHTS, bias=[-10])
    place = {text.get_text(): text.get_position() for text in ax.texts}
    assert (place["1"][0], place["-1"][0], place["0"][0]) == (0, 1, 2)
    assert place["1"][1] < -0.5
    assert "b = -10" in place


def test_a_column_without_weight_fades(ax):
    plots.weighted_table(ax, TABLE, weights=WEIGHTS)
    veils = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_alpha()]
    assert [veil.get_x() for veil in veils] == [1.5]
    (mark,) = [text for text in ax.texts if text.get_text() == "20.0"]
    assert mark.get_color() == MUTED


def test_the_bars_show_sign_and_size_of_the_results(ax):
    plots.weighted_table(ax, TABLE, weights=WEIGHTS, results=TABLE @ WEIGHTS.T)
    negative, positive = bars(ax)
    assert negative.get_width() / positive.get_width() == pytest.approx(-2.0)
    assert (to_hex(negative.get_facecolor()), to_hex(positive.get_facecolor())) == (BLUE, ORANGE)
    assert texts(ax)[-2:] == ["-2.00", "1.00"]


def test_two_sums_give_two_columns_of_results(ax):
    results = pd.DataFrame({"sciences": [1.0, 0.0], "languages": [0.0, 2.5]}, index=TABLE.index)
    plots.weighted_table(ax, TABLE, results=results, result_format="{:.1f}".format)
    assert len(bars(ax)) == 4
    assert {"sciences", "languages", "1.0", "2.5"} <= set(texts(ax))


def test_a_series_is_one_column_of_results(ax):
    plots.weighted_table(ax, TABLE, results=pd.Series([3.0, 1.5], index=TABLE.index, name="mean"))
    assert [bar.get_width() for bar in bars(ax)] == pytest.approx([0.9, 0.45])
    assert "mean" in texts(ax)


def test_what_does_not_fit_the_table_is_refused(ax):
    with pytest.raises(ValueError, match="2 columns and the table 3"):
        plots.weighted_table(ax, TABLE, weights=WEIGHTS.iloc[:, :2])
    with pytest.raises(ValueError, match="2 biases came with 1 rows of weights"):
        plots.weighted_table(ax, TABLE, weights=WEIGHTS, bias=[1, 2])
    with pytest.raises(ValueError, match="1 rows of results and 2 rows"):
        plots.weighted_table(ax, TABLE, results=pd.DataFrame({"s": [1.0]}))
