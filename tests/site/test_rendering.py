"""Every page in a real browser: it loads whole, reads well for every eye, and fits every window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from .conftest import HTML, PATIENCE, load_all, until, violations, watched

pytestmark = pytest.mark.site

PAGES = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html"))
# Two phones, a laptop's window at 200 % zoom, a tablet, and a laptop.
WIDTHS = (320, 360, 640, 768, 1280)
# Furo's column of content scrolls by itself where it is too narrow: to a reader that is the page.
WIDER_THAN_THE_WINDOW = """() => {
    const pages = [document.documentElement, ...document.querySelectorAll(".content")];
    if (pages.every(page => page.scrollWidth <= page.clientWidth + 1)) return [];
    const limit = document.documentElement.clientWidth + 1;
    const wide = [...document.querySelectorAll(".content *")].filter(e => e.getBoundingClientRect().right > limit);
    const hides = e => getComputedStyle(e).overflowX !== "visible";
    const scrolls = e => !e.matches(".content") && (hides(e) || scrolls(e.parentElement));
    return ["too wide", ...wide.filter(e => !scrolls(e.parentElement)).map(e => e.outerHTML.slice(0, 120)).slice(0, 3)];
}"""
# Pictures that are smaller than their words can be read, and what a lesson prints.
TOO_SMALL = """() => [...document.querySelectorAll(".figure-frame :is(img, video)")].filter(one => one.offsetParent)
    .filter(one => !(one.offsetWidth >= parseFloat(one.style.minWidth))).map(one => one.outerHTML.slice(0, 120))"""
SCROLLS = """() => [...document.querySelectorAll(".sphx-glr-script-out pre")]
    .filter(pre => pre.scrollWidth > pre.clientWidth).map(pre => pre.innerText)"""
SHIFTS = """
    window.shifts = 0;
    new PerformanceObserver(list => list.getEntries().forEach(shift => {
        if (!shift.hadRecentInput) window.shifts += shift.value;
    })).observe({type: "layout-shift", buffered: true});
"""


@pytest.fixture(scope="module")
def window(browser, served) -> Iterator[tuple[Page, list[str], set[str]]]:
    """One window for all pages, which fetches once what they share; what goes wrong in it; whose colors are known."""
    page = browser.new_page(reduced_motion="reduce")
    page.set_default_timeout(PATIENCE)
    with watched(page, served) as troubles:
        yield page, troubles, set()
    page.close()


@pytest.mark.xdist_group("rendering")  # one window, which fetches and learns once
@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_whole_fits_every_window_and_axe_finds_no_violation(window, served, name):
    page, troubles, known = window
    troubles.clear()
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(served + name)
    load_all(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(WIDER_THAN_THE_WINDOW) == [], width
        assert page.evaluate(TOO_SMALL) == [], width
    assert page.evaluate(SCROLLS) == []
    assert violations(page, known) == []
    assert troubles == []


# What is planted, and what axe says of it.
FLAWS = {
    "image-alt (1)": "<img src='data:,'>",
    "label (1)": "<input>",
    "color-contrast (2)": "<p style='color: #888'>gray</p>"
    "<div class=highlight-python><pre><span style='color: #888'>gray</span></pre></div>",
    "heading-order (1)": "<h6>too deep</h6>",
    "link-in-text-block (1)": "<p>words <a href='#' style='color: color-mix(in srgb, currentcolor 80%, gray); "
    "text-decoration: none'>link</a> words</p>",
    "color-contrast (1)": "<p style='color: #333'>dark in the dark</p>",
}


def test_axe_sees_planted_flaws_where_the_rest_is_known(visit):
    known = set()
    assert violations(visit("index.html"), known) == []
    assert known
    page = visit("index.html")
    flaws = "".join(FLAWS.values())
    page.evaluate("flaws => document.querySelector('article').insertAdjacentHTML('beforeend', flaws)", flaws)
    found = [flaw.partition(":")[0] for flaw in violations(page, known)]
    assert set(found) == set(FLAWS)
    assert found.count("link-in-text-block (1)") == 2  # in light, and in dark


def test_a_wide_element_is_seen(visit):
    page = visit("index.html", width=360)
    page.evaluate("document.querySelector('article').insertAdjacentHTML('beforeend', '<hr style=\"width: 500px\">')")
    assert "500px" in " ".join(page.evaluate(WIDER_THAN_THE_WINDOW))


def test_the_banner_of_a_site_on_other_data_is_not_cut(visit):
    page = visit("index.html", width=360, height=740)
    banner = f"<div class=announcement><aside class=announcement-content>{'forty words ' * 20}</aside></div>"
    page.evaluate("banner => document.querySelector('.page').insertAdjacentHTML('beforebegin', banner)", banner)
    assert page.evaluate("(e => e.scrollHeight - e.clientHeight)(document.querySelector('.announcement'))") <= 0
    assert page.evaluate("(e => e.getBoundingClientRect().top)(document.querySelector('.announcement-content'))") >= 0
    assert page.evaluate(WIDER_THAN_THE_WINDOW) == []


# The pages that `make audit` measures.
MEASURED = [
    "index.html",
    "lessons/part1_representation/plot_14_inside.html",
    "lessons/part3_learning/plot_33_backpropagation.html",
    "api/nn.html",
]


@pytest.mark.parametrize("name", MEASURED)
def test_the_layout_stays_while_a_phone_loads_the_page(visit, name):
    page = visit(name, width=412, height=823, setup=SHIFTS)
    load_all(page)
    assert page.evaluate("window.shifts") < 0.05


def test_a_shift_is_seen(visit):
    page = visit("index.html", width=412, height=823, setup=SHIFTS)
    page.evaluate("document.querySelector('article').insertAdjacentHTML('afterbegin', '<p style=\"height: 300px\">')")
    until(page, "window.shifts > 0.05")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_tab_reaches_the_skip_link_and_shows_it(visit, scheme):
    page = visit("quickstart.html", scheme=scheme)
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "Skip to content"
    until(page, "document.activeElement.getBoundingClientRect().top >= 0")  # it slides in
    page.keyboard.press("Enter")
    until(page, "location.hash === '#furo-main-content'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whatever_has_the_focus_shows_it(visit, scheme):
    page = visit("quickstart.html", scheme=scheme)
    outlines = []
    for _ in range(12):
        page.keyboard.press("Tab")
        outlines.append(
            page.evaluate("[document.activeElement.className, getComputedStyle(document.activeElement).outlineStyle]")
        )
    assert [name for name, style in outlines if style != "solid"] == []


def test_a_video_waits_behind_its_still(visit):
    page = visit("lessons/part1_representation/plot_12_convolution.html")
    videos = page.locator("video:visible")
    assert videos.count() >= 1
    for video in videos.all():
        assert video.evaluate("v => v.controls && v.paused && !v.autoplay")
    videos.first.scroll_into_view_if_needed()
    until(page, "it.poster", videos.first.element_handle())
    place = videos.first.bounding_box()
    assert videos.first.evaluate("v => v.play().then(() => v.duration)") > 0
    assert videos.first.bounding_box() == place
    assert page.locator("video[poster]:not(:visible)").count() == 0


def test_nothing_moves_for_a_reader_who_wants_less_motion(visit):
    page = visit("quickstart.html", reduced_motion="reduce")
    moving = "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).%s) > 0.001).length"
    assert page.evaluate(moving % "transitionDuration") == 0
    assert page.evaluate(moving % "animationDuration") == 0
    # Nor does a color, which every element in turn takes over from the one around it.
    page.emulate_media(color_scheme="dark")
    fading = """async () => {
        await new Promise(requestAnimationFrame);
        return document.getAnimations().filter(it => it instanceof CSSTransition).length;
    }"""
    assert page.evaluate(fading) == 0


def test_a_copy_button_copies_the_code_without_its_prompts(visit):
    page = visit("api/nn.html", permissions=["clipboard-read", "clipboard-write"])
    example = page.locator("div.highlight", has=page.locator(".gp")).first
    example.hover()
    example.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied
    assert ">>>" not in copied
    assert copied.splitlines()[0] in example.inner_text()


# What a page of each kind shows without its scripts.
WITHOUT_SCRIPTS = {
    "index.html": ".open-box .maps img",
    "map.html": ".lesson-card img.lesson-figure",
    "lessons/part1_representation/plot_11_dense_layer.html": "img.lesson-figure",
    "exercises/part1.html": "div.highlight pre",
    "notation.html": ".katex",
    "api/nn.html": "dt.sig",
}


@pytest.mark.parametrize(("name", "content"), WITHOUT_SCRIPTS.items(), ids=WITHOUT_SCRIPTS)
def test_a_page_reads_without_javascript(visit, name, content):
    page = visit(name, java_script_enabled=False)
    assert page.locator("h1").is_visible()
    assert page.locator(f"{content}:visible").first.is_visible()
