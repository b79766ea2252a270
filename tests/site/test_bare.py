"""Pages to play with in other pages: alone at the width they are given, and the lines that put them there."""

from __future__ import annotations

import re
from html import unescape

import pytest

from .conftest import serve, until, violations

pytestmark = pytest.mark.site

PAGES = {
    "digit": ".tracer-title",
    "train": ".train-figures strong",
    "weights": "[type=range]",
    "filter": ".kernel input",
    "descent": ".risk-map",
    "race": ".risk-map",
    "backprop": ".perceptron circle",
}
FITS = "Math.abs(innerHeight - document.querySelector('.content').getBoundingClientRect().height) < 2"
LISTENS = """
<script>
  const told = [];
  addEventListener("message", ({ source, data }) => {
    told.push(data);
    for (const frame of document.querySelectorAll("iframe")) {
      if (frame.contentWindow === source && data?.kind === "glassbox-height") {
        frame.style.height = `${data.height}px`;
      }
    }
  });
</script>
"""


@pytest.fixture
def framed(browser, tmp_path):
    """Open a page of another site that holds some lines of HTML, and note what it asks for."""
    contexts = []
    with serve(tmp_path) as address:

        def open_page(lines: str, *, width: int = 1000, from_disk: bool = False, listens: str = LISTENS):
            path = tmp_path / "other.html"
            path.write_text(f"<!doctype html><title>Another site</title>{listens}{lines}", encoding="utf-8")
            context = browser.new_context(viewport={"width": width, "height": 800})
            contexts.append(context)
            page = context.new_page()
            page.asked, page.troubles = [], []
            page.on("request", lambda request: page.asked.append(request.url))
            page.on("pageerror", lambda error: page.troubles.append(str(error)))
            page.goto(path.as_uri() if from_disk else f"{address}other.html")
            return page

        yield open_page
    for context in contexts:
        context.close()


def inside(page):
    frame = page.frames[-1]
    frame.wait_for_load_state()
    return frame


@pytest.mark.parametrize("name", PAGES)
def test_in_a_frame_of_another_site_a_page_stands_alone_and_says_its_height(framed, served, name):
    page = framed(f'<iframe src="{served}play/{name}.html?bare" style="width: calc(100vw - 40px)"></iframe>', width=360)
    frame = inside(page)
    frame.locator(PAGES[name]).first.wait_for()
    around = frame.locator(".sidebar-drawer, .mobile-header, .content-icon-container, .page-steps, footer, article p")
    assert [each.inner_text() for each in around.all() if each.is_visible() and not is_of_play(each)] == []
    until(page, "told.length > 0")
    for width in (360, 1000, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        until(frame, f"innerWidth === {width - 40}")
        until(frame, "document.documentElement.scrollHeight <= innerHeight")  # all of it is in sight, and no more
        until(frame, FITS)
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    assert page.evaluate("told.every(({ kind, height, ...rest }) => kind === 'glassbox-height' && height > 200)")
    assert page.evaluate("told.every((data) => Object.keys(data).length === 2)")
    assert all(asked.startswith((served, page.url, "data:", "blob:")) for asked in page.asked)
    assert page.troubles == []


def is_of_play(element) -> bool:
    return element.evaluate("element => element.closest('.play') !== null")


def filled(page, name) -> None:
    """Wait until the page in a frame is all there, and the frame has the height that it told."""
    frame = inside(page)
    frame.locator(PAGES[name]).first.wait_for()
    until(frame, FITS)


@pytest.mark.parametrize("name", PAGES)
def test_from_disk_too(framed, unpacked, name):
    page = framed(
        f'<iframe src="{(unpacked / "play" / name).as_uri()}.html?bare" width="700"></iframe>', from_disk=True
    )
    inside(page).locator(PAGES[name]).first.wait_for()
    until(page, "told.length > 0")
    assert page.troubles == []


STATES = {
    "digit": "digit=2&open=conv1:0.5.5",
    "train": "seed=3&batch=50&rule=plain&rate=0.1&digit=2",
    "filter": "bias=0.5&stride=2",
    "descent": "step=0.002",
    "backprop": "seed=7",
    "weights": "b1=-10&relu=1",
    "race": "some=50&price=100",
}


# The words of a line that names the source, as the page shows them.
NAMED = """(lines) => new DOMParser().parseFromString(lines, "text/html").querySelector("p").textContent
    .replace(/\\s+/g, " ")"""


@pytest.mark.parametrize("name", PAGES)
def test_the_lines_to_copy_hold_the_state_and_the_height(visit, framed, served, name):
    page = visit(f"play/{name}.html#{STATES[name]}")
    page.locator(PAGES[name]).first.wait_for()
    page.get_by_text("Put this into a page of yours").click()
    page.get_by_label("Width in pixels").fill("600")
    page.get_by_label("Width in pixels").press("Enter")
    lines = page.get_by_label("Lines of HTML")
    until(page, "document.querySelector('.take-along iframe').style.width === '600px'")
    filled(page, name)
    until(page, "it.value.includes('max-width: 600px') && !it.value.includes('height: 700px')", lines.element_handle())
    text = lines.input_value()
    (address,) = re.findall(r'src="([^"]+)"', text)
    published = page.evaluate("document.querySelector('link[rel=canonical]')?.href") or f"{served}play/{name}.html"
    assert unescape(address).startswith(f"{published}?bare#")
    assert unescape(address).endswith(page.evaluate("location.hash"))
    assert page.evaluate(NAMED, text) == f"From {page.title()}, by The Glassbox authors, CC BY 4.0."
    height = int(re.search(r"[^-]height: (\d+)px", text)[1])
    other = framed(text.replace('loading="lazy"', "").replace(published, f"{served}play/{name}.html"))
    filled(other, name)
    until(other, f"Math.abs(told.at(-1)?.height - {height}) <= 2")
    assert inside(other).evaluate("location.hash") == page.evaluate("location.hash")


def test_lines_that_listen_fit_the_height_at_every_width(visit, framed, served):
    page = visit("play/filter.html")
    page.get_by_text("Put this into a page of yours").click()
    assert page.get_by_label("Fit the height at every width").is_checked()
    text = page.get_by_label("Lines of HTML").input_value()
    published = page.evaluate("document.querySelector('link[rel=canonical]')?.href") or f"{served}play/filter.html"
    other = framed(text.replace('loading="lazy"', "").replace(published, f"{served}play/filter.html"), listens="")
    heights = []
    for width in (1000, 420):
        other.set_viewport_size({"width": width, "height": 800})
        until(inside(other), f"innerWidth <= {width} && innerWidth > {width - 250}")
        filled(other, "filter")
        heights.append(other.locator("iframe").bounding_box()["height"])
    assert heights[1] > heights[0] + 100
    assert other.troubles == []


def test_lines_of_a_page_from_disk_say_so_where_it_is_published_nowhere(visit, html):
    page = visit((html / "play/filter.html").as_uri())
    page.get_by_text("Put this into a page of yours").click()
    published = page.locator("link[rel=canonical]").count()
    address = page.get_by_label("Lines of HTML").input_value()
    assert ("file:" in address) == page.get_by_text("This page is read from disk").is_visible() == (not published)


def test_copy_puts_the_lines_into_the_clipboard(visit):
    page = visit("play/descent.html", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("Put this into a page of yours").click()
    until(page, "!document.querySelector('.take-along textarea').value.includes('height: 700px')")
    page.locator(".take-along").get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    lines = page.get_by_label("Lines of HTML").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == lines


def test_axe_finds_nothing_in_a_bare_page_nor_in_the_offer(visit):
    page = visit("play/filter.html?bare")
    page.locator(".kernel input").first.wait_for()
    assert violations(page) == []
    page = visit("play/filter.html", width=390)
    page.get_by_text("Put this into a page of yours").click()
    page.locator(".take-along iframe").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_wide_screen_is_filled(visit, name):
    page = visit(f"play/{name}.html?bare", width=1920, height=1080)
    page.locator(PAGES[name]).first.wait_for()
    assert page.locator(f".play-{name}").bounding_box()["width"] > 0.95 * 1920
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 22
