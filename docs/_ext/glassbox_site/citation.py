"""How to cite the course, written from CITATION.cff: the directive ``how-to-cite``."""

from __future__ import annotations

from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def as_bibtex(citation: dict) -> str:
    """Return the BibTeX entry of a citation file's content."""
    authors = " and ".join(
        f"{{{person['name']}}}" if "name" in person else f"{person['family-names']}, {person['given-names']}"
        for person in citation["authors"]
    )
    fields = {"author": authors, "title": citation["title"], "version": citation["version"]}
    if "date-released" in citation:
        fields["year"] = str(citation["date-released"])[:4]
    lines = [f"  {name:<7} = {{{value}}}" for name, value in fields.items()]
    return "@software{glassbox,\n" + ",\n".join(lines) + "\n}"


class HowToCite(SphinxDirective):
    """The entry as a block that can be copied."""

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir).parent / "CITATION.cff"
        self.env.note_dependency(str(path))
        text = as_bibtex(yaml.safe_load(path.read_text("utf-8")))
        return [nodes.literal_block(text, text, language="bibtex")]


def setup(app: Sphinx) -> None:
    app.add_directive("how-to-cite", HowToCite)
