"""Each lesson's *Try this* has an answer in words and in code; one that fails is told."""

from __future__ import annotations

import pytest
from glassbox_site import answers, lessons
from sphinx.errors import ExtensionError


@pytest.mark.parametrize("number", lessons.catalogue())
def test_every_lesson_has_an_answer_that_asserts_something(number):
    words, code = answers.read(answers.script_of(number))
    assert len(words.split()) > 20
    assert "print(" in code
    assert "assert" in code
    assert max(map(len, code.splitlines())) <= 88
    text = lessons.catalogue()[number].script.read_text("utf-8")
    assert text.count("# **Try this.**") == 1


def test_no_answer_belongs_to_no_lesson():
    known = {answers.script_of(number) for number in lessons.catalogue()}
    assert set(answers.FOLDER.glob("*.py")) == known


def test_an_answer_says_what_it_prints_and_one_that_fails_is_told(tmp_path):
    script = tmp_path / "answer_99.py"
    script.write_text('"""Two."""\n\nprint(1 + 1)\nassert 1 + 1 == 2\n')
    assert answers.read(script) == ("Two.", "print(1 + 1)\nassert 1 + 1 == 2")
    assert answers.run(script) == "2\n"
    script.write_text('"""Two."""\n\nassert 1 + 1 == 3, "no"\n')
    with pytest.raises(ExtensionError, match=r"answer_99\.py: the answer fails: AssertionError: no"):
        answers.run(script)
    script.write_text("print(2)\n")
    with pytest.raises(ExtensionError, match=r"answer_99\.py: expects a docstring that says the answer"):
        answers.read(script)
