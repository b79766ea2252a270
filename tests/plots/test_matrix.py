"""Cells, outlines, windows and the moving kernel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.collections import QuadMesh

from glassbox import plots


def mesh_of(ax):
    (mesh,) = [artist for artist in ax.collections if isinstance(artist, QuadMesh)]
    return mesh


def test_cells_hold_the_matrix_with_row_zero_on_top(ax):
    matrix = torch.tensor([[-1.0, 0.0, 1.0], [2.0, 0.5, -4.0]])
    assert plots.cells(ax, matrix) is ax
    np.testing.assert_array_equal(mesh_of(ax).get_array(), matrix.numpy())
    assert mesh_of(ax).get_clim() == (-4, 4)
    place = {text.get_text(): text.get_position() for text in ax.texts}
    assert place["-4"] == (2, 1)
    assert ax.yaxis_inverted()


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (1, 1)])
def test_a_single_row_or_column_has_cells_of_full_size(ax, shape):
    (mesh,) = plots.cells(ax, torch.ones(shape)).collections
    corners = mesh.get_coordinates().reshape(-1, 2)
    assert (corners.max(axis=0) - corners.min(axis=0)).tolist() == [shape[1], shape[0]]


def test_cells_of_a_photo_are_gray_and_large_matrices_bear_no_numbers(ax):
    plots.cells(ax, torch.rand(2, 2), kind="photo", number_format=None)
    assert mesh_of(ax).get_clim() == (0, 1)
    assert mesh_of(ax).get_cmap().name == "glassbox-photo"
    assert len(ax.texts) == 0


def test_cells_refuse_what_is_no_matrix(ax):
    with pytest.raises(ValueError, match=r"\(2, 2, 2\) came"):
        plots.cells(ax, torch.zeros(2, 2, 2))
    with pytest.raises(ValueError, match="unknown kind 'gray'"):
        plots.cells(ax, torch.zeros(2, 2), kind="gray")


def test_an_outline_runs_around_its_pixels(ax):
    plots.outline(ax, row=2, column=1, height=3, width=4)
    (frame,) = ax.patches
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((0.5, 1.5), 4, 3)
    assert not frame.get_fill()


@pytest.mark.parametrize(("padding", "stride"), [(0, 1), (1, 1), (1, 2), (2, 3)])
def test_there_are_as_many_windows_as_output_pixels(ax, padding, stride):
    plots.window_centers(ax, 6, kernel_size=3, padding=padding, stride=stride)
    shape = torch.nn.Conv2d(1, 1, 3, padding=padding, stride=stride)(torch.zeros(1, 1, 6, 6)).shape
    assert len(ax.collections[0].get_offsets()) == shape[2] * shape[3]


def test_the_first_window_begins_in_the_padding(ax):
    plots.window_centers(ax, 6, kernel_size=3, padding=1)
    assert ax.collections[0].get_offsets()[0].tolist() == [0, 0]
    assert ax.patches[-1].get_xy() == (-1.5, -1.5)


def test_a_window_that_does_not_fit_is_refused(ax):
    with pytest.raises(ValueError, match="a window of 5 does not fit 2 pixels with a padding of 1"):
        plots.window_centers(ax, 2, kernel_size=5, padding=1)


@pytest.fixture
def film():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2)
    image, kernel = torch.rand(4, 5), torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    output = torch.nn.functional.conv2d(image[None, None], kernel[None, None])[0, 0]
    movie = plots.sliding_kernel(left, right, image, kernel, output)
    yield movie, left, right, output
    figure.canvas.draw()  # starts it: an animation that never ran warns when it is deleted
    plt.close(figure)


@pytest.mark.parametrize("frame", [0, 5, 11])
def test_each_frame_shows_window_sum_and_the_outputs_so_far(film, frame):
    movie, left, right, output = film
    movie._draw_frame(frame)
    row, column = divmod(frame, output.shape[1])
    assert left.patches[-1].get_xy() == (column - 0.5, row - 0.5)
    assert left.texts[-1].get_text().endswith(f"= {output[row, column]:.2f}")
    shown = [text.get_text() for text in right.texts if text.get_visible()]
    assert shown == [f"{value:.2f}" for value in output.flatten()[: frame + 1]]


def test_before_it_runs_the_film_shows_its_end(film):
    _, left, right, output = film
    assert all(text.get_visible() for text in right.texts)
    assert left.texts[-1].get_text().endswith(f"= {output[-1, -1]:.2f}")


def test_a_film_of_signed_values_writes_them_as_asked():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2)
    image, kernel = torch.tensor([[1.0, -2.0, 3.0]]), torch.tensor([[2.0, -1.0]])
    options = {"kind": "signed", "number_format": "{:.0f}".format}
    movie = plots.sliding_kernel(left, right, image, kernel, torch.tensor([[4.0, -7.0]]), **options)
    figure.canvas.draw()
    movie._draw_frame(1)
    assert [text.get_text() for text in left.texts] == ["1", "-2", "3", "+ 2 · -2  − 1 · 3\n= -7"]
    assert left.collections[0].get_clim() == (-3, 3)
    assert [text.get_text() for text in right.texts] == ["4", "-7"]
    plt.close(figure)


def test_a_film_of_sizes_that_do_not_fit_is_refused(ax):
    with pytest.raises(ValueError, match="without padding it has 3 rows and 3 columns"):
        plots.sliding_kernel(ax, ax, torch.zeros(4, 4), torch.zeros(2, 2), torch.zeros(4, 4))
