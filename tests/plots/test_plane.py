"""What units see of a plane: activity, hinge lines, points, folded grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from glassbox import plots
from glassbox.plots.style import INK, MUTED, ORANGE, PAPER


def ramp(points):
    return (points[..., 0] - 0.5).clamp(min=0)


def test_zero_stays_paper_and_larger_values_are_fuller(ax):
    assert plots.activity(ax, ramp, (-1, 2), (0, 1)) is ax
    (fill,) = ax.collections
    colors = fill.get_facecolor()
    assert {to_hex(color) for color in colors} == {ORANGE}
    assert colors[0, 3] == 0
    assert (np.diff(colors[:, 3]) > 0).all()
    assert fill.levels[0] == 0
    assert fill.levels[-1] >= 1.5, "the largest value is filled too"
    assert ax.get_xlim() == (-1, 2)


def test_the_boundary_runs_where_the_value_is(ax):
    plots.activity(ax, ramp, (-1, 2), (0, 1), boundary=1.0)
    line = ax.collections[1]
    assert to_hex(line.get_edgecolor()[0]) == INK
    np.testing.assert_allclose(line.get_paths()[0].vertices[:, 0], 1.5)


def test_activity_below_zero_is_refused(ax):
    with pytest.raises(ValueError, match=r"zero and above were expected, -1 came"):
        plots.activity(ax, lambda points: points[..., 0], (-1, 2), (0, 1))


def test_a_hinge_lies_where_the_sum_is_zero_and_points_to_the_active_side(ax):
    ax.set(xlim=(-2, 2), ylim=(-2, 2))
    weight, bias = torch.tensor([[1.0, -2.0], [0.0, 3.0]]), torch.tensor([0.5, 3.0])
    plots.hinge_lines(ax, weight, bias, names=["1", "2"])
    for line, w, b in zip(ax.lines, weight.numpy(), bias.numpy(), strict=True):
        np.testing.assert_allclose(line.get_xydata() @ w + b, 0, atol=1e-5)
    heads = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    for head, w, b in zip(heads, weight.numpy(), bias.numpy(), strict=True):
        assert head.xy @ w + b > 0
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["1", "2"]
    assert ax.get_xlim() == (-2, 2)


def test_a_hinge_far_away_has_no_arrow_and_one_without_weights_no_line(ax):
    ax.set(xlim=(-2, 2), ylim=(-2, 2))
    plots.hinge_lines(ax, torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([9.0, 1.0]))
    assert len(ax.lines) == 1
    assert not ax.texts


def test_hinges_of_another_shape_are_refused(ax):
    with pytest.raises(ValueError, match=r"weight \(units, 2\).*\(3, 4\) and \(3,\) came"):
        plots.hinge_lines(ax, torch.zeros(3, 4), torch.zeros(3))
    with pytest.raises(ValueError, match="3 units came with 1 names"):
        plots.hinge_lines(ax, torch.zeros(3, 2), torch.zeros(3), names=["1"])


def test_yes_is_full_and_no_is_hollow(ax):
    points = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    plots.yes_no_points(ax, points, torch.tensor([0.0, 1.0, 0.0]))
    yes, no = ax.collections
    assert yes.get_offsets().tolist() == [[2, 3]]
    assert no.get_offsets().tolist() == [[0, 1], [4, 5]]
    assert to_hex(yes.get_facecolor()[0]) == INK
    assert to_hex(no.get_facecolor()[0]) == PAPER
    with pytest.raises(ValueError, match=r"\(3, 2\) and 2 came"):
        plots.yes_no_points(ax, points, torch.zeros(2))


def test_rows_and_columns_of_a_grid_are_lines(ax):
    points = torch.rand(3, 4, 2)
    plots.mapped_grid(ax, points)
    lines = [line for line in ax.lines if to_hex(line.get_color()) == MUTED]
    np.testing.assert_allclose(lines[0].get_xydata(), points[0])
    np.testing.assert_allclose(lines[3].get_xydata(), points[:, 0])
    assert len(lines) == 3 + 4
    with pytest.raises(ValueError, match=r"\(rows, columns, 2\) were expected, \(3, 2\) came"):
        plots.mapped_grid(ax, torch.rand(3, 2))
