"""Folds: a cell of a lesson that only draws is closed under one line, in the page alone; downloads stay whole.

`glassbox_site.drawing` decides which cells do. Each becomes a ``<details>``, which browsers open by themselves for
what is found in the page; ``_static/folds.js`` adds the switch that shows all code, and the style sheet opens the
folds in print.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from glassbox_site.drawing import Cell, cells_of
from glassbox_site.lessons import catalogue

_SWITCH = (
    '<p class="show-code"><label><input type="checkbox" role="switch" autocomplete="off"> Show all code</label></p>\n'
)


class Fold(nodes.General, nodes.Element):
    """What a page shows closed; `kind` is its class."""


class FoldTitle(nodes.Part, nodes.TextElement):
    """The line under which it is closed."""


def cells_of_lesson(script: Path) -> list[tuple[str, Cell]]:
    """Return the code of each cell of a lesson's script, and what it does."""
    codes = [block.content.strip() for block in split_code_and_text_blocks(script)[1] if block.type == "code"]
    return list(zip(codes, cells_of(codes), strict=True))


def title_of(code: str) -> str:
    """Return the line under which the code that draws a figure, or several, is closed."""
    lines = sum(bool(line.strip()) for line in code.splitlines())
    return f"How this figure is drawn ({lines} lines)"


def _fold(app: Sphinx, doctree: nodes.document) -> None:
    script = next((lesson.script for lesson in catalogue().values() if lesson.page == app.env.docname), None)
    if script is None:
        return
    blocks = iter(doctree.findall(nodes.literal_block))
    folded = False
    for code, cell in cells_of_lesson(script):
        block = next((each for each in blocks if each.astext().strip() == code), None)
        if block is None:  # sphinx-gallery ends the page where a cell fails, and tells it
            break
        if cell.folds:
            title = FoldTitle(title_of(code), title_of(code))
            title.source, title.line = block.source, block.line
            block.replace_self(Fold("", title, block.deepcopy(), kind="drawing"))
            folded = True
    if folded:
        title = next(doctree.findall(nodes.title))
        title.parent.insert(title.parent.index(title) + 1, nodes.raw("", _SWITCH, format="html"))


def _visit(translator: HTML5Translator, node: Fold) -> None:
    translator.body.append(f'<details class="{node["kind"]}">')


def _depart(translator: HTML5Translator, node: Fold) -> None:
    translator.body.append("</details>\n")


def _visit_title(translator: HTML5Translator, node: FoldTitle) -> None:
    translator.body.append("<summary>")


def _depart_title(translator: HTML5Translator, node: FoldTitle) -> None:
    translator.body.append("</summary>")


def _add_files(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None) -> None:
    if doctree is not None and any(doctree.findall(Fold)):
        app.add_css_file("folds.css")
        app.add_js_file("folds.js", loading_method="defer")


def setup(app: Sphinx) -> None:
    app.add_node(Fold, html=(_visit, _depart))
    app.add_node(FoldTitle, html=(_visit_title, _depart_title))
    app.connect("doctree-read", _fold)
    app.connect("html-page-context", _add_files)
