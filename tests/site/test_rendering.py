"""Every page in a real browser: it loads whole, reads well for every eye, and fits every window."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import HTML, until

pytestmark = pytest.mark.site

PAGES = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html"))
# Laptop, tablet, a laptop's window at 200 % zoom, and two phones.
WIDTHS = (1280, 768, 640, 360, 320)
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
SHIFTS = """
    window.shifts = 0;
    new PerformanceObserver(list => list.getEntries().forEach(shift => {
        if (!shift.hadRecentInput) window.shifts += shift.value;
    })).observe({type: "layout-shift", buffered: true});
"""


# A span colors a piece of a line. One of each kind says what a thousand say, and axe looks at each for long.
ONE_OF_EACH_KIND = """() => {
    document.querySelectorAll(".katex-html").forEach(equation => equation.textContent = "x");
    document.querySelectorAll(".katex-mathml").forEach(equation => equation.remove());
    const seen = new Set();
    for (const span of document.querySelectorAll("article :is(span, em):not([id], [role], [tabindex], [aria-label])")) {
        const language = span.closest("[class*=highlight-]")?.className;
        const kind = [span.className, span.parentElement.className, language].join();
        seen.has(kind) ? span.replaceWith(...span.childNodes) : seen.add(kind);
    }
}"""


def load_all(page) -> None:
    """Fetch what a reader who scrolls to the end would."""
    page.evaluate("document.querySelectorAll('[loading=lazy]').forEach(image => image.loading = 'eager')")
    page.wait_for_load_state("networkidle")


def violations(page, **options) -> list[str]:
    """Return what axe finds, each with the first element at fault."""
    page.evaluate(ONE_OF_EACH_KIND)
    found = Axe().run(page, options=options | {"resultTypes": ["violations"], "preload": False}).response["violations"]
    return [f"{flaw['id']} ({len(flaw['nodes'])}): {json.dumps(flaw['nodes'][0]['target'])}" for flaw in found]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_whole_fits_every_window_and_axe_finds_no_violation(visit, name):
    """In light by every rule, in dark by those that look at colors and at what scrolls: the others see the same."""
    page = visit(name)
    load_all(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate(WIDER_THAN_THE_WINDOW) == [], width
    page.set_viewport_size({"width": 1280, "height": 800})
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.evaluate("Promise.all(document.getAnimations().map((change) => change.finished))")  # colors fade over
    assert violations(page, runOnly=["color-contrast", "link-in-text-block", "scrollable-region-focusable"]) == []


FLAWS = {
    "image-alt": "<img src='data:,'>",
    "label": "<input>",
    "color-contrast": "<p style='color: #888'>gray</p>",
    "color-contrast (1)": "<div class=highlight-python><pre><span style='color: #888'>gray</span></pre></div>",
    "heading-order": "<h6>too deep</h6>",
}


@pytest.mark.parametrize(("rule", "flaw"), FLAWS.items(), ids=FLAWS)
def test_axe_sees_a_planted_flaw(visit, rule, flaw):
    page = visit("index.html")
    page.evaluate("flaw => document.querySelector('article').insertAdjacentHTML('beforeend', flaw)", flaw)
    assert rule in " ".join(violations(page))


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
    assert page.url.endswith("#furo-main-content")


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
