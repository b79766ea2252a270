"""The glossary names a lesson only where that lesson uses the term, or a word in *italics* that it uses instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from glassbox_site.lesson_links import GLOSSARY, pattern_of
from glassbox_site.lessons import Lesson, catalogue

_ENTRY = re.compile(r"^(\S[^\n]*)\n((?:  [^\n]*\n)+)", re.MULTILINE)
_LESSON = re.compile(r"\{lesson\}`([\d.]+)`")
_ITALICS = re.compile(r"(?<!\*)\*([^*\n]+)\*(?!\*)")


@cache
def words_of(lesson: Lesson) -> str:
    """Return the text of a lesson, its code apart."""
    return "\n".join(
        block.content for block in split_code_and_text_blocks(str(lesson.script))[1] if block.type == "text"
    )


def entries(glossary: str) -> dict[str, str]:
    """Return what the glossary says of each term."""
    _, _, listed = glossary.partition("```{glossary}\n")
    return dict(_ENTRY.findall(listed))


def empty_promises(glossary: str) -> Iterator[str]:
    """Give a sentence for each lesson that an entry names and that uses none of its words."""
    for term, said in entries(glossary).items():
        words = (term, *_ITALICS.findall(" ".join(said.split())))
        for number in _LESSON.findall(said):
            if not pattern_of(words).search(words_of(catalogue()[number])):
                yield f"{term}: lesson {number} uses none of {', '.join(words)}"


def _check(app: Sphinx, doctree: nodes.document) -> None:
    if app.env.docname == GLOSSARY:
        for lesson in catalogue().values():
            app.env.note_dependency(str(lesson.script))
        if found := list(empty_promises(Path(app.srcdir, f"{GLOSSARY}.md").read_text("utf-8"))):
            raise ExtensionError(
                "the glossary names lessons that do not use the term; name another, or put the lesson's own word in "
                "italics into the entry:\n" + "\n".join(found)
            )


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", _check)
