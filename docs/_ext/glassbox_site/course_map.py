"""The course map: a card for each lesson, with a thumbnail, its question, its minutes, what comes before and plays."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from glassbox_site.lessons import GALLERY, Lesson, catalogue
from glassbox_site.notebook_figures import size_of_svg

NUMBER = re.compile(r"\d\.\d")
THUMBNAIL = (400, 280)  # as in sphinx_gallery_conf

_CARD = """
.. container:: lesson-card

   {thumbnail}

   .. container:: lesson-words

      :doc:`{lesson.title} </{lesson.page}>`

      {lesson.question}

      .. container:: lesson-facts

         {lesson.minutes} minutes. Before: {before}{play}
"""

_THUMBNAIL = """.. image:: /{path}
      :alt:
      :class: lesson-figure no-scaled-link {variant}
      :width: {width}
      :height: {height}
"""


def thumbnails(source: Path, lesson: Lesson) -> list[str]:
    """Return the lesson's thumbnail and, where its first figure has one, the dark variant, made of that figure."""
    folder, stem = source / Path(lesson.page).parent / "images", lesson.script.stem
    found = [path for path in sorted((folder / "thumb").glob(f"sphx_glr_{stem}_thumb.*")) if path.suffix != ".png"]
    for light in found[:1]:
        dark = light.with_name(f"{light.stem}-dark{light.suffix}")
        figure = folder / f"sphx_glr_{stem}_001-dark{light.suffix}"
        if figure.exists():
            _make_thumbnail(figure, dark)
            return [path.relative_to(source).as_posix() for path in (light, dark)]
    return [path.relative_to(source).as_posix() for path in found[:1]]


def _make_thumbnail(figure: Path, thumbnail: Path) -> None:
    if thumbnail.exists() and thumbnail.stat().st_mtime >= figure.stat().st_mtime:
        return
    if figure.suffix == ".svg":
        shutil.copyfile(figure, thumbnail)
        return
    with Image.open(figure) as image:
        image.thumbnail(THUMBNAIL)
        image.save(thumbnail, quality=80, method=6)


def size_of(path: Path) -> tuple[str, str]:
    """Return width and height of a picture in pixels."""
    if path.suffix == ".svg":
        return size_of_svg(path.read_text("utf-8"))
    with Image.open(path) as image:
        return str(image.width), str(image.height)


class CourseMap(SphinxDirective):
    """A section for each part: its introduction, its lessons, the sum of their minutes, its exercises."""

    def run(self) -> list[nodes.Node]:
        return [self._part(folder) for folder in sorted(GALLERY.glob("part*"))]

    def _part(self, folder: Path) -> nodes.section:
        header = folder / "GALLERY_HEADER.rst"
        self.env.note_dependency(str(header))
        title, _, introduction = header.read_text("utf-8").split("\n", 2)
        heading = nodes.title(title, title)
        self.set_source_info(heading)  # without a source it is not offered to translators
        part = folder.name.partition("_")[0]
        lessons = [lesson for lesson in catalogue().values() if lesson.script.parent == folder]
        minutes = sum(lesson.minutes for lesson in lessons)
        facts = self.parse_text_to_nodes(
            f"{len(lessons)} lessons, {minutes} minutes. Then practice: :doc:`/exercises/{part}`."
        )
        facts[0]["classes"].append("part-facts")
        grid = nodes.container(classes=["course-map"])
        for lesson in lessons:
            self.env.note_dependency(str(lesson.script))
            grid += self.parse_text_to_nodes(self._card(lesson))
        return nodes.section("", heading, *self.parse_text_to_nodes(introduction), *facts, grid, ids=[part])

    def _card(self, lesson: Lesson) -> str:
        source = Path(self.env.srcdir)
        pictures = thumbnails(source, lesson)
        variants = ("only-light", "only-dark") if len(pictures) == 2 else ("",)
        images = [
            _THUMBNAIL.format(
                path=path, variant=variant, width=size_of(source / path)[0], height=size_of(source / path)[1]
            )
            for path, variant in zip(pictures, variants, strict=False)
        ]
        before = NUMBER.sub(lambda number: f":doc:`{number[0]} </{catalogue()[number[0]].page}>`", lesson.before)
        pages = ", ".join(f":doc:`/play/{name}`" for name in lesson.plays)
        play = f" Play: {pages}." if pages else ""
        return _CARD.format(lesson=lesson, before=before, play=play, thumbnail="\n   ".join(images))


def setup(app: Sphinx) -> None:
    app.add_directive("course-map", CourseMap)
