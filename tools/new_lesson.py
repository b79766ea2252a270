"""Begin a lesson: `make new-lesson NAME=15 TITLE="Pooling by hand"` writes its script, its questions and an exercise.

Each is a small whole that builds, made of `tools/skeleton`, where the lesson is 9.9, to be rewritten piece by piece.
Nothing is overwritten.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import indent

from tools.first_look import ANSWERS, GALLERY, PAGES, RECORDS, ROOT

SKELETON = Path(__file__).parent / "skeleton"
TITLE = "9.9 A new lesson"
ANSWER = '    "9.9-a": [0, 3, 0.5, 0],\n'


def insert(path: Path, text: str, heading: str, number: str, end: str) -> None:
    """Put a text before the first heading of a later lesson, else before what ends the place."""
    content = path.read_text("utf-8")
    places = [found.start() for found in re.finditer(heading, content, re.MULTILINE) if order(found[1]) > order(number)]
    if not places:
        begin = next(re.finditer(heading, content, re.MULTILINE)).start()
        places = [re.compile(end, re.MULTILINE).search(content, begin).start()]
    path.write_text(content[: places[0]] + text + content[places[0] :], encoding="utf-8")


def order(number: str) -> tuple[int, int]:
    part, place = number.split(".")
    return int(part), int(place)


def begin(name: str, title: str) -> list[Path]:
    """Write the pieces of a lesson; return their files."""
    folders = {folder.name[4]: folder for folder in sorted(GALLERY.glob("part*_*"))}
    if not re.fullmatch(r"\d{2,3}", name) or name[0] not in folders:
        raise ValueError(f"NAME is the part and the place within it, as in 15; the parts are {', '.join(folders)}")
    if taken := next(GALLERY.glob(f"part*/plot_{name}_*.py"), None):
        raise ValueError(f"there is a lesson {name} already: {taken.relative_to(ROOT)}")
    number, slug = f"{name[0]}.{name[1:]}", "_".join(re.findall(r"[a-z0-9]+", title.lower()))
    script, quiz = folders[name[0]] / f"plot_{name}_{slug}.py", ROOT / "docs/quizzes" / f"{number}.toml"
    page, part = PAGES / f"part{name[0]}.md", RECORDS / f"part{name[0]}.py"
    answer = GALLERY / "answers" / f"answer_{name}.py"

    def numbered(text: str) -> str:
        return text.replace("9.9", number).replace("99", name)

    def skeleton(file: str) -> str:
        return (SKELETON / file).read_text("utf-8")

    heading = f"{number} {title}"
    opening = skeleton("script.py").replace(f"{TITLE}\n{'=' * len(TITLE)}", f"{heading}\n{'=' * len(heading)}")
    functions, record = numbered(skeleton("exercise.py")).split("\nExercise(")
    script.write_text(opening, encoding="utf-8")
    quiz.write_text(skeleton("questions.toml"), encoding="utf-8")
    answer.write_text(skeleton("answer.py"), encoding="utf-8")
    insert(page, numbered(skeleton("exercise.md")) + "\n", r"^\(exercise-(\d\.\d+)-\w\)=$", number, r"\Z")
    insert(part, f"{functions}\n", r"^# -- (\d\.\d+)-\w: .*$", number, r"^EXERCISES = ")
    insert(
        part,
        indent(f"Exercise({record.rstrip()},\n", " " * 4),
        r'^    Exercise\(\n        "(\d\.\d+)-\w"',
        number,
        r"^\)$",
    )
    insert(ANSWERS, numbered(ANSWER), r'^    "(\d\.\d+)-\w":', number, r"^}$")
    return [script, quiz, page, part, ANSWERS, answer]


if __name__ == "__main__":
    try:
        for file in begin(*sys.argv[1:]):
            print(file.relative_to(ROOT))
    except ValueError as error:
        sys.exit(f"make new-lesson: {error}")
