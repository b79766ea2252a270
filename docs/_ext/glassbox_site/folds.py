"""Folds: a cell of a lesson that only draws is closed under one line, in the page alone; downloads stay whole.

`glassbox_site.drawing` decides which cells do. Each becomes a ``<details>``, which browsers open by themselves for
what is found in the page; ``_static/folds.js`` adds the switch that shows all code, and the style sheet opens the
folds in print.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from glassbox_site.drawing import Cell, cells_of
from glassbox_site.elements import Element, Words
from glassbox_site.lessons import lesson_at

_SWITCH = (
    '<p class="show-code"><label><input type="checkbox" role="switch" autocomplete="off"> Show all code</label></p>\n'
)


def fold(kind: str, title: str, *children: nodes.Node) -> Element:
    """Return what a page shows closed under a line."""
    line = Words(title, title, opens="<summary>", closes="</summary>")
    return Element("", line, *children, opens=f'<details class="{kind}">', closes="</details>\n")


def cells_of_lesson(script: Path) -> list[tuple[str, Cell]]:
    """Return the code of each cell of a lesson's script, and what it does."""
    codes = [block.content.strip() for block in split_code_and_text_blocks(script)[1] if block.type == "code"]
    return list(zip(codes, cells_of(codes), strict=True))


def title_of(code: str) -> str:
    """Return the line under which the code that draws a figure, or several, is closed."""
    lines = sum(bool(line.strip()) for line in code.splitlines())
    return f"How this figure is drawn ({lines} lines)"


def _fold(app: Sphinx, doctree: nodes.document) -> None:
    lesson = lesson_at(app.env.docname)
    if lesson is None:
        return
    blocks = iter(doctree.findall(nodes.literal_block))
    folded = False
    for code, cell in cells_of_lesson(lesson.script):
        block = next((each for each in blocks if each.astext().strip() == code), None)
        if block is None:  # sphinx-gallery ends the page where a cell fails, and tells it
            break
        if cell.folds:
            closed = fold("drawing", title_of(code), block.deepcopy())
            closed[0].source, closed[0].line = block.source, block.line
            block.replace_self(closed)
            folded = True
    if folded:
        title = next(doctree.findall(nodes.title))
        title.parent.insert(title.parent.index(title) + 1, nodes.raw("", _SWITCH, format="html"))


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", _fold)
