"""Forty notebooks with planted slips, one of them endless and one that deletes files, graded by one command."""

from __future__ import annotations

import csv

import pytest
from typer.testing import CliRunner

from glassbox.cli import app
from glassbox.exercises import EXERCISES
from tests.exercises.test_grading import notebook, written

pytestmark = pytest.mark.slow

BEGIN = "from glassbox.exercises import EXERCISES\ndef answer(name, k):\n    e = EXERCISES[name]\n"
BEGIN += "    return e.answer_by(list({way.__name__: way for way in (e.solve, *e.slips)}.values())[k])"
LEARNERS = 38


def slips_by_name(name: str) -> list:
    """Return one slip of each name: several may be one for the learner."""
    return list({slip.__name__: slip for slip in EXERCISES[name].slips}.values())


def planted() -> dict[str, dict[str, int]]:
    """For each learner, what is handed in for the exercises of one part: 0 is right, k the slip of number k."""
    learners = {}
    for place in range(LEARNERS):
        part = [name for name in EXERCISES if name[0] == str(place % 3 + 1)]
        learners[f"learner{place:02}"] = {
            name: (place // 3 + k) % (1 + len(slips_by_name(name))) for k, name in enumerate(part)
        }
    return learners


def test_forty_notebooks_are_graded_each_row_right_and_nothing_is_deleted(tmp_path):
    kept = tmp_path / "teacher"
    kept.mkdir()
    (kept / "marks.txt").write_text("A")
    learners = planted()
    notebooks = {
        who: notebook(BEGIN, *(f'check("{name}", answer("{name}", {k}))' for name, k in answers.items()))
        for who, answers in learners.items()
    }
    notebooks["endless"] = notebook('check("1.1-a", [0, 0, 0, 1])', "while True:\n    pass")
    notebooks["deletes"] = notebook(
        f"import shutil, os\ntry:\n    shutil.rmtree({str(kept)!r})\nexcept PermissionError:\n    pass",
        f"os.remove({str(kept / 'marks.txt')!r})",
        'check("1.1-a", [-1, 0, 1 / 2, 1 / 2])',
    )
    assert len(notebooks) == 40
    folder = written(tmp_path / "handed-in", **notebooks)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ran = CliRunner().invoke(app, ["grade", str(folder), "--csv", str(tmp_path / "grades.csv"), "--seconds", "30"])
    assert ran.exit_code == 0, ran.output
    with (tmp_path / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {(row["who"], row["exercise"]): (row["right"], row["slip"]) for row in csv.DictReader(file)}
    expected = {("endless", "1.1-a"): ("no", ""), ("deletes", "1.1-a"): ("yes", "")}
    expected |= {("endless", ""): ("", ""), ("deletes", ""): ("", "")}  # the cell that was stopped, or refused
    for who, answers in learners.items():
        for name, k in answers.items():
            slip = [None, *slips_by_name(name)][k]
            untouched = slip is not None and slip is EXERCISES[name].handed_out
            expected[who, name] = ("", "") if untouched else ("yes", "") if slip is None else ("no", slip.__name__)
    assert rows == expected
    # Every slip of every exercise was handed in by someone.
    slips = {(name, slip.__name__) for name, e in EXERCISES.items() for slip in e.slips if slip is not e.handed_out}
    assert slips <= {(name, slip) for (_, name), (_, slip) in rows.items()}
    assert {path: path.read_bytes() for path in before} == before
