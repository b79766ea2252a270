"""The exercises of the pages and the checks of the package belong together, and every check does what it promises.

A solution that fails its check stops the notebook, and so the build. Here the rest is proved: each exercise that the
package knows stands in a page and the other way round, and each listed slip is told in the words that are listed.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

_TARGET = re.compile(r"^\(exercise-([\w.-]+)\)=$", re.MULTILINE)


def exercises_in_pages(folder: Path) -> list[str]:
    """Return the names of the exercises in the order of the pages."""
    return [name for page in sorted(folder.glob("part*.md")) for name in _TARGET.findall(page.read_text("utf-8"))]


def flaws_of_checks() -> list[str]:
    """Return a sentence for each slip that its exercise does not tell, and for each right answer that is refused."""
    from glassbox.exercises import EXERCISES
    from glassbox.exercises.judging import judge

    flaws = []
    for name, exercise in EXERCISES.items():
        if not judge(exercise, exercise.answer_by(exercise.solve)):
            flaws.append(f"{name} refuses its own answer")
        for slip, words in exercise.slips.items():
            if words not in judge(exercise, exercise.answer_by(slip)).message:
                flaws.append(f"{name} does not tell the slip {slip.__name__}")
    return flaws


def _prove(app: Sphinx) -> None:
    from glassbox import exercises

    in_pages, in_package = exercises_in_pages(Path(app.srcdir, "exercises")), exercises.names()
    if in_pages != in_package:
        apart = sorted(set(in_pages) ^ set(in_package)) or "their order"
        raise ExtensionError(f"docs/exercises and glassbox.exercises differ in {apart}")
    if flaws := flaws_of_checks():
        raise ExtensionError(f"glassbox.exercises: {'; '.join(flaws)}")


def _add_style(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    if pagename.startswith("exercises/part"):
        app.add_css_file("exercises.css")


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", _prove)
    app.connect("html-page-context", _add_style)
