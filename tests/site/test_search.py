"""The site's own search, typed into in a browser."""

from __future__ import annotations

from urllib.parse import quote

import pytest

pytestmark = pytest.mark.site

# What is typed, and the page that must be among the first results.
QUERIES = (
    ("∂R/∂w", "notation.html"),
    ("φ", "notation.html"),
    ("λ", "notation.html"),
    ("∇R", "notation.html"),
    ("rétropropagation", "glossary.html"),
    ("retropropagation", "glossary.html"),
    ("Réseau de neurones", "glossary.html"),
    ("taux d'apprentissage", "glossary.html"),
    ("conv2d_backward", "api/functional.html"),
    ("learning rate", "glossary.html"),
    ("momentum", "plot_23_step_size.html"),
)


@pytest.mark.parametrize(("query", "page"), QUERIES, ids=[query for query, _ in QUERIES])
def test_the_search_finds(visit, query, page):
    search = visit(f"search.html?q={quote(query)}")
    results = search.locator("ul.search li a")
    results.first.wait_for()
    search.wait_for_load_state("networkidle")  # each result quotes from its page, which is fetched and parsed
    first = [results.nth(number).get_attribute("href") for number in range(min(5, results.count()))]
    assert any(page in address for address in first), first


def test_the_search_says_that_there_is_nothing(visit):
    page = visit("search.html?q=xyzzyplugh")
    page.get_by_text("did not match any documents").wait_for()
