"""The counts of PyTorch's own samples, shown at the end of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest


@dataclass
class Count:
    """What became of the samples of one name."""

    matched: int = 0
    refused: int = 0
    differing: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many samples PyTorch has for this name."""
        return self.matched + self.refused + len(self.differing)


COUNTS = pytest.StashKey[dict[str, Count]]()


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> dict[str, Count]:
    """Collect one count for each name."""
    return request.config.stash.setdefault(COUNTS, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of counts."""
    table = config.stash.get(COUNTS, {})
    if not table:
        return
    terminalreporter.section("PyTorch's own samples, output and gradients in float64")
    terminalreporter.write_line(f"{'name':<36}{'samples':>8}{'matched':>8}{'refused':>8}{'differ':>8}")
    for name, count in table.items():
        row = (count.total, count.matched, count.refused, len(count.differing))
        terminalreporter.write_line(f"{name:<36}" + "".join(f"{number:>8,}" for number in row))
