from __future__ import annotations

import pytest
import torch
from matplotlib.colors import to_hex

from glassbox import plots
from glassbox.plots.style import PURPLE

KERNEL = torch.arange(1.0, 10.0).reshape(3, 3)


def framed(ax):
    return [float(text.get_text()) for text in ax.texts if text.get_gid() == "framed"]


def titles(ax):
    return [text.get_text() for text in ax.texts if "out" in text.get_text()]


def test_the_framed_weights_are_the_turned_kernel(ax):
    assert plots.touching_windows(ax, KERNEL, size=5, pixel=(2, 2)) is ax
    assert framed(ax) == KERNEL.flip(0, 1).flatten().tolist()
    assert titles(ax) == [f"output ({f}, {g})" for f in range(3) for g in range(3)]


@pytest.mark.parametrize("pixel", [(0, 0), (0, 1), (4, 2), (3, 3)])
def test_the_framed_weights_are_those_of_autograd(ax, pixel):
    plots.touching_windows(ax, KERNEL, size=5, pixel=pixel)
    image = torch.zeros(1, 1, 5, 5, requires_grad=True)
    output = torch.nn.functional.conv2d(image, KERNEL[None, None])
    slopes = [torch.autograd.grad(y, image, retain_graph=True)[0][0, 0][pixel].item() for y in output.flatten()]
    assert framed(ax) == [slope for slope in slopes if slope]
    assert titles(ax).count("outside: 0") == 9 - len(framed(ax))


def test_the_pixel_is_framed_in_every_image(ax):
    plots.touching_windows(ax, KERNEL[:, :2], size=4, pixel=(1, 2))
    frames = [patch for patch in ax.patches if to_hex(patch.get_edgecolor()) == PURPLE]
    corners = [frame.get_xy() for frame in frames]
    first = corners[0]
    steps = sorted({(round(x - first[0], 6), round(y - first[1], 6)) for x, y in corners})
    assert first == (1.5, 0.5)
    assert len(steps) == 6


def test_each_output_carries_its_gradient(ax):
    gradient = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    plots.touching_windows(ax, torch.ones(2, 2), size=3, pixel=(0, 1), gradient=gradient)
    names = [text.get_text() for text in ax.texts if not text.get_text().isdigit()]
    assert names == ["outside: 0", "outside: 0", "δ (0, 0) = 1", "δ (0, 1) = -2"]


def test_what_does_not_fit_is_refused(ax):
    with pytest.raises(ValueError, match=r"fits an image of 2 x 2 was expected, \(3, 3\) came"):
        plots.touching_windows(ax, KERNEL, size=2, pixel=(0, 0))
    with pytest.raises(ValueError, match=r"pixel \(0, 5\) is not in an image of 5 x 5"):
        plots.touching_windows(ax, KERNEL, size=5, pixel=(0, 5))
    with pytest.raises(ValueError, match=r"a gradient of shape \(3, 3\), one for each output.*\(2, 3\) came"):
        plots.touching_windows(ax, KERNEL, size=5, pixel=(0, 0), gradient=torch.zeros(2, 3))
