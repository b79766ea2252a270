"""What the measurements of ``make audit`` have in common: a browser and the built site, within a block."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from .conftest import HTML, Handler, serve


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    sys.exit("make audit: no browser was found: install Chromium or Chrome")


@contextmanager
def opened(handler: type[Handler] = Handler) -> Iterator[tuple[Browser, str]]:
    """Start Chromium and serve the built site: the browser, and the address of the site."""
    with serve(HTML, handler) as address, sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"]), address
