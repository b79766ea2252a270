from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import to_hex

from glassbox import plots

DELTA = torch.tensor([[1.0, -2.0], [0.0, 3.0]], dtype=torch.float64)
KERNEL = torch.tensor([[1.0, 2.0, 0.0], [4.0, -5.0, 6.0]], dtype=torch.float64)


@pytest.fixture
def film():
    """The axes, and a function that shows one frame and returns the numbers of both tables."""
    figure, axes = plt.subplots(1, 4)
    movie = plots.stamping_kernel(*axes, DELTA, KERNEL, number_format="{:.0f}".format)

    def show(frame):
        movie._draw_frame(frame)
        return [[text.get_text() for text in ax.texts] for ax in axes[2:]]

    yield axes, movie, show
    movie._draw_was_started = True
    plt.close(figure)


def written(values):
    return [f"{value:.0f}" for value in values.flatten().tolist()]


def expected():
    return torch.nn.functional.conv_transpose2d(DELTA[None, None], KERNEL[None, None])[0, 0]


def test_both_ways_end_at_the_transposed_convolution(film):
    axes, movie, show = film
    assert movie._save_count == 4 + 3 * 4
    assert show(15) == [written(expected())] * 2
    colors = [
        to_hex(color)
        for ax in axes[2:]
        for color in ax.collections[0].to_rgba(ax.collections[0].get_array()).reshape(-1, 4)
    ]
    assert colors[:12] == colors[12:]


def test_a_stamp_adds_delta_times_the_kernel_at_its_place(film):
    axes, _, show = film
    stamped, turned = show(1)
    table = torch.zeros(3, 4, dtype=torch.float64)
    table[:2, :3] += KERNEL
    table[:2, 1:] += -2 * KERNEL
    assert stamped == written(table)
    assert turned == [""] * 12
    frame = axes[2].patches[-1]
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((0.5, -0.5), 3, 2)
    assert axes[0].patches[-1].get_xy() == (2.5, 0.5)  # around delta, in its border of two columns and a row


def test_then_the_window_gives_one_pixel_after_the_other(film):
    axes, _, show = film
    stamped, turned = show(4 + 5)  # pixel (1, 1)
    assert stamped == written(expected())
    assert turned == [*written(expected())[:6], *[""] * 6]
    window = axes[0].patches[-1]
    assert (window.get_xy(), window.get_width(), window.get_height()) == ((0.5, 0.5), 3, 2)
    assert not axes[2].patches[-1].get_visible()


def test_the_kernel_stands_as_it_is_used(film):
    axes, _, show = film
    for frame, title, kernel in ((3, "kernel", KERNEL), (4, "turned kernel", KERNEL.flip(0, 1))):
        show(frame)
        assert axes[1].get_title() == title
        assert [text.get_text() for text in axes[1].texts] == written(kernel)


def test_a_batch_is_refused():
    with pytest.raises(ValueError, match=r"kernel is to be a matrix .* \(1, 1, 3, 3\)"):
        plots.stamping_kernel(None, None, None, None, torch.zeros(2, 2), torch.zeros(1, 1, 3, 3))
