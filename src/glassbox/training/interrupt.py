"""Ctrl-C, and the signals that take a machine away, wait for the end of a step."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = tuple(name for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name))
"""Ctrl-C; what comes before a machine is taken away; and what a cluster can be told to send well ahead of that."""


class Interrupt:
    """Remembers the first signal inside a ``with`` block; a Ctrl-C after it ends the program as usual.

    Outside the main thread, and for a signal that someone else handles or that is ignored, it changes nothing.

    Attributes
    ----------
    signal : str
        The name of the signal that came first; empty as long as none came.
    """

    def __init__(self) -> None:
        self.signal = ""
        self._previous: dict[str, Any] = {}

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
