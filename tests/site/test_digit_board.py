"""The drawing board: what is drawn there is read, and nothing else is."""

from __future__ import annotations

import pytest

from tests.site.strokes import DIGITS, HANDS, drawn

from .conftest import until

pytestmark = pytest.mark.site

PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}


@pytest.fixture
def board(visit):
    """Open the page, with the tour over."""

    def open_page(fragment="", **options):
        page = visit("play/digit.html" + fragment, **options)
        page.get_by_role("button", name="Skip the tour").click()
        return page

    return open_page


def settle(page):
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def pixels_of(page) -> list[float]:
    settle(page)
    return page.evaluate("glassbox.pixels()")


def draw(page, strokes):
    box = page.locator(".board-canvas").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()
    settle(page)


# What a browser makes of many moves between two of its frames.
MOVES_AT_ONCE = """(canvas, points) => {
    const coalescedEvents = points.map(([clientX, clientY]) => new PointerEvent("pointermove", { clientX, clientY }));
    canvas.dispatchEvent(new PointerEvent("pointermove", { pointerId: 1, coalescedEvents }));  // 1 is the mouse
}"""


def draw_in_haste(page, strokes):
    """Draw as a hand that is too quick for the browser: it learns of all points of a stroke at once."""
    board = page.locator(".board-canvas")
    box = board.bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        board.evaluate(MOVES_AT_ONCE, points[1:])
        page.mouse.up()
    settle(page)


def answer(page) -> str:
    return page.locator(".digit-answer").inner_text()


@pytest.mark.parametrize("digit", DIGITS)
def test_six_hands_draw_a_digit_and_it_is_read_each_time(board, digit):
    """All sixty were read by the page as it was when the strokes were written down."""
    page = board()
    for hand in range(len(HANDS)):
        page.get_by_role("button", name="Clear").click()
        draw_in_haste(page, drawn(digit, hand))
        assert answer(page).startswith(f"It reads {digit},"), f"hand {hand}"


def test_the_first_stroke_starts_a_drawing_of_its_own(board):
    page = board("#digit=7")
    draw(page, drawn(0, 0))
    assert answer(page).startswith("It reads 0,")
    page.get_by_role("button", name="Undo", exact=True).click()
    settle(page)
    assert answer(page).startswith("It reads 7,")


def test_the_true_class_follows_what_is_read_until_the_reader_chooses(board):
    page = board("#digit=7")
    truth = page.get_by_label("True class")
    draw(page, drawn(0, 0))
    assert truth.locator("option:checked").inner_text() == "as read: 0"
    for _ in range(5):
        page.get_by_role("button", name="Take one step").click()
    assert answer(page).startswith("It reads 0,")
    truth.select_option("6")
    draw(page, [[(0.1, 0.1), (0.12, 0.12)]])
    assert truth.input_value() == "6"
    page.get_by_role("button", name="Clear").click()
    settle(page)
    assert truth.input_value() == ""


def test_an_empty_board_is_neutral(board):
    page = board()
    page.get_by_role("button", name="Clear").click()
    settle(page)
    assert answer(page) == "Draw a digit."
    assert page.locator(".is-best").count() == 0
    assert set(page.locator(".bars-number").all_inner_texts()) == {"–"}
    assert not page.locator(".tracer-panel").is_visible()
    draw(page, drawn(3, 0))
    assert page.locator(".tracer-title").is_visible()


def test_the_first_number_that_is_open_lies_on_the_drawing(board):
    page = board()
    for digit in (0, 4, 6):
        page.get_by_role("button", name="Clear").click()
        draw(page, drawn(digit, 0))
        seen = page.locator(".formula-sum tbody td:nth-child(3) data").evaluate_all("all => all.map(x => +x.value)")
        assert max(seen) > min(seen)
        assert max(seen) > 0.3


@pytest.mark.parametrize("thickness", ["thin", "usual", "thick"])
def test_a_dot_stays_a_dot(board, thickness):
    page = board()
    page.locator(f"input[value={thickness}]").check()
    draw(page, [[(0.3, 0.3)]])
    pixels = pixels_of(page)
    assert 1 <= sum(pixel > 0.1 for pixel in pixels) <= 25
    rows = [place // 28 for place, pixel in enumerate(pixels) if pixel > 0.1]
    assert 12 <= min(rows) <= max(rows) <= 16


def test_a_stroke_ends_at_the_edge_of_the_board(board):
    page = board()
    page.get_by_role("button", name="Clear").click()
    draw(page, [[(0.5, 0.2), (0.5, 0.8)]])
    inside = pixels_of(page)
    page.get_by_role("button", name="Clear").click()
    # Down the middle, out at the right, and back in where it left: what happens outside is no ink.
    draw(page, [[(0.5, 0.2), (0.5, 0.8)], [(0.98, 0.5), (1.6, 0.5), (1.6, 0.1), (1.6, 0.5), (0.98, 0.5)]])
    page.get_by_role("button", name="Undo", exact=True).click()
    assert pixels_of(page) == inside
    page.get_by_role("button", name="Clear").click()
    draw(page, [[(0.9, 0.5), (1.9, 0.5), (1.9, 2.5), (0.9, 0.9)]])
    settle(page)
    ink = page.locator(".board-canvas").evaluate(
        """canvas => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((_, place) => place % 4 === 3 && data[place] > 128).length;
        }"""
    )
    assert ink > 0
    assert sum(pixel > 0.1 for pixel in pixels_of(page)) < 200


def touch(session, page, kind, *points):
    box = page.locator(".board-canvas").bounding_box()
    places = [
        {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": number, **shape}
        for number, x, y, shape in points
    ]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def test_a_second_finger_draws_nothing(board):
    drawings = []
    for has_second in (False, True):
        page = board(**PHONE)
        page.get_by_role("button", name="Clear").tap()
        session = page.context.new_cdp_session(page)
        first = [(0, 0.3, 0.2, {}), (0, 0.3, 0.5, {}), (0, 0.3, 0.8, {})]
        touch(session, page, "touchStart", first[0])
        second = [(1, 0.9, 0.9, {})] if has_second else []
        if has_second:
            touch(session, page, "touchStart", first[0], *second)
        touch(session, page, "touchMove", first[1], *second)
        touch(session, page, "touchMove", first[2], *[(1, 0.7, 0.1, {}) for _ in second])
        touch(session, page, "touchEnd")
        drawings.append(pixels_of(page))
    assert drawings[0] == drawings[1]
    assert sum(drawings[0]) > 0


def test_a_palm_draws_nothing(board):
    page = board(**PHONE)
    page.get_by_role("button", name="Clear").tap()
    session = page.context.new_cdp_session(page)
    touch(session, page, "touchStart", (0, 0.5, 0.5, {"radiusX": 45, "radiusY": 60}))
    touch(session, page, "touchMove", (0, 0.6, 0.6, {"radiusX": 45, "radiusY": 60}))
    touch(session, page, "touchEnd")
    assert sum(pixels_of(page)) == 0


def test_on_a_phone_board_bars_and_answer_are_in_one_view(board):
    page = board(**PHONE)
    for selector in (".board-canvas", ".digit-answer", ".bars"):
        box = page.locator(selector).bounding_box()
        assert box["y"] >= 0, selector
        assert box["y"] + box["height"] <= 844 - page.locator(".tracer-panel").bounding_box()["height"], selector


def test_the_answer_stays_in_sight_on_a_phone(board):
    page = board(**PHONE)
    page.locator(".influence").scroll_into_view_if_needed()
    box = page.locator(".digit-answer").bounding_box()
    assert 0 <= box["y"] < 120


def test_the_page_on_a_phone_is_half_as_tall_as_it_was(board):
    assert board(**PHONE).evaluate("document.documentElement.scrollHeight") <= 6469 / 2


def test_the_sheet_of_a_phone_folds(board):
    page = board(**PHONE)
    panel = page.locator(".tracer-panel")
    folded = panel.bounding_box()["height"]
    assert folded < 70
    page.get_by_role("button", name="Show the sum").tap()
    assert panel.bounding_box()["height"] > 200
    page.get_by_role("button", name="Fold the sum away").tap()
    assert panel.bounding_box()["height"] == folded


@pytest.mark.parametrize("name", ["conv2", "pool1", "relu1", "pool2"])
def test_a_tap_right_after_a_stroke_is_not_lost(board, name):
    page = board(**PHONE)
    session = page.context.new_cdp_session(page)
    button = page.locator(".flow-stage button", has_text=name)
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    stroke = [(0, 0.3 + 0.03 * step, 0.3 + 0.002 * step, {}) for step in range(16)]
    touch(session, page, "touchStart", stroke[0])
    for point in stroke[1:]:
        touch(session, page, "touchMove", point)
    touch(session, page, "touchEnd")
    tap = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [tap]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    until(page, "document.querySelector('.tracer-title code').textContent.startsWith(it)", name)
