from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.contour import QuadContourSet

from glassbox import plots

START = torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64)
WAY = torch.stack([START * 0.9**step for step in range(100)])


def bowl(w):
    return (w**2).sum(dim=-1)


@pytest.fixture
def movie():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2)
    left.set_xlabel("first")
    options = {"x": (-2, 2), "y": (-3, 3), "levels": [1, 5], "frames": 6}
    yield plots.descent_movie(left, right, bowl, WAY, shown=(0, 2), **options), left, right
    plt.close(figure)


def test_before_it_runs_the_last_frame_shows(movie):
    _, left, right = movie
    np.testing.assert_array_equal(left.lines[0].get_xydata(), WAY[:, [0, 2]])
    np.testing.assert_allclose(right.lines[0].get_ydata(), bowl(WAY))
    assert right.lines[1].get_xydata().tolist() == [[100, bowl(WAY[-1]).item()]]
    assert left.get_xlabel() == "first"


def test_a_frame_shows_the_way_so_far(movie):
    animation, left, right = movie
    animation._func(0)
    assert left.get_title() == "iteration 1: risk 6"
    np.testing.assert_array_equal(left.lines[-1].get_xydata(), WAY[:1, [0, 2]])
    assert right.lines[1].get_xdata()[0] == 1
    assert left.get_xlabel() == "first"


def test_the_map_follows_the_parameters_that_it_does_not_show(movie):
    animation, left, _ = movie
    for frame, iteration in [(0, 1), (5, 100)]:
        animation._func(frame)
        (contour,) = (artist for artist in left.collections if isinstance(artist, QuadContourSet) and not artist.filled)
        radii = np.linalg.norm(contour.get_paths()[1].vertices, axis=1)
        np.testing.assert_allclose(radii**2 + WAY[iteration - 1, 1].item() ** 2, 5, rtol=2e-3)


def test_early_iterations_get_most_frames(movie):
    animation, left, _ = movie
    shown = []
    for frame in range(animation._save_count):
        animation._func(frame)
        shown.append(len(left.lines[0].get_xdata()))
    assert shown == [1, 3, 6, 16, 40, 100]


def test_parameters_that_do_not_exist_are_refused(ax):
    options = {"x": (0, 1), "y": (0, 1), "levels": [1]}
    with pytest.raises(ValueError, match=r"shown names the parameters \(0, 3\)"):
        plots.descent_movie(ax, ax, bowl, WAY, shown=(0, 3), **options)


def test_a_movie_that_nobody_watches_goes_without_a_warning(recwarn):
    import gc

    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2)
    movie = plots.descent_movie(left, right, bowl, WAY, shown=(0, 1), x=(-2, 2), y=(-2, 2), levels=[1], frames=2)
    plt.close(figure)
    del movie, figure, left, right
    gc.collect()
    assert not [str(warning.message) for warning in recwarn]
