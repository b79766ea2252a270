"""What a run of `fit` was like: one row per epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbox.files import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Epoch:
    """One epoch of a run.

    Attributes
    ----------
    epoch : int
        1 for the first.
    steps : int
        Updates since the run began.
    loss : float
        Mean over the epoch's examples, each measured just before the update that it took part in.
    accuracy : float or None
        Share of right answers among the same, or None where the answers are numbers.
    validation_loss, validation_accuracy : float or None
        The same on the validation data, after the epoch.
    learning_rate : float
        Of the first group of parameters, at the epoch's last update.
    seconds : float
        Wall time, without the validation. Two rows are equal whatever their times.
    images_per_second : float
        Examples learned from per second.
    """

    epoch: int
    steps: int
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float = field(compare=False)
    images_per_second: float = field(compare=False)


@dataclass
class History:
    """The table that `fit` returns.

    Attributes
    ----------
    epochs : list of Epoch
        One row per epoch that was finished.
    device : str
        Where the run computed, in words. Two histories are equal wherever and however fast they ran.
    capture : str
        ``"on"`` if the steps ran as a CUDA graph, else ``"off: "`` and the reason.
    interrupted : bool
        Whether a signal ended the run before its last step.
    interrupted_by : str
        Which one: ``"SIGINT"`` (Ctrl-C), ``"SIGTERM"`` or ``"SIGUSR1"``.

    Examples
    --------
    >>> row = Epoch(1, 60, 0.5, 0.8, None, None, 0.001, seconds=2.0, images_per_second=1500.0)
    >>> history = History([row], device="cpu")
    >>> history[-1].accuracy
    0.8
    >>> History.from_json(history.to_json()) == history
    True
    """

    epochs: list[Epoch] = field(default_factory=list)
    device: str = field(default="cpu", compare=False)
    capture: str = field(default="off", compare=False)
    interrupted: bool = False
    interrupted_by: str = field(default="", compare=False)

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a data frame, one row per epoch, indexed by epoch.

        Columns that do not apply to the run, such as the validation's when there was none, are left out.
        """
        import pandas as pd

        frame = pd.DataFrame([asdict(row) for row in self.epochs], columns=list(Epoch.__dataclass_fields__))
        return frame.set_index("epoch").dropna(axis="columns", how="all")

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the history as JSON, and write it to a file if one is named.

        Parameters
        ----------
        path : str or Path, optional
            Where to write. The file is there as a whole or not at all; one that was there before is replaced.

        Returns
        -------
        str
            The text that `from_json` reads.
        """
        text = json.dumps(asdict(self), indent=2)
        if path is not None:
            write_whole(path, text + "\n")
        return text

    @classmethod
    def from_json(cls, source: str | Path) -> History:
        """Read what `to_json` returned or wrote.

        Parameters
        ----------
        source : str or Path
            The text itself, or the path of a file, as a `Path`.

        Returns
        -------
        History
            Equal to the one that was written.

        Raises
        ------
        ValueError
            If the text is no history.
        """
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
        try:
            content: dict[str, Any] = json.loads(text)
            rows = [Epoch(**row) for row in content.pop("epochs")]
            return cls(rows, **content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"this is no history written by History.to_json: {error}") from error

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the learning curve: the loss per epoch, on the training and on the validation data.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the loss.
        """
        import matplotlib.pyplot as plt
        from matplotlib.ticker import MaxNLocator

        from glassbox.plots import style

        if ax is None:
            ax = plt.figure().add_subplot()
        frame = self.to_frame()
        curves = {"loss": ("training", style.BLUE), "validation_loss": ("validation", style.ORANGE)}
        for column, (label, color) in curves.items():
            if column in frame:
                ax.plot(frame.index, frame[column], "o-", markersize=4, color=color, label=label)
        ax.set(xlabel="epoch", ylabel="loss")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if self.epochs:
            ax.set_ylim(0, 1.08 * ax.dataLim.ymax)
            ax.legend()
        return ax
