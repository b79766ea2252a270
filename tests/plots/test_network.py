from __future__ import annotations

import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from glassbox import plots
from glassbox.plots.style import MUTED


def squares(ax):
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def test_one_square_per_channel_to_scale(ax):
    plots.network(ax, {"input": torch.rand(1, 28, 28), "conv": torch.rand(2, 29, 29), "pool": torch.rand(4, 14, 14)})
    assert [patch.get_width() for patch in squares(ax)] == [28, 29, 29, 14, 14, 14, 14]
    assert [patch.get_height() for patch in squares(ax)] == [28, 29, 29, 14, 14, 14, 14]
    assert to_hex(squares(ax)[-1].get_facecolor()) == MUTED


def test_a_vector_is_a_strip_with_a_cell_per_number(ax):
    plots.network(ax, {"input": torch.rand(1, 4, 4), "dense": torch.rand(1, 10)})
    assert to_hex(squares(ax)[-1].get_facecolor()) == MUTED
    (separators,) = ax.collections
    assert len(separators.get_segments()) == 9


def test_rows_follow_each_other_downwards_with_shapes_and_notes(ax):
    plots.network(ax, {"input": torch.rand(1, 1, 8, 8), "conv": torch.rand(2, 9, 9)}, notes={"conv": "10 parameters"})
    tops = [patch.get_y() for patch in squares(ax)]
    assert tops[0] < tops[1] == tops[2]
    low, high = ax.get_ylim()
    assert low > high, "y runs downwards"
    assert [t.get_text() for t in ax.texts] == ["input", "1 × 8 × 8", "conv", "2 × 9 × 9", "10 parameters"]


def test_values_fill_the_squares_and_only_the_first_without_being_asked(ax):
    outputs = {"input": torch.rand(1, 8, 8), "conv": torch.randn(2, 9, 9), "relu": torch.rand(2, 9, 9)}
    plots.network(ax, outputs)
    assert len(ax.images) == 1
    ax.clear()
    plots.network(ax, outputs, values=True)
    assert [tuple(image.get_array().shape) for image in ax.images] == [(8, 8), (9, 9), (9, 9), (9, 9), (9, 9)]
    low, high = ax.images[1].get_clim()
    assert low == -high == -outputs["conv"].abs().max()
    assert ax.images[3].get_clim() == (0, outputs["relu"].max())


def test_several_examples_and_odd_shapes_are_refused(ax):
    with pytest.raises(ValueError, match="'input' holds 3 examples"):
        plots.network(ax, {"input": torch.rand(3, 1, 8, 8)})
    with pytest.raises(ValueError, match="'odd' has shape"):
        plots.network(ax, {"odd": torch.tensor(1.0)})


def test_an_input_of_three_channels_is_one_picture_in_color(ax):
    face = torch.rand(1, 3, 8, 8)
    plots.network(ax, {"input": face, "conv": torch.rand(1, 3, 8, 8)})
    assert [patch.get_width() for patch in squares(ax)] == [8, 8, 8, 8]
    assert torch.equal(torch.tensor(ax.images[0].get_array()), face[0].permute(1, 2, 0))
    assert "3 × 8 × 8" in [text.get_text() for text in ax.texts]


def test_channels_that_do_not_fit_go_on_below_and_none_is_left_out(ax):
    plots.network(ax, {"input": torch.rand(3, 32, 32), "pool": torch.rand(10, 16, 16), "next": torch.rand(4)})
    places = [patch.get_xy() for patch in squares(ax)[1:11]]
    assert len(set(places)) == 10
    assert len({y for _, y in places}) == 3
    assert min(x for x, _ in places) >= 0
    assert squares(ax)[11].get_y() > max(y for _, y in places) + 16
    assert "10 × 16 × 16" in [text.get_text() for text in ax.texts]
