from __future__ import annotations

import numpy as np
import pytest
import torch

from glassbox import plots

POINTS = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])


def test_each_class_is_drawn_where_its_examples_are(ax):
    assert plots.class_map(ax, POINTS, torch.tensor([1, 0, 1]), ["a", "b"]) is ax
    first, second = ax.collections
    np.testing.assert_array_equal(first.get_offsets(), POINTS[1:2])
    np.testing.assert_array_equal(second.get_offsets(), POINTS[[0, 2]])


def test_the_classes_differ_in_shape_and_in_color(ax):
    plots.class_map(ax, POINTS, torch.tensor([0, 1, 2]), ["0", "1", "2"])
    colors = {tuple(group.get_facecolor()[0]) for group in ax.collections}
    shapes = {len(group.get_paths()[0].vertices) for group in ax.collections}
    assert len(colors) == 3
    assert len(shapes) > 1


def test_what_is_not_in_a_plane_is_refused(ax):
    with pytest.raises(ValueError, match=r"\(3, 3\) and 3 came"):
        plots.class_map(ax, torch.zeros(3, 3), torch.zeros(3), ["a"])
    with pytest.raises(ValueError, match=r"\(3, 2\) and 2 came"):
        plots.class_map(ax, POINTS, torch.zeros(2), ["a"])
    with pytest.raises(ValueError, match="11 classes came"):
        plots.class_map(ax, POINTS, torch.zeros(3), list("abcdefghijk"))
