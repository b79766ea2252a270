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
    "a beacon to a third party": ("navigator.sendBeacon('https://example.org/')", "console", ELSEWHERE),
    "a prefetch from a third party": (
        "document.head.append(Object.assign(document.createElement('link'), "
        "{rel: 'prefetch', href: 'https://example.org/a.js'}))",
        "console",
        ELSEWHERE,
    ),
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


def test_a_used_tab_is_as_a_new_one(tabs, served):
    options = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"}
    page = tabs.take(**options)
    page.goto(f"{served}404.html")
    page.evaluate("sessionStorage.setItem('left', 'behind')")
    page.route("**/*", lambda route: route.abort())
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 320, "height": 500})
    tabs.give_back(page)
    again = tabs.take(**options)
    assert again is page
    again.goto(f"{served}404.html")
    found = """[sessionStorage.length, innerWidth, innerHeight, history.state,
        matchMedia("print").matches, matchMedia("(prefers-color-scheme: dark)").matches]"""
    assert again.evaluate(found) == [0, 1280, 800, None, False, False]
    tabs.give_back(again)
