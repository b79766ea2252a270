"""A class's notebooks: every row right, and whatever one notebook does costs its own rows only."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from glassbox.exercises import EXERCISES, grading
from glassbox.exercises.grading import Row, grade, summary, write_csv

BEGIN = "import torch\nfrom glassbox.exercises import check\nfrom glassbox.nn import functional as F"
RIGHT = 'check("1.1-a", [-1, 0, 1 / 2, 1 / 2])'
FORGED = [
    "}{\n",
    "[1]\n",
    '{"exercise": "1.4-a", "outcomes": [{"x": "y"}]}\n',
    '{"exercise": "1.4-a", "outcomes": 3}\n',
]
STEP = "def slopes(scores, labels):\n    return {}\ncheck('3.2-a', slopes)"


def notebook(*sources: str, solution: str = "") -> dict:
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["# Exercises"]}]
    cells += [{"cell_type": "code", "metadata": {}, "source": source} for source in ("%pip install x", BEGIN, *sources)]
    if solution:
        folded = {"jupyter": {"source_hidden": True}, "cellView": "form"}
        cells.append({"cell_type": "code", "metadata": folded, "source": f"#@title Solution: 1.1-a\n{solution}"})
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


def attacks(kept: Path) -> dict:
    place = str(kept / "marks.txt")
    return notebook(f"""
import os, pathlib, shutil, socket, subprocess
done = 0
for attack in (
    lambda: os.remove({place!r}), lambda: shutil.rmtree({str(kept)!r}), lambda: open({place!r}, "w"),
    lambda: pathlib.Path({place!r}).rename({place + "x"!r}), lambda: os.system("true"),
    lambda: subprocess.run(["true"]), lambda: os.fork(), lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: __import__("ctypes").CDLL(None).system(b"true"), lambda: os.kill(os.getppid(), 9),
):
    try:
        attack()
    except PermissionError:
        continue
    done += 1
open("own.txt", "w").write("a notebook may write beside itself")
check("1.1-a", [done - 1, 0, 1 / 2, 1 / 2])
""")


def graded(folder: Path, **notebooks: dict | str) -> dict[tuple[str, str], Row]:
    rows = grade(written(folder, **notebooks), seconds=6, gigabytes=2.0, workers=2)
    return {(row.who, row.exercise): row for row in rows}


@pytest.fixture(scope="module")
def rows(kept, tmp_path_factory):
    """Grade one class, in the sandbox that this system offers."""
    return graded(
        tmp_path_factory.mktemp("class"),
        ada__part1=notebook(RIGHT, 'check("1.4-a", "right")'),
        bob=notebook('check("1.1-a", [-1, 0, 1, 1])', STEP.format("scores.softmax(1) / len(scores)")),
        blank=notebook('answer = ...\ncheck("1.1-a", answer)', solution=RIGHT + "\nraise SystemExit"),
        endless=notebook(RIGHT, 'while True:\n    pass\ncheck("1.4-a", "right")'),
        hoards=notebook('check("1.1-a", [0] * 10**11)', 'check("1.4-a", "right")'),
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
    )


EXPECTED = {
    ("ada/part1", "1.1-a"): ("yes", ""),
    ("ada/part1", "1.4-a"): ("yes", ""),
    ("bob", "1.1-a"): ("no", "languages_summed"),
    ("blank", "1.1-a"): ("", ""),
    ("endless", "1.1-a"): ("yes", ""),
    ("endless", "1.4-a"): ("", ""),
    ("hoards", "1.1-a"): ("", ""),
    ("hoards", "1.4-a"): ("yes", ""),
    ("leaves", "1.4-a"): ("no", "other_side"),
    ("leaves", "1.1-a"): ("", ""),
    ("stops", "1.1-a"): ("", ""),
    ("stops", "3.2-a"): ("no", ""),
    ("attacks", "1.1-a"): ("yes", ""),
    ("forges", "1.1-a"): ("no", ""),
    ("forges", "1.4-a"): ("", ""),
    ("broken", ""): ("", ""),
    ("other", ""): ("", ""),
}


@pytest.mark.parametrize(("who", "exercise"), EXPECTED)
def test_each_row_says_what_was_handed_in(rows, who, exercise):
    row = rows[who, exercise]
    assert (row.right, row.slip) == EXPECTED[who, exercise], row.message


def test_a_row_without_an_answer_says_why(rows):
    assert "not answered yet" in rows["blank", "1.1-a"].message
    assert "it ran for more than 6 s" in rows["endless", "1.4-a"].message
    assert "MemoryError" in rows["hoards", "1.1-a"].message
    assert "not reached" in rows["leaves", "1.1-a"].message
    assert "NameError: name 'nowhere' is not defined" in rows["stops", "1.1-a"].message
    assert "ZeroDivisionError" in rows["stops", "3.2-a"].message
    assert "cannot be judged" in rows["forges", "1.4-a"].message
    assert "no Jupyter notebook" in rows["broken", ""].message
    assert "checks no exercise" in rows["other", ""].message


def test_no_attack_came_through(rows, kept):
    assert (kept / "marks.txt").read_text() == "A"


def test_no_attack_comes_through_where_python_alone_guards(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "sandbox", list)
    rows = graded(tmp_path, attacks=attacks(kept))
    assert rows["attacks", "1.1-a"].right == "yes", rows["attacks", "1.1-a"].message
    assert (kept / "marks.txt").read_text() == "A"


def test_the_table_is_whole_and_computes_nothing(tmp_path):
    rows = [Row("=HYPERLINK(1)", "1.1-a", "no", "languages_summed", "not yet, so-so"), Row("b", "", "", "", "-1")]
    write_csv(rows, tmp_path / "grades.csv")
    with (tmp_path / "grades.csv").open(encoding="utf-8", newline="") as file:
        first, *rest = csv.reader(file)
    assert first == ["who", "exercise", "right", "slip", "message"]
    assert rest == [["'=HYPERLINK(1)", "1.1-a", "no", "languages_summed", "not yet, so-so"], ["b", "", "", "", "'-1"]]
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]


def test_the_summary_counts_and_names_the_slips():
    rows = [Row(str(i), "1.1-a", "no", "languages_summed", "") for i in range(3)]
    rows += [Row("x", "1.1-a", "yes", "", ""), Row("y", "1.1-a", "", "", ""), Row("z", "", "", "", "broken")]
    words = next(words for slip, words in EXERCISES["1.1-a"].slips.items() if slip.__name__ == "languages_summed")
    assert summary(rows).splitlines() == [
        "1.1-a  1 of 5 right, 1 without an answer",
        f"       3 x {words}",
        "z: broken",
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
