"""What was measured once, on a machine that is named, because a lesson has no time for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

RECORDINGS = files("glassbox.datasets") / "recordings"


@dataclass(frozen=True)
class Recording:
    """The table of one recorded run, and where it comes from. Made by `recorded`.

    Attributes
    ----------
    name : str
        What it is called.
    what : str
        What was measured, in a sentence.
    made_with : dict
        The command that measures it again, the date, the machine, its threads, the versions.
    rows : list of dict
        One row per measurement.
    """

    name: str
    what: str
    made_with: dict[str, Any]
    rows: list[dict[str, Any]]

    def __str__(self) -> str:
        threads = self.made_with["threads"]
        return f"{self.made_with['machine']}, {threads} thread{'s' * (threads != 1)}, {self.made_with['date']}"

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a data frame, indexed by their first column."""
        import pandas as pd

        frame = pd.DataFrame(self.rows)
        return frame.set_index(frame.columns[0])


def recorded(name: str) -> Recording:
    """Read a recorded run that ships with the package.

    Parameters
    ----------
    name : str
        Which one, for instance ``"batch_accuracy"``.

    Returns
    -------
    Recording
        Its table, and where, when and by which command it was made. Printed, it is the label that a figure needs.

    Raises
    ------
    ValueError
        If there is no recording of that name.

    Examples
    --------
    >>> run = recorded("batch_accuracy")
    >>> run.made_with["command"]
    'python -m benchmarks.studies batch_accuracy'
    >>> run.to_frame().index.name
    'batch size'
    """
    names = sorted(path.name.removesuffix(".json") for path in RECORDINGS.iterdir() if path.name.endswith(".json"))
    if name not in names:
        raise ValueError(f"there is no recording named {name!r}; there are {', '.join(names)}")
    return Recording(name, **json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8")))
