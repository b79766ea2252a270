"""The two small tables of the course, and a larger one made in the image of the second."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent
DECK = "FIDLE, Introduction to deep learning, sequence 5, season 23/24"


def load_grades() -> pd.DataFrame:
    """Load the marks of eleven pupils in seven subjects, each out of 20.

    The table is the one of FIDLE's sequence 5. Its file calls the columns Eleve, Mathematiques, Physique,
    Informatique, LV1, LV2, Biologie and Chimie; LV1 and LV2 are the first and the second foreign language. The
    sequence names ten pupils, E01 to E10, and prints an eleventh row without a name: here it is E11.

    Returns
    -------
    pandas.DataFrame
        Eleven rows, indexed by ``pupil``, and the columns Maths, Physics, CS, LV1, LV2, Biology and Chemistry;
        ``attrs["source"]`` says where they come from.

    Examples
    --------
    >>> grades = load_grades()
    >>> grades.shape
    (11, 7)
    >>> float(grades.loc["E01", "Maths"])
    12.6
    """
    return _read("grades.csv")


def load_exam() -> pd.DataFrame:
    """Load the marks of four pupils in three subjects and the mark that each got in the exam, all out of 20.

    Returns
    -------
    pandas.DataFrame
        Four rows, indexed by ``pupil``, and the columns Maths, CS, French and Exam; ``attrs["source"]`` says where they
        come from.

    Examples
    --------
    >>> load_exam().loc["P1"].tolist()
    [12.0, 15.0, 9.0, 14.0]
    """
    return _read("exam.csv")


def make_pupils(n: int = 200, *, seed: int = 0) -> pd.DataFrame:
    """Make up the marks of many pupils, in the columns of :func:`load_exam`.

    A pupil's marks in the three subjects go together in part: each is 11, plus something that the pupil brings to every
    subject, plus something for this subject alone, both normal with standard deviation 2. The exam is
    0.5 Maths + 0.4 CS + 0.1 French plus a normal error with standard deviation 1. Marks are cut to [0, 20] and rounded
    to a tenth.

    Parameters
    ----------
    n : int, default 200
        How many pupils.
    seed : int, default 0
        Which pupils. The first pupils of a larger table are those of a smaller one.

    Returns
    -------
    pandas.DataFrame
        n rows, indexed by ``pupil``, and the columns Maths, CS, French and Exam; ``attrs["source"]`` says that they are
        made up.

    Raises
    ------
    ValueError
        If ``n`` is less than 1.

    Examples
    --------
    >>> pupils = make_pupils(3)
    >>> pupils.index.tolist(), pupils.columns.tolist()
    (['P001', 'P002', 'P003'], ['Maths', 'CS', 'French', 'Exam'])
    >>> pupils.equals(make_pupils(200).head(3))
    True
    """
    import numpy as np
    import pandas as pd

    if n < 1:
        raise ValueError(f"n must be at least 1 pupil, not {n}")
    general, maths, cs, french, luck = np.random.default_rng(seed).normal(size=(n, 5)).T
    subjects = 11 + 2 * general[:, None] + 2 * np.stack([maths, cs, french], axis=1)
    subjects = subjects.clip(0, 20).round(1)
    exam = (subjects @ [0.5, 0.4, 0.1] + luck).clip(0, 20).round(1)
    names = pd.Index([f"P{number:03}" for number in range(1, n + 1)], name="pupil")
    pupils = pd.DataFrame(np.column_stack([subjects, exam]), columns=["Maths", "CS", "French", "Exam"], index=names)
    pupils.attrs["source"] = "made-up pupils"
    return pupils


def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    table = pd.read_csv(FOLDER / name, index_col="pupil")
    table.attrs["source"] = DECK
    return table
