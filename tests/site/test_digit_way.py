"""From a number to what it came from and back, steps and their undoing, and what a gradient is good for."""

from __future__ import annotations

import re

import pytest
import torch

from glassbox.models import SmallCNN

from .conftest import both_ways, until

pytestmark = pytest.mark.site

OPEN = "document.querySelector('.tracer-title code').textContent === it"


@pytest.fixture
def digit(visit):
    """Open the page, with the tour over."""

    def open_page(fragment="", **options):
        page = visit("play/digit.html" + fragment, **options)
        page.get_by_role("button", name="Skip the tour").click()
        return page

    return open_page


def title(page) -> str:
    return page.locator(".tracer-title code").inner_text()


def path(page) -> list[str]:
    return page.locator(".tracer-path > li").all_inner_texts()


@both_ways
def test_the_way_down_to_a_pixel_is_shown_and_back_returns_on_it(digit):
    page = digit("#digit=3")
    page.get_by_title("Open the probability of 3").click()
    names = ["probability[3]"]
    while not title(page).startswith("input["):
        page.locator(".formula-sum th button").first.click()
        names.append(title(page))
        assert path(page) == names
    page.get_by_role("button", name="Back").click()
    until(page, OPEN, names[-2])
    assert path(page) == names[:-1]
    for expected in names[-3::-1]:
        page.go_back()
        until(page, OPEN, expected)
    page.go_forward()
    until(page, OPEN, names[1])
    page.get_by_role("button", name=names[0], exact=True).click()
    assert path(page) == names[:1]


def test_enter_leads_from_a_cell_to_its_terms_and_escape_back(digit):
    page = digit("#digit=2&open=conv2:1.6.6")
    cell = page.locator('[role=grid][aria-label^="conv2:"] [role=gridcell]')
    cell.focus()
    page.keyboard.press("ArrowRight")
    assert title(page) == "conv2[1, 6, 6]"  # only looked at
    page.keyboard.press("Enter")
    assert title(page) == "conv2[1, 6, 7]"
    assert page.locator(":focus").inner_text().startswith("pool1[")
    page.keyboard.press("Escape")
    assert page.locator(":focus").get_attribute("aria-label").startswith("conv2, channel 1, row 6, column 7")
    page.keyboard.press("Enter")
    term = page.locator(":focus").inner_text()
    page.keyboard.press("Enter")
    assert title(page) == term


def test_the_pointer_shows_a_number_and_what_it_came_from(digit):
    page = digit("#digit=5&open=conv1:0.5.5")
    maps = page.locator(".flow-stage", has=page.get_by_role("button", name=re.compile("^conv3,"))).locator("canvas")
    maps.nth(2).hover()
    tip = page.locator(".tracer-tip")
    name, value = re.fullmatch(r"(conv3\[2, \d, \d\]) = (.+)", tip.inner_text()).groups()
    # One frame in each map of the six values before it and in its own: 1 + 3 x 2 + 3 x 4 + 1.
    assert page.locator(".flow-frame").count() == 20
    assert title(page) == "conv1[0, 5, 5]"
    maps.nth(2).click()
    assert title(page) == name
    assert page.locator(".tracer-title data").inner_text() == value
    page.locator("h1").hover()
    assert not tip.is_visible()


def test_cards_say_that_they_hold_gradients(digit):
    page = digit("#digit=5&open=conv2:0.5.5&direction=backward")
    card = page.locator(".tracer-card", has=page.locator(".tracer-name", has_text=re.compile("^conv2$")))
    assert card.locator(".tracer-part").all_inner_texts() == ["∂L/∂ weight", "∂L/∂ bias"]


def test_a_step_says_what_it_will_do_and_did_and_is_undone(digit):
    page = digit("#digit=4&true=9")
    learn = page.locator(".tracer-learn")
    before = page.evaluate("glassbox.probabilities()")
    assert "4,640 weights" in learn.inner_text()
    hoped = learn.locator(".tracer-note").first.inner_text()
    page.get_by_label("Step size").select_option("0.0001")
    assert learn.locator(".tracer-note").first.inner_text() != hoped
    loss = float(learn.locator(".tracer-loss data").get_attribute("value"))
    for _ in range(3):
        page.get_by_role("button", name="Take one step").click()
    assert "3 steps" in page.locator(".digit-changes").inner_text()
    assert "A link to this page opens it with the weights as they were." in learn.inner_text()
    assert learn.locator("polyline").get_attribute("points").count(",") == 4
    for _ in range(3):
        page.get_by_role("button", name="Undo the step").click()
    assert page.evaluate("glassbox.probabilities()") == before
    assert float(learn.locator(".tracer-loss data").get_attribute("value")) == loss
    assert page.locator(".digit-changes").inner_text() == ""
    assert not learn.locator(".tracer-curve").is_visible()


@both_ways
def test_the_tour_has_four_steps_and_does_not_return(digit):
    page = digit()
    assert not page.locator(".tour").is_visible()
    page.reload()
    page.wait_for_selector(".digit-answer")
    assert not page.locator(".tour").is_visible()
    page.get_by_role("button", name="Show the tour").click()
    for number in range(1, 5):
        assert page.locator(".tour p").inner_text().startswith(f"{number} of 4.")
        assert page.locator(".is-toured").count() == 1
        page.locator(".tour button").first.click()
    assert not page.locator(".tour").is_visible()
    assert page.locator(".is-toured").count() == 0


def test_a_seven_is_made_a_nine_and_opened(digit):
    page = digit("#digit=7")
    page.get_by_role("button", name="Make it so").click()
    found = page.locator(".influence-found").first
    assert "The 7 became a 9 in" in found.inner_text()
    assert found.locator("canvas").count() == 3
    page.get_by_role("button", name="Open this one above").click()
    pixels = torch.tensor(page.evaluate("glassbox.pixels()")).reshape(1, 1, 28, 28)
    assert SmallCNN(pretrained=True)(pixels).argmax() == 9
    assert page.locator(".digit-answer").inner_text().startswith("It reads 9,")


def test_covers_tell_which_pixels_mattered(digit):
    page = digit("#digit=7")
    page.get_by_role("button", name="Which pixels mattered?").click()
    found = page.locator(".influence-found").last
    found.locator("figure").first.wait_for()
    assert found.locator("canvas").count() == 3
    top, left = map(int, re.search(r"rows (\d+) to \d+, columns (\d+)", found.inner_text()).groups())
    pixels = torch.tensor(page.evaluate("glassbox.pixels()")).reshape(1, 1, 28, 28)
    covered = pixels.clone()
    covered[..., top : top + 4, left : left + 4] = 0
    share = SmallCNN(pretrained=True)(covered).softmax(1)[0, 7].item()
    shown = re.search(r"to (<? ?[\d.]+) %", found.inner_text())[1]
    assert share == pytest.approx(float(shown.strip("< ")) / 100, abs=1e-4)


def test_printing_keeps_bars_and_cuts_no_card(digit):
    page = digit("#digit=7&open=conv2:0.5.5")
    page.emulate_media(media="print")
    style = (
        "element => { const s = getComputedStyle(element); return [s.printColorAdjust, s.breakInside, s.position]; }"
    )
    assert page.locator(".bars-bar").first.evaluate(style)[0] == "exact"
    assert page.locator(".tracer-card:visible").first.evaluate(style)[1] == "avoid"
    assert page.locator(".tracer-panel").evaluate(style)[2] == "static"
