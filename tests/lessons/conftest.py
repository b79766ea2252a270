"""The table of claims: what lessons say in general, as it came out on seeds and data that they do not show.

A test that takes ``claim`` notes each try before it asserts it; ``make claims`` writes all of them to docs/claims.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glassbox.datasets import mnist

HEAD = """---
myst:
  html_meta:
    description: "What the lessons say in general, tried again on seeds and data that they do not show."
---

# Claims, tried again

A lesson shows one run. What it says *in general* is tried on other starts, tables and images by the tests in
`tests/lessons`. `make claims` trains again what must be trained, and writes what came out: a row for each sentence, a
figure for each try.

| lesson | claim | tried on | figures | holds |
|---|---|---|---|---|
"""
TRIES = pytest.StashKey[dict[tuple[str, str], list[tuple[str, str, bool]]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--claims", type=Path, metavar="FILE", help="write the table of claims there")


@pytest.fixture
def claim(request: pytest.FixtureRequest) -> Callable[[str, str, object, str, bool], None]:
    """Note one try of a lesson's sentence, ``claim(lesson, sentence, tried on, figure, holds)``, and assert it."""
    tries = request.config.stash.setdefault(TRIES, {})

    def note(lesson: str, sentence: str, tried_on: object, figure: str, holds: bool) -> None:
        tries.setdefault((lesson, sentence), []).append((str(tried_on), figure, bool(holds)))
        assert holds, f"{lesson}, on {tried_on}: {sentence}: {figure}"

    return note


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.getoption("claims", default=None) is not None and mnist("test").is_standin:
        pytest.exit("the table of claims is made with MNIST, which is not at hand: set GLASSBOX_DATA", returncode=2)


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("claims", default=None)
    if path is not None:
        rows = sorted(session.config.stash.get(TRIES, {}).items())
        path.write_text(HEAD + "".join(map(_row, rows)), encoding="utf-8")


def _row(item: tuple[tuple[str, str], list[tuple[str, str, bool]]]) -> str:
    (lesson, sentence), tries = item
    on, figures, held = zip(*tries, strict=True)
    verdict = "yes" if all(held) else f"in {sum(held)} of {len(held)}"
    return f"| {{lesson}}`{lesson}` | {sentence} | {', '.join(on)} | {'; '.join(figures)} | {verdict} |\n"
