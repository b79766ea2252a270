"""In the reference, under each name, the lessons that use it."""

from __future__ import annotations

import json
from pathlib import Path

from sphinx.application import Sphinx

INDEX = Path("lessons", "backreferences", "backreferences_all.json")


def lessons_by_name(source: Path) -> dict[str, list[str]]:
    """Return, for each full name that a lesson uses, the labels of the lessons."""
    index = source / INDEX
    return json.loads(index.read_text("utf-8")) if index.exists() else {}


def _append_lessons(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    app.env.note_dependency(str(INDEX))
    lessons = lessons_by_name(Path(app.srcdir)).get(name, [])
    if lessons:
        lines += ["", ".. rubric:: Lessons that use this", ""]
        lines += [f"- :ref:`{label}`" for label in lessons]


def setup(app: Sphinx) -> None:
    # After numpydoc has rewritten the docstring.
    app.connect("autodoc-process-docstring", _append_lessons, priority=900)
