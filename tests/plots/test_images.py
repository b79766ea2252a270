from __future__ import annotations

import numpy as np
import pytest
import torch

from glassbox import plots
from glassbox.plots.style import INK, PURPLE


def test_an_image_is_drawn_as_it_is(ax):
    picture = torch.rand(1, 1, 4, 6)
    assert plots.image(ax, picture) is ax
    np.testing.assert_array_equal(ax.images[0].get_array(), picture[0, 0].numpy())
    assert ax.images[0].get_clim() == (0, 1)
    assert ax.images[0].get_cmap().name == "glassbox-photo"


@pytest.mark.parametrize(("kind", "limits"), [("photo", (0, 1)), ("positive", (0, 4)), ("signed", (-4, 4))])
def test_the_kind_sets_the_scale(ax, kind, limits):
    plots.image(ax, torch.tensor([[-4.0, 1.0]]), kind=kind)
    assert ax.images[0].get_clim() == limits


def test_a_limit_can_be_given_and_the_scale_drawn(ax):
    plots.image(ax, torch.rand(3, 3), kind="signed", limit=2.0, colorbar=True)
    assert ax.images[0].get_clim() == (-2, 2)
    assert len(ax.figure.axes) == 2


def test_a_grid_fills_rows_from_the_left(ax):
    pictures = torch.rand(5, 1, 8, 8)
    plots.image_grid(ax, pictures, ["a", "b", "c", "d", "e"], columns=2, marked=[False, True, False, False, False])
    corners = [image.get_extent() for image in ax.images]
    assert corners[0][0] == corners[2][0] == corners[4][0] < corners[1][0]
    assert corners[0][3] == corners[1][3] < corners[2][3] < corners[4][3]
    for drawn, picture in zip(ax.images, pictures, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), picture[0].numpy())
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c", "d", "e"]
    assert [text.get_color() for text in ax.texts] == [INK, PURPLE, INK, INK, INK]


def test_photos_may_be_in_color(ax):
    pictures = torch.rand(2, 3, 4, 6)
    plots.image(ax, pictures[0])
    plots.image_grid(ax, pictures, ["a", "b"])
    for drawn, picture in zip(ax.images, pictures[[0, 0, 1]], strict=True):
        np.testing.assert_array_equal(drawn.get_array(), picture.permute(1, 2, 0).numpy())
    left, right, bottom, top = ax.images[1].get_extent()
    assert (right - left, bottom - top) == (6, 4)


def test_what_is_no_image_is_refused(ax):
    with pytest.raises(ValueError, match="unknown kind 'grey'"):
        plots.image(ax, torch.rand(2, 2), kind="grey")
    with pytest.raises(ValueError, match="unknown kind 'grey'"):
        plots.image_grid(ax, torch.rand(1, 2, 2), kind="grey")
    with pytest.raises(ValueError, match=r"one image \(H, W\) was expected, \(2, 3, 3\) came"):
        plots.image(ax, torch.rand(2, 3, 3))
    with pytest.raises(ValueError, match=r"photos in color \(N, 3, H, W\), were expected and \(2, 2, 4, 4\) came"):
        plots.image_grid(ax, torch.rand(2, 2, 4, 4))
    with pytest.raises(ValueError, match=r"\(2, 3, 4, 4\) came"):
        plots.image_grid(ax, torch.rand(2, 3, 4, 4), kind="signed")
    with pytest.raises(ValueError, match=r"one image \(H, W\) was expected, \(3, 4, 4\) came"):
        plots.image(ax, torch.rand(3, 4, 4), kind="signed")
    with pytest.raises(ValueError, match="1 captions came with 2 images"):
        plots.image_grid(ax, torch.rand(2, 4, 4), ["one"])


def test_rows_and_columns_have_names(ax):
    plots.image_grid(ax, torch.rand(4, 8, 8), columns=2, row_names=["r0", "r1"], column_names=["c0", "c1"])
    place = {text.get_text(): text.get_position() for text in ax.texts}
    assert place["r0"][1] < place["r1"][1]
    assert place["c0"][0] < place["c1"][0]
    assert place["r0"][0] < 0
    assert place["c0"][1] < 0
