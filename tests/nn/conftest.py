"""What the tests of the engine share: its two ways to compute, and the counts of PyTorch's own samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from glassbox.nn import _fast, by_the_equation


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


@pytest.fixture(params=["equation", "fast"])
def arranged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run the test by the equations alone, and again with every arrangement for speed, however small the tensors."""
    if request.param == "fast":
        monkeypatch.setattr(_fast, "_COPIES_SPARED", 0)
        monkeypatch.setattr(_fast, "_NUMBERS", dict.fromkeys(_fast._NUMBERS, 0))
        yield request.param
    else:
        with by_the_equation():
            yield request.param


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
