"""From a number to what it came from and back, steps and their undoing, and what a gradient is good for."""

from __future__ import annotations

import math
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


def test_the_way_is_there_again_when_the_page_is_loaded_again(digit):
    page = digit("#digit=3")
    page.get_by_title("Open the probability of 3").click()
    for _ in range(3):
        page.locator(".formula-sum th button").first.click()
    way = path(page)
    assert len(way) == 4
    page.reload()
    until(page, OPEN, way[-1])
    assert path(page) == way
    page.get_by_role("button", name="Back").click()
    until(page, OPEN, way[-2])
    assert path(page) == way[:-1]


def test_after_back_and_forward_the_address_says_what_the_page_shows(digit):
    page = digit("#digit=7")
    page.get_by_title("Open the probability of 7").click()
    page.get_by_label("Start from a 2 of the test images").click()
    page.get_by_title("Open the probability of 2").click()
    for go, number in ((page.go_back, "7"), (page.go_forward, "2")):
        go()
        until(page, OPEN, f"probability[{number}]")
        assert page.evaluate("location.hash") == f"#digit=2&open=probability:{number}"
    page.go_back()
    until(page, OPEN, "probability[7]")
    page.reload()
    until(page, OPEN, "probability[7]")
    assert page.locator(".digit-answer").inner_text().startswith("It reads 2")


def test_what_was_made_a_9_is_opened_where_it_is_read(digit):
    page = digit("#digit=7", width=390, height=844)
    page.get_by_role("button", name="Make it so").click()
    page.get_by_role("button", name="Open this one above").click()
    assert page.locator(".digit-answer").inner_text().startswith("It reads 9")
    until(page, "document.querySelector('.board-canvas').getBoundingClientRect().top > 0")
    box = page.locator(".board-canvas").bounding_box()
    assert box["y"] + box["height"] < 844
    assert page.locator(".board-canvas:focus").count() == 1
    read = page.evaluate("glassbox.probabilities()")
    until(page, "location.hash.startsWith('#pixels=')")
    page.reload()
    page.wait_for_selector(".digit-answer")
    assert page.evaluate("glassbox.probabilities()") == read


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


def test_the_tour_goes_on_with_who_opens_a_number_and_shows_the_sum_to_who_does_not(visit):
    page = visit("play/digit.html", width=390)
    tour, panel = page.locator(".tour"), page.locator(".tracer-panel")
    for _ in range(2):
        page.get_by_role("button", name="Next").click()
    assert tour.inner_text().startswith("3 of 4.")
    assert panel.locator(".formula-sum").is_visible()
    page.get_by_role("button", name="Next").click()
    assert not panel.locator(".formula-sum").is_visible()
    page.get_by_role("button", name="Show the tour").click()
    page.get_by_title("Open the probability of 7").click()
    assert tour.inner_text().startswith("3 of 4.")


def test_back_at_the_start_the_sheet_of_a_phone_is_folded(digit):
    page = digit(width=390)
    first = title(page)
    page.get_by_title("Open the probability of 7").click()
    assert page.locator(".formula-sum").is_visible()
    page.get_by_role("button", name="Back").click()
    until(page, OPEN, first)
    assert not page.locator(".formula-sum").is_visible()


PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}


def test_on_a_phone_back_stays_under_the_finger(digit):
    page = digit(**PHONE)
    page.get_by_title("Open the probability of 7").tap()
    for _ in range(4):
        page.locator(".formula-sum th button").first.tap()
    names, back = path(page), page.get_by_role("button", name="Back")
    box = back.bounding_box()
    for expected in names[-2::-1]:
        assert back.bounding_box() == box
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        until(page, OPEN, expected)
    page.locator(".tracer-sum").evaluate("sum => sum.scrollTo({top: 200, behavior: 'instant'})")
    assert back.bounding_box() == box


@pytest.mark.parametrize("size", [(390, 844), (320, 640)])
def test_on_a_phone_the_words_of_the_tour_stand_in_the_sheet_that_they_speak_of(visit, size):
    page = visit("play/digit.html", **PHONE | dict(zip(["width", "height"], size, strict=True)))
    page.get_by_role("button", name="Next").tap()
    page.locator(".flow-maps > .grid-block").nth(3).tap()
    words = page.locator(".tour > p")
    assert words.inner_text().startswith("3 of 4.")
    assert words.evaluate(
        """words => {
            const { left, top, bottom } = words.getBoundingClientRect();
            return [top + 4, bottom - 4].every((y) => words.contains(document.elementFromPoint(left + 4, y)));
        }"""
    )
    assert page.locator(".tracer-sum").bounding_box()["height"] > 90
    page.get_by_role("button", name="Next").tap()
    assert words.evaluate("words => words.closest('.tracer-panel') === null")


def test_the_cells_of_a_window_open_as_the_terms_of_the_sum_do(digit):
    page = digit("#digit=3&open=conv3:2.3.3", **PHONE)
    page.locator(".tracer-fold").tap()
    sum_ = page.locator(".tracer-sum")
    assert sum_.evaluate("sum => sum.scrollHeight > sum.clientHeight + 100")
    fade = "sum => [getComputedStyle(sum, '::after').position, getComputedStyle(sum, '::after').backgroundImage]"
    position, image = sum_.evaluate(fade)
    assert position == "sticky"  # at the lower edge, over what goes on there
    assert "gradient" in image
    window = page.locator(".formula-window").first
    for matrix, opened in (("x", "pool2[0, 3, 3]"), ("K", "conv3.weight[2, 0, 1, 1]")):
        table = window.locator(".formula-matrix").filter(
            has=page.locator("caption", has_text=re.compile(f"^{matrix}$"))
        )
        table.locator("td").last.tap()
        until(page, OPEN, opened)
        page.get_by_role("button", name="Back").tap()
        until(page, OPEN, "conv3[2, 3, 3]")


def test_after_several_steps_the_loss_is_told_from_the_first_of_them_on(digit):
    page = digit("#digit=4&true=9")
    learn = page.locator(".tracer-learn")
    losses = [learn.locator(".tracer-loss").inner_text()]
    for _ in range(3):
        page.get_by_role("button", name="Take one step").click()
        losses.append(learn.locator(".tracer-loss").inner_text())
    assert f"After 3 steps: the loss went from {losses[0]} to {losses[3]}." in learn.inner_text()
    page.get_by_label("True class").select_option("8")
    losses = [learn.locator(".tracer-loss").inner_text()]
    for _ in range(2):
        page.get_by_role("button", name="Take one step").click()
    now = learn.locator(".tracer-loss").inner_text()
    assert f"After 5 steps, 2 of them with this input and answer: the loss went from {losses[0]} to {now}." in (
        learn.inner_text()
    )


def test_the_powers_of_a_probability_are_those_that_are_written(digit):
    page = digit("#digit=4&open=probability:9")
    rows = page.locator(".formula-sum tbody td").all_inner_texts()
    for row in rows:
        exponent, power = (numeric(text) for text in row.split("→"))
        assert power == pytest.approx(math.exp(exponent), rel=6e-3, abs=1e-4)
    assert max(numeric(row.split("→")[0]) for row in rows) == 0


def numeric(text: str) -> float:
    """Read a number as the page writes it, with a raised power of ten."""
    plain = text.strip().replace("−", "-").replace("·10", "e")
    return float(plain.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")))


def test_an_empty_board_has_no_class_no_loss_and_no_step(digit):
    page = digit()
    page.get_by_role("button", name="Clear").click()
    first = page.get_by_label("True class").locator("option").first
    until(page, "it.textContent === 'as read'", first.element_handle())
    assert page.locator(".tracer-loss").inner_text() == "–"
    assert page.get_by_role("button", name="Take one step").is_disabled()


def test_a_step_too_small_for_four_decimals_says_by_how_much(digit):
    page = digit("#digit=7")
    page.get_by_role("button", name="Take one step").click()
    words = page.locator(".tracer-after").inner_text()
    for from_, to, rest in re.findall(r"from (\S+) to (\S+?)(?=[.,]? )(.{6})", words):
        assert from_ != to or rest.startswith(", by ")
    assert words.count(", by ") > 0


@pytest.mark.parametrize("width", [900, 1060, 1280])
def test_names_of_layers_do_not_run_together(digit, width):
    page = digit(width=width)
    words = "button => (range => (range.selectNodeContents(button), range.getBoundingClientRect().toJSON()))"
    words += "(document.createRange())"
    boxes = [button.evaluate(words) for button in page.locator(".flow-stage > button").all()]
    for one in boxes:
        for other in boxes:
            gap = max(other["left"] - one["right"], one["left"] - other["right"])
            is_apart = gap >= 4 or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]
            assert other is one or is_apart, (one, other)


def test_the_way_to_the_top_does_not_lie_on_the_answer(digit):
    page = digit(width=390)
    page.mouse.wheel(0, 900)
    page.mouse.wheel(0, -100)
    assert not page.locator(".back-to-top").is_visible()


def test_backward_a_probability_says_where_the_gradients_begin(digit):
    page = digit("#digit=4&open=probability:7")
    panel = page.locator(".tracer-panel")
    page.get_by_label("Backward").check(force=True)
    assert "backward begins at the loss" in panel.inner_text()
    page.locator(".formula-sum th button").first.click()
    assert title(page) == "∂L/∂ fc2[0]"
    assert "backward begins at the loss" not in panel.inner_text()


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


def test_printing_keeps_the_names_and_numbers_that_open(digit):
    page = digit("#digit=7&open=fc2:7")

    def words():
        """What can be read of the sum, the loss and the names of the layers, less what is there to be pressed."""
        shown = page.locator(".formula-sum tbody, .tracer-loss, .flow-stage").all_inner_texts()
        return [re.sub(r"show all \d+", "", text).split() for text in shown]

    on_screen = words()
    assert on_screen[0] == ["input"]
    assert any("relu4[0]" in words for words in on_screen)
    page.emulate_media(media="print")
    assert words() == on_screen
    assert not page.get_by_role("button", name="Take one step").is_visible()
    assert not page.get_by_role("button", name=re.compile("^show all")).is_visible()
