"""A lesson on the wall: large, one section at a time, by keyboard, and gone without a trace in print."""

from __future__ import annotations

import re
from itertools import takewhile
from urllib.parse import parse_qs, urlsplit

import pytest

from .conftest import both_ways, load_all, until, violations

pytestmark = pytest.mark.site

LESSON = "lessons/part1_representation/plot_12_convolution.html"
SHOWN = (
    """() => [...document.querySelectorAll("article > section > section")].filter(s => s.offsetParent).map(s => s.id)"""
)
SMALLEST_TEXT = """() => Math.min(...[...document.querySelectorAll("article :is(p, li, h1, h2)")]
    .filter(e => e.offsetParent && !e.closest(".play, details")).map(e => parseFloat(getComputedStyle(e).fontSize)))"""


# Whether what is in full is what a look at the middle of the screen finds, all of it on the screen.
FILLS = """() => {
    const full = document.querySelector(".present-full");
    const picture = (full.querySelector("img") ?? full).getBoundingClientRect();
    const isSeen = document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest(".present-full") === full;
    return isSeen && picture.top >= 0 && picture.bottom <= innerHeight && full.scrollHeight <= innerHeight;
}"""
BELOW = """() => {
    const { scrollHeight, clientHeight, scrollTop } = document.querySelector(".present-full");
    return Math.round(scrollHeight - clientHeight - scrollTop);
}"""

# Whether the end of the section is on the screen.
ENDS = """[...document.querySelectorAll(".present-now > *")]
    .every((block) => block.getBoundingClientRect().bottom <= document.querySelector(".present-bar").offsetTop + 4)"""

TALKS = "&then=10 minutes: A break.;7 minutes play/digit: Draw one.;1.3,the-digits"


def seen_to_the_end(page) -> list[str]:
    """Press space until the bar counts to its end; return the sections that were shown."""
    seen = []
    for _ in range(200):
        seen += [name for name in page.evaluate(SHOWN) if seen[-1:] != [name]]
        here, last = page.locator(".present-bar [role=status]").first.inner_text().split(" / ")
        if here == last:
            return seen
        page.keyboard.press("Space")
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1024, 768)])
def test_it_is_large_and_one_section_at_a_time(visit, width, height):
    page = visit(f"{LESSON}?present", width=width, height=height)
    assert page.evaluate(SHOWN) == []
    assert page.locator("h1").is_visible()
    assert not page.locator(".sidebar-drawer").is_visible()
    page.keyboard.press("End")
    page.keyboard.press("Home")
    page.keyboard.press("PageDown")
    (section,) = page.evaluate(SHOWN)
    assert page.url.endswith(f"?present#{section}")
    assert page.evaluate(SMALLEST_TEXT) >= 0.026 * height
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    load_all(page)
    assert violations(page) == []


def test_the_address_opens_its_section_and_keys_go_through_all(visit):
    page = visit(LESSON, width=1024, height=768)
    sections = page.evaluate('() => [...document.querySelectorAll("article > section > section")].map(s => s.id)')
    assert sections[-2:] == ["exercises", "download"]
    page.get_by_role("link", name="Present", exact=True).click()
    page.wait_for_url("**?present#*")
    assert page.locator(".show-code").count() == 1
    assert not page.locator(".show-code").is_visible()  # the bar has its own
    assert seen_to_the_end(page) == sections[:-2]
    page.goto(page.url.partition("#")[0] + f"#{sections[2]}")
    page.reload()
    assert page.evaluate(SHOWN) == [sections[2]]
    page.get_by_role("button", name="Back to the lesson").click()
    page.wait_for_url(f"**/{LESSON}#{sections[2]}")
    assert page.evaluate(SHOWN) == sections


def test_a_figure_fills_the_screen_and_comes_back(visit):
    page = visit(f"{LESSON}?present", width=1024, height=768)
    page.keyboard.press("ArrowRight")
    figure = page.locator("a.lesson-figure:visible").first
    figure.scroll_into_view_if_needed()
    before = figure.bounding_box()
    figure.click()
    assert figure.bounding_box() == {"x": 0, "y": 0, "width": 1024, "height": 768}
    page.keyboard.press("Escape")
    assert figure.bounding_box() == before
    page.keyboard.press("f")
    assert page.locator(".present-full").bounding_box() == {"x": 0, "y": 0, "width": 1024, "height": 768}


@pytest.mark.parametrize(("width", "height", "scheme"), [(1920, 1080, "dark"), (1024, 768, "light")])
def test_what_is_in_full_is_seen_and_is_all_on_the_screen(visit, width, height, scheme):
    page = visit(f"{LESSON}?present", width=width, height=height, scheme=scheme)
    drawn = set()
    for _ in range(40):
        page.keyboard.press("f")
        if page.locator("a.present-full, video.present-full").count():
            assert page.evaluate(FILLS), page.url
            drawn.add(page.evaluate("document.querySelector('.present-full').tagName"))
        page.keyboard.press("Escape")
        if drawn == {"A", "VIDEO"}:
            return
        page.keyboard.press("PageDown")
    raise AssertionError(drawn)


def test_code_and_size_are_asked_for(visit):
    page = visit(f"{LESSON}?present#a-photograph-in-numbers")
    code = page.locator(".present-now .highlight-Python").first
    assert not code.is_visible()
    page.keyboard.press("c")
    assert code.is_visible()
    size = page.evaluate(SMALLEST_TEXT)
    page.keyboard.press("+")
    assert page.evaluate(SMALLEST_TEXT) == pytest.approx(1.1 * size, rel=0.01)


def test_a_print_is_a_handout_of_the_whole_lesson(visit):
    page = visit(f"{LESSON}?present&without=nine-weights#a-photograph-in-numbers")
    sections = page.evaluate('() => [...document.querySelectorAll("article > section > section")].map(s => s.id)')
    page.emulate_media(media="print")
    assert page.evaluate(SHOWN) == [name for name in sections if name != "download"]
    assert not page.locator(".present-bar").is_visible()
    assert page.locator("details.drawing").first.is_hidden()
    assert page.locator(".highlight-Python:not(details *)").first.is_visible()
    page.emulate_media(media="screen")
    page.keyboard.press("c")
    page.emulate_media(media="print")
    assert page.locator("details.drawing").first.is_visible()


def test_without_a_script_the_page_is_as_it_is(visit):
    page = visit(f"{LESSON}?present", java_script_enabled=False)
    assert page.locator(".sidebar-drawer").is_visible()
    assert page.locator("article > section > section").first.is_visible()


def test_f_gives_a_page_to_play_with_the_screen_before_its_start_and_after(visit):
    page = visit(f"{LESSON}?present#under-your-hands")
    page.locator(".play-still").wait_for()
    page.keyboard.press("f")
    assert page.locator(".present-full img:visible").count() == 1
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Start").click()
    page.locator(".kernel input").first.wait_for()
    played = page.locator(".play[data-play]")
    before = played.bounding_box()
    page.locator("select[name=preset]").focus()
    page.keyboard.press("f")
    assert page.locator(".present-full").count() == 0  # a field has its own keys
    page.locator(".play canvas").last.focus()
    page.keyboard.press("f")
    box = played.bounding_box()
    assert (box["x"], box["y"]) == (0, 0)
    assert box["width"] > before["width"]
    assert all(played.locator(part).first.bounding_box()["y"] < 600 for part in ("canvas", ".kernel", ".sum"))
    page.keyboard.press("Escape")
    assert page.locator(".present-full").count() == 0


def test_a_page_to_play_with_is_started_in_full_and_leaves_the_lesson_free(visit):
    page = visit(f"{LESSON}?present#under-your-hands")
    page.locator(".play-still").wait_for()
    page.keyboard.press("f")
    page.get_by_role("button", name="Start").click()
    page.locator(".play[data-play].present-full .kernel input").first.wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".present-full").count() == 0
    assert page.evaluate("getComputedStyle(document.documentElement).overflowY") != "hidden"


@pytest.mark.parametrize(
    ("lesson", "section", "play", "needed"),
    [
        (12, "under-your-hands", "filter", ".kernel"),
        (22, "under-your-hands", "descent", ".risk-curve"),
        (14, "one-number-by-hand", "train", ".curves"),
    ],
)
def test_a_page_to_play_with_in_full_shows_what_is_worked_and_what_it_does(visit, site, lesson, section, play, needed):
    (path,) = (name for name in site if f"/plot_{lesson}_" in name)
    page = visit(f"{path}?present#{section}", width=1920, height=1080)
    page.locator(f".play-still:has(+ [data-play={play}]) .play-start").click()
    shown = page.locator(f"[data-play={play}] {needed}").first
    shown.wait_for()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("f")
    assert page.locator(f"[data-play={play}].present-full").count() == 1
    box = shown.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 1080


def test_page_down_goes_through_a_page_to_play_with_in_full_before_it_ends(visit):
    page = visit(f"{LESSON}?present#under-your-hands", width=800, height=500)
    page.get_by_role("button", name="Start").click()
    page.locator(".kernel input").first.wait_for()
    page.locator(".play canvas").last.focus()
    page.keyboard.press("f")
    first = page.evaluate(BELOW)
    assert first > 100
    page.keyboard.press("PageDown")
    assert page.evaluate(BELOW) < first
    page.keyboard.press("PageUp")
    assert page.evaluate(BELOW) == first
    for _ in range(20):
        if page.evaluate(BELOW) <= 4:
            break
        page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    assert page.locator(".present-full").count() == 0
    assert page.evaluate("location.hash") == "#under-your-hands"


def test_every_figure_that_fits_is_whole_at_some_stop(visit):
    page = visit(f"{LESSON}?present", width=1024, height=768)
    load_all(page)
    seen = """() => [...document.querySelectorAll("a.lesson-figure")].filter((figure) => {
        const { top, bottom, height } = figure.getBoundingClientRect();
        return height > 0 && top >= -1 && bottom <= innerHeight + 1;
    }).map(({ href }) => href)"""
    shown = """() => [...document.querySelectorAll("a.lesson-figure")]
        .filter(({ offsetHeight }) => offsetHeight > 0 && offsetHeight < innerHeight - 8).map(({ href }) => href)"""
    whole, expected = set(), set()
    for _ in range(80):
        whole |= set(page.evaluate(seen))
        expected |= set(page.evaluate(shown))
        here, last = page.locator(".present-bar [role=status]").first.inner_text().split(" / ")
        if here == last and page.evaluate(ENDS):
            break
        page.keyboard.press("PageDown")
    assert len(expected) > 3
    assert expected <= whole


def test_what_is_pressed_or_skipped_to_is_not_printed(visit):
    page = visit(LESSON)
    page.emulate_media(media="print")
    assert not page.locator(".skip-to-content").is_visible()
    assert page.locator("article button:visible").count() == 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('video[data-still]')].every(({ poster }) => poster)")


def test_what_follows_a_prediction_waits_until_it_is_made_or_the_next_key(visit):
    page = visit(f"{LESSON}?present")
    section = page.locator("section:has(> .prediction)").first.get_attribute("id")
    for way in ("key", "answer", "backward"):
        page = visit(f"{LESSON}?present#{section}", width=1920, height=1080)
        quiz = page.locator(f"#{section} > .prediction").first
        after = page.locator(f"#{section} > .prediction ~ *:visible")
        assert quiz.is_visible()
        assert after.count() == 0
        if way == "answer":
            quiz.locator("input").first.check()
            quiz.locator(".quiz-check").click()
        elif way == "key":
            for _ in range(10):
                page.keyboard.press("PageDown")
                if after.count():
                    break
        else:
            page.keyboard.press("End")
            while page.evaluate("location.hash") != f"#{section}":
                page.keyboard.press("PageUp")
        assert after.count(), way
        assert page.evaluate("location.hash") == f"#{section}"
    page.emulate_media(media="print")
    assert page.locator(".prediction + *:visible").count() > 1


def test_a_plan_leaves_its_sections_out_and_goes_on_to_its_next_lesson(visit):
    ways = visit("teaching.html").locator("a.on-the-wall")
    first, second, third = (ways.nth(index).get_attribute("href") for index in range(3))
    assert first.partition("?")[0].endswith("plot_11_dense_layer.html")
    page = visit(first)
    for after in (second, third, None):
        query = parse_qs(urlsplit(page.url).query, keep_blank_values=True)
        left_out = [*query["without"][0].split(","), *query["never"][0].split(",")]
        sections = page.evaluate('() => [...document.querySelectorAll("article > section > section")].map(s => s.id)')
        talks = [name for name in sections if name.startswith("plan-")]
        assert len(talks) == len(list(takewhile(lambda part: " minutes" in part, query["then"][0].split(";"))))
        assert set(left_out) < set(sections)
        assert seen_to_the_end(page) == [name for name in sections if name not in left_out]
        while not page.evaluate(ENDS):
            page.keyboard.press("PageDown")
        here = page.url
        page.keyboard.press("PageDown")
        if after:
            page.wait_for_url(f"**/{after}#*")
    assert page.url == here
    assert page.get_by_text("The end of the plan").is_visible()
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")  # back to where the room came from, at its last slide
    page.wait_for_url(f"**/{second}#plan-2")
    page.reload()
    assert page.evaluate(SHOWN) == ["plan-2"]


def test_the_breaks_and_words_of_a_plan_come_before_its_next_lesson(visit):
    talk, words = "10 minutes: A break.", "3 minutes: A border of zeros, padding, makes 29 of 28."
    page = visit(f"{LESSON}?present&without=download&then={talk};{words};1.3,download;5 minutes: Draw.#plan-1")
    for told in (talk, words):
        assert page.locator(".present-now").inner_text().split("\n\n") == told.split(": ")
        page.keyboard.press("PageDown")
    page.wait_for_url("**/plot_13_small_cnn.html?present&without=download&then=5*")
    page.keyboard.press("PageUp")  # as the room came
    page.wait_for_url("**/plot_12_convolution.html?present*#plan-2")
    page.go_forward()
    page.wait_for_url("**/plot_13_small_cnn.html*")
    page.keyboard.press("End")
    assert page.locator(".present-now").inner_text().split("\n\n") == ["5 minutes", "Draw."]
    page.keyboard.press("PageDown")
    assert page.locator(".present-note").inner_text() == "The end of the plan"


def test_a_plan_that_goes_on_with_a_lesson_that_is_not_there_says_so(visit):
    page = visit(f"{LESSON}?present&without=download&then=1.9")
    page.keyboard.press("End")
    told = page.get_by_text("The plan goes on with lesson 1.9, which is not there")
    for _ in range(20):
        page.keyboard.press("PageDown")
        if told.count():
            break
    assert told.is_visible()


def test_words_of_the_bar_stay_when_the_mouse_rests(visit):
    page = visit(f"{LESSON}?present&without=as-it-was-called")
    shown = "getComputedStyle(document.querySelector('.present-bar')).opacity"
    until(page, "document.documentElement.classList.contains('present-idle')")
    assert page.get_by_text("Not in this lesson, so not left out").is_visible()
    assert page.evaluate(shown) == "1"
    page.keyboard.press("End")
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    page.keyboard.press("PageDown")
    page.keyboard.press("x")
    assert page.evaluate(shown) == "1"
    page.keyboard.press("Shift+X")
    assert page.evaluate(shown) == "0"


def test_a_choice_made_with_the_mouse_leaves_the_arrows_to_the_wall(visit):
    page = visit(f"{LESSON}?present")
    section = page.locator("section:has(> .prediction)").first.get_attribute("id")
    page = visit(f"{LESSON}?present#{section}", width=1920, height=1080)
    choices = page.locator(f"#{section} > .prediction input")
    choices.first.locator("xpath=ancestor::label").click()
    until(page, "document.activeElement === document.body")
    page.keyboard.press("ArrowRight")
    assert choices.first.is_checked()
    choices.first.focus()  # as who goes by keys
    page.keyboard.press("ArrowDown")
    assert choices.nth(1).is_checked()


def test_a_lesson_that_the_text_names_is_shown_on_the_wall_too(visit):
    page = visit(f"{LESSON}?present&without=download#nine-weights")
    here = page.url
    page.locator(".present-now a.internal[href*=plot_11_]").first.click()
    page.wait_for_url("**/plot_11_dense_layer.html?present#*")
    page.go_back()
    page.wait_for_url(here)
    assert page.evaluate(SHOWN) == ["nine-weights"]


def test_each_plan_on_the_page_leaves_out_what_its_lessons_have(site):
    links = site["teaching.html"].select("a.on-the-wall")
    assert len(links) > 15
    for link in links:
        query = parse_qs(urlsplit(link["href"]).query, keep_blank_values=True)
        never = query["never"][0].split(",")
        places = [(urlsplit(link["href"]).path, [*filter(None, query["without"][0].split(",")), *never])]
        for lesson in (part for part in query["then"][0].split(";") if part and " minutes" not in part):
            number, *without = lesson.split(",")
            (path,) = (name for name in site if f"/plot_{number.replace('.', '')}_" in name)
            places.append((path, without))
        for path, without in places:
            assert set(without) <= {section["id"] for section in site[path].select("article section section[id]")}


def test_a_section_that_is_there_no_longer_is_told_and_nothing_else_changes(visit):
    page = visit(f"{LESSON}?present&without=nine-weights,as-it-was-called,download")
    told = page.get_by_text("Not in this lesson, so not left out: as-it-was-called")
    assert told.is_visible()
    assert violations(page) == []
    sections = page.evaluate('() => [...document.querySelectorAll("article > section > section")].map(s => s.id)')
    assert seen_to_the_end(page) == [name for name in sections if name not in ("nine-weights", "download")]
    assert not told.is_visible()


def test_what_is_left_out_is_shown_to_who_asks_for_it_by_its_address(visit):
    page = visit(f"{LESSON}?present&without=nine-weights,padding-and-stride#nine-weights")
    assert page.evaluate(SHOWN) == ["nine-weights"]
    page.keyboard.press("PageUp")
    page.evaluate("location.hash = '#padding-and-stride'")
    page.wait_for_url("**#padding-and-stride")
    until(page, "document.querySelector('#padding-and-stride').offsetParent !== null")
    assert page.evaluate(SHOWN) == ["padding-and-stride"]
    page.get_by_role("button", name="Back to the lesson").click()
    page.wait_for_url(f"**/{LESSON}#padding-and-stride")


def test_a_step_back_from_a_lessons_title_is_a_step_to_the_end_of_the_one_before(visit):
    page = visit(f"{LESSON}?present")
    page.keyboard.press("PageUp")
    page.wait_for_url("**/plot_11_dense_layer.html?present#questions")
    assert page.evaluate(SHOWN) == ["questions"]


def test_a_plan_of_ones_own_is_made_by_leaving_sections_out(visit):
    page = visit(f"{LESSON}?present")
    sections = page.evaluate('() => [...document.querySelectorAll("article > section > section")].map(s => s.id)')
    page.keyboard.press("x")  # the title stays
    assert page.locator("h1").is_visible()
    page.goto(page.url.partition("#")[0] + f"#{sections[1]}")
    page.reload()
    for gone in sections[1:3]:
        assert page.evaluate(SHOWN) == [gone]
        page.keyboard.press("x")
    assert page.evaluate(SHOWN) == [sections[3]]
    assert page.get_by_text("Left out; Shift X brings it back").is_visible()
    page.keyboard.press("Shift+X")
    assert page.evaluate(SHOWN) == [sections[2]]
    assert page.url.endswith(f"?present&without={sections[1]},exercises,download#{sections[2]}")
    page.keyboard.press("Home")
    page.reload()  # as one who has kept the address
    assert seen_to_the_end(page) == [sections[0], *sections[2:-2]]


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1024, 768)])
def test_every_stop_shows_something_whole_that_was_not_and_cuts_nothing_at_its_top(visit, width, height):
    page = visit(f"{LESSON}?present", width=width, height=height)
    load_all(page)
    end = page.locator(".present-bar").bounding_box()["y"]  # it covers nothing that is not seen at another stop
    blocks = """() => [...document.querySelectorAll(".present-first > :not(section), .present-now > *")]
        .filter(({ offsetHeight }) => offsetHeight > 0)
        .map((block) => block.getBoundingClientRect())
        .map(({ top, bottom }) => [top + scrollY, top, bottom])"""
    seen, stops = set(), 0
    for _ in range(80):
        now = page.evaluate(blocks)
        place = page.evaluate("location.hash")
        whole = {(place, round(at)) for at, top, bottom in now if top >= -1 and bottom <= end + 4}
        assert whole - seen, (page.url, page.evaluate("scrollY"))
        cut = [top for _, top, bottom in now if top < -1 and bottom > height * 0.05 and bottom - top <= height * 0.9]
        assert cut == [], (page.url, page.evaluate("scrollY"))
        seen |= whole
        stops += 1
        here, last = page.locator(".present-bar [role=status]").first.inner_text().split(" / ")
        if here == last and page.evaluate(ENDS):
            break
        page.keyboard.press("PageDown")
    assert here == last
    assert stops > int(last)


@pytest.mark.parametrize(
    ("lesson", "section", "play", "button"),
    [(12, "under-your-hands", "filter", ".kernel input"), (13, "what-to-remember", "train", "button")],
)
def test_a_page_to_play_with_that_was_started_leaves_the_arrows_to_the_wall(visit, site, lesson, section, play, button):
    (path,) = (name for name in site if f"/plot_{lesson}_" in name)
    page = visit(f"{path}?present#{section}", width=1024, height=768)
    page.locator(".present-now .play-start").click()
    page.locator(f"[data-play={play}] {button}").first.wait_for()
    until(page, "document.activeElement.matches('.play')")
    begin = page.evaluate("scrollY")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("scrollY") > begin
    page.locator(f"[data-play={play}] [tabindex='0']").first.focus()  # who works a picture has the arrows there
    begin = page.evaluate("scrollY")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("scrollY") == begin


def test_a_button_pressed_with_the_mouse_leaves_space_to_the_wall(visit):
    page = visit(f"{LESSON}?present")
    section = page.locator("section:has(> .prediction)").first.get_attribute("id")
    page = visit(f"{LESSON}?present#{section}", width=1024, height=768)
    quiz = page.locator(f"#{section} > .prediction").first
    quiz.locator("label").first.click()
    quiz.locator(".quiz-check").click()
    verdict = quiz.locator(".quiz-verdict")
    until(page, "it.textContent", verdict.element_handle())
    until(page, "document.activeElement === document.body")
    box, bar = verdict.bounding_box(), page.locator(".present-bar").bounding_box()
    assert box["y"] + box["height"] <= bar["y"]  # the explanation is seen
    begin = page.evaluate("scrollY")
    page.keyboard.press("Space")
    assert (page.evaluate("scrollY"), page.evaluate("location.hash")) != (begin, f"#{section}")
    page.get_by_role("button", name="Show or hide the code").click()
    until(page, "document.activeElement === document.body")
    page.keyboard.press("Space")
    assert page.locator("html.present-code").count() == 1


@pytest.mark.parametrize("key", ["f", "Enter"])
def test_a_page_to_play_with_in_full_is_started_by_a_key_and_gone_through_once(visit, site, key):
    (path,) = (name for name in site if "/plot_13_" in name)
    page = visit(f"{path}?present#what-to-remember", width=1024, height=768)
    until(page, "document.querySelector('.present-now .play-start').hidden === false")
    page.locator(".present-now .play-still").scroll_into_view_if_needed()
    page.keyboard.press("f")
    assert page.locator(".present-full.play-still").count() == 1
    page.keyboard.press(key)
    page.locator(".play[data-play].present-full .curves").first.wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".present-full").count() == 0
    after = page.locator(".play[data-play=train] + p")
    page.keyboard.press("PageDown")
    assert 0 <= after.bounding_box()["y"] < 768


@both_ways
def test_the_breaks_and_pages_to_play_with_of_a_plan_are_slides(visit, way):
    page = visit(f"{LESSON}?present&without=download{TALKS}#exercises", width=1024, height=768)
    for _ in range(20):
        page.keyboard.press("PageDown")
        if page.evaluate("location.hash") != "#exercises":
            break
    assert page.evaluate(SHOWN) == ["plan-1"]
    assert page.locator(".present-now").inner_text().split("\n\n") == ["10 minutes", "A break."]
    page.keyboard.press("PageDown")
    assert page.get_by_text("Draw one.").is_visible()
    assert page.evaluate(SMALLEST_TEXT) >= 0.026 * 768
    # A page that is published nowhere lies on this computer alone, which the wall does not hide.
    is_published = page.locator("link[rel=canonical]").count() == 1
    for words in ("No phone reaches", "python -m http.server"):
        assert page.get_by_text(words).is_visible() is not is_published
    assert violations(page) == []
    page.locator(".present-address a").click()
    page.wait_for_url("**/play/digit.html?bare*")
    page.go_back()
    page.wait_for_url("**#plan-2")
    until(page, "document.querySelector('#plan-2')?.offsetParent")
    page.keyboard.press("PageUp")
    assert page.evaluate(SHOWN) == ["plan-1"]
    page.emulate_media(media="print")
    assert not page.locator(".present-talk").first.is_visible()


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1024, 768)])
def test_the_address_of_a_page_to_play_with_is_read_from_the_last_row(visit, home, html, width, height):
    published = "https://classroom.example/a/long/way/to/the/course/"
    link = f'<link rel="canonical" href="{published}{LESSON}">'
    text = re.sub(r'<link rel="canonical"[^>]*>', "", (html / LESSON).read_text("utf-8"))
    text = text.replace("</head>", f"{link}</head>", 1)
    page = visit("404.html", width=width, height=height)
    page.route("**/plot_12_**", lambda route: route.fulfill(body=text, content_type="text/html"))
    page.goto(f"{home}{LESSON}?present&without=download{TALKS}#plan-2")
    address = page.locator(".present-address a")
    assert address.inner_text() == "classroom.example/a/long/way/to/the/course/play/digit.html"
    assert address.get_attribute("href").endswith("play/digit.html?bare")
    box = address.bounding_box()
    assert box["x"] + box["width"] <= width
    assert address.evaluate("(way) => parseFloat(getComputedStyle(way).fontSize)") > 0.026 * height
    assert page.get_by_text("No phone reaches").count() == 0


def test_in_a_plan_the_minutes_of_reading_alone_are_not_shown(visit):
    time = visit(f"{LESSON}?present").locator("article > section > p", has_text="Time: ")
    assert time.is_visible()
    page = visit(f"{LESSON}?present&without=download")
    time = page.locator("article > section > p", has_text="Time: ")
    assert not time.is_visible()
    page.emulate_media(media="print")
    assert time.is_visible()


def test_the_screen_goes_black_and_comes_back_where_it_was(visit):
    page = visit(f"{LESSON}?present#nine-weights", width=1024, height=768)
    black = "getComputedStyle(document.documentElement, '::after').backgroundColor === 'rgb(0, 0, 0)'"
    for off in ("b", ".", "B"):
        for on in ("b", ".", "ArrowRight", "mouse"):
            page.keyboard.press(off)
            assert page.evaluate(black)
            page.mouse.click(20, 20) if on == "mouse" else page.keyboard.press(on)
            assert not page.evaluate(black)
            assert page.evaluate("[location.hash, scrollY]") == ["#nine-weights", 0]


def test_the_bar_lies_on_no_line_of_who_goes_by_keys(visit):
    page = visit(f"{LESSON}?present")
    shown = "getComputedStyle(document.querySelector('.present-bar')).opacity"
    page.mouse.move(20, 20)
    assert page.evaluate(shown) == "1"
    page.keyboard.press("PageDown")
    assert page.evaluate(shown) == "0"


def test_what_the_bar_says_goes_at_the_next_key(visit):
    page = visit(f"{LESSON}?present#nine-weights", width=1024, height=768)
    page.keyboard.press("x")
    told = page.get_by_text("Left out; Shift X brings it back")
    assert told.is_visible()
    page.keyboard.press("c")
    assert not told.is_visible()


def test_from_a_plans_lesson_that_was_opened_first_the_way_back_keeps_the_plan(visit):
    plan = "&never=questions,exercises,download&then=10 minutes: A break.;1.3,the-digits"
    page = visit(f"{LESSON}?present&without=nine-weights{plan}")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/plot_11_dense_layer.html?present*#what-to-remember")
    query = parse_qs(urlsplit(page.url).query)
    assert query["then"] == ["1.2,nine-weights;10 minutes: A break.;1.3,the-digits"]
    assert query["never"] == ["questions,exercises,download"]
    page.keyboard.press("End")
    for _ in range(20):
        page.keyboard.press("PageDown")
        if "/plot_12_" in page.url:
            break
    page.wait_for_url(
        "**/plot_12_convolution.html?present&without=nine-weights&never=questions,exercises,download&then=*"
    )
