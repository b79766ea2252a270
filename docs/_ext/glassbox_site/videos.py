"""Videos: a Matplotlib animation as an H.264 file in light and dark, and the directive that shows it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

logging.getLogger("matplotlib.animation").setLevel(logging.WARNING)  # else it prints the whole command

VIDEO_DPI = 100
CONTROLS = 56  # CSS pixels under the picture, where browsers lay the controls
# The same input gives the same bytes: one thread, and no date or encoder name in the file.
_REPRODUCIBLE = ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"]
_STREAMABLE = ["-movflags", "+faststart"]


def save_video(animation, stem: Path) -> tuple[int, int]:
    """Write ``stem.mp4`` and ``stem-dark.mp4``; return width and height in CSS pixels.

    The figure is left at the frame that stands for the video: ``animation.still``, or the last one.
    """
    import imageio_ffmpeg
    import matplotlib

    from glassbox_site.dark import dark

    figure = animation._fig
    options = {"writer": "ffmpeg", "codec": "h264", "dpi": VIDEO_DPI, "extra_args": _REPRODUCIBLE + _STREAMABLE}
    with matplotlib.rc_context({"animation.ffmpeg_path": imageio_ffmpeg.get_ffmpeg_exe(), "figure.dpi": VIDEO_DPI}):
        animation.save(stem.with_suffix(".mp4"), **options)
        with dark(figure):
            animation.save(stem.with_name(f"{stem.name}-dark.mp4"), **options)
    if hasattr(animation, "still"):
        animation._func(animation.still)
    # Matplotlib rounds the frame to even numbers of pixels, as H.264 needs.
    return tuple(round(inches * VIDEO_DPI) for inches in figure.get_size_inches())


class lesson_video(nodes.General, nodes.Element):
    """A video with a still, in two variants."""


class LessonVideo(SphinxDirective):
    """Show the video whose files start with the given path, relative to the docs' folder."""

    required_arguments = 1
    option_spec = {  # noqa: RUF012
        "alt": directives.unchanged_required,
        "width": directives.positive_int,
        "height": directives.positive_int,
        "least": directives.nonnegative_int,
    }

    def run(self) -> list[nodes.Node]:
        relative, absolute = self.env.relfn2path(self.arguments[0])
        for suffix in (".mp4", "-dark.mp4", ".webp", "-dark.webp"):
            self.env.note_dependency(relative + suffix)
        return [lesson_video("", stem=absolute, **self.options)]


def _visit(self, node: lesson_video) -> None:
    stem = Path(node["stem"])
    folder = Path(self.builder.outdir, self.builder.imagedir)
    folder.mkdir(exist_ok=True)
    here = self.builder.get_target_uri(self.builder.current_docname)
    for variant, name in (("only-light", stem.name), ("only-dark", f"{stem.name}-dark")):
        for suffix in (".mp4", ".webp"):
            shutil.copyfile(stem.with_name(name + suffix), folder / (name + suffix))
        source = relative_uri(here, f"{self.builder.imagedir}/{name}")
        width, height, least = node["width"], node["height"] + CONTROLS, node["least"]
        self.body.append(
            f'<video class="lesson-video {variant}" controls loop muted playsinline preload="none" '
            f'width="{width}" height="{height}" style="aspect-ratio: {width} / {height}; min-width: {least}px" '
            f'data-still="{source}.webp" '
            f'aria-label="{self.attval(node["alt"])}"><source src="{source}.mp4" type="video/mp4"></video>\n'
        )
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.add_node(lesson_video, html=(_visit, None))
    app.add_directive("lesson-video", LessonVideo)
