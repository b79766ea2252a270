"""Firefox and WebKit do what Chromium does: the pages to play with, three lessons, the policy.

What the pages compute is compared with the package in Chromium (`test_play`, `test_digit`). Here the same is done in
each browser, and the text that it leaves is compared with Chromium's, number by number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Page

from . import engines
from .conftest import HTML, SMUGGLED_INTO, serve
from .test_train import Run, digits_to_learn, near

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("other browsers")]  # each is started once

PLAYS = sorted(path.stem for path in HTML.glob("play/*.html") if path.stem != "index")
LESSONS = (
    "lessons/part1_representation/plot_12_convolution.html",
    "lessons/part2_descent/plot_22_gradient_descent.html",
    "lessons/part3_learning/plot_33_backpropagation.html",
)
# What a reader does, in order: the words of a button to press, or the name of a field and its value.
STEPS: dict[str, list[str | tuple[str, str]]] = {
    "digit": ["Take one step"],
    "weights": ["Languages above 10", ("weight0", "0.3"), ("bias", "-12.5")],
    "filter": [("stride", "2"), ("padding", "1"), ("relu", "on")],
    "descent": ["Step", "Step", ("momentum", "0.5"), "Step"],
    "race": ["One epoch", ("price", "20"), "One epoch"],
    "backprop": ["Show this number", "Show the whole layer", "Show the whole layer"],
}
SEVEN = [(0.2, 0.15), (0.5, 0.15), (0.8, 0.15), (0.65, 0.4), (0.5, 0.65), (0.4, 0.85)]
TEXT = "document.querySelector('[data-play]').textContent"
BUTTON = "[...document.querySelectorAll('[data-play] button')].find((one) => one.textContent === %s)"
SET = """((name, value) => {
    const field = document.querySelector(`[data-play] [name=${name}]`);
    const chosen = [...(field.options ?? [])].find((one) => [one.value, one.textContent].includes(value));
    field.value = chosen ? chosen.value : value;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
})"""
# A lesson as it should be, once everything that it shows is there.
WHOLE = """(() => {
    for (const image of document.images) image.loading = "eager";
    const root = document.documentElement;
    return {
        missing: [...document.images].filter((one) => one.checkVisibility() && !one.naturalWidth).map((one) => one.src),
        styled: [...document.querySelectorAll("link[rel~=stylesheet]")].every((link) => link.sheet),
        equations: [...document.fonts].some((font) => font.family.includes("KaTeX_Main") && font.status === "loaded"),
        fits: root.scrollWidth <= root.clientWidth + 1,
        plays: Boolean(document.querySelector(".play-start:not([hidden])")),
    };
})()"""


class Chromium(engines.Engine):
    """The page of playwright, as the other browsers are driven."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, address: str) -> None:
        self.page.goto(address)

    def run(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def act(self, actions: list[dict[str, Any]]) -> None:
        for action in actions:
            match action["type"]:
                case "pointerMove":
                    self.page.mouse.move(action["x"], action["y"])
                case "pointerDown":
                    self.page.mouse.down()
                case "pointerUp":
                    self.page.mouse.up()


@pytest.fixture(scope="module", params=[engines.firefox, engines.webkit], ids=["firefox", "webkit"])
def engine(request, tmp_path_factory) -> Iterator[engines.Engine]:
    with request.param(tmp_path_factory.mktemp("profile")) as found:
        if isinstance(found, str):
            pytest.skip(found)
        yield found


def test_all_of_these_run_in_one_process(request):
    """A pytest that pytest-xdist does not know yet would start each browser, and fill each page, in every process."""
    if request.config.getoption("loadgroup", default=False):
        assert request.node.nodeid.endswith("@other browsers")


def begin(engine: engines.Engine, address: str) -> None:
    """Open a page to play with, and wait until it is filled."""
    engine.open(address)
    assert engine.settled("document.querySelector('[data-play]:not([aria-busy]) button') !== null", True)


def go_on(engine: engines.Engine, name: str) -> None:
    """Do what the page's steps say."""
    for step in STEPS.get(name, []):
        if isinstance(step, str):
            engine.click(BUTTON % json.dumps(step))
        else:
            engine.run(f"{SET}({json.dumps(step[0])}, {json.dumps(step[1])}) ?? null")
        engine.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")


@pytest.fixture(scope="module")
def expected(browser, html) -> dict[str, str]:
    """The text of each page to play with in Chromium, after the steps, which change it."""
    texts = {}
    for name in PLAYS:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        chromium = Chromium(page)
        begin(chromium, (html / "play" / f"{name}.html").as_uri())
        before = chromium.run(TEXT)
        go_on(chromium, name)
        texts[name] = chromium.run(TEXT)
        assert (texts[name] != before) == (name in STEPS), name
        page.close()
    return texts


@pytest.mark.parametrize("way", ["served", "from disk"])
@pytest.mark.parametrize("name", PLAYS)
def test_a_page_to_play_with_says_what_it_says_in_chromium(engine, expected, html, served, name, way):
    path = f"play/{name}.html"
    begin(engine, served + path if way == "served" else (html / path).as_uri())
    go_on(engine, name)
    assert engine.settled(TEXT, expected[name]) == expected[name]
    assert getattr(engine, "errors", []) == []


def test_a_seven_that_is_drawn_is_read(engine, served):
    engine.open(f"{served}play/digit.html")
    answer = "document.querySelector('.digit-answer')?.textContent.slice(0, 10) ?? ''"
    assert engine.settled(answer, "It reads 7") == "It reads 7"
    engine.click(BUTTON % '"Clear"')
    assert engine.settled(answer, "Draw a dig") == "Draw a dig"
    left, top, width, height = engine.run("""(({x, y, width, height}) => [x, y, width, height])(
        document.querySelector(".board-canvas").getBoundingClientRect())""")
    engine.drag([(left + x * width, top + y * height) for x, y in SEVEN])
    assert engine.settled(answer, "It reads 7") == "It reads 7"


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_whole_and_its_questions_answer(engine, served, lesson):
    engine.open(served + lesson)
    whole = {"missing": [], "styled": True, "equations": True, "fits": True, "plays": True}
    assert engine.settled(WHOLE, whole) == whole
    right = """document.querySelector(`.quiz [value="${document.querySelector(".quiz").dataset.right}"]`)"""
    engine.click(right)
    engine.click("document.querySelector('.quiz .quiz-check')")
    verdict = "document.querySelector('.quiz .quiz-verdict').className"
    assert engine.settled(verdict, "quiz-verdict is-right") == "quiz-verdict is-right"
    assert getattr(engine, "errors", []) == []


@pytest.mark.parametrize("way", ["served", "from disk"])
@pytest.mark.parametrize("name", SMUGGLED_INTO)
def test_smuggled_code_does_not_run_and_would_without_the_policy(engine, smuggled, name, way):
    seen = "['script', 'attribute'].map((kind) => document.documentElement.dataset[kind] ?? 'blocked')"
    ran = f"document.body ? {seen} : 'no page yet'"
    folder, _, page = name.rpartition("/")
    with serve(smuggled) as address:
        for which, expected in (("strict", ["blocked"] * 2), ("open", ["ran"] * 2)):
            path = f"{folder}/{which}-{page}".lstrip("/")
            engine.open((smuggled / path).as_uri() if way == "from disk" else address + path)
            assert engine.settled("document.readyState", "complete") == "complete"
            assert engine.settled(ran, expected) == expected


@pytest.mark.parametrize("way", ["served", "from disk"])
def test_digits_are_fetched_and_steps_are_those_of_the_package(engine, html, served, way):
    engine.open(f"{served}play/train.html" if way == "served" else (html / "play/train.html").as_uri())
    assert engine.settled("document.querySelector('[data-play] button') !== null", True)
    engine.click(BUTTON % '"One step"')
    assert engine.settled("window.glassbox?.step()", 1) == 1
    run = Run(digits_to_learn()).to(1)
    near(engine.run("glassbox.weights()"), run.weights)
    assert engine.settled("document.querySelector('.update-move') !== null", True)
    batch, weight = run.batch(1), run.model.conv1.weight
    of_all, of_one = (torch.autograd.grad(run.loss(each), weight)[0][0, 0, 0, 0] for each in (batch, batch[:1]))
    near(engine.run("Number(document.querySelector('.update-gradients .formula-result data').value)"), of_all)
    engine.click("document.querySelector('.update-gradients tbody button')")
    near(engine.run("Number(document.querySelector('.tracer-title data').value)"), of_one)
    assert getattr(engine, "errors", []) == []
