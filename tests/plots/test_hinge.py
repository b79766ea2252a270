from __future__ import annotations

import numpy as np
import pandas as pd

from glassbox import plots


def test_observations_lie_on_the_hinge(ax):
    plots.hinge(ax, pd.Series([9.0, 9.5, 12.0]), bias=-10)
    dropped, kept = ax.collections
    np.testing.assert_allclose(dropped.get_offsets(), [[9.0, 0.0], [9.5, 0.0]])
    np.testing.assert_allclose(kept.get_offsets(), [[12.0, 2.0]])
    assert [text.get_text() for text in ax.texts] == ["2 put to zero", "1 kept", "hinge at 10"]


def test_the_line_is_relu(ax):
    plots.hinge(ax, pd.Series([9.0, 12.0]), bias=-10)
    x, y = ax.lines[-1].get_data()
    np.testing.assert_allclose(y, np.maximum(0, np.asarray(x) - 10))
