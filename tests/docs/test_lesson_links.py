"""Numbers of lessons and first uses of terms become links, in running text alone."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from docutils.core import publish_doctree
from glassbox_site import lesson_links, lessons

GLOSSARY = (Path(__file__).parents[2] / "docs/glossary.md").read_text("utf-8")
FRENCH = {"batch": "lot", "mini-batch": "mini-lot", "dense layer": "couche dense", "ReLU": "unité linéaire rectifiée"}


def links(text: str, number: str = "9.9", met: set[str] | None = None) -> list[tuple[str, str]]:
    pieces = lesson_links.pieces_of(text, FRENCH, number, set() if met is None else met)
    assert "".join(piece if isinstance(piece, str) else piece[0] for piece in pieces) == text
    return [piece for piece in pieces if not isinstance(piece, str)]


def test_the_number_of_a_lesson_is_a_link_alone_and_in_a_list():
    assert links("(lesson 3.4) and Lesson 1.2.") == [("lesson 3.4", "3.4"), ("Lesson 1.2", "1.2")]
    assert links("lessons 2.2, 3.1 and 3.2") == [("2.2", "2.2"), ("3.1", "3.1"), ("3.2", "3.2")]
    assert links("a risk of 2.2, a step of 3.1") == []
    assert links("lesson 3.4", number="3.4") == []


def test_the_first_use_of_a_term_is_a_link_and_no_other_is():
    met: set[str] = set()
    assert links("Mini-batches, a mini-batch, a batch.", met=met) == [
        ("Mini-batches", "mini-batch"),
        ("batch", "batch"),
    ]
    assert links("Another batch, a dense\nlayer and ReLUs", met=met) == [
        ("dense\nlayer", "dense layer"),
        ("ReLUs", "ReLU"),
    ]
    assert links("batchwise, my-batch") == []


def test_only_running_text_is_read():
    rst = "A ``batch`` and :math:`batch`, *batch* and `batch <https://example.org>`_.\n\n::\n\n  batch\n"
    doctree = publish_doctree(f"Title\n=====\n\n{rst}")
    assert "batch" in [text.astext() for text in lesson_links.prose_of(doctree)]
    assert all(
        not isinstance(text.parent, nodes.literal | nodes.math | nodes.reference | nodes.literal_block | nodes.title)
        for text in lesson_links.prose_of(doctree)
    )


def test_every_term_of_the_glossary_has_its_french_words():
    french = lesson_links.french_of_terms(GLOSSARY)
    assert len(french) == GLOSSARY.count("\n  {fr}`")
    assert french["gradient descent"] == "descente de gradient"
    assert french["saddle point"] == "point-selle or col"
    assert all(french.values())


def test_every_lesson_meets_several_terms():
    french = lesson_links.french_of_terms(GLOSSARY)
    for number, lesson in lessons.catalogue().items():
        met: set[str] = set()
        lesson_links.pieces_of(lesson.script.read_text("utf-8"), french, number, met)
        assert len(met) >= 5, number
