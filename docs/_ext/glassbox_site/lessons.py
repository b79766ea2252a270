"""The lessons by number: which there are, and the role ``lesson`` that links to one."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole


def pages_of_lessons(gallery: Path) -> dict[str, str]:
    """Return the page of each lesson by its number, as in ``1.2``."""
    scripts = sorted(gallery.glob("*/plot_*.py"))
    return {number_of(script.stem): f"lessons/{script.parent.name}/{script.stem}" for script in scripts}


def number_of(stem: str) -> str:
    """Return the lesson's number in the name of its script: ``plot_12_convolution`` is 1.2."""
    digits = stem.split("_")[1]
    return f"{digits[0]}.{digits[1:]}"


class LessonRole(SphinxRole):
    """A link to a lesson by its number."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        page = pages_of_lessons(Path(self.env.srcdir).parent / "gallery").get(self.text)
        words = nodes.inline("", f"lesson {self.text}")
        if page is None:
            message = self.inliner.reporter.warning(f"there is no lesson {self.text!r}", line=self.lineno)
            return [words], [message]
        link = pending_xref("", words, refdomain="std", reftype="doc", reftarget=f"/{page}", refexplicit=True)
        link["refdoc"], link["refwarn"] = self.env.docname, True
        return [link], []


def setup(app: Sphinx) -> None:
    app.add_role("lesson", LessonRole())
