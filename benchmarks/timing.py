"""Time two ways of doing the same in turns, so that what slows the machine slows both."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured ratio, ours over the peer's, with the bar that it should stay under."""

    name: str
    ours: float
    peer: float
    ratio: float
    bar: float | None
    unit: str = "ms"
    peer_name: str = "torch"

    @property
    def met(self) -> bool:
        """Whether the ratio is within the bar."""
        return self.bar is None or self.ratio <= self.bar

    def __str__(self) -> str:
        """Write the line that a run prints."""
        bar = "" if self.bar is None else f"  bar {self.bar:4.2f}  {'met' if self.met else 'MISSED'}"
        numbers = f"ours {self.ours:8.3f} {self.unit}  {self.peer_name} {self.peer:8.3f} {self.unit}"
        return f"{self.name:<50}{numbers}  ratio {self.ratio:5.2f}{bar}"


def seconds(function: Callable[[], object], calls: int, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Measure one call, as the mean of several."""
    start = clock()
    for _ in range(calls):
        function()
    return (clock() - start) / calls


def in_turns(
    name: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    bar: float | None = None,
    rounds: int = 25,
    turn: float = 0.05,
    peer_name: str = "torch",
) -> Figure:
    """Time both in turns; the ratio is the median of the ratios of the rounds.

    Parameters
    ----------
    name
        What the figure is called.
    ours, peer
        What to call.
    bar
        The ratio that should not be passed.
    rounds
        How many times each gets its turn. Who begins changes from round to round.
    turn
        The length of one turn in seconds; it settles how many calls a turn has.
    peer_name
        Who the peer is.
    """
    for function in (ours, peer):
        seconds(function, 3)  # first calls compile kernels and fill caches
    calls = max(1, round(turn / max(seconds(ours, 2), seconds(peer, 2))))
    mine, theirs = [], []
    for number in range(rounds):
        turns = [(ours, mine), (peer, theirs)]
        for function, times in turns if number % 2 == 0 else reversed(turns):
            times.append(1e3 * seconds(function, calls))
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    return Figure(name, statistics.median(mine), statistics.median(theirs), ratio, bar, peer_name=peer_name)


def processor() -> str:
    """Name the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
