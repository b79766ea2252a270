"""Grade the notebooks that a class hands in: who answered which exercise, was it right, and if not, by which slip.

Nothing of a notebook's folded solutions runs. What is left runs apart, each notebook as a process of its own, with
bounds on time and memory and no way to the files of others; it reports numbers, which are judged here.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import torch

from glassbox.exercises import EXERCISES
from glassbox.exercises._handed_in import readable
from glassbox.exercises.judging import UNTOUCHED, Outcome, is_as_handed_out, judge_outcomes
from glassbox.exercises.reading import BLANK, COMMA, UNQUOTED, Unreadable

SOLUTION = "#@title Solution"
DECIMAL_COMMA = "decimal_comma"  # the one slip that any exercise may show
_CHECK = re.compile(r"""\bcheck\(\s*["']([^"']+)["']""")
_MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)
_ASKED = re.compile(r"^#+ *(\d\.\d-[a-z])\b", re.MULTILINE)
_LEADING_ZERO = re.compile(r"\d,0\d")
_LARGEST = 200_000_000  # bytes of a notebook or of its answers: far more than any honest one has
_NEEDED = (
    *("PATH", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CACHE_HOME", "LANG", "TZ", "SYSTEMROOT"),
    *("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)
_MOST_RUNS = 4  # of one notebook: the cell that stopped it is left out the next time


@dataclass(frozen=True)
class Row:
    """What is known of one exercise in one notebook.

    Attributes
    ----------
    notebook : str
        The notebook's path below the folder, without its ending.
    exercise : str
        Name of the exercise; empty where the row is about the file itself: that it cannot be read, or the first of its
        cells without a graded answer that failed, was stopped, or tried what it may not.
    right : str
        ``"yes"``, ``"no"``, or empty where there is no answer.
    slip : str
        Name of the slip that explains a wrong answer, ``"decimal_comma"`` in any exercise; empty where none does.
    message : str
        What the learner is told, or why there is no answer.
    """

    notebook: str
    exercise: str
    right: str
    slip: str
    message: str

    @property
    def who(self) -> str:
        """The student: the first folder of the notebook's path, or the file itself where it lies in none."""
        return self.notebook.split("/")[0]


class Broken(Exception):
    """A file that is no notebook; the message says why."""


def grade(
    folder: str | os.PathLike[str],
    *,
    seconds: int = 60,
    gigabytes: float = 4.0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """Grade every notebook in a folder and in the folders below it.

    A notebook runs cell by cell without its solutions, and each answer that it hands to `check` is judged. Whatever a
    notebook does costs its own rows only: it has a process of its own, stopped after ``seconds``; it may write into a
    temporary folder only, read what Python, the package and its data need, start no program, and reach no network. That
    is kept by Python's audit hooks and, on Linux where bubblewrap (``bwrap``) is installed, by the kernel as well. A
    notebook that was stopped runs again without the cell that it stood in, three times at most, so that what follows is
    graded too.

    Parameters
    ----------
    folder : path
        Where the notebooks are.
    seconds : int, default 60
        How long one run of a notebook may take.
    gigabytes : float, default 4.0
        How much memory it may take beyond what Python and torch need, where the system can bound it.
    workers : int, optional
        How many notebooks run at a time; by default one for each processor.
    progress : callable, optional
        Told after each file how many are graded, and of how many.

    Returns
    -------
    list of Row
        A row for each exercise that a notebook checks or asks, in the order of the files' names; one for any other
        file.

    Raises
    ------
    FileNotFoundError
        The folder is not there, or holds no notebook.
    ValueError
        A bound is not above zero.
    """
    folder = Path(folder)
    for name, bound in (("seconds", seconds), ("gigabytes", gigabytes), ("workers", 1 if workers is None else workers)):
        if not bound > 0:
            raise ValueError(f"grade expects {name} above 0, got {bound}")
    if not folder.is_dir():
        raise FileNotFoundError(f"grade expects a folder of notebooks, got {folder}, which is none")
    paths = [path for path in sorted(folder.rglob("*")) if _is_handed_in(path, folder)]
    if not any(path.suffix == ".ipynb" for path in paths):
        raise FileNotFoundError(f"there is no notebook in {folder}: grade looks for files that end in .ipynb")
    box = sandbox()

    def rows_of(path: Path) -> list[Row]:
        inside = path.relative_to(folder)
        if path.suffix != ".ipynb":
            return [Row(inside.as_posix(), "", "", "", "not graded: a notebook's name ends in .ipynb")]
        notebook = inside.with_suffix("").as_posix()
        try:
            return _grade_one(notebook, *_read(path), seconds, gigabytes, box)
        except Broken as broken:
            return [Row(notebook, "", "", "", str(broken))]

    rows: list[Row] = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for done, of_one in enumerate(pool.map(rows_of, paths), 1):
            rows += of_one
            if progress is not None:
                progress(done, len(paths))
    return rows


def _is_handed_in(path: Path, folder: Path) -> bool:
    """Tell whether a file is a student's, and not one that a system or an editor keeps for itself."""
    return not path.is_dir() and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)


@cache
def sandbox() -> list[str]:
    """Return the start of a command that keeps what follows from files and network: bubblewrap's, where it works.

    What the command sees of the files is what a notebook needs; the rest is not there.
    """
    program = shutil.which("bwrap") if sys.platform == "linux" else None
    if program is None:
        return []
    command = [program, "--unshare-all", "--die-with-parent", "--dev", "/dev", "--proc", "/proc"]
    for path in readable():
        command += ["--ro-bind-try", path, path]
    imports = [sys.executable, "-c", "import glassbox.exercises._handed_in"]
    tried = subprocess.run([*command, *imports], capture_output=True, check=False, env=_environment())
    return command if tried.returncode == 0 else []


def _environment() -> dict[str, str]:
    """Return of the grader's environment what Python, the package and a system need, and none of its secrets."""
    return {
        name: value for name, value in os.environ.items() if name in _NEEDED or name.startswith(("GLASSBOX_", "LC_"))
    }


def write_csv(rows: Sequence[Row], path: str | os.PathLike[str]) -> None:
    """Write a table with a line for each row, and the student's name first, as in the table of students."""
    header = ["who", *(field.name for field in fields(Row))]
    _write_table([header, *([row.who, *astuple(row)] for row in rows)], path)


def write_students(rows: Sequence[Row], path: str | os.PathLike[str]) -> None:
    """Write a table with a line for each student: how many are right, and 1, 0 or nothing for each exercise.

    A student is a file of the folder, or a folder in it with all its files; of several answers the best counts. Where
    no file could be read, how many are right is left open, too.
    """
    names = sorted({row.exercise for row in rows if row.exercise})
    students: dict[str, dict[str, str]] = {}
    for row in rows:
        marks = students.setdefault(row.who, {})
        mark = {"yes": "1", "no": "0"}.get(row.right, "")
        marks[row.exercise] = max(mark, marks.get(row.exercise, ""))
    lines = [
        [who, str(list(marks.values()).count("1")) if any(marks) else "", *(marks.get(name, "") for name in names)]
        for who, marks in students.items()
    ]
    _write_table([["who", "right", *names], *lines], path)


def _write_table(lines: Iterable[Iterable[str]], path: str | os.PathLike[str]) -> None:
    """Write CSV with the mark by which spreadsheets know UTF-8; a cell that they would compute is marked as text."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(
                [f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in line] for line in lines
            )
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def summary(rows: Sequence[Row]) -> str:
    """Say how many answers to each exercise are right, which slips are common, and what kept a notebook from more.

    A student is counted once, by the best answer of all notebooks.
    """
    lines = []
    for name in EXERCISES:
        best: dict[str, Row] = {}
        for row in rows:
            if row.exercise == name:
                best[row.who] = max(best.get(row.who, row), row, key=lambda row: ("", "no", "yes").index(row.right))
        of_one = list(best.values())
        if not of_one:
            continue
        count = Counter(row.right for row in of_one)
        blank = f", {count['']} without an answer" if count[""] else ""
        lines.append(f"{name}  {count['yes']} of {len(of_one)} right{blank}")
        slips = {slip.__name__: words for slip, words in EXERCISES[name].slips.items()} | {DECIMAL_COMMA: COMMA}
        for slip, times in Counter(row.slip for row in of_one if row.slip).most_common(3):
            lines.append(f"       {times} x {slips[slip]}")
    troubles: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if not row.right and row.message not in (BLANK, UNTOUCHED):
            troubles.setdefault((row.notebook, row.message), []).append(row.exercise)
    for (notebook, message), names in troubles.items():
        lines.append(": ".join(filter(None, [notebook, ", ".join(filter(None, names)), message])))
    return "\n".join(lines)


# -- One notebook ----------------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[list[tuple[int, str]], list[str]]:
    """Return the numbers and the sources of a notebook's cells of code, without its solutions, and what it asks."""
    try:
        if path.stat().st_size > _LARGEST:
            raise Broken(
                f"the file has more than {_LARGEST // 1_000_000} MB: ask for it again with its outputs cleared"
            )
        cells = json.loads(path.read_bytes())["cells"]
        sources = [
            (number, _source(cell))
            for number, cell in enumerate(cells, 1)
            if cell["cell_type"] == "code" and not _is_solution(cell)
        ]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    except OSError as error:
        raise Broken(f"the file cannot be read: {error.strerror}") from None
    except (AttributeError, KeyError, RecursionError, TypeError, UnicodeDecodeError, ValueError):
        raise Broken("the file is no Jupyter notebook: ask for it again, saved by Jupyter") from None
    if not any(_CHECK.search(source) for _, source in sources):
        raise Broken("the notebook checks no exercise: is it the right file?")
    return sources, [name for text in texts for name in _ASKED.findall(text) if name in EXERCISES]


def _source(cell: dict[str, Any]) -> str:
    """Return a cell's source without the lines that only Jupyter understands."""
    source = cell["source"]
    return _MAGIC.sub("pass", source if isinstance(source, str) else "".join(source))


def _is_solution(cell: dict[str, Any]) -> bool:
    metadata = cell.get("metadata", {})
    hidden = metadata.get("jupyter", {}).get("source_hidden") or "hide-cell" in metadata.get("tags", [])
    return bool(hidden) or _source(cell).lstrip().startswith(SOLUTION)


def _grade_one(
    notebook: str, cells: list[tuple[int, str]], asked: list[str], seconds: int, gigabytes: float, box: list[str]
) -> list[Row]:
    names = [name for _, source in cells for name in _CHECK.findall(source)]
    cell_of = {name: number for number, source in reversed(cells) for name in _CHECK.findall(source)}
    given: dict[str, list[Outcome]] = {}
    errors: dict[int, str] = {}
    refused: dict[int, str] = {}
    stopped: dict[int, str] = {}
    for _ in range(_MOST_RUNS):
        left = [(number, source) for number, source in cells if number not in stopped]
        lines, ending = _run_apart(left, seconds, gigabytes, box)
        stood = _take(lines, given, errors, refused)
        if stood not in {number for number, _ in left}:
            break
        stopped[stood] = ending or "it ended itself"

    # Python reads 0,07 as a number with a leading zero, and takes none of the cell.
    commas = {
        number for number, source in cells if "leading zeros" in errors.get(number, "") and _LEADING_ZERO.search(source)
    }

    def why_blank(name: str) -> str:
        number = cell_of[name]
        if number in stopped:
            return f"stopped in this cell: {stopped[number]}"
        before = [cell for cell in stopped if cell < number]
        reason = f"its check was not reached: {stopped[before[-1]]}, in cell {before[-1]}" if before else ending
        return errors.get(number) or reason or "its check was not reached"

    def row_of(name: str) -> Row:
        if name not in cell_of:
            return Row(notebook, name, "", "", "its check is not in the notebook")
        if name not in EXERCISES:
            return Row(notebook, name, "", "", "there is no exercise of this name")
        if name not in given and cell_of[name] in commas:
            return Row(notebook, name, "no", DECIMAL_COMMA, f"not yet. {COMMA}")
        if name not in given:
            return Row(notebook, name, "", "", why_blank(name))
        unjudged = Row(notebook, name, "", "", "its answer came in a form that cannot be judged")
        if len(given[name]) != len(EXERCISES[name].cases):
            return unjudged
        if _is_blank(given[name]):
            return Row(notebook, name, "", "", BLANK)
        try:
            if is_as_handed_out(EXERCISES[name], given[name]):
                return Row(notebook, name, "", "", UNTOUCHED)
            verdict = judge_outcomes(EXERCISES[name], given[name])
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError):
            return unjudged
        comma = DECIMAL_COMMA if any(words in verdict.message for words in (COMMA, UNQUOTED)) else ""
        return Row(notebook, name, "yes" if verdict else "no", verdict.slip or comma, verdict.message)

    rows = [row_of(name) for name in dict.fromkeys([*names, *asked])]
    told = {cell_of[name] for name in names if name not in given}
    trouble = {
        **{number: f"cell {number} failed: {error}" for number, error in errors.items()},
        **{number: f"cell {number} was stopped: {ending}" for number, ending in stopped.items()},
        **{
            number: f"cell {number} tried what a graded notebook may not do: {event}"
            for number, event in refused.items()
        },
    }
    if untold := sorted(trouble.keys() - told):
        rows.append(Row(notebook, "", "", "", trouble[untold[0]]))
    return rows


def _take(
    lines: list[str], given: dict[str, list[Outcome]], errors: dict[int, str], refused: dict[int, str]
) -> int | None:
    """Add what a run wrote to what was given, failed or refused; return the cell in which it stood, None at the end."""
    stood = None
    for line in lines:
        with contextlib.suppress(KeyError, TypeError, ValueError, RuntimeError):  # a line that no honest run writes
            row = json.loads(line)
            if "at" in row:
                stood = None if row["at"] is None else int(row["at"])
            elif "error" in row:
                errors[int(row["cell"])] = str(row["error"])
            elif "refused" in row:
                refused[int(row["cell"])] = str(row["refused"])
            elif (
                not _is_blank(outcomes := [_outcome(outcome) for outcome in row["outcomes"]])
                or row["exercise"] not in given
            ):
                given[row["exercise"]] = outcomes
    return stood


def _run_apart(cells: list[tuple[int, str]], seconds: int, gigabytes: float, box: list[str]) -> tuple[list[str], str]:
    """Run cells as a process of its own; return its lines, and in words how it ended if it did not end by itself."""
    job = json.dumps({"cells": cells, "seconds": seconds, "gigabytes": gigabytes}).encode()
    with (
        tempfile.TemporaryDirectory(prefix="glassbox-grade-") as place,
        tempfile.TemporaryFile() as jobs,
        tempfile.TemporaryFile() as answers,
    ):
        jobs.write(job)
        jobs.seek(0)
        command = [sys.executable, "-m", "glassbox.exercises._handed_in"]
        if box:
            command = [*box, "--bind", place, place, "--chdir", place, "--remount-ro", "/", *command]
        settings = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "TMPDIR": place, "GLASSBOX_OFFLINE": "1"}
        environment = {**_environment(), **settings}
        process = subprocess.Popen(
            command,
            stdin=jobs,
            stdout=answers,
            stderr=subprocess.DEVNULL,
            cwd=place,
            env=environment,
            start_new_session=True,
        )
        try:
            ending = _await(process, answers.fileno(), seconds)
        finally:
            _kill(process)
        answers.seek(0)
        return answers.read(_LARGEST).decode("utf-8", errors="replace").splitlines(), ending


def _await(process: subprocess.Popen[bytes], answers: int, seconds: int) -> str:
    """Wait for a notebook, whose time counts from its first line; say how it ended if it did not end by itself."""
    start, begun = time.monotonic(), False
    while process.poll() is None:
        now = time.monotonic()
        if not begun and os.fstat(answers).st_size:
            start, begun = now, True
        if now - start > (seconds if begun else 10 * max(seconds, 60)):
            return f"it ran for more than {seconds} s"
        time.sleep(0.02)
    return "it took more time or memory than it may, or ended itself" if process.returncode else ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and what belongs to it."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _outcome(plain: dict[str, Any]) -> Outcome:
    """Return what `_handed_in.plain` wrote."""
    if "unreadable" in plain:
        return Unreadable(str(plain["unreadable"]))
    return {part: value if isinstance(value, str) else _tensor(value) for part, value in plain.items()}


def _tensor(plain: dict[str, Any]) -> torch.Tensor:
    return torch.tensor(plain["numbers"], dtype=torch.float64).reshape(plain["shape"])


def _is_blank(outcomes: Iterable[Outcome]) -> bool:
    return all(isinstance(outcome, Unreadable) and str(outcome) == BLANK for outcome in outcomes)
