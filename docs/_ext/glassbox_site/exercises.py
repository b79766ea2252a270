"""The exercises of the pages and the checks of the package belong together.

A solution that fails its check stops the notebook, and so the build. Here the rest is proved: each exercise that the
package knows stands in a page, and the other way round.
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


def _prove(app: Sphinx) -> None:
    from glassbox import exercises

    in_pages, in_package = exercises_in_pages(Path(app.srcdir, "exercises")), exercises.names()
    if in_pages != in_package:
        apart = sorted(set(in_pages) ^ set(in_package)) or "their order"
        raise ExtensionError(f"docs/exercises and glassbox.exercises differ in {apart}")


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", _prove)
