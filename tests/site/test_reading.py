"""How a lesson reads: code that draws is folded and opens where it is wanted; predictions come before figures."""

from __future__ import annotations

import itertools
import re

import pytest

from .conftest import until, violations

pytestmark = pytest.mark.site

LESSON = "lessons/part1_representation/plot_12_convolution.html"
# Words that stand only in folded code of this lesson.
FOLDED = "window_centers"
# A browser that keeps nothing of ours.
REFUSE = """
for (const name of ["getItem", "setItem"]) {
  const original = Storage.prototype[name];
  Storage.prototype[name] = function (key, ...rest) {
    if (key.startsWith("glassbox")) throw new DOMException("refused", "SecurityError");
    return original.call(this, key, ...rest);
  };
}
"""


def lessons_of(site) -> list[str]:
    return [name for name in site if re.match(r"lessons/part\d_\w+/plot_", name)]


def test_the_alternative_text_of_a_figure_is_folded_with_its_code_and_the_figure_follows(site):
    for name in lessons_of(site):
        blocks = site[name].select("div.highlight-Python")
        drawn = [block for block in blocks if ".alt_text =" in block.get_text()]
        assert drawn, name
        for block in drawn:
            fold = block.find_parent("details", class_="drawing")
            assert fold is not None, f"{name}: {block.get_text()[:200]}"
            assert not fold.has_attr("open")
            after = fold.find_next_sibling()
            assert after.name in ("img", "video", "div", "a"), f"{name}: {after}"
            assert after.select_one("img, video") or after.name in ("img", "video"), f"{name}: {after}"


def test_a_prediction_comes_before_a_figure_which_is_never_hidden(site):
    for name in lessons_of(site):
        predictions = site[name].select("fieldset.prediction")
        assert 1 <= len(predictions) <= 3, name
        for prediction in predictions:
            figure = prediction.find_next(class_=["lesson-figure", "lesson-video"])
            assert figure is not None, name
            assert figure.find_parent("details") is None, name


def open_folds(page) -> int:
    return page.locator("details.drawing[open]").count()


def test_the_switch_shows_all_code_and_is_remembered(visit):
    page = visit(LESSON)
    switch = page.get_by_role("switch", name="Show all code")
    folds = page.locator("details.drawing").count()
    assert folds >= 5
    assert open_folds(page) == 0
    switch.focus()
    page.keyboard.press("Space")
    assert open_folds(page) == folds
    page.reload()
    assert switch.is_checked()
    assert open_folds(page) == folds
    switch.uncheck()
    assert open_folds(page) == 0
    page.reload()
    assert open_folds(page) == 0


def test_the_switch_works_where_storage_is_refused(visit):
    page = visit(LESSON, setup=REFUSE)
    page.get_by_role("switch", name="Show all code").check()
    assert open_folds(page) == page.locator("details.drawing").count()


def test_from_disk_folds_open_and_predictions_are_answered(visit, site):
    page = visit((site.root / LESSON).as_uri())
    page.get_by_role("switch", name="Show all code").check()
    assert open_folds(page) == page.locator("details.drawing").count()


def test_without_javascript_folds_open_by_a_click_and_no_switch_is_there(visit):
    page = visit(LESSON, java_script_enabled=False)
    fold = page.locator("details.drawing").first
    code = fold.locator("pre")
    assert not code.is_visible()
    fold.locator("summary").click()
    assert code.is_visible()
    assert not page.locator(".show-code").is_visible()


def test_print_shows_all_code(visit):
    page = visit(LESSON)
    code = page.locator("details.drawing pre").first
    shown = "code => code.checkVisibility({ contentVisibilityAuto: true }) && code.getBoundingClientRect().height > 20"
    assert not code.evaluate(shown)
    page.emulate_media(media="print")
    assert code.evaluate(shown)


def test_a_link_to_words_opens_the_fold_that_holds_them(visit):
    page = visit(f"{LESSON}#:~:text={FOLDED}")
    page.wait_for_selector("details.drawing[open]")
    assert FOLDED in page.locator("details.drawing[open]").inner_text()


def test_the_search_opens_the_fold_that_holds_a_word(visit):
    page = visit(f"{LESSON}?highlight={FOLDED}")
    page.wait_for_selector("details.drawing[open] .highlighted")
    assert open_folds(page) == 1


def test_a_prediction_is_answered_and_the_figure_pointed_at(visit):
    page = visit(LESSON)
    prediction = page.locator(".prediction").first
    right = prediction.get_attribute("data-right")
    verdict, button = prediction.locator(".quiz-verdict"), prediction.get_by_role("button")
    figure = page.locator(".is-pointed-at")
    button.click()
    assert verdict.inner_text() == "Choose an answer first."
    assert figure.count() == 0

    radios = prediction.get_by_role("radio")
    wrong = next(value for value in (radios.nth(n).input_value() for n in range(radios.count())) if value != right)
    prediction.locator(f"input[value={wrong}]").check()
    button.click()
    assert verdict.inner_text().startswith(f"{wrong} is wrong.")
    assert prediction.locator(".quiz-answer").is_visible()
    assert figure.count() == 1
    assert figure.is_visible()
    below = figure.bounding_box()["y"] - prediction.bounding_box()["y"]
    assert 0 < below < 2000
    prediction.get_by_role("link", name="Look at the figure.").click()
    until(page, "document.querySelector('.is-pointed-at').getBoundingClientRect().top < 800")

    prediction.locator(f"input[value={right}]").check()
    assert verdict.inner_text() == ""
    button.click()
    assert verdict.inner_text().startswith(f"{right} is right.")


def test_a_prediction_that_numbers_answer_points_at_them(visit):
    page = visit(LESSON)
    prediction = page.locator(".prediction[data-look=numbers]").first
    prediction.get_by_role("radio").first.check()
    prediction.get_by_role("button").click()
    assert prediction.get_by_role("link", name="Look at the numbers.").count() == 1
    assert "upright edges" in page.locator(".is-pointed-at").inner_text()


# -- Around the text -------------------------------------------------------------------------------------------------
def test_contents_stand_beside_the_text_at_1280_pixels_and_nothing_overlaps(visit):
    page = visit(LESSON, width=1280)
    boxes = [page.locator(selector).bounding_box() for selector in (".sidebar-drawer", "article", ".toc-drawer")]
    for left, right in itertools.pairwise(boxes):
        assert left["x"] + left["width"] <= right["x"]
    assert boxes[-1]["x"] + boxes[-1]["width"] <= 1280
    assert page.locator(".toc-tree").get_by_role("link", name="Nine weights").is_visible()


def test_a_lesson_begins_with_the_pages_beside_it_and_ends_with_its_downloads(site):
    for name in lessons_of(site):
        steps = site[name].select_one("nav.page-steps")
        assert {"prev", "next"} <= {rel for link in steps.select("a") for rel in link["rel"]}, name
        assert site[name].select_one("article h1").find_previous("nav", class_="page-steps") is steps
        assert not site[name].select(".sphx-glr-download-link-note"), name
        assert site[name].select_one("section#download a[href$='installation.html']"), name


def test_lessons_and_terms_are_links_and_a_term_says_its_french_word(site):
    assert any(site[name].select("a.lesson-link") for name in lessons_of(site))
    for name in lessons_of(site):
        terms = site[name].select("a.term-link")
        assert len(terms) >= 5, name
        assert len({term["href"] for term in terms}) == len(terms), name
        assert all(", in French: " in term["title"] for term in terms), name
        assert not site[name].select(".quiz a.term-link, pre a.term-link, h2 a.term-link"), name


def test_an_embedded_page_is_fetched_when_it_is_started(visit):
    page = visit(LESSON)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    start = page.get_by_role("button", name="Start")
    start.scroll_into_view_if_needed()
    assert not any("play/filter.js" in url for url in asked)
    assert page.locator("[data-play] *").count() == 0
    start.click()
    page.locator("[data-play] button, [data-play] input").first.wait_for()
    assert any("play/filter.js" in url for url in asked)
    assert page.locator(".play-still").count() == 0


def test_the_answer_to_try_this_is_folded_below_it(visit, site):
    for name in lessons_of(site):
        (answer,) = site[name].select("details.answer")
        assert not answer.has_attr("open")
        before = answer.find_previous("p")
        assert before.get_text().startswith("Try this."), name
        assert answer.select_one("pre"), name
        assert answer.select_one(".sphx-glr-script-out"), name


@pytest.mark.parametrize("opened", [False, True], ids=["shut", "open"])
def test_audits_find_nothing_with_folds(visit, opened):
    page = visit(LESSON)
    page.evaluate("opened => document.querySelectorAll('details').forEach(fold => { fold.open = opened; })", opened)
    assert violations(page) == []
