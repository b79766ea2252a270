"""One sign, one color: figures and pages that compute use the same ones, and both can be told apart."""

from __future__ import annotations

import re
from importlib import resources

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from glassbox.plots import style


def of_the_pages() -> dict[str, str]:
    """Return the light colors of the style sheet of the pages that compute."""
    sheet = (resources.files("glassbox.explain") / "colors.css").read_text("utf-8")
    return dict(re.findall(r"--tracer-([\w-]+): (#\w{6});", sheet[: sheet.index("}")]))


def luminance(color: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], parts))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# How an eye without one of its three kinds of cones sees linear red, green and blue: Machado, Oliveira and Fernandes,
# 2009, https://doi.org/10.1109/TVCG.2009.113, severity 1.
BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


@pytest.mark.parametrize(
    ("kind", "names"), [("signed", ("low", "below", "paper", "above", "high")), ("ink", ("paper", "ink"))]
)
def test_figures_and_pages_have_the_same_colors(kind, names):
    pages = of_the_pages()
    ours, theirs = ([to_rgb(color) for color in colors] for colors in (style.COLORMAPS[kind], map(pages.get, names)))
    np.testing.assert_allclose(ours, theirs, atol=1.01 / 255)


@pytest.mark.parametrize("kind", style.COLORMAPS)
def test_no_color_of_a_number_is_one_that_the_dark_variant_exchanges(kind):
    colors = {to_hex(color) for color in style.colormap(kind)(np.linspace(0, 1, 257))}
    assert not colors & set(style.DARK)


@pytest.mark.parametrize("eye", ["all cones", *BLIND])
def test_both_signs_are_told_apart_by_every_eye(eye):
    seen = np.array(BLIND.get(eye, np.eye(3)))
    below, above = (seen @ np.array(to_rgb(style.COLORMAPS["signed"][place])) for place in (1, 3))
    assert np.abs(below - above).max() > 0.4


def test_zero_is_paper_and_the_positive_half_is_the_same():
    signed, positive = style.colormap("signed"), style.colormap("positive")
    np.testing.assert_allclose(signed(0.5), (1, 1, 1, 1), atol=1.01 / 255)
    for share in (0.0, 0.5, 1.0):
        np.testing.assert_allclose(positive(share), signed(0.5 + share / 2), atol=0.02)


@pytest.mark.parametrize("color", [style.INK, style.BLUE, style.ORANGE, style.PURPLE, style.GREEN, style.MUTED])
def test_lines_and_words_stand_out_from_the_paper_light_and_dark(color):
    assert contrast(color, style.PAPER) >= 4.5
    assert contrast(style.DARK[color], style.DARK[style.PAPER]) >= 4.5


def test_an_unknown_kind_is_told():
    with pytest.raises(ValueError, match="expects a kind among signed, positive, ink, photo, got 'gray'"):
        style.colormap("gray")
