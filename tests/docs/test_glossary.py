"""The glossary leads to lessons in which its terms are used, and knows the lessons' own words."""

from __future__ import annotations

from pathlib import Path

import pytest
from glassbox_site import glossary, lesson_links
from glassbox_site.lessons import catalogue

TEXT = (Path(__file__).parents[2] / "docs/glossary.md").read_text("utf-8")
ENTRY = "```{{glossary}}\n{term}\n  {{fr}}`mot`. It is {said}. {{lesson}}`1.1`\n```\n"


def test_every_lesson_that_an_entry_names_uses_its_word():
    assert list(glossary.empty_promises(TEXT)) == []


@pytest.mark.parametrize(
    ("term", "said", "found"),
    [
        ("weighted sum", "said", []),
        ("weighted\tsum", "said", ["weighted\tsum: lesson 1.1 uses none of weighted\tsum"]),
        ("learning rate", "said", ["learning rate: lesson 1.1 uses none of learning rate"]),
        ("learning rate", "a *bias*", []),
        ("learning rate", "a **bias**", ["learning rate: lesson 1.1 uses none of learning rate"]),
        ("learning rate", "a *mini-batch*", ["learning rate: lesson 1.1 uses none of learning rate, mini-batch"]),
    ],
)
def test_a_lesson_without_the_word_is_told(term, said, found):
    assert list(glossary.empty_promises(ENTRY.format(term=term, said=said))) == found


def test_the_terms_stand_in_the_order_of_the_alphabet():
    terms = list(glossary.entries(TEXT))
    assert terms == sorted(terms, key=str.lower)
    assert set(terms) == set(lesson_links.french_of_terms(TEXT))


@pytest.mark.parametrize(
    "word", ["contour", "hinge", "noise", "risk", "score", "slope", "step size", "threshold", "unit", "window"]
)
def test_the_lessons_own_words_are_explained(word):
    assert word in glossary.entries(TEXT)
    pattern = lesson_links.pattern_of((word,))
    assert any(pattern.search(glossary.words_of(lesson)) for lesson in catalogue().values())
