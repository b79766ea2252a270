"""The progress bar: epoch, loss, accuracy, images per second and time left."""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

SECONDS_BETWEEN = 0.25
"""Time between two readings of the loss: each makes a GPU finish what it was told to do."""


def someone_watches() -> bool:
    """Tell whether output is read as it comes: on a terminal or in a notebook, not in a pipe."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return sys.stderr.isatty() or type(shell).__name__ == "ZMQInteractiveShell"


class Progress:
    """A bar over all images of all epochs.

    Parameters
    ----------
    shown : bool
        Whether to draw anything at all.
    total, done : int
        Images of the whole run, and those of the run that is taken up again.
    device : str
        Where the run computes, in words.
    """

    def __init__(self, *, shown: bool, total: int, done: int, device: str) -> None:
        self.bar: Any = None
        self.next_reading = 0.0
        if shown:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # tqdm's advice to install ipywidgets
                from tqdm.auto import tqdm
            self.bar = tqdm(
                total=total,
                initial=done,
                desc=device,
                unit=" images",
                unit_scale=True,
                dynamic_ncols=True,
                # It fits on 80 columns, so that the accuracy at its end is not cut.
                bar_format="{desc}: {percentage:3.0f}%|{bar}| {remaining}, {rate_fmt}{postfix}",
            )

    def advance(self, images: int) -> bool:
        """Count images, and tell whether it is time to show the loss again."""
        if self.bar is None:
            return False
        self.bar.update(images)
        now = time.perf_counter()
        if now < self.next_reading:
            return False
        self.next_reading = now + SECONDS_BETWEEN
        return True

    def show(self, epoch: int, epochs: int, loss: float, accuracy: float | None) -> None:
        """Write the epoch, its loss so far and its accuracy so far beside the bar."""
        if self.bar is None:
            return
        figures = {"epoch": f"{epoch}/{epochs}", "loss": f"{loss:.4f}"}
        if accuracy is not None:
            figures["accuracy"] = f"{accuracy:.2%}"
        self.bar.set_postfix(figures, refresh=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.bar is not None:
            self.bar.close()
