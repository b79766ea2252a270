"""The browser keeps what was read and answered: marks, the way back, Review; where it keeps nothing, that is said."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest

from tests.site.conftest import until

pytestmark = pytest.mark.site

LESSON = "lessons/part1_representation/plot_11_dense_layer.html"
WITHOUT_STORAGE = 'Storage.prototype.setItem = () => { throw new Error("refused"); }'


def answer(quiz, *, right):
    letters = [radio.get_attribute("value") for radio in quiz.get_by_role("radio").all()]
    wanted = quiz.get_attribute("data-right")
    quiz.locator(f"input[value='{wanted if right else next(each for each in letters if each != wanted)}']").check()
    quiz.get_by_role("button", name="Check").click()


def test_a_reader_comes_back(visit, served):
    page = visit(LESSON)
    assert page.locator(".was-read").count() == 0
    quizzes = page.locator(".quiz:not(.prediction)")
    answer(quizzes.nth(0), right=True)
    answer(quizzes.nth(1), right=False)
    page.locator("#questions h2").scroll_into_view_if_needed()
    until(page, "document.querySelector('.sidebar-tree .was-read') !== null")
    title = page.locator("article h1").evaluate("(title) => title.firstChild.textContent.trim()")

    for where in ("index.html", "map.html"):
        page.goto(urljoin(served, where))
        assert page.locator(".go-on a").inner_text() == title
    assert page.locator(".lesson-card .was-read").count() == 1
    assert page.locator(".lesson-card .was-read").get_attribute("aria-label") == "read"
    assert page.locator(".was-answered").all_inner_texts() == ["Answered right: 1"]
    page.locator(".go-on a").click()
    assert page.url.endswith(LESSON)

    page.goto(urljoin(served, "exercises/part1.html"))
    form = page.locator("form[data-exercise='1.4-a']")
    form.get_by_label("right").check()
    form.get_by_role("button").click()

    page.goto(urljoin(served, "review.html"))
    every = page.locator(".review-question").count()
    shown = page.locator(".review-question:visible input").evaluate_all("(all) => [...new Set(all.map((i) => i.name))]")
    assert len(shown) == every - 1
    assert "quiz-1-1-1" not in shown
    assert "quiz-1-1-2" in shown
    assert shown != sorted(shown)
    assert page.locator(".review-exercises li:visible", has_text="1.4-a").count() == 0
    assert page.locator(".review-exercises li:visible", has_text="1.4-b").count() == 1

    page.get_by_role("button", name="Forget all").click()
    assert page.get_by_role("status").first.inner_text() == f"Forgotten. {every} questions are left."
    assert page.locator(".review-question:visible").count() == every
    page.goto(urljoin(served, "map.html"))
    assert page.locator(".was-read, .was-answered, .go-on").count() == 0


def test_where_nothing_can_be_kept_the_page_says_so(visit):
    page = visit("review.html", setup=WITHOUT_STORAGE)
    assert "keeps nothing" in page.locator(".review-says").inner_text()
    page.get_by_role("button", name="Forget all").click()
    assert page.locator(".review-question:visible").count() == page.locator(".review-question").count() > 30


@pytest.mark.parametrize("stored", ["nonsense", "[]", "null", '{"read": 3, "last": {"page": "javascript:alert(1)"}}'])
def test_what_is_stored_may_be_anything(visit, stored):
    page = visit("index.html", setup=f"localStorage.setItem('glassbox-progress', {stored!r})")
    assert page.locator(".go-on").count() == 0


def test_without_javascript_review_holds_every_question(visit):
    page = visit("review.html", java_script_enabled=False)
    assert page.locator(".review-question:visible").count() > 30
    assert page.locator(".review-forget").count() == 0
