"""The two small tables of the course, and a larger one made in the image of the second."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent


def load_grades() -> pd.DataFrame:
    """Load the marks of eleven pupils in seven subjects, each out of 20.

    The table is the one of FIDLE's sequence 5. Its file calls the columns Eleve, Mathematiques, Physique,
    Informatique, LV1, LV2, Biologie and Chimie; LV1 and LV2 are the first and the second foreign language. The
    sequence names ten pupils, E01 to E10, and prints an eleventh row without a name: here it is E11.

    Returns
    -------
    pandas.DataFrame
        Eleven rows, indexed by ``pupil``, and the columns Maths, Physics, CS, LV1, LV2, Biology and Chemistry.

    Examples
    --------
    >>> grades = load_grades()
    >>> grades.shape
    (11, 7)
    >>> float(grades.loc["E01", "Maths"])
    12.6
    """
    import pandas as pd

    return pd.read_csv(FOLDER / "grades.csv", index_col="pupil")


def load_exam() -> pd.DataFrame:
    """Load the marks of four pupils in three subjects and the mark that each got in the exam, all out of 20.

    Returns
    -------
    pandas.DataFrame
        Four rows, indexed by ``pupil``, and the columns Maths, CS, French and Exam.

    Examples
    --------
    >>> load_exam().loc["P1"].tolist()
    [12.0, 15.0, 9.0, 14.0]
    """
    import pandas as pd

    return pd.read_csv(FOLDER / "exam.csv", index_col="pupil")
