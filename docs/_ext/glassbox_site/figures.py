"""The gallery's scraper: each figure in a light and a dark variant, with its size and its alternative text."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.animation import Animation
from matplotlib.figure import Figure
from matplotlib.image import AxesImage, FigureImage
from matplotlib.text import Text
from PIL import Image
from sphinx.errors import ExtensionError

from glassbox_site import figure_files
from glassbox_site.dark import dark, darken_svg
from glassbox_site.videos import save_video

CSS_DPI = 100  # a figure 7.2 inches wide takes 720 CSS pixels
# Pixels of an image for each CSS pixel, and the quality of a photograph: the first that keeps the file light.
SHARPNESS = ((2, 75), (1.5, 75), (1.5, 50), (1, 75), (1, 50), (1, 35))
LARGEST_IMAGE = 36_000  # bytes
LARGEST_SVG = 120_000  # bytes; a heavier drawing, such as thousands of points, becomes an image
SMALLEST_TEXT = 9  # CSS pixels, however small the window is

# The frame scrolls where a figure would have to be smaller than its words can be read.
_FIGURE = """
.. container:: figure-frame

   .. image:: /{path}{suffix}
      :alt: {alt}
      :class: lesson-figure only-light least-{least}
      :width: {width}
      :height: {height}

   .. image:: /{path}-dark{suffix}
      :alt: {alt}
      :class: lesson-figure only-dark least-{least}
      :width: {width}
      :height: {height}

.. figure-files:: {files}
"""

_VIDEO = """
.. container:: figure-frame

   .. lesson-video:: /{path}
      :alt: {alt}
      :width: {width}
      :height: {height}
      :least: {least}

.. figure-files:: {files}
"""


@dataclass(frozen=True)
class Scraper:
    """What sphinx-gallery calls after each cell, in the process that runs the lesson."""

    site: str = ""  # its address, where it is known: the files of a figure name it

    def __call__(self, block, block_vars, gallery_conf) -> str:
        """Save the open figures and return the reStructuredText that shows them."""
        import matplotlib.pyplot as plt

        values = block_vars["example_globals"].values()
        animations = {value._fig: value for value in values if isinstance(value, Animation)}
        rst = []
        try:
            for number in plt.get_fignums():
                figure = plt.figure(number)
                settle(figure)
                stem = Path(next(block_vars["image_path_iterator"])).with_suffix("")
                alt = _alternative_text(figure, block_vars["src_file"], block[2])
                width, height = (round(inches * CSS_DPI) for inches in figure.get_size_inches())
                least = least_width(figure)
                shown = {"path": stem.relative_to(gallery_conf["src_dir"]).as_posix(), "alt": alt, "least": least}
                if figure in animations:
                    width, height = save_video(animations[figure], stem)
                    save_image(figure, stem)
                    template = _VIDEO
                else:
                    shown["suffix"] = save_figure(figure, stem)
                    template = _FIGURE
                files = figure_files.take(figure, stem, Path(block_vars["src_file"]), block[2], alt, self.site)
                rst.append(template.format(**shown, width=width, height=height, files=files))
        finally:
            plt.close("all")
        return "".join(rst)


def _alternative_text(figure: Figure, script: str, line: int) -> str:
    text = " ".join(getattr(figure, "alt_text", "").split())
    if not text:
        raise ExtensionError(
            f"{script}, cell at line {line}: a figure has no alternative text. "
            'Say in words what it shows: fig.alt_text = "..."'
        )
    return text


def settle(figure: Figure) -> None:
    """Lay the figure out for good: both variants, and all frames of a video, have their axes in the same place."""
    # A second pass knows the sizes of the labels that the first one chose.
    figure.draw_without_rendering()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def least_width(figure: Figure) -> int:
    """Return the width in CSS pixels below which the smallest words of a figure could not be read; 0 without words."""
    sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    if not sizes:
        return 0
    smallest = min(sizes) * CSS_DPI / 72
    if smallest < SMALLEST_TEXT:
        raise ExtensionError(
            f"a figure has words of {min(sizes):g} points, {smallest:.1f} pixels in the page: expects "
            f"{SMALLEST_TEXT} pixels at least, that is {SMALLEST_TEXT * 72 / CSS_DPI:.1f} points"
        )
    return math.ceil(figure.get_size_inches()[0] * CSS_DPI * SMALLEST_TEXT / smallest)


def save_figure(figure: Figure, stem: Path) -> str:
    """Write the two variants, as SVG for line art and as WebP where there are images; return the suffix chosen."""
    if not figure.findobj(lambda artist: isinstance(artist, AxesImage | FigureImage)):
        buffer = io.StringIO()
        with matplotlib.rc_context({"svg.hashsalt": "glassbox", "svg.fonttype": "path"}):
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        text = buffer.getvalue()
        if len(text) <= LARGEST_SVG:
            stem.with_suffix(".svg").write_text(text, encoding="utf-8")
            stem.with_name(f"{stem.name}-dark.svg").write_text(darken_svg(text), encoding="utf-8")
            return ".svg"
    save_image(figure, stem)
    return ".webp"


def save_image(figure: Figure, stem: Path) -> None:
    """Write the two variants as WebP, as sharp as `LARGEST_IMAGE` allows."""
    stem.with_suffix(".webp").write_bytes(_webp(figure))
    with dark(figure):
        stem.with_name(f"{stem.name}-dark.webp").write_bytes(_webp(figure))


def _webp(figure: Figure) -> bytes:
    """Return the figure as WebP: flat colors are smaller, and sharp, without loss; photographs with loss."""
    for scale, quality in SHARPNESS:
        with io.BytesIO() as drawing:
            figure.savefig(drawing, format="png", dpi=scale * CSS_DPI)
            image = Image.open(drawing).convert("RGB")
        found = min(_encode(image, lossless=True), _encode(image, quality=quality), key=len)
        if len(found) <= LARGEST_IMAGE:
            break
    return found


def _encode(image: Image.Image, **options: int | bool) -> bytes:
    with io.BytesIO() as file:
        image.save(file, "WEBP", method=6, **options)
        return file.getvalue()
