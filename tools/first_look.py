"""What a lesson's sources say before anything runs: `make lesson` prints one line for each flaw, within two seconds.

It reads: the script's first lines, its alternative texts, what ruff says of its code, the questions, the exercises of
the lesson in the three files that hold them, and which lessons any text names. What only a run can show, the build
shows.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from glassbox_site.exercises import exercises_in_pages
from glassbox_site.lesson_links import LESSONS, NUMBER
from glassbox_site.lessons import GALLERY, Lesson
from glassbox_site.quizzes import check_anchors, read_quiz
from sphinx.errors import ExtensionError

ROOT = GALLERY.parent
PAGES = ROOT / "docs/exercises"
RECORDS = ROOT / "src/glassbox/exercises"
ANSWERS = ROOT / "tests/exercises/test_exercises.py"
FEWEST_SLIPS = 3
EXPECTED = "three or four at the end and one to three with a name, asked before a figure, are expected"
PLACES = ("gallery", "docs", "src", "README.md", "CONTRIBUTING.md")
SUFFIXES = {".py", ".md", ".toml", ".rst", ".js"}
NOT_OURS = ("docs/lessons/", "docs/_build/", "docs/changelog.md")
# A lesson by its number: "lessons 2.2, 3.1 and 3.2", in a comment of a script over two lines too; {lesson}`3.1`.
MENTION = re.compile(LESSONS.pattern.replace(r"\s+", r"\s+(?:# )?") + r"|\{lesson\}`[\d.]+`")
_FIGURE = re.compile(r"\bplt\.(?:subplots|subplot_mosaic|figure)\(")


def flaws_of_script(script: Path) -> Iterator[str]:
    """Give what is wrong with a script: its first lines, figures without alternative text, and ruff's findings."""
    try:
        Lesson.read(script)
    except SyntaxError as error:
        yield f"{script}:{error.lineno}: {error.msg}"
        return
    except ExtensionError as error:
        yield f"{script}:1: {error.message.removeprefix(f'{script.name}: ')}"
    line = 1
    for cell in re.split(r"^(?=# %%)", script.read_text("utf-8"), flags=re.MULTILINE):
        code = "\n".join("" if text.startswith("#") else text for text in cell.split("\n"))
        figures = [line + code[: found.start()].count("\n") for found in _FIGURE.finditer(code)]
        told = code.count(".alt_text")
        if told < len(figures):
            yield f'{script}:{figures[told]}: this figure has no alternative text: fig.alt_text = "What it shows."'
        line += cell.count("\n")
    ruff = Path(sys.executable).with_name("ruff")
    check = [ruff, "check", "--quiet", "--no-cache", "--output-format=concise", script]
    said = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    yield from said.splitlines()
    check = [ruff, "format", "--check", script]
    if subprocess.run(check, cwd=ROOT, capture_output=True, check=False).returncode:
        yield f"{script}:1: not formatted: run .venv/bin/ruff format {script.relative_to(ROOT)}"


def flaws_of_quiz(quiz: Path, script: Path) -> Iterator[str]:
    """Give what is wrong with a file of questions, or that there is none."""
    if not quiz.exists():
        yield f"{quiz}:1: there are no questions: {EXPECTED}"
        return
    try:
        questions = read_quiz(quiz)
        check_anchors(quiz.stem, questions, script.read_text("utf-8"))
    except ExtensionError as error:
        yield f"{quiz}:1: {error.message}"
        return
    predictions = sum(bool(question.name) for question in questions)
    at_the_end = len(questions) - predictions
    if not 3 <= at_the_end <= 4 or not predictions:
        yield f"{quiz}:1: {at_the_end} questions at the end and {predictions} with a name: {EXPECTED}"


def records(part: Path) -> dict[str, tuple[int, int]]:
    """Return the line and the number of slips of each exercise that a file of the package describes, by its name."""
    found = {}
    for node in ast.walk(ast.parse(part.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Exercise":
            name, _, slips, *_ = node.args
            found[name.value] = (node.lineno, len(slips.keys))
    return dict(sorted(found.items(), key=lambda item: item[1]))


def flaws_of_exercises(number: str) -> Iterator[str]:
    """Give what is wrong with a lesson's exercises: too few slips, or not in all of the files that hold them."""
    part = RECORDS / f"part{number[0]}.py"
    described = records(part)
    for name, (line, slips) in described.items():
        if name.startswith(f"{number}-") and slips < FEWEST_SLIPS:
            yield f"{part}:{line}: {name} knows {slips} slips: {FEWEST_SLIPS} or more are expected"
    answers = re.findall(r'^    "(\d\.\d+-\w)":', ANSWERS.read_text("utf-8"), re.MULTILINE)
    elsewhere = {
        PAGES / f"part{number[0]}.md": [name for name in exercises_in_pages(PAGES) if name[0] == number[0]],
        ANSWERS: [name for name in answers if name[0] == number[0]],
    }
    for file, names in elsewhere.items():
        if names != list(described):
            apart = ", ".join(sorted(set(names) ^ set(described))) or "their order"
            yield f"{file}:1: its exercises differ from those of {part} in {apart}"


def texts(*places: str) -> Iterator[Path]:
    """Give the files in which a lesson may be named."""
    for place in map(ROOT.joinpath, places):
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.suffix in SUFFIXES and not path.relative_to(ROOT).as_posix().startswith(NOT_OURS):
                yield path


def flaws_of_mentions() -> Iterator[str]:
    """Give the places that name a lesson which there is not."""
    names = [path.stem.split("_")[1] for path in GALLERY.glob("part*/plot_*.py")]
    known = {f"{name[0]}.{name[1:]}" for name in names}
    for path in texts(*PLACES):
        text = path.read_text("utf-8")
        for found in MENTION.finditer(text):
            for number in NUMBER.finditer(text, *found.span()):
                if number[0] not in known:
                    yield f"{path}:{text.count(chr(10), 0, number.start()) + 1}: there is no lesson {number[0]}"


def flaws(name: str) -> Iterator[str]:
    """Give what is wrong with the lesson whose file has these digits in its name."""
    (script,) = GALLERY.glob(f"part*/plot_{name}_*.py")
    number = f"{name[0]}.{name[1:]}"
    yield from flaws_of_script(script)
    yield from flaws_of_quiz(ROOT / "docs/quizzes" / f"{number}.toml", script)
    yield from flaws_of_exercises(number)
    yield from flaws_of_mentions()


if __name__ == "__main__":
    found = [flaw.replace(f"{ROOT}/", "") for flaw in flaws(sys.argv[1])]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    sys.exit(bool(found))
