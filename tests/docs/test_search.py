"""What a reader may type to find a symbol or a French term."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from glassbox_site import search
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

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
        assert re.search(r"\{(lesson|py:class|term|doc)\}", words), term


def build(folder: Path) -> dict:
    """Build the pages of a folder as a reader does, again into what is there, and return the search's index."""
    said = StringIO()
    settings = {"extensions": ["glassbox_site.search"], "html_theme": "basic"}
    with docutils_namespace():
        html = folder / "html"
        Sphinx(folder, None, html, folder / "trees", "html", settings, status=None, warning=said).build()
    assert said.getvalue() == ""
    return json.loads((html / "searchindex.js").read_text("utf-8").removeprefix("Search.setIndex(").removesuffix(")"))


def test_a_second_build_finds_all_that_the_first_one_found(tmp_path):
    pages = {
        "index": "Course\n======\n\n.. toctree::\n\n   notation\n   words\n   hidden\n",
        "notation": "Notation\n========\n\n===============  =====\n:math:`\\varphi`  slope\n===============  =====\n",
        "words": "Words\n=====\n\n:fr:`rétropropagation`, and :fr:`taux`.\n",
        "hidden": ":nosearch:\n\nHidden\n======\n\n:fr:`caché`\n",
    }
    for name, text in pages.items():
        (tmp_path / f"{name}.rst").write_text(text, encoding="utf-8")
    first = build(tmp_path)
    assert {"φ", "phi", "retropropagation", "taux"} <= set(first["indexentries"])
    assert "caché" not in first["indexentries"]
    assert build(tmp_path) == first

    (tmp_path / "words.rst").write_text(pages["words"].replace("taux", "poids"), encoding="utf-8")
    second = build(tmp_path)
    assert set(second["indexentries"]) == set(first["indexentries"]) - {"taux"} | {"poids"}
