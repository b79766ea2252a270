"""What `make lesson` tells of a lesson's sources before anything runs, and what `make new-lesson` writes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from glassbox_site import answers, lessons
from tools import first_look, new_lesson, renumber

ROOT = Path(__file__).parents[2]
COPIED = ("gallery", "docs", "src/glassbox/exercises", "tests/exercises", "tests/docs")
NOT_COPIED = shutil.ignore_patterns("_build", "lessons", "_static", "__pycache__")


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """A copy of the files that hold lessons, questions and exercises, which the tools take for the project's."""
    for folder in COPIED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=NOT_COPIED)
    for file in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / file, tmp_path)
    for module in (first_look, new_lesson, renumber):
        for name in {"ROOT", "GALLERY", "PAGES", "RECORDS", "ANSWERS"} & set(vars(module)):
            place = tmp_path / getattr(module, name).relative_to(ROOT)
            monkeypatch.setattr(module, name, place)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_lessons_have_no_flaw_that_is_seen_at_once():
    assert [flaw for lesson in lessons.catalogue() for flaw in first_look.flaws(lesson.replace(".", ""))] == []


SCRIPT, QUIZ = "gallery/part1_representation/plot_11_dense_layer.py", "docs/quizzes/1.1.toml"
RECORDS, ANSWERS = "src/glassbox/exercises/part1.py", "tests/exercises/test_exercises.py"
FLAWS = {
    "a header": (
        SCRIPT,
        "*Time*: 35 minutes.",
        "",
        f"{SCRIPT}:1: its first lines lack the minutes: *Time*",
    ),
    "a question": (SCRIPT, "**How can", "How can", "lack the question: a paragraph with the question in **bold**"),
    "a number": (SCRIPT, "1.1 A dense", "1.2 A dense", "its name says lesson 1.1, its title '1.2 A dense layer"),
    "alternative text": (SCRIPT, "fig.alt_text", "words", ":33: this figure has no alternative text"),
    "a name": (SCRIPT, "import torch\n", "", "F821 Undefined name `torch`"),
    "a line": (SCRIPT, "# The table\n", f"# {'long ' * 20}\n", "E501 Line too long"),
    "Python": (SCRIPT, "plots.style.use()", "plots.style.use(", "was never closed"),
    "an answer": (QUIZ, "right = true\n", "", f"{QUIZ}:1: 1.1.toml, question 1 has 3 choices, 0 of them right"),
    "a place for a question": (SCRIPT, "# .. predict:: threshold\n", "", "the question 'threshold' stands 1 times in"),
    "a prediction": (QUIZ, 'name = "threshold"\n', "", "'threshold' stands 0 times in quizzes/1.1.toml"),
    "a slip": (
        RECORDS,
        "            languages_alone:",
        "            # ",
        "1.1-a knows 2 slips: 3 or more",
    ),
    "an order": (ANSWERS, '"1.1-a":', '"1.4-c":', f"{ANSWERS}:1: its exercises differ from those of"),
}


@pytest.mark.parametrize(("file", "old", "new", "says"), FLAWS.values(), ids=FLAWS)
def test_a_flaw_is_told_in_one_line(course, file, old, new, says):
    change(course / file, old, new)
    found = [flaw.replace(f"{course}/", "") for flaw in first_look.flaws("11")]
    assert any(says in flaw for flaw in found), found
    assert not any("\n" in flaw for flaw in found)


def test_a_lesson_without_questions_is_told(course):
    (course / QUIZ).unlink()
    (told,) = first_look.flaws("11")
    assert told.startswith(f"{course / QUIZ}:1: there are no questions: three or four")


@pytest.mark.parametrize("name", ["15", "24", "38"])
def test_a_lesson_is_begun_without_a_flaw(course, name):
    written = new_lesson.begin(name, "Pooling by hand")
    assert [path.name for path in written[:2]] == [f"plot_{name}_pooling_by_hand.py", f"{name[0]}.{name[1]}.toml"]
    assert list(first_look.flaws(name)) == []
    compile(written[3].read_text("utf-8"), str(written[3]), "exec")
    assert written[0].read_text("utf-8").count("**Try this.**") == 1
    assert answers.run(written[-1]).startswith("An output of 1 comes from [1.0]")


def test_the_exercise_that_is_begun_is_right_and_tells_its_slips(course):
    new_lesson.begin("15", "Pooling by hand")
    part: dict = {}
    exec(compile((course / RECORDS).read_text("utf-8"), "part1", "exec"), part)
    (exercise,) = (exercise for exercise in part["EXERCISES"] if exercise.name == "1.5-a")
    from glassbox.exercises.judging import judge

    assert judge(exercise, [0, 3, 0.5, 0])
    for slip, words in exercise.slips.items():
        assert words in judge(exercise, exercise.answer_by(slip)).message


def test_nothing_is_begun_over_what_is_there(course):
    with pytest.raises(ValueError, match="there is a lesson 11 already: gallery/part1_representation/plot_11_"):
        new_lesson.begin("11", "Again")
    with pytest.raises(ValueError, match="the parts are 1, 2, 3"):
        new_lesson.begin("91", "No such part")


FACES = "gallery/part3_learning/plot_36_faces.py"


def test_what_still_names_a_lesson_by_its_old_number_is_told(course):
    (course / FACES).rename(course / FACES.replace("36", "38"))
    found = [flaw.replace(f"{course}/", "") for flaw in first_look.flaws("38")]
    assert found[0].startswith(f"{FACES.replace('36', '38')}:1: its name says lesson 3.8, its title '3.6 Several")
    assert found[1].startswith("docs/quizzes/3.8.toml:1: there are no questions")
    lines = (course / "docs/glossary.md").read_text("utf-8").splitlines()
    places = [place for place, line in enumerate(lines, 1) if "{lesson}`3.6`" in line]
    assert places
    assert {f"docs/glossary.md:{place}: there is no lesson 3.6" for place in places} <= set(found)


def test_a_lesson_is_renumbered_with_all_that_names_it(course):
    changed = [path.relative_to(course).as_posix() for path in renumber.renumber("36", "38")]
    assert {FACES.replace("36", "38"), "docs/quizzes/3.8.toml", "gallery/answers/answer_38.py"} <= set(changed)
    assert list(first_look.flaws("38")) == []
    assert not any((course / old).exists() for old in (FACES, "docs/quizzes/3.6.toml", "gallery/answers/answer_36.py"))
    assert lessons.Lesson.read(course / FACES.replace("36", "38")).title == "3.8 Several answers about one face"
    assert '("3.8", 1): softmax_over_attributes' in (course / "tests/docs/test_quizzes.py").read_text("utf-8")
    assert (course / "docs/changelog.md").read_text("utf-8") == (ROOT / "docs/changelog.md").read_text("utf-8")


def test_numbers_that_are_no_lesson_stay():
    text = "Lessons 3.5, 3.6 and 3.7 give 3.6 and 13.6; 3.6-a, v3.6.1, plot_36_faces, plot_361, figsize=(7.2, 3.6)"
    assert renumber.renumbered(text, "3.6", "3.8") == (
        "Lessons 3.5, 3.8 and 3.7 give 3.6 and 13.6; 3.8-a, v3.6.1, plot_38_faces, plot_361, figsize=(7.2, 3.6)"
    )


@pytest.mark.parametrize(
    ("name", "to", "says"),
    [
        ("36", "37", "TO is a free place in the same part, as in 39: got '37'"),
        ("36", "15", "got '15'"),
        ("36", "", "got ''"),
        ("39", "38", "there is no lesson 39; there are 11, 12"),
    ],
)
def test_a_place_that_is_taken_or_elsewhere_is_refused(course, name, to, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        renumber.renumber(name, to)
    assert (course / FACES).exists()
