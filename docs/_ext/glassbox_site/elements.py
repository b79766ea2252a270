"""Elements of HTML that docutils has no node for: what opens one, its children, what closes it."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


class Element(nodes.General, nodes.Element):
    """Children between two pieces of HTML, `opens` and `closes`, which the search does not read."""


class Words(nodes.Part, nodes.TextElement):
    """Words, which translators see, between two pieces of HTML."""


def _visit(translator: HTML5Translator, node: nodes.Element) -> None:
    translator.body.append(node["opens"])


def _depart(translator: HTML5Translator, node: nodes.Element) -> None:
    translator.body.append(node["closes"])


def setup(app: Sphinx) -> None:
    for kind in (Element, Words):
        app.add_node(kind, html=(_visit, _depart))
