r"""What the search finds beyond the words of a page: French terms, with and without accents, and symbols.

Sphinx's own search cuts a query into words of letters and digits, so that it never sees ∂ or ∇, and an accent counts.
It also compares the whole query with the entries of the index. The role ``fr`` marks a French term and enters it there;
the symbols are read from the tables of the notation, as in ``\partial R / \partial w``, and entered as ∂R/∂w and dR/dw.

A build that finds the search's files of an earlier one keeps their words, and loses their entries of the index
(sphinx-doc/sphinx#12599): those of pages that did not change are entered again.
"""

from __future__ import annotations

import re
import unicodedata

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxRole
from sphinx.util.index_entries import split_index_msg

NOTATION = "notation"
GREEK = {
    name: unicodedata.lookup(f"GREEK {case} LETTER {'LAMDA' if name.lower() == 'lambda' else name.upper()}")
    for case, names in (
        ("SMALL", "alpha beta gamma delta epsilon lambda mu sigma phi"),
        ("CAPITAL", "Delta Theta"),
    )
    for name in names.split()
}
UNICODE = {r"\nabla": "∇", r"\partial": "∂", r"\varphi": "φ", r"\hat y": "ŷ", r"\lvert": "|", r"\rvert": "|"}
UNICODE |= {rf"\{name}": letter for name, letter in GREEK.items()}
SPOKEN = {"∂": "d", "∇": "nabla ", "ŷ": "y hat"} | {letter: name for name, letter in GREEK.items()}


def without_accents(text: str) -> str:
    """Return the text as one types it without accents: ``rétropropagation`` is ``retropropagation``."""
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def spellings(latex: str) -> list[str]:
    """Return how a reader may type a symbol: ``\\varphi'`` as φ' and phi'."""
    for command, letter in UNICODE.items():
        latex = re.sub(rf"{re.escape(command)}(?![a-zA-Z])\s*", letter, latex)
    typed = re.sub(r"[{}\s]|\\[,;!]", "", latex)
    spoken = "".join(SPOKEN.get(letter, letter) for letter in typed)
    return [typed] if typed == spoken else [typed, spoken]


def entry(words: list[str], target: str) -> addnodes.index:
    """Return an entry of the index for each of the words."""
    return addnodes.index(entries=[("single", word, target, "main", None) for word in dict.fromkeys(words)])


class French(SphinxRole):
    """A French term, spoken as French and found by the search."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        plain = without_accents(self.text)
        target = f"fr-{nodes.make_id(plain)}"
        words = nodes.inline("", self.text, ids=[target], classes=["language-fr"])
        return [entry([self.text, plain], target), words], []


class EnterSymbols(SphinxTransform):
    """In the notation, enter the symbols at the head of each row of a table."""

    default_priority = 500

    def apply(self, **options: object) -> None:
        if self.env.docname != NOTATION:
            return
        rows = [row for body in self.document.findall(nodes.tbody) for row in body.findall(nodes.row)]
        for number, row in enumerate(rows):
            symbols = [spelling for math in row[0].findall(nodes.math) for spelling in spellings(math.astext())]
            if symbols:
                row["ids"].append(f"symbol-{number}")
                row[0][0].insert(0, entry(symbols, f"symbol-{number}"))


def _enter_again(app: Sphinx) -> list[tuple[str, dict, str]]:
    """Give the search the entries of every page that it knows, as it does itself for the pages of this build."""
    known = getattr(app.builder, "indexer", None)
    if known is None:
        return []
    entered = app.env.domains["index"].entries
    pages = [page for page in sorted(known._titles) if not {"nosearch", "no-search"} & set(app.env.metadata[page])]
    known._index_entries = {
        page: sorted(
            {
                (word, target or "", main)
                for kind, value, target, main, _ in entered.get(page, [])
                for word in split_index_msg(kind, value)
            }
        )
        for page in pages
    }
    return []  # no further page


def setup(app: Sphinx) -> None:
    app.add_role("fr", French())
    app.add_transform(EnterSymbols)
    # After the pages are written, and before the search's files are.
    app.connect("html-collect-pages", _enter_again)
