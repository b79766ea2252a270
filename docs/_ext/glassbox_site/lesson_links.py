"""In the text of a lesson, the number of another lesson is a link, and the first use of a term leads to the glossary.

The scripts hold neither, so that downloads read as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from glassbox_site.lessons import catalogue, lesson_at

logger = logging.getLogger(__name__)

GLOSSARY = "glossary"
# "lesson 3.4", "lessons 2.2, 3.1 and 3.2", "lessons 1.1 to 1.3"
LESSONS = re.compile(r"\b[Ll]essons?\s+\d\.\d(?:(?:,\s+|\s+(?:and|or|to)\s+)\d\.\d)*")
_ALONE = re.compile(r"[Ll]esson\s+(\d\.\d)")
NUMBER = re.compile(r"\d\.\d")
_TERM = re.compile(r"^(\S.*)\n  ((?:\{fr\}`[^`]+`(?:, or )?)+)", re.MULTILINE)
_FRENCH = re.compile(r"\{fr\}`([^`]+)`")


def french_of_terms(glossary: str) -> dict[str, str]:
    """Return the French words of each term of the glossary's text."""
    return {term: " or ".join(_FRENCH.findall(french)) for term, french in _TERM.findall(glossary)}


@cache
def pattern_of(terms: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds the terms as whole words, the longest first, one or several of each."""
    words = "|".join(re.escape(term).replace(r"\ ", r"\s+") for term in sorted(terms, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])({words})(?:e?s)?(?![\w-])", re.IGNORECASE)


def prose_of(doctree: nodes.document) -> Iterator[nodes.Text]:
    """Return the pieces of running text, those of code and of links apart."""
    for paragraph in doctree.findall(nodes.paragraph):
        for text in paragraph.findall(nodes.Text):
            around = text.parent
            while isinstance(around, nodes.emphasis | nodes.strong):
                around = around.parent
            if around is paragraph:
                yield text


def pieces_of(text: str, known: dict[str, str], number: str, met: set[str]) -> list[str | tuple[str, str]]:
    """Cut a text into words and links, each link with the number of its lesson or the term that it leads to."""
    places: list[tuple[int, int, str]] = []
    for found in LESSONS.finditer(text):
        if alone := _ALONE.fullmatch(found[0]):
            places.append((*found.span(), alone[1]))
        else:
            places += [(found.start() + n.start(), found.start() + n.end(), n[0]) for n in NUMBER.finditer(found[0])]
    names = {term.lower(): term for term in known}
    for found in pattern_of(tuple(known)).finditer(text):
        term = names[" ".join(found[1].lower().split())]
        if term not in met:
            met.add(term)
            places.append((*found.span(), term))
    pieces: list[str | tuple[str, str]] = []
    end = 0
    for start, stop, target in sorted(places):
        if target != number:
            pieces += [text[end:start], (text[start:stop], target)]
            end = stop
    return [piece for piece in [*pieces, text[end:]] if piece]


def _link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    lesson = lesson_at(docname)
    if lesson is None or app.builder.format != "html":
        return
    french = french_of_terms(Path(app.srcdir, f"{GLOSSARY}.md").read_text("utf-8"))
    objects = app.env.domains.standard_domain.objects
    places = {name: label for (kind, name), (_, label) in objects.items() if kind == "term"}
    known = {term: words for term, words in french.items() if term in places}
    met: set[str] = set()
    for text in list(prose_of(doctree)):
        pieces = pieces_of(text.astext(), known, lesson.number, met)
        if len(pieces) == 1 and isinstance(pieces[0], str):
            continue
        inline: list[nodes.Node] = []
        for piece in pieces:
            if isinstance(piece, str):
                inline.append(nodes.Text(piece))
                continue
            words, target = piece
            if target in catalogue():
                page, title, kind = catalogue()[target].page, unescape(catalogue()[target].title), "lesson-link"
                address = app.builder.get_relative_uri(docname, page)
            elif NUMBER.fullmatch(target):
                logger.warning("there is no lesson %s", target, location=text.parent)
                inline.append(nodes.Text(words))
                continue
            else:
                title, kind = f"{target}, in French: {known[target]}", "term-link"
                address = f"{app.builder.get_relative_uri(docname, GLOSSARY)}#{places[target]}"
            inline.append(nodes.reference("", words, internal=True, refuri=address, reftitle=title, classes=[kind]))
        text.parent.replace(text, inline)


def setup(app: Sphinx) -> None:
    app.connect("doctree-resolved", _link)
