"""The home page's picture and the course map say what the network and the lessons say."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from glassbox_site import course_map, lessons, open_box
from sphinx.errors import ExtensionError
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

DOCS = Path(__file__).parents[2] / "docs"
GALLERY = Path(__file__).parents[2] / "gallery"
SCRIPTS = sorted(GALLERY.glob("part*/plot_*.py"))
HEAD = '''r"""
9.9 A lesson
============

Some words. **Why
so?**

*After this lesson you can* do it.

*Time*: {time}. *Before*: lessons 1.1 and
2.1. More of that in part 3.
"""
'''


def test_a_lesson_says_its_question_minutes_and_what_to_read_before(tmp_path):
    script = tmp_path / "plot_99_lesson.py"
    script.write_text(HEAD.format(time="20 minutes"))
    lesson = lessons.Lesson.read(script)
    assert (lesson.number, lesson.title, lesson.minutes) == ("9.9", "9.9 A lesson", 20)
    assert (lesson.question, lesson.before) == ("Some words. **Why so?**", "lessons 1.1 and 2.1.")


def test_a_lesson_without_its_minutes_is_told(tmp_path):
    script = tmp_path / "plot_99_lesson.py"
    script.write_text(HEAD.format(time="long"))
    with pytest.raises(ExtensionError, match=r"plot_99_lesson.py: .* lack the minutes: \*Time\*: 20"):
        lessons.Lesson.read(script)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_minutes_of_a_lesson_fit_its_length(script):
    """Seventy-five words, or ten lines of code, a minute: what newcomers needed lies within 40 percent of that."""
    _, blocks = split_code_and_text_blocks(str(script))
    words = sum(len(block.content.split()) for block in blocks if block.type == "text")
    lines = sum(1 for block in blocks if block.type == "code" for line in block.content.splitlines() if line.strip())
    assert lessons.Lesson.read(script).minutes == pytest.approx(words / 75 + lines / 10, rel=0.4)


def test_the_short_way_through_the_course_can_be_read_in_its_order():
    (paragraph,) = re.findall(
        r"^Short of time\?.+?\n\n", (DOCS / "map.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    short, images = (re.findall(r"\{lesson\}`([\d.]+)`", sentence) for sentence in paragraph.split("Whoever"))
    assert len(short) >= 4
    assert images == ["1.1", "1.4"]  # from the first to the last, so all between
    for place, number in enumerate(short):
        assert set(course_map.NUMBER.findall(lessons.catalogue()[number].before)) <= set(short[:place]), number


def test_a_lesson_builds_on_earlier_lessons_alone():
    catalogue = lessons.catalogue()
    assert [lesson.script for lesson in catalogue.values()] == SCRIPTS
    for number, lesson in catalogue.items():
        earlier = course_map.NUMBER.findall(lesson.before)
        assert all(before in catalogue and before < number for before in earlier), number


def test_each_page_to_play_with_stands_in_a_lesson_and_its_card_says_so():
    pages = {page.stem for page in (DOCS / "play").glob("*.md")} - {"index"}
    assert {name for lesson in lessons.catalogue().values() for name in lesson.plays} == pages
    assert {number for number, lesson in lessons.catalogue().items() if "train" in lesson.plays} == {
        "1.3",
        "1.4",
        "3.4",
    }


def test_a_lesson_names_its_pages_to_play_with(tmp_path):
    script = tmp_path / "plot_99_lesson.py"
    script.write_text(HEAD.format(time="20 minutes") + "\n# %%\n# Play:\n#\n# .. play:: filter\n#    :embed:\n")
    assert lessons.Lesson.read(script).plays == ["filter"]


def test_the_open_box_holds_what_the_network_computes():
    outputs, probabilities = open_box.outputs_of_stages()
    assert [numbers.shape for numbers in outputs.values()] == [(1, 28, 28), (2, 29, 29), (4, 15, 15), (8, 8, 8), (32,)]
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert probabilities.argmax() == 4
    assert open_box.bars(probabilities).count("highest") == 1


def test_a_map_keeps_every_pixel():
    sheet = np.linspace(0, 2, 6, dtype=np.float32).reshape(1, 2, 3)
    assert 'width="3" height="2"' in open_box.maps(sheet, "photo")
    levels = open_box.paint(sheet[0], 2.0, "photo")[..., 0]
    np.testing.assert_allclose(levels, 255 * sheet[0] / 2, atol=1)


def test_texts_count_no_lessons():
    counted = re.compile(
        r"\b(?:first|second|third|fourth|fifth|sixth|seventh|last) lesson\b"
        r"|\b(?:two|three|four|five|six|seven|ten|fourteen|\d\d?) lessons\b",
        re.IGNORECASE,
    )
    root = GALLERY.parent
    places = ("gallery/**/*.rst", "gallery/**/*.py", "*.md", "docs/*.md")
    texts = [path for place in places for path in root.glob(place)]
    told = {
        path.name: found[0]
        for path in texts
        if path.name != "changelog.md" and (found := counted.search(" ".join(path.read_text("utf-8").split())))
    }
    assert told == {}


def test_a_printed_table_is_told_from_printed_sentences():
    assert lessons.has_columns("         risk\nfirst  2.24\nsecond 0.99\nand  two")
    assert not lessons.has_columns("The risk is 2.24.\nIt was 3.")
    assert not lessons.has_columns("Scores: [[-0.21 -0.    0.09 -0.01]]")


def test_a_lesson_that_fails_ends_the_build_with_its_own_words():
    failing = {"plot_32_losses.py": "AssertionError: planted"}
    app = SimpleNamespace(config=SimpleNamespace(sphinx_gallery_conf={"failing_examples": failing}))
    with pytest.raises(ExtensionError, match=r"plot_32_losses\.py fails:\s+AssertionError: planted"):
        lessons._stop_at_failures(app)
