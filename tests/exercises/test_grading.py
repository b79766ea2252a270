"""A class's notebooks: every row right, and whatever one notebook does costs its own rows only."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from pathlib import Path

import pytest
import torch

from glassbox import descent
from glassbox.exercises import EXERCISES, grading
from glassbox.exercises.grading import Row, grade, summary, write_csv, write_students
from glassbox.exercises.judging import is_as_handed_out, outcomes
from glassbox.exercises.reading import BLANK, COMMA
from glassbox.nn import functional

ROOT = Path(__file__).parents[2]

BEGIN = "import torch\nfrom glassbox.exercises import check\nfrom glassbox.nn import functional as F"
RIGHT = 'check("1.1-a", [-1, 0, 1 / 2, 1 / 2])'
FORGED = [
    "}{\n",
    "[1]\n",
    '{"exercise": "1.4-a", "outcomes": [{"x": "y"}]}\n',
    '{"exercise": "1.4-a", "outcomes": 3}\n',
]
STEP = "def slopes(scores, labels):\n    return {}\ncheck('3.2-a', slopes)"


def notebook(*sources: str, solution: str = "", asks: str = "", output: str = "") -> dict:
    asked = [f"## {name} Title\n" for name in asks.split()]
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["# Exercises\n", *asked]}]
    cells += [{"cell_type": "code", "metadata": {}, "source": source} for source in ("%pip install x", BEGIN, *sources)]
    if solution:
        folded = {"jupyter": {"source_hidden": True}, "cellView": "form"}
        cells.append({"cell_type": "code", "metadata": folded, "source": f"#@title Solution: 1.1-a\n{solution}"})
    if output:
        cells[-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": output}]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def written(folder: Path, **notebooks: dict | str) -> Path:
    for name, content in notebooks.items():
        path = folder / f"{name.replace('__', '/')}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Files of the teacher's that no notebook may touch."""
    folder = tmp_path_factory.mktemp("teacher")
    (folder / "marks.txt").write_text("A")
    return folder


# Where the system bounds no process's memory, more than any machine can name.
TOO_MANY = 10**11 if sys.platform == "linux" else 10**15
POSIX_ATTACKS = (
    '(lambda: os.fork(), lambda: __import__("ctypes").CDLL(None).system(b"true"))' if os.name == "posix" else "()"
)


def attacks(kept: Path) -> dict:
    place = str(kept / "marks.txt")
    return notebook(f"""
import os, pathlib, shutil, socket, subprocess
done = 0
for attack in (
    lambda: os.remove({place!r}), lambda: shutil.rmtree({str(kept)!r}), lambda: open({place!r}, "w"),
    lambda: pathlib.Path({place!r}).rename({place + "x"!r}), lambda: os.system("true"),
    lambda: subprocess.run(["true"]), lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: os.kill(os.getppid(), 9), *{POSIX_ATTACKS},
    lambda: open({place!r}).read(), lambda: os.open({place!r}, os.O_RDONLY), lambda: os.listdir({str(kept)!r}),
    lambda: list(os.scandir({str(kept)!r})), lambda: pathlib.Path({place!r}).read_text(),
    lambda: open(os.path.relpath({place!r})), lambda: os.open(os.path.dirname(os.__file__), os.O_RDONLY),
    lambda: open(f"/proc/{{os.getppid()}}/environ").read(), lambda: os.listdir(os.path.expanduser("~")),
):
    try:
        attack()
    except PermissionError:
        continue
    done += 1
open("own.txt", "w").write("a notebook may write beside itself")
check("1.1-a", [done - 1, 0, 1 / 2, 1 / 2])
""")


HONEST = """
import os, sys, warnings
import sklearn.linear_model, pandas, matplotlib.pyplot as plt
import glassbox
from glassbox import datasets, descent, models, nn, plots
figure, ax = plt.subplots()
ax.set_title(r"$\\alpha$, ä", family="serif")
plots.image(ax, torch.rand(4, 4), kind="positive")
figure.savefig("mine.png")
grades = datasets.load_grades()
model = models.SmallCNN(pretrained=True)
with warnings.catch_warnings(action="ignore"):
    images = datasets.mnist("test")
model(images.images[:2])
list(os.scandir(".")), open("mine.png", "rb").read(), os.listdir(os.path.dirname(glassbox.__file__))
torch.save(torch.ones(2), "mine.pt"), torch.load("mine.pt")
"""
ENVIRONMENT = 'import os\ncheck("1.1-a", os.environ.get("TEACHERS_TOKEN"))'
RAISES = "def slopes(scores, labels):\n    raise ValueError('a' * 5000)\ncheck('3.2-a', slopes)"


def reads_around_python(path: Path) -> str:
    return f"""
found = 0
try:
    found = torch.UntypedStorage.from_file({str(path)!r}, False, 1)[0]
except RuntimeError:
    pass
check("1.1-a", [found - 1, 0, 1 / 2, 1 / 2])
"""


def graded(folder: Path, seconds: int = 6, **notebooks: dict | str) -> dict[tuple[str, str], Row]:
    rows = grade(written(folder, **notebooks), seconds=seconds, gigabytes=2.0, workers=2)
    return {(row.notebook, row.exercise): row for row in rows}


@pytest.fixture(scope="module")
def rows(kept, tmp_path_factory):
    """Grade one class, in the sandbox that this system offers."""
    folder = tmp_path_factory.mktemp("class")
    (folder / "essay.pdf").write_text("not a notebook")
    (folder / ".DS_Store").write_text("of a system")
    os.environ["TEACHERS_TOKEN"] = "secret"
    yield graded(
        folder,
        asks=notebook(ENVIRONMENT),
        around=notebook(reads_around_python(kept / "marks.txt")),
        copies=notebook(f"answer = open({str(folder / 'bob.ipynb')!r}).read()", 'check("1.1-a", answer)', RAISES),
        ada__part1=notebook(RIGHT, 'check("1.4-a", "right")'),
        deletes=notebook(RIGHT, asks="1.1-a 1.1-b 9.9-a", output="x" * 51_000_000),
        commas=notebook('step = 0,07\ncheck("2.3-b", step)', 'check("1.1-a", [-1, 0, 0, 5, 0, 5])', "x = 007"),
        bob=notebook('check("1.1-a", [-1, 0, 1, 1])', STEP.format("scores.softmax(1) / len(scores)")),
        blank=notebook('answer = ...\ncheck("1.1-a", answer)', solution=RIGHT + "\nraise SystemExit"),
        endless=notebook(
            RIGHT, 'while True:\n    pass\ncheck("1.4-a", "right")', 'check("1.4-b", ...)', STEP.format("0")
        ),
        hoards=notebook(f'check("1.1-a", [0] * {TOO_MANY})', 'check("1.4-a", "right")'),
        leaves=notebook('check("1.4-a", "left")', "import os\nos._exit(0)", RIGHT),
        stops=notebook('check("1.1-a", nowhere)', STEP.format("1 / 0")),
        attacks=attacks(kept),
        forges=notebook(
            f"""
import os
for line in {FORGED}:
    for place in range(3, 9):
        try:
            os.write(place, line.encode())
        except OSError:
            pass
""",
            'check("1.1-a", [0, 0, 0, 0])',
            'if False: check("1.4-a", 0)',
        ),
        broken="{",
        other=notebook("print('another file')"),
        stumbles=notebook("nowhere + 1", "1 / 0", RIGHT),
        tries=notebook(
            f"import shutil\ntry:\n    shutil.rmtree({str(kept)!r})\nexcept PermissionError:\n    pass", "1 / 0", RIGHT
        ),
    )
    del os.environ["TEACHERS_TOKEN"]


EXPECTED = {
    ("asks", "1.1-a"): ("no", ""),
    ("copies", "1.1-a"): ("", ""),
    ("ada/part1", "1.1-a"): ("yes", ""),
    ("ada/part1", "1.4-a"): ("yes", ""),
    ("deletes", "1.1-a"): ("yes", ""),
    ("deletes", "1.1-b"): ("", ""),
    ("commas", "2.3-b"): ("no", "decimal_comma"),
    ("commas", "1.1-a"): ("no", "decimal_comma"),
    ("bob", "1.1-a"): ("no", "languages_summed"),
    ("blank", "1.1-a"): ("", ""),
    ("endless", "1.1-a"): ("yes", ""),
    ("endless", "1.4-a"): ("", ""),
    ("endless", "1.4-b"): ("", ""),
    ("endless", "3.2-a"): ("no", ""),
    ("hoards", "1.1-a"): ("", ""),
    ("hoards", "1.4-a"): ("yes", ""),
    ("leaves", "1.4-a"): ("no", "other_side"),
    ("leaves", "1.1-a"): ("yes", ""),
    ("stops", "1.1-a"): ("", ""),
    ("stops", "3.2-a"): ("no", ""),
    ("attacks", "1.1-a"): ("yes", ""),
    ("forges", "1.1-a"): ("no", ""),
    ("forges", "1.4-a"): ("", ""),
    ("broken", ""): ("", ""),
    ("other", ""): ("", ""),
    ("essay.pdf", ""): ("", ""),
    ("stumbles", "1.1-a"): ("yes", ""),
    ("tries", "1.1-a"): ("yes", ""),
}


@pytest.mark.parametrize(("who", "exercise"), EXPECTED)
def test_each_row_says_what_was_handed_in(rows, who, exercise):
    row = rows[who, exercise]
    assert (row.right, row.slip) == EXPECTED[who, exercise], row.message


def test_a_row_without_an_answer_says_why(rows):
    assert "not answered yet" in rows["blank", "1.1-a"].message
    assert rows["deletes", "1.1-b"].message == "its check is not in the notebook"
    assert ("deletes", "9.9-a") not in rows
    assert rows["commas", "2.3-b"].message == f"not yet. {COMMA}"
    assert "leading zeros" in rows["commas", ""].message
    assert rows["endless", "1.4-a"].message == "stopped in this cell: it ran for more than 6 s"
    assert "not answered yet" in rows["endless", "1.4-b"].message
    assert "MemoryError" in rows["hoards", "1.1-a"].message
    assert "NameError: name 'nowhere' is not defined" in rows["stops", "1.1-a"].message
    assert "ZeroDivisionError" in rows["stops", "3.2-a"].message
    assert "cannot be judged" in rows["forges", "1.4-a"].message
    assert "no Jupyter notebook" in rows["broken", ""].message
    assert "checks no exercise" in rows["other", ""].message
    assert "a notebook's name ends in .ipynb" in rows["essay.pdf", ""].message


def test_the_first_cell_that_failed_or_tried_what_it_may_not_is_told_once(rows):
    assert rows["stumbles", ""].message == "cell 4 failed: NameError: name 'nowhere' is not defined"
    assert rows["tries", ""].message == "cell 4 tried what a graded notebook may not do: shutil.rmtree"
    assert rows["attacks", ""].message == "cell 4 tried what a graded notebook may not do: os.remove"
    assert rows["leaves", ""].message == "cell 5 was stopped: it ended itself"
    for who in ("ada/part1", "bob", "blank", "endless", "hoards", "stops"):  # an exercise's row says it, or nothing
        assert (who, "") not in rows


def test_what_follows_too_many_stops_is_not_reached_and_says_where(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "_MOST_RUNS", 1)
    rows = graded(tmp_path, leaves=notebook("import os\nos._exit(0)", RIGHT))
    assert rows["leaves", "1.1-a"].message == "its check was not reached: it ended itself, in cell 4"


def handed_out(name: str) -> str:
    """Return the source of the function that the exercises' page hands out to be mended."""
    page = (ROOT / f"docs/exercises/part{name[0]}.md").read_text("utf-8")
    section = page.split(f"(exercise-{name})=")[1].split("(exercise-")[0]
    return re.search(r"(?ms)^def \w+\(.*?(?=^check\()", section)[0]


HANDED_OUT = [name for name, exercise in EXERCISES.items() if exercise.handed_out]


@pytest.mark.parametrize("name", HANDED_OUT)
def test_a_function_that_is_as_it_was_handed_out_is_no_answer(name):
    names = {"torch": torch, "F": functional, "descent": descent}
    exec(handed_out(name), names)
    given = outcomes(EXERCISES[name], [value for key, value in names.items() if callable(value)][-1])
    assert is_as_handed_out(EXERCISES[name], given)
    assert not is_as_handed_out(EXERCISES[name], outcomes(EXERCISES[name], EXERCISES[name].solve))
    alike = [
        slip for slip in EXERCISES[name].slips if is_as_handed_out(EXERCISES[name], outcomes(EXERCISES[name], slip))
    ]
    assert alike == [slip for slip in EXERCISES[name].slips if slip is EXERCISES[name].handed_out]


def test_every_function_that_is_handed_out_complete_is_known():
    pages = "".join((ROOT / f"docs/exercises/part{part}.md").read_text("utf-8") for part in "123")
    asked = re.findall(r"(?ms)^  code_prompt_hide: \"Hide what the check says of it\".*?^check\(\"(.*?)\"", pages)
    assert set(HANDED_OUT) == set(asked)


def test_an_exercise_that_nobody_touched_has_no_slip(tmp_path):
    source = handed_out("2.2-b") + 'check("2.2-b", descend)'
    row = graded(tmp_path, ada=notebook("from glassbox import descent", source))["ada", "2.2-b"]
    assert (row.right, row.slip, row.message) == ("", "", grading.UNTOUCHED)


def test_no_attack_came_through(rows, kept):
    assert (kept / "marks.txt").read_text() == "A"


@pytest.mark.skipif(not grading.sandbox(), reason="bubblewrap does not work here")
def test_a_file_cannot_be_read_by_a_way_around_python_where_the_kernel_guards(rows):
    assert rows["around", "1.1-a"].right == "yes"


def test_what_another_handed_in_and_what_the_teacher_has_is_not_handed_back(rows):
    assert rows["copies", ""].message == "cell 4 tried what a graded notebook may not do: open"
    assert "NameError" in rows["copies", "1.1-a"].message
    assert len(rows["copies", "3.2-a"].message) < 400
    assert "None came" in rows["asks", "1.1-a"].message


@pytest.mark.skipif(not grading.sandbox(), reason="bubblewrap does not work here")
def test_an_honest_notebook_reads_what_it_needs_where_the_kernel_guards(tmp_path):
    rows = graded(tmp_path, 100, honest=notebook(HONEST, RIGHT))
    assert [row.message for row in rows.values()] == ["right."]


def test_python_alone_lets_no_attack_through_and_an_honest_notebook_read(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "sandbox", list)
    rows = graded(tmp_path, 100, attacks=attacks(kept), honest=notebook(HONEST, RIGHT))
    assert rows["attacks", "1.1-a"].right == "yes", rows["attacks", "1.1-a"].message
    assert (kept / "marks.txt").read_text() == "A"
    assert [row.message for (who, _), row in rows.items() if who == "honest"] == ["right."]


def test_the_table_is_whole_and_computes_nothing(tmp_path):
    rows = [Row("=HYPERLINK(1)/a", "1.1-a", "no", "languages_summed", "not yet, so-so"), Row("b", "", "", "", "-1")]
    write_csv(rows, tmp_path / "grades.csv")
    with (tmp_path / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        first, *rest = csv.reader(file)
    assert first == ["who", "notebook", "exercise", "right", "slip", "message"]
    assert rest == [
        ["'=HYPERLINK(1)", "'=HYPERLINK(1)/a", "1.1-a", "no", "languages_summed", "not yet, so-so"],
        ["b", "b", "", "", "", "'-1"],
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]
    assert (tmp_path / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # or a spreadsheet garbles names


def test_a_student_has_a_line_with_the_best_of_several_answers(tmp_path):
    rows = [
        Row("Élise/part1", "1.1-a", "no", "languages_summed", ""),
        Row("Élise/part1 (1)", "1.1-a", "yes", "", ""),
        Row("Élise/part2", "2.1-a", "no", "", ""),
        Row("bob", "1.1-a", "", "", "not answered yet"),
        Row("eve.pdf", "", "", "", "not graded"),
    ]
    write_students(rows, tmp_path / "students.csv")
    with (tmp_path / "students.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["who", "right", "1.1-a", "2.1-a"],
            ["Élise", "1", "1", "0"],
            ["bob", "0", "", ""],
            ["eve.pdf", "", "", ""],
        ]


def test_the_summary_counts_a_student_with_several_notebooks_once_by_the_best_answer():
    rows = [
        Row("anna/part1", "1.1-a", "no", "languages_summed", "not yet."),
        Row("anna/part1 (1)", "1.1-a", "yes", "", "right."),
        Row("ben/part1", "1.1-a", "no", "decimal_comma", "not yet."),
        Row("ben/part1 (1)", "1.1-a", "", "", BLANK),
    ]
    assert summary(rows).splitlines()[:2] == ["1.1-a  1 of 2 right", f"       1 x {COMMA}"]
    assert [row.who for row in rows] == ["anna", "anna", "ben", "ben"]


def test_a_file_that_is_too_large_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "_LARGEST", 100)
    row = graded(tmp_path, ada=notebook(RIGHT))["ada", ""]
    assert "ask for it again with its outputs cleared" in row.message


def test_the_summary_counts_and_names_the_slips():
    rows = [Row(str(i), "1.1-a", "no", "languages_summed", "") for i in range(3)]
    rows += [Row("x", "1.1-a", "yes", "", ""), Row("y", "1.1-a", "", "", BLANK), Row("z", "", "", "", "broken")]
    rows += [Row("w", name, "", "", "its check was not reached") for name in ("1.4-a", "1.4-b")]
    words = next(words for slip, words in EXERCISES["1.1-a"].slips.items() if slip.__name__ == "languages_summed")
    assert summary(rows).splitlines() == [
        "1.1-a  1 of 5 right, 1 without an answer",
        f"       3 x {words}",
        "1.4-a  0 of 1 right, 1 without an answer",
        "1.4-b  0 of 1 right, 1 without an answer",
        "z: broken",
        "w: 1.4-a, 1.4-b: its check was not reached",
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"folder": "nowhere"}, FileNotFoundError, "expects a folder of notebooks, got nowhere"),
        ({"folder": "."}, FileNotFoundError, "there is no notebook in"),
        ({"folder": ".", "seconds": 0}, ValueError, "seconds above 0, got 0"),
        ({"folder": ".", "workers": -1}, ValueError, "workers above 0, got -1"),
    ],
)
def test_a_wrong_argument_is_told(arguments, error, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        grade(**arguments)


@pytest.mark.skipif(sys.platform == "win32", reason="links ask for rights on Windows")
def test_a_file_that_cannot_be_read_costs_its_own_row(tmp_path):
    (tmp_path / "gone.ipynb").symlink_to(tmp_path / "nothing")
    (row,) = grade(tmp_path)
    assert row.message == "the file cannot be read: No such file or directory"
