"""Colors and settings that every figure of the course shares.

A figure is drawn once, in the light colors. The site makes the dark variant by exchanging each of these colors for its
partner in :data:`DARK`. A color that must stay as it is, such as text on a filled cell, comes from :func:`text_on`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.typing import ColorType

INK = "#1b2430"
"""Text, axes and the line that matters most."""

PAPER = "#ffffff"
"""The background."""

MUTED = "#64707d"
"""Secondary text and helping lines."""

FAINT = "#d9dee4"
"""Grids, and areas that only separate."""

BLUE = "#1a73c0"
ORANGE = "#c2560b"
GREEN = "#00755c"
PURPLE = "#6a2485"

FRAME = "#9340d6"
"""A frame on cells or pixels, which lie on paper in both themes: it has no partner in :data:`DARK`."""

SERIES = (BLUE, ORANGE, GREEN, PURPLE)
"""Colors of curves and classes, told apart by color-blind readers and on both backgrounds."""

# Paper and ink to the eye, but not the palette's own: the dark variant would exchange those, and not the words on them.
_SHEET, _PEN = "#fefefe", "#1b2431"

COLORMAPS = {
    "signed": ("#0b3d6b", "#4f9bd8", _SHEET, "#eb924a", "#8a3a00"),
    "positive": (_SHEET, "#eb924a", "#8a3a00"),
    "ink": (_SHEET, _PEN),
    "photo": ("#000000", "#fefefe"),
}
"""Colors of numbers, from the lowest to the highest. One sign, one color: blue below zero, paper at zero, orange above,
and the orange half where nothing is below. A digit is ink on paper; a photograph is as bright as it is."""

DARK = {
    INK: "#e6e9ee",
    PAPER: "#131416",
    MUTED: "#98a3af",
    FAINT: "#363d46",
    BLUE: "#5aa9f0",
    ORANGE: "#ff9d4d",
    GREEN: "#35c796",
    PURPLE: "#e2b8f5",
}
"""Each color with its partner on a dark background."""


@lru_cache
def colormap(kind: str) -> Colormap:
    """Return the colors of one kind of numbers.

    Parameters
    ----------
    kind : {"signed", "positive", "ink", "photo"}
        Numbers of either sign, with the zero in the middle; numbers from zero up; a drawing, 0 for paper and 1 for
        ink; a photograph, 0 for black and 1 for white.

    Returns
    -------
    matplotlib.colors.Colormap
        The colors, from the lowest number to the highest.

    Raises
    ------
    ValueError
        There is no such kind.

    Examples
    --------
    >>> from matplotlib.colors import to_hex
    >>> to_hex(colormap("signed")(0.5)), to_hex(colormap("positive")(0.0))
    ('#fefefe', '#fefefe')
    """
    from matplotlib.colors import LinearSegmentedColormap

    if kind not in COLORMAPS:
        raise ValueError(f"colormap expects a kind among {', '.join(COLORMAPS)}, got {kind!r}")
    # An odd number of colors, so that one of them is the middle's.
    return LinearSegmentedColormap.from_list(f"glassbox-{kind}", COLORMAPS[kind], N=257)


def use() -> None:
    """Draw the figures that follow in the style of the course.

    Sets Matplotlib's ``rcParams``: size for a column of text, colors of this module, thin axes, constrained layout.

    Examples
    --------
    >>> import matplotlib
    >>> from glassbox.plots import style
    >>> with matplotlib.rc_context():
    ...     style.use()
    ...     matplotlib.rcParams["axes.edgecolor"] == style.INK
    True
    """
    import matplotlib
    from cycler import cycler

    matplotlib.rcParams.update(
        {
            "figure.figsize": (7.2, 4.2),
            "figure.dpi": 100,
            "figure.facecolor": PAPER,
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "auto",
            "font.size": 11,
            "text.color": INK,
            "axes.facecolor": PAPER,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=SERIES),
            "axes.axisbelow": True,
            "grid.color": FAINT,
            "grid.linewidth": 0.8,
            "xtick.color": INK,
            "ytick.color": INK,
            "lines.linewidth": 2.0,
            "legend.frameon": False,
            "image.interpolation": "nearest",
            "svg.hashsalt": "glassbox",
        }
    )


def text_on(color: str | Sequence[float]) -> str:
    """Return black or white, whichever reads better on a color.

    The two are not exchanged in the dark variant of a figure, for the filled cell underneath is not either.

    Parameters
    ----------
    color : str or sequence of float
        Any Matplotlib color: the fill under the text.

    Returns
    -------
    str
        ``"#000000"`` or ``"#fefefe"``.

    Examples
    --------
    >>> from glassbox.plots import style
    >>> style.text_on("yellow"), style.text_on((0.0, 0.1, 0.3))
    ('#000000', '#fefefe')
    """
    from matplotlib.colors import to_rgb

    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in to_rgb(cast("ColorType", color))
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # Relative luminance 0.179 has the same contrast with black as with white (WCAG 2).
    return "#000000" if luminance > 0.179 else "#fefefe"
