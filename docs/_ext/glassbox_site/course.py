"""The course map: every lesson as its script describes it, so that the map and the lesson cannot disagree.

A lesson's script begins with its title, a paragraph with a question in bold, what one can do after it, the minutes that
it takes and what to read before. The directive ``course-map`` reads them and puts a thumbnail beside, in a light and a
dark variant.
"""

from __future__ import annotations

import ast
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from glassbox_site.lessons import number_of
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

         {lesson.minutes} minutes. Before: {before}
"""

_THUMBNAIL = """.. image:: /{path}
      :alt:
      :class: lesson-figure no-scaled-link {variant}
      :width: {width}
      :height: {height}
"""


@dataclass(frozen=True)
class Lesson:
    """What a lesson's script says of itself."""

    number: str
    title: str
    question: str
    skills: str
    minutes: int
    before: str
    page: str

    @classmethod
    def read(cls, script: Path) -> Lesson:
        """Read the first lines of a script."""
        text = ast.get_docstring(ast.parse(script.read_text("utf-8"))) or ""
        title, _, rest = text.partition("\n")
        question = re.search(r"=\n\n(.+?\*\*.+?\*\*.*?)\n\n", rest, re.DOTALL)
        skills = re.search(r"\*After this lesson you can\* (.+?)\n\n", rest, re.DOTALL)
        facts = re.search(r"\*Time\*: (\d+) minutes\. \*Before\*: (.+?\.)(?:\s+[A-Z]|$)", rest, re.DOTALL)
        if not (question and skills and facts):
            raise ExtensionError(
                f"{script}: a lesson begins with its question in **bold**, '*After this lesson you can* ...' and "
                "'*Time*: 20 minutes. *Before*: lesson 1.1.'"
            )
        words = [" ".join(found.split()) for found in (question[1], skills[1], facts[2])]
        page = f"lessons/{script.parent.name}/{script.stem}"
        return cls(number_of(script.stem), title, words[0], words[1], int(facts[1]), words[2], page)


def parts(gallery: Path) -> dict[Path, list[Lesson]]:
    """Return the lessons of each part's folder, in the order of the course."""
    folders = sorted(folder for folder in gallery.glob("part*") if folder.is_dir())
    return {folder: [Lesson.read(script) for script in sorted(folder.glob("plot_*.py"))] for folder in folders}


def thumbnails(source: Path, lesson: Lesson) -> list[str]:
    """Return the lesson's thumbnail and, where its first figure has one, the dark variant, made of that figure."""
    folder, stem = source / Path(lesson.page).parent / "images", Path(lesson.page).name
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
        source = Path(self.env.srcdir)
        result: list[nodes.Node] = []
        course = parts(source.parent / "gallery")
        links = {lesson.number: f"/{lesson.page}" for lessons in course.values() for lesson in lessons}
        for folder, lessons in course.items():
            header = (folder / "GALLERY_HEADER.rst").read_text("utf-8")
            self.env.note_dependency(str(folder / "GALLERY_HEADER.rst"))
            title, _, introduction = header.split("\n", 2)
            heading = nodes.title(title, title)
            self.set_source_info(heading)  # without a source it is not offered to translators
            part = folder.name.split("_")[0]
            section = nodes.section("", heading, ids=[part])
            minutes = sum(lesson.minutes for lesson in lessons)
            facts = self.parse_text_to_nodes(
                f"{len(lessons)} lessons, {minutes} minutes. Then practice: :doc:`/exercises/{part}`."
            )
            facts[0]["classes"].append("part-facts")
            section += self.parse_text_to_nodes(introduction) + facts
            grid = nodes.container(classes=["course-map"])
            for lesson in lessons:
                self.env.note_dependency(str(source.parent / "gallery" / folder.name / f"{Path(lesson.page).name}.py"))
                grid += self.parse_text_to_nodes(self._card(lesson, source, links))
            section += grid
            result.append(section)
        return result

    def _card(self, lesson: Lesson, source: Path, links: dict[str, str]) -> str:
        pictures = thumbnails(source, lesson)
        variants = ("only-light", "only-dark") if len(pictures) == 2 else ("",)
        images = [
            _THUMBNAIL.format(
                path=path, variant=variant, width=size_of(source / path)[0], height=size_of(source / path)[1]
            )
            for path, variant in zip(pictures, variants, strict=False)
        ]
        before = NUMBER.sub(lambda number: f":doc:`{number[0]} <{links[number[0]]}>`", lesson.before)
        return _CARD.format(lesson=lesson, before=before, thumbnail="\n   ".join(images))


def setup(app: Sphinx) -> None:
    app.add_directive("course-map", CourseMap)
