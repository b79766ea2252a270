"""The harness itself sees what goes wrong in a page."""

from __future__ import annotations

import pytest

from .conftest import serve, watch

pytestmark = pytest.mark.site

IMAGE = "document.body.append(Object.assign(new Image(), {src: '%s'}))"
# What is planted, the event that it causes, and what the harness says of it.
FLAWS = (
    ("console.error('planted')", "console", "console: planted"),
    ("setTimeout(() => { throw Error('planted') })", "pageerror", "script: planted"),
    (IMAGE % "missing.png", "response", "answered 404"),
    (IMAGE % "https://example.org/a.png", "requestfailed", "asks a third party: https://example.org/a.png"),
    ("fetch('https://example.org/').catch(() => {})", "requestfailed", "failed: https://example.org/"),
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html><title>t</title><link rel=icon href='data:,'><body></body>")
    return tmp_path


def plant(browser, address: str, script: str, event: str) -> list[str]:
    """Return what the harness says of a page in which the script ran."""
    page = browser.new_page()
    troubles = watch(page, address)
    page.goto(address)
    assert troubles == []
    with page.expect_event(event):
        page.evaluate(f"() => {{ {script} }}")
    page.close()
    return troubles


@pytest.mark.parametrize(("script", "event", "trouble"), FLAWS, ids=[flaw[2] for flaw in FLAWS])
def test_a_planted_flaw_is_seen(browser, folder, script, event, trouble):
    with serve(folder) as address:
        assert trouble in " ".join(plant(browser, address, script, event))


def test_a_page_from_disk_may_not_miss_a_file(browser, folder):
    troubles = plant(browser, (folder / "index.html").as_uri(), IMAGE % "missing.png", "requestfailed")
    assert "failed: file://" in " ".join(troubles)


def test_an_address_that_does_not_exist_gets_the_page_404(visit, folder):
    (folder / "404.html").write_text("<!doctype html><title>Not here</title><link rel=icon href='data:,'>")
    with serve(folder) as address:
        assert visit(f"{address}no/such/page.html", status=404).title() == "Not here"
