"""The built site, parsed once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
HTML = Path(os.environ.get("GLASSBOX_HTML", ROOT / "docs/_build/html"))


class Site(dict[str, BeautifulSoup]):
    """Pages by their path below `root`, as in ``lessons/index.html``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        paths = sorted(root.rglob("*.html"))
        super().__init__(
            (path.relative_to(root).as_posix(), BeautifulSoup(path.read_text("utf-8"), "html.parser")) for path in paths
        )

    def elements(self, selector: str) -> Iterator[tuple[str, object]]:
        for name, page in self.items():
            for element in page.select(selector):
                yield name, element


@pytest.fixture(scope="session")
def site() -> Site:
    if not (HTML / "index.html").exists() or not (HTML / "wheels").exists():
        pytest.fail(f"there is no finished site in {HTML}: run `make site` first", pytrace=False)
    return Site(HTML)
