"""The palette is readable on both backgrounds and by color-blind readers."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from glassbox.plots import style

# Machado, Oliveira and Fernandes (2009), severity 1: how linear RGB is seen.
SEEN_BY = {
    "everyone": np.eye(3),
    "deuteranopes": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopes": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopes": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> np.ndarray:
    parts = np.array(to_rgb(color))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(TO_XYZ[1] @ linear(color)) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(np.clip(TO_XYZ @ rgb / TO_XYZ.sum(axis=1), 1e-4, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("color", [style.INK, style.MUTED, *style.SERIES])
def test_text_reads_on_both_papers(color):
    assert contrast(color, style.PAPER) >= 4.5
    assert contrast(style.DARK[color], style.DARK[style.PAPER]) >= 4.5


@pytest.mark.parametrize("reader", SEEN_BY)
@pytest.mark.parametrize("variant", [lambda color: color, style.DARK.get], ids=["light", "dark"])
def test_series_stay_apart_for_every_reader(reader, variant):
    seen = [lab(np.clip(SEEN_BY[reader] @ linear(variant(color)), 0, 1)) for color in style.SERIES]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 12


def test_every_light_color_has_one_partner():
    assert len(set(style.DARK) | set(style.DARK.values())) == 2 * len(style.DARK)


@pytest.mark.parametrize("fill", ["white", "#777777", "navy", style.BLUE, (1.0, 0.9, 0.1)])
def test_text_on_a_fill_takes_the_better_of_black_and_white(fill):
    text = style.text_on(fill)
    other = {"#000000": "#fefefe", "#fefefe": "#000000"}[text]
    assert contrast(text, fill) >= contrast(other, fill)
    assert text not in style.DARK
