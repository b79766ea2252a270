"""The harness itself sees what goes wrong in a page."""

from __future__ import annotations

import pytest

from .conftest import serve, watched

pytestmark = pytest.mark.site

LOADS = "document.body.append(Object.assign(document.createElement('%s'), {%s: '%s'}))"
ELSEWHERE = "console: Failed to load resource: net::ERR_NAME_NOT_RESOLVED (https://example.org/"
# What is planted, the event that it causes, and what the harness says of it.
FLAWS = {
    "an error in the console": ("console.error('planted')", "console", "console: planted"),
    "an error in a script": ("setTimeout(() => { throw Error('planted') })", "pageerror", "script: planted"),
    "a missing image": (LOADS % ("img", "src", "missing.png"), "console", "status of 404"),
    "a missing video": (LOADS % ("video", "src", "missing.mp4"), "console", "status of 404"),
    "a missing file to fetch": ("fetch('missing.json')", "console", "status of 404"),
    "an image of a third party": (LOADS % ("img", "src", "https://example.org/a.png"), "console", ELSEWHERE),
    "a script of a third party": (LOADS % ("script", "src", "https://example.org/a.js"), "console", ELSEWHERE),
    "a frame of a third party": (LOADS % ("iframe", "src", "https://example.org/"), "framenavigated", "a frame"),
    "a missing page in a frame": (LOADS % ("iframe", "src", "missing.html"), "console", "status of 404"),
    "a request to a third party": ("fetch('https://example.org/').catch(() => {})", "console", ELSEWHERE),
    "a style of a third party": (
        "document.body.append(Object.assign(document.createElement('style'), "
        "{textContent: '@import \"https://example.org/a.css\"'}))",
        "console",
        ELSEWHERE,
    ),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html><title>t</title><link rel=icon href='data:,'><body></body>")
    return tmp_path


def plant(browser, address: str, script: str, event: str) -> list[str]:
    """Return what the harness says of a page in which the script ran."""
    page = browser.new_page()
    with watched(page, address) as troubles:
        page.goto(address)
        assert troubles == []
        with page.expect_event(event):
            page.evaluate(f"() => {{ {script} }}")
    page.close()
    return troubles


@pytest.mark.parametrize(("script", "event", "trouble"), FLAWS.values(), ids=FLAWS)
def test_a_planted_flaw_is_seen(browser, folder, script, event, trouble):
    with serve(folder) as address:
        assert trouble in " ".join(plant(browser, address, script, event))


def test_a_page_from_disk_may_not_miss_a_file(browser, folder):
    troubles = plant(browser, (folder / "index.html").as_uri(), LOADS % ("img", "src", "missing.png"), "console")
    assert "ERR_FILE_NOT_FOUND (file://" in " ".join(troubles)


def test_an_address_that_does_not_exist_gets_the_page_404(visit, folder):
    (folder / "404.html").write_text("<!doctype html><title>Not here</title><link rel=icon href='data:,'>")
    with serve(folder) as address:
        assert visit(f"{address}no/such/page.html", status=404).title() == "Not here"
