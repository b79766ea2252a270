"""How to cite the course, written from CITATION.cff: the directive ``how-to-cite``."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def as_bibtex(citation: dict, year: str, address: str = "") -> str:
    """Return the BibTeX entry of a citation file's content."""
    authors = " and ".join(
        f"{{{person['name']}}}" if "name" in person else f"{person['family-names']}, {person['given-names']}"
        for person in citation["authors"]
    )
    fields = {"author": authors, "title": citation["title"], "version": citation["version"], "year": year}
    if address:
        fields["url"] = address
    lines = [f"  {name:<7} = {{{value}}}" for name, value in fields.items()]
    return "@software{glassbox,\n" + ",\n".join(lines) + "\n}"


class HowToCite(SphinxDirective):
    """The entry, to copy: its year is the license's, its address the site's, else the repository's."""

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir).parent
        for name in ("CITATION.cff", "LICENSE"):
            self.env.note_dependency(str(root / name))
        year = re.findall(r"Copyright \(c\) (\d{4})", (root / "LICENSE").read_text("utf-8"))[-1]
        repository = self.config.glassbox_repository
        address = self.config.html_baseurl or (f"https://github.com/{repository}" if repository else "")
        text = as_bibtex(yaml.safe_load((root / "CITATION.cff").read_text("utf-8")), year, address)
        return [nodes.literal_block(text, text, language="bibtex")]


def setup(app: Sphinx) -> None:
    app.add_directive("how-to-cite", HowToCite)
