"""The dark variant of a figure: the same drawing with each color of `glassbox.plots.style` exchanged for its partner.

The exchange happens where colors leave Matplotlib, so nothing is missed: in the text of an SVG, and in the renderer of
a raster image. Images and colormaps stay as they are.
"""

from __future__ import annotations

import re

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_hex, to_rgb

from glassbox.plots.style import DARK

_COLOR = re.compile("|".join(map(re.escape, DARK)), re.IGNORECASE)


def darken_svg(text: str) -> str:
    """Return the SVG with the palette's colors exchanged."""
    return _COLOR.sub(lambda match: DARK[match[0].lower()], text)


def darken(color):
    """Exchange one RGB or RGBA color; any other value, None included, comes back as it is."""
    if color is None or to_hex(color) not in DARK:
        return color
    return (*to_rgb(DARK[to_hex(color)]), *tuple(color)[3:])


def _darken_rows(colors):
    return np.array([darken(row) for row in colors]) if len(colors) else colors


class DarkRenderer(RendererAgg):
    """Draw with the dark partners of the palette's colors."""

    def _update_methods(self) -> None:
        super()._update_methods()
        # RendererAgg binds these to its C++ half, one by one, on each instance.
        self.draw_markers = self._draw_markers
        self.draw_path_collection = self._draw_path_collection

    def _darken_context(self, context: GraphicsContextBase) -> GraphicsContextBase:
        dark = self.new_gc()
        dark.copy_properties(context)
        dark.set_foreground(darken(context.get_rgb()), isRGBA=True)
        return dark

    def draw_path(self, gc, path, transform, rgbFace=None):
        super().draw_path(self._darken_context(gc), path, transform, darken(rgbFace))

    def draw_text(self, gc, *args, **options):
        super().draw_text(self._darken_context(gc), *args, **options)

    def draw_mathtext(self, gc, *args, **options):
        super().draw_mathtext(self._darken_context(gc), *args, **options)

    def _draw_markers(self, gc, marker_path, marker_transform, path, transform, rgbFace=None):
        self._renderer.draw_markers(
            self._darken_context(gc), marker_path, marker_transform, path, transform, darken(rgbFace)
        )

    def _draw_path_collection(self, *args, **options):
        face, edge = 6, 7
        args = list(args)
        args[face], args[edge] = _darken_rows(args[face]), _darken_rows(args[edge])
        self._renderer.draw_path_collection(*args, **options)


class DarkCanvas(FigureCanvasAgg):
    """A canvas that renders its figure dark: ``with dark(figure): figure.savefig(...)``."""

    def get_renderer(self):
        # The frame of a video is drawn on one call's renderer and read from the next call's: it must be the same.
        key = (*self.figure.bbox.size, self.figure.dpi)
        if self._lastKey != key:
            self.renderer = DarkRenderer(*key)
            self._lastKey = key
        return self.renderer


class dark:
    """Within the block, the figure is rendered with the dark colors."""

    def __init__(self, figure) -> None:
        self.figure = figure
        self.canvas = figure.canvas

    def __enter__(self) -> None:
        DarkCanvas(self.figure)

    def __exit__(self, *exception: object) -> None:
        self.figure.set_canvas(self.canvas)
