from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba
from matplotlib.contour import QuadContourSet

from glassbox import plots
from glassbox.plots.style import BLUE, ORANGE

START = torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64)
WAY = torch.stack([START * 0.9**step for step in range(100)])
SLOPES = 2 * WAY * torch.tensor([1.0, -1.0, 1.0])
NAMES = ("a", "b", "c")


def bowl(w):
    return (w**2).sum(dim=-1)


@pytest.fixture
def movie():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2)
    left.set_xlabel("first")
    options = {"x": (-2, 2), "y": (-3, 3), "levels": [1, 5], "frames": 6}
    yield plots.descent_movie(left, right, bowl, WAY, SLOPES, names=NAMES, shown=(0, 2), **options), left, right
    plt.close(figure)


def test_before_it_runs_the_last_frame_shows(movie):
    _, left, right = movie
    np.testing.assert_array_equal(left.lines[0].get_xydata(), WAY[:, [0, 2]])
    np.testing.assert_allclose([bar.get_width() for bar in right.patches], SLOPES[-1])
    assert [label.get_text() for label in right.get_yticklabels()] == list(NAMES)
    assert left.get_xlabel() == "first"


def test_a_frame_shows_the_way_so_far(movie):
    animation, left, right = movie
    animation._func(0)
    assert left.get_title() == "iteration 1: risk 6"
    np.testing.assert_array_equal(left.lines[-1].get_xydata(), WAY[:1, [0, 2]])
    np.testing.assert_allclose([bar.get_width() for bar in right.patches], SLOPES[0])
    assert [bar.get_facecolor() for bar in right.patches] == [to_rgba(c) for c in (ORANGE, BLUE, ORANGE)]
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
        plots.descent_movie(ax, ax, bowl, WAY, SLOPES, names=NAMES, shown=(0, 3), **options)
    with pytest.raises(ValueError, match=r"expects gradients of shape \(100, 3\) and 3 names, got \(99, 3\) and 2"):
        plots.descent_movie(ax, ax, bowl, WAY, SLOPES[1:], names=NAMES[1:], shown=(0, 1), **options)


def test_a_movie_that_nobody_watches_goes_without_a_warning(recwarn):
    import gc

    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2)
    options = {"x": (-2, 2), "y": (-2, 2), "levels": [1], "frames": 2}
    movie = plots.descent_movie(left, right, bowl, WAY, SLOPES, names=NAMES, shown=(0, 1), **options)
    plt.close(figure)
    del movie, figure, left, right
    gc.collect()
    assert not [str(warning.message) for warning in recwarn]
