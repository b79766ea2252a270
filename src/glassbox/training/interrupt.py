"""Ctrl-C, and the signals that take a machine away, wait for the end of a step."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

from glassbox.training.distributed import Workers

SIGNALS = tuple(name for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name))
"""Ctrl-C; what comes before a machine is taken away; and what a cluster can be told to send well ahead of that."""


STEPS_BETWEEN_LOOKS = 50
"""The most steps between two looks at what a GPU or another worker must be waited for."""
SECONDS_BETWEEN_LOOKS = 2.0
"""About the most time between two of them: a cluster that takes machines away may wait no longer than 30 seconds."""


class Interrupt:
    """Remembers the first signal inside a ``with`` block; a Ctrl-C after it ends the program as usual.

    Outside the main thread, and for a signal that someone else handles or that is ignored, it changes nothing.

    Attributes
    ----------
    signal : str
        The name of the signal that came first; empty as long as none came.
    next_look : int
        The step after which the workers tell each other whether one was sent a signal.
    """

    def __init__(self) -> None:
        self.signal = ""
        self.next_look = 0
        self._looked = (0, time.perf_counter())
        self._previous: dict[str, Any] = {}

    def is_due(self, step: int, workers: int) -> bool:
        """Tell whether to look after this step: the same at every worker, because a look waits for all of them."""
        if workers == 1:
            return self.signal != "" or step % STEPS_BETWEEN_LOOKS == 0
        return step >= self.next_look

    def look(self, step: int, workers: Workers) -> str:
        """Ask all workers for their signal, and plan the next look by the time that their steps take."""
        before, then = self._looked
        self._looked = (step, time.perf_counter())
        here = [float(self.signal == name) for name in SIGNALS]
        *anywhere, seconds = workers.sum([*here, self._looked[1] - then])
        pace = seconds / workers.size / max(step - before, 1)
        steps = STEPS_BETWEEN_LOOKS if before else 1  # the first step is slower than those after it
        self.next_look = step + max(1, min(steps, int(SECONDS_BETWEEN_LOOKS / max(pace, 1e-9))))
        return next((name for name, count in zip(SIGNALS, anywhere, strict=True) if count), "")

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                number = getattr(signal, name)
                if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                    self._previous[name] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *exception: object) -> None:
        for name, handler in self._previous.items():
            signal.signal(getattr(signal, name), handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or signal.Signals(number).name
