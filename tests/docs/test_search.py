"""What a reader may type to find a symbol or a French term."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from glassbox_site import search

GLOSSARY = Path(__file__).parents[2] / "docs/glossary.md"


@pytest.mark.parametrize(
    ("latex", "typed"),
    [
        (r"\varphi", ["φ", "phi"]),
        (r"\lambda", ["λ", "lambda"]),
        (r"\partial R / \partial w", ["∂R/∂w", "dR/dw"]),
        (r"\nabla R", ["∇R", "nabla R"]),
        (r"R^i(\Theta)", ["R^i(Θ)", "R^i(Theta)"]),
        (r"s_k^{l}", ["s_k^l"]),
    ],
)
def test_a_symbol_is_found_by_its_letters_and_by_its_name(latex, typed):
    assert search.spellings(latex) == typed


def test_a_term_is_found_without_its_accents():
    assert search.without_accents("rétropropagation") == "retropropagation"


def test_every_term_of_the_glossary_has_a_french_one_and_a_place_in_the_course():
    terms = re.findall(r"^(\S.*)\n((?:  .+\n)+)", GLOSSARY.read_text("utf-8").split("```{glossary}")[1], re.MULTILINE)
    assert len(terms) >= 60
    assert [term for term, _ in terms] == sorted((term for term, _ in terms), key=str.lower)
    for term, words in terms:
        assert words.startswith("  {fr}`"), term
        assert re.search(r"\{lesson\}|\{py:class\}|lesson 3\.\d", words), term
