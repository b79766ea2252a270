"""The catalogue of the lessons, as their scripts describe them; the role ``lesson`` links to one by its number.

A script begins with its title, a paragraph with a question in bold, what one can do after it, the minutes that it takes
and what to read before.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxRole

_COLUMN = re.compile(r"\S {2,}\S")

GALLERY = Path(__file__).parents[3] / "gallery"
# What the first lines of a script hold: its name for the reader, how it is found, and how it is written.
HEADER = (
    ("title", r"\A(\d\.\d+ .+)\n=+\n\n", "1.1 A dense layer is a weighted sum, and a line of === below"),
    ("question", r"=\n\n(.+?\*\*.+?\*\*.*?)\n\n", "a paragraph with the question in **bold**"),
    ("skills", r"\n\*After this lesson you can\* (.+?)\n\n", "*After this lesson you can* compute, choose, say ..."),
    ("minutes", r"\n\*Time\*: (\d+) minutes\.", "*Time*: 20 minutes."),
    ("before", r"\. \*Before\*: (.+?\.)(?:\s+[A-Z]|$)", "*Before*: lesson 1.1."),
)


@dataclass(frozen=True)
class Lesson:
    """What a lesson's script says of itself."""

    script: Path
    number: str
    title: str
    question: str
    minutes: int
    before: str

    @property
    def page(self) -> str:
        """The lesson's page, without its ending."""
        return f"lessons/{self.script.parent.name}/{self.script.stem}"

    @property
    def plays(self) -> list[str]:
        """The pages to play with that stand in the lesson, by name."""
        return re.findall(r"^# \.\. play:: (\w+)$", self.script.read_text("utf-8"), re.MULTILINE)

    @classmethod
    def read(cls, script: Path) -> Lesson:
        """Read the first lines of a script; its name gives the number: ``plot_12_convolution`` is 1.2."""
        part, *place = script.stem.split("_")[1]
        number = f"{part}.{''.join(place)}"
        text = ast.get_docstring(ast.parse(script.read_text("utf-8"))) or ""
        found = {}
        for name, pattern, form in HEADER:
            match = re.search(pattern, text, re.DOTALL)
            if match is None:
                raise ExtensionError(f"{script.name}: its first lines lack the {name}: {form}")
            found[name] = " ".join(match[1].split())
        if not found["title"].startswith(f"{number} "):
            raise ExtensionError(f"{script.name}: its name says lesson {number}, its title {found['title']!r}")
        return cls(script, number, found["title"], found["question"], int(found["minutes"]), found["before"])


@cache
def catalogue() -> dict[str, Lesson]:
    """Return the lessons by number, in the order of the course."""
    return {lesson.number: lesson for lesson in map(Lesson.read, sorted(GALLERY.glob("part*/plot_*.py")))}


def lesson_at(page: str) -> Lesson | None:
    """Return the lesson of a page; None for another page."""
    return next((lesson for lesson in catalogue().values() if lesson.page == page), None)


def _settle_page(app: Sphinx, doctree: nodes.document) -> None:
    """Drop the line on downloads above the title, and tell printed tables from printed sentences."""
    if lesson_at(app.env.docname) is None:
        return
    for note in list(doctree.findall(nodes.note)):
        if "sphx-glr-download-link-note" in note["classes"]:
            note.parent.remove(note)
    for printed in doctree.findall(nodes.literal_block):
        if "sphx-glr-script-out" in printed["classes"] and has_columns(printed.astext()):
            printed["classes"].append("columns")


def has_columns(printed: str) -> bool:
    """Whether spaces put what is printed below each other, which wrapped lines would lose."""
    return sum(bool(_COLUMN.search(line)) for line in printed.splitlines()) > 1


def _stop_at_failures(app: Sphinx) -> None:
    """End the build with what went wrong in a lesson, before pages are made of what it left."""
    if failures := app.config.sphinx_gallery_conf["failing_examples"]:
        raise ExtensionError("\n\n".join(f"{script} fails:\n{trace}" for script, trace in failures.items()))


class LessonRole(SphinxRole):
    """A link to a lesson by its number."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        lesson = catalogue().get(self.text)
        words = nodes.inline("", f"lesson {self.text}")
        if lesson is None:
            message = self.inliner.reporter.warning(f"there is no lesson {self.text!r}", line=self.lineno)
            return [words], [message]
        link = pending_xref("", words, refdomain="std", reftype="doc", reftarget=f"/{lesson.page}", refexplicit=True)
        link["refdoc"], link["refwarn"] = self.env.docname, True
        return [link], []


def setup(app: Sphinx) -> None:
    app.add_role("lesson", LessonRole())
    app.connect("builder-inited", _stop_at_failures, priority=900)  # after sphinx-gallery has run the lessons
    app.connect("doctree-read", _settle_page)
