"""The pages to play with: what they write on the screen is what the package computes, by mouse, touch and keyboard."""

from __future__ import annotations

import io
import re
import struct
import zlib

import PIL.Image
import pytest
import torch

from glassbox import datasets, nn, optim
from glassbox.descent import empirical_risk, gradient_descent, least_squares, standardize, step_limit
from tests.play.test_questions import LESSON, solved

from .conftest import both_ways, until

pytestmark = pytest.mark.site

PHONE = {"width": 320, "height": 640, "has_touch": True, "is_mobile": True}
MARKS = datasets.load_exam()
FEATURES = torch.tensor(MARKS[["Maths", "CS", "French"]].to_numpy())
TARGETS = torch.tensor(MARKS["Exam"].to_numpy())
THIRDS = [0, 0.333, 0.333, 0.333]


@pytest.fixture
def play(visit):
    """Open a page to play with."""

    def open_page(name, fragment="", **options):
        page = visit(f"play/{name}.html{fragment}", **options)
        page.wait_for_selector(f".play-{name} button")
        return page

    return open_page


def number(text: str) -> float:
    return float("nan") if text == "–" else float(text.replace("\u2212", "-"))


def numbers(text: str) -> list[float]:
    return [number(found) for found in re.findall(r"[\u2212-]?\d+(?:\.\d+)?(?:e[\u2212-]?\d+)?", text)]


def columns_of(page, selector: str) -> list[list[float]]:
    """The numbers of a table, row by row, without the headers of the rows."""
    rows = page.locator(f"{selector} tbody tr").all()
    return [[number(text) for text in row.locator("td").all_inner_texts()] for row in rows]


def near(found, expected):
    torch.testing.assert_close(
        torch.as_tensor(found, dtype=torch.float64),
        torch.as_tensor(expected, dtype=torch.float64),
        rtol=1e-3,
        atol=1e-6,
    )


# Weigh the marks ------------------------------------------------------------------------------------------------------


GRADES = datasets.load_grades()
SCIENCES = dict.fromkeys(["Maths", "Physics", "CS", "Biology", "Chemistry"], 0.2)


def sums_of(weights: dict[str, float], bias: float) -> list[float]:
    """What a dense layer of the package makes of the marks."""
    layer = nn.Linear(len(GRADES.columns), 1, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[weights.get(name, 0.0) for name in GRADES.columns]], dtype=torch.float64))
        layer.bias.fill_(bias)
        return layer(torch.tensor(GRADES.to_numpy(), dtype=torch.float64))[:, 0].tolist()


def shown_sums(page) -> torch.Tensor:
    return torch.tensor([number(text) for text in page.locator(".play-weights .number").all_inner_texts()])


def close(found, expected):
    torch.testing.assert_close(found, torch.tensor(expected, dtype=found.dtype), rtol=0, atol=0.0051)


def test_a_slider_moves_every_sum_by_keyboard(play):
    page = play("weights")
    close(shown_sums(page), sums_of(SCIENCES, -10))
    page.locator("[name=weight0]").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expected = sums_of(SCIENCES | {"Maths": 0.1}, -10)
    close(shown_sums(page), expected)
    sentence = page.locator(".play-weights .sentence").inner_text()
    assert sentence.startswith("E01: 0.1 × 12.6 + ")
    near(number(sentence.split(" = ")[1].rstrip(".")), round(expected[0], 2))
    assert sentence in page.locator("[aria-live]").inner_text()
    above = page.locator(".play-weights .answer").inner_text().split(": ")[1].rstrip(".").split(", ")
    assert above == [name for name, each in zip(GRADES.index, expected, strict=True) if each > 0]


def test_a_weight_is_pulled_up_and_down_by_the_pointer(play):
    page = play("weights")
    page.get_by_role("button", name="All zero").click()
    assert shown_sums(page).tolist() == [0] * 11
    slider = page.locator("[name=weight2]")
    box = slider.bounding_box()
    assert box["height"] > 2 * box["width"]
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"])
    close(shown_sums(page), GRADES["CS"].tolist())
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"])
    page.mouse.up()
    close(shown_sums(page), (-GRADES["CS"]).tolist())


def test_relu_drops_what_is_below_zero_and_the_map_shows_the_move(play):
    page = play("weights")
    before = sums_of(SCIENCES, -10), sums_of({"LV1": 0.5, "LV2": 0.5}, -10)
    page.locator("[name=relu]").check()
    close(shown_sums(page), [max(0, each) for each in before[0]])
    moved = sum(min(pair) < 0 for pair in zip(*before, strict=True))
    assert page.locator(".play-weights .ghost").count() == moved
    # The map has the same scale both ways, from -5 to 5.
    dots = page.locator(".play-weights circle.pupil").evaluate_all(
        "dots => dots.map((dot) => [dot.getAttribute('cx'), dot.getAttribute('cy')].map(Number))"
    )
    places = [[160 + 32 * max(0, across), 160 - 32 * max(0, up)] for across, up in zip(*before, strict=True)]
    torch.testing.assert_close(torch.tensor(dots), torch.tensor(places), rtol=0, atol=1e-3)


def test_a_touch_opens_the_sum_of_a_pupil(play):
    page = play("weights", "#output=2", **PHONE)
    page.get_by_role("button", name="E09", exact=True).tap()
    assert page.locator(".play-weights .sentence").inner_text() == "E09: 0.5 × 16.2 + 0.5 × 13.2 − 10 = 4.7."
    assert page.locator(".play-weights circle.is-picked").count() == 1


@both_ways
def test_the_address_holds_the_weights_and_opens_them_again(play):
    page = play("weights")
    page.get_by_role("button", name="Maths − CS").click()
    until(page, "location.hash.includes('w1=1,0,-1')")
    fragment = page.evaluate("location.hash")
    again = play("weights", fragment)
    close(shown_sums(again), sums_of({"Maths": 1, "CS": -1}, 0))


# Roll down the risk ---------------------------------------------------------------------------------------------------


@both_ways
def test_the_steps_of_the_page_are_those_of_the_package(play):
    page = play("descent")
    for _ in range(5):
        page.get_by_role("button", name="Step").click()
    path = gradient_descent(THIRDS, FEATURES, TARGETS, step=0.4 * step_limit(FEATURES), iterations=6)
    rows = columns_of(page, ".play-descent")
    near([row[0] for row in rows], path.parameters[4])
    near([row[1] for row in rows], path.gradients[4])
    near([row[3] for row in rows], path.parameters[5])
    near(numbers(page.locator(".status").inner_text())[:2], [6, path.risks[5].item()])


def test_the_descent_is_played_by_keyboard_alone(play):
    page = play("descent")
    page.locator("select[name=data]").focus()
    before = page.locator(".risk-map").get_attribute("aria-label")
    for _ in range(30):
        if page.evaluate("document.activeElement.classList.contains('risk-map')"):
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator(".risk-map").get_attribute("aria-label") != before
    for _ in range(30):
        if page.evaluate("document.activeElement.textContent") == "Step":
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.locator(".status").inner_text().startswith("Iteration 3:")
    assert page.locator("[aria-live]").inner_text().startswith("Iteration 3:")


def test_a_tap_moves_the_start_to_where_it_was(play):
    page = play("descent", "#first=2&second=3", **PHONE)
    page.locator(".risk-map").tap(position={"x": 120, "y": 60})
    start = [before for before, *_ in columns_of(page, ".play-descent")]
    near(start[:2], THIRDS[:2])
    assert start[2:] != THIRDS[2:]
    page.get_by_role("button", name="Step").tap()
    near(number(page.locator(".status").inner_text().split("risk ")[1].split(". ")[0]), risk_after_a_step(start))


def risk_after_a_step(start):
    return gradient_descent(start, FEATURES, TARGETS, step=0.4 * step_limit(FEATURES), iterations=2).risks[1].item()


def test_the_run_says_when_it_arrives(play):
    page = play("descent", "#scaled=1&share=0.8&start=0,0,0,0", reduced_motion="reduce")
    page.get_by_role("button", name="Run").click()
    # Lesson 2.3 counts nine iterations for this descent.
    assert "came to a risk of 0.01 at iteration 9." in page.locator(".status").inner_text()


def test_the_run_stops_where_it_arrives_and_says_so(play):
    page = play("descent", "#scaled=1&share=0.8&start=0,0,0,0")
    page.get_by_role("button", name="Run").click()
    until(page, "document.querySelector('.status').textContent.includes('It came to')")
    assert page.locator(".status").inner_text().startswith("Iteration 9:")
    assert "at iteration 9. Run goes on from here." in page.locator("[aria-live]").inner_text()
    assert page.get_by_role("button", name="Run").is_visible()


def test_standardized_marks_start_at_the_same_risk(play):
    page = play("descent")
    page.locator(".risk-map").click(position={"x": 120, "y": 60})
    risks = []
    for scaled in "010":
        page.locator("select[name=scaled]").select_option(scaled)
        risks.append(number(page.locator(".status").inner_text().split("risk ")[1].split(". ")[0]))
    near(risks, [risks[0]] * 3)


def test_a_click_beside_the_map_moves_nothing(play):
    page = play("descent")
    before = page.locator(".risk-map").get_attribute("aria-label")
    page.locator(".risk-map").click(position={"x": 4, "y": 120})
    assert page.locator(".risk-map").get_attribute("aria-label") == before


def test_a_seed_that_is_no_whole_number_is_refused(play):
    page = play("descent")
    for seed in ("-4", "1.7", ""):
        page.locator("input[name=seed]").fill(seed)
        page.locator("input[name=seed]").press("Enter")
        assert page.locator("input[name=seed]").input_value() == "1"
        assert "A seed is a whole number from 0 to 999." in page.locator(".warning").inner_text()


def test_contours_say_their_risk(play):
    page = play("descent")
    labels = [number(text) for text in page.locator(".risk-map .height").all_text_contents()]
    assert len(labels) >= 3
    assert labels == sorted(labels, reverse=True)


def test_a_run_moves_and_can_be_paused(play):
    page = play("descent")
    page.get_by_role("button", name="Run").click()
    until(page, "/Iteration \\d\\d/.test(document.querySelector('.status').textContent)")
    page.get_by_role("button", name="Pause").click()
    first = page.locator(".status").inner_text()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.locator(".status").inner_text() == first


def test_beyond_the_limit_the_page_warns_and_the_descent_diverges(play):
    page = play("descent", "#share=1.5", reduced_motion="reduce")
    assert "beyond the limit 2/L" in page.locator(".warning").inner_text()
    near(numbers(page.locator(".warning").inner_text().split("limit 2/L")[1])[0], step_limit(FEATURES))
    page.get_by_role("button", name="Run").click()
    assert "diverges" in page.locator(".warning").inner_text()


@both_ways
def test_two_runs_are_compared_and_the_address_holds_the_second(play):
    page = play("descent", reduced_motion="reduce")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Keep").click()
    page.locator("select[name=scaled]").select_option("1")
    page.get_by_role("button", name="Run").click()
    assert page.locator(".risk-curve polyline.kept").count() == 1
    assert "The run kept" in page.locator(".comparison").inner_text()
    until(page, "location.hash.includes('scaled=1')")


def test_two_hundred_pupils_in_mini_batches(play):
    page = play("descent", "#data=1&scaled=1&batch=20&share=0.05&start=0,0,0", reduced_motion="reduce")
    assert "20 of 200" in page.locator("label", has_text="Batch size").inner_text()
    page.get_by_role("button", name="Run").click()
    iteration, risk = numbers(page.locator(".status").inner_text())[:2]
    pupils = datasets.make_pupils(200)
    features, targets = pupils[["Maths", "CS"]], pupils["Exam"]
    weights = torch.linalg.lstsq(
        torch.tensor(features.assign(one=1.0).to_numpy()), torch.tensor(targets.to_numpy())[:, None]
    ).solution[:, 0]
    lowest = empirical_risk(weights[[2, 0, 1]], features, targets).item()
    assert iteration < 201  # it stops at the goal
    assert lowest < risk <= lowest + 0.0101


# The race -------------------------------------------------------------------------------------------------------------


def racers(page):
    """The steps of the three racers, and how far they are above the lowest risk."""
    return columns_of(page, ".play-race")


def test_a_race_gives_each_as_many_gradients(play):
    page = play("race")
    for _ in range(6):
        page.get_by_role("button", name="One epoch").click()
    assert [steps for steps, _ in racers(page)] == [6, 60, 1200]
    pupils = datasets.make_pupils(200)
    Z, y = standardize(pupils[["Maths", "CS"]].to_numpy())[0], torch.tensor(pupils["Exam"].to_numpy())
    path = gradient_descent([y.mean().item(), -1.5, 2.5], Z, y, step=0.05, iterations=7)
    near(racers(page)[0][1], path.risks[-1] - empirical_risk(least_squares(Z, y), Z, y))
    assert page.locator(".status").inner_text().startswith("At the end")


def test_a_race_runs_by_itself_and_pauses(play):
    page = play("race")
    page.get_by_role("button", name="Go").press("Enter")
    until(page, "Number(document.querySelector('.play-race tr.one td').textContent) > 60")
    page.get_by_role("button", name="Pause").press("Enter")
    before = racers(page)
    page.wait_for_timeout(200)
    assert racers(page) == before
    assert 0 < before[0][0] + before[1][0] < 66


def test_without_motion_a_race_is_over_at_once(play):
    page = play("race", "#some=50&price=100", reduced_motion="reduce")
    page.get_by_role("button", name="Go").click()
    assert [steps for steps, _ in racers(page)] == [4, 8, 11]
    assert page.locator("[aria-live]").inner_text() == page.locator(".status").inner_text()


def test_the_address_of_a_race_says_what_was_changed(play):
    page = play("race")
    page.locator("[name=some]").fill("5")
    until(page, "location.hash === '#some=5'")
    assert page.locator(".play-race tr.some th").inner_text() == "5 at a time"


# Filter an image ------------------------------------------------------------------------------------------------------


def photo():
    gray = datasets.photo("china")[..., 50:290, 85:325]
    return (gray * 255).round() / 255


def tables_of(page) -> list[torch.Tensor]:
    texts = [table.locator("td").all_inner_texts() for table in page.locator(".play-filter table").all()]
    return [torch.tensor([number(text) for text in cells]) for cells in texts]


@both_ways
def test_a_pixel_opens_into_the_products_of_the_lesson(play):
    page = play("filter")
    page.wait_for_selector(".play-filter table")
    patch = photo()[0, 0, 150:153, 17:20].flatten()
    kernel = torch.tensor([-1.0, 0, 1] * 3) / 3
    for found, expected in zip(tables_of(page), [patch, kernel, patch * kernel], strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0.0051)
    near(numbers(page.locator(".sentence").inner_text())[2], (patch * kernel).sum().item())


@pytest.mark.parametrize("by", ["mouse", "touch", "keyboard"])
def test_every_way_chooses_a_pixel(play, by):
    page = play("filter", "#bias=-0.1&relu=1&stride=2&padding=1", **(PHONE if by == "touch" else {}))
    page.wait_for_selector(".play-filter table")
    image = page.locator("canvas[tabindex]")
    if by == "keyboard":
        image.focus()
        for key in ("ArrowUp", "ArrowLeft", "Shift+ArrowDown", "ArrowRight"):
            page.keyboard.press(key)
    else:
        box = image.bounding_box()
        place = {"x": box["width"] * 0.4, "y": box["height"] * 0.6}
        (image.tap if by == "touch" else image.click)(position=place)
    row, column, *_, shown = numbers(page.locator(".sentence").inner_text())
    kernel = torch.tensor([-1.0, 0, 1] * 3).reshape(1, 1, 3, 3) / 3
    output = nn.functional.conv2d(photo(), kernel, torch.tensor([-0.1]), stride=2, padding=1).clamp(min=0)
    assert output.shape[2:] == (120, 120)
    assert all("= 120" in text for text in page.locator(".play-filter .formula").all_inner_texts())
    near(shown, output[0, 0, int(row), int(column)].item())


def test_a_kernel_is_edited_and_a_kernel_that_does_not_fit_is_told(play):
    page = play("filter")
    page.wait_for_selector(".play-filter table")
    page.locator("select[name=size]").select_option("2")
    page.get_by_label("Weight in row 0, column 1").fill("-3")
    page.keyboard.press("Tab")
    assert page.locator("select[name=preset]").input_value() == ""
    near(tables_of(page)[1], [0.25, -0.75, 0.25, 0.25])
    page.set_input_files("input[type=file]", {"name": "dot.png", "mimeType": "image/png", "buffer": png(1, 1)})
    until(page, "document.querySelector('.size').textContent.includes('does not fit')")


@pytest.mark.parametrize(
    ("typed", "weight"), [("1,5", 1.5), ("1/4", 0.25), ("\u22120.5", -0.5), (" -2e-1 ", -0.2), ("10000", 10_000)]
)
def test_a_weight_is_read_as_people_write_it_and_stays_in_the_address(play, typed, weight):
    page = play("filter", "#divisor=1")
    page.wait_for_selector(".play-filter table")
    page.get_by_label("Weight in row 0, column 0").fill(typed)
    page.keyboard.press("Tab")
    near(tables_of(page)[1][:1], [weight])
    assert not page.locator(".warning.wide").is_visible()
    until(page, "location.hash.includes('kernel=' + it + ',')", f"{weight:g}")
    page.reload()
    page.wait_for_selector(".play-filter table")
    near(tables_of(page)[1][:1], [weight])


@pytest.mark.parametrize("field", ["Weight in row 0, column 0", "divided by", "Bias"])
def test_a_weight_that_the_address_would_refuse_is_refused_in_the_field(play, field):
    page = play("filter")
    page.wait_for_selector(".play-filter table")
    before, kept = tables_of(page)[1], page.get_by_label(field, exact=True).input_value()
    other = "7" if kept != "7" else "8"
    for typed in ("20000", "1e308", "two", "1/0", "1.000,5", ""):
        page.get_by_label(field, exact=True).fill(typed)
        page.keyboard.press("Tab")
        assert "is a number up to 10000" in page.locator(".warning.wide").inner_text(), typed
        assert page.get_by_label(field, exact=True).input_value() == kept, typed
        near(tables_of(page)[1], before)
        for taken in (other, kept):  # so that the next one finds no warning
            page.get_by_label(field, exact=True).fill(taken)
            page.keyboard.press("Tab")
        assert not page.locator(".warning.wide").is_visible()


@pytest.mark.parametrize(("name", "button"), [("descent", "Step"), ("race", "Go")])
def test_on_a_phone_the_button_and_what_it_moves_are_seen_at_once(play, name, button):
    page = play(name, **PHONE | {"width": 390, "height": 844})
    for shown in (page.get_by_role("button", name=button, exact=True), page.locator(".risk-map")):
        box = shown.bounding_box()
        assert box["y"] + box["height"] <= 844


@pytest.mark.parametrize("width", [320, 390])
def test_a_warning_moves_no_slider_from_under_the_finger(play, width):
    page = play("descent", **PHONE | {"width": width, "height": 844})
    slider, warning = page.locator("input[name=share]"), page.locator(".warning")
    top = slider.evaluate("slider => slider.getBoundingClientRect().top + scrollY")
    for share in (0.3, 0.5, 0, 0.5):
        slider.evaluate("(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }", share)
        assert warning.is_visible() == (share > 0)
        assert slider.evaluate("slider => slider.getBoundingClientRect().top + scrollY") == top


def test_the_colors_of_a_race_have_their_names_above_the_map(play):
    page = play("race", **PHONE | {"width": 390, "height": 844})
    names = page.locator(".racers > span")
    assert names.all_inner_texts() == page.locator(".play-race tbody th").all_inner_texts()
    for name, row in zip(names.all(), page.locator(".play-race tbody th").all(), strict=True):
        colors = [each.evaluate("it => getComputedStyle(it, '::before').backgroundColor") for each in (name, row)]
        assert colors[0] == colors[1]
        assert name.bounding_box()["y"] < page.locator(".risk-map").bounding_box()["y"]


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_marks_and_weights_are_whole_and_apart(play, width):
    page = play("weights", "#w1=-0.25,-0.35,-0.45,-0.55,-0.65,-0.75,-0.85&b1=-12.5", **PHONE | {"width": width})
    cut = page.locator(".marks :is(.mark, .number, .weight)").evaluate_all(
        """all => all.filter((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            const [text, room] = [range.getBoundingClientRect(), cell.closest("td, th").getBoundingClientRect()];
            return text.left < room.left || text.right > room.right;
        }).map((cell) => cell.textContent)"""
    )
    assert cut == []


@pytest.mark.parametrize("name", ["descent", "race"])
def test_on_a_phone_the_numbers_on_contours_can_be_read(play, name):
    page = play(name, **PHONE)
    scale = page.locator(".risk-map").bounding_box()["width"] / 400
    assert scale * page.locator(".height").first.evaluate("text => parseFloat(getComputedStyle(text).fontSize)") >= 9


def png(width, height):
    file = io.BytesIO()
    PIL.Image.linear_gradient("L").resize((width, height)).save(file, "PNG")
    return file.getvalue()


def huge_png():
    """The head of a PNG of 100 megapixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


WRONG_FILES = {
    "notes.txt": (b"not a picture at all, whatever its name may say", "is not a PNG, JPEG, GIF or WebP picture"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "is not a PNG"),
    "huge.png": (huge_png(), "has 100 million pixels and this page takes 50"),
    "cut.png": (png(64, 64)[:60], "is damaged or not wholly copied"),
}


def test_a_wrong_file_gets_a_sentence_and_leaves_the_image(play):
    page = play("filter")
    page.wait_for_selector(".play-filter table")
    before = tables_of(page)[0]
    for name, (content, sentence) in WRONG_FILES.items():
        page.set_input_files("input[type=file]", {"name": name, "mimeType": "image/png", "buffer": content})
        page.wait_for_selector(f".play-filter .warning:has-text('{sentence}')")
        assert name in page.locator(".play-filter .warning:not(.wide)").inner_text()
        assert tables_of(page)[0].equal(before), name


@pytest.mark.parametrize("name", ["Before", "After"])
def test_an_image_is_hovered_and_dragged_over(play, name):
    page = play("filter")
    page.wait_for_selector(".play-filter table")
    sentence = page.locator(".play-filter .sentence")
    pinned = sentence.inner_text()
    canvas = page.locator("figure", has_text=name).locator("canvas")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    hovered = sentence.inner_text()
    assert hovered != pinned
    page.mouse.move(box["x"] + 40, box["y"] - 20)
    assert sentence.inner_text() == pinned
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    page.mouse.up()
    dragged = sentence.inner_text()
    page.mouse.move(box["x"] + 40, box["y"] - 20)
    assert sentence.inner_text() == dragged not in (pinned, hovered)


def test_a_picture_too_small_for_the_kernel_leaves_nothing_of_the_last_one(play):
    page = play("filter")
    page.wait_for_selector(".play-filter table")
    page.locator("input[type=file]").set_input_files({"name": "dot.png", "mimeType": "image/png", "buffer": png(1, 1)})
    page.wait_for_selector(".play-filter :text('dot.png, 1 × 1')")
    sizes = (
        "document => [...document.querySelectorAll('.play-filter canvas')].map(({ width, height }) => width * height)"
    )
    assert page.locator("body").evaluate(sizes.replace("document =>", "() =>")) == [1, 1]
    assert "does not fit" in page.locator(".play-filter .size").inner_text()


@both_ways
def test_a_picture_of_the_reader_is_filtered(play):
    page = play("filter")
    page.wait_for_selector(".play-filter table")
    page.set_input_files("input[type=file]", {"name": "mine.png", "mimeType": "image/png", "buffer": png(40, 30)})
    page.wait_for_selector(".play-filter :text('mine.png, 30 × 40')")
    assert "(30 + 2 · 0 − 3)" in page.locator(".play-filter .formula").first.inner_text()
    page.get_by_role("button", name="Back to our photo").click()
    page.wait_for_selector(".play-filter .formula:has-text('(240')")


# Back-propagate by hand -----------------------------------------------------------------------------------------------


def answers_of(exercise) -> dict[str, float]:
    """Every number that the page asks for, by its symbol, from the package's layers."""
    known = solved(exercise)

    def symbol(letter, below, layer):
        return letter + "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(below)) + "⁰¹²³⁴⁵⁶⁷⁸⁹"[layer]

    answers = {"R": known["loss"]}
    for layer, outputs in enumerate(known["o"][1:], start=2):
        for k, output in enumerate(outputs, start=1):
            answers[symbol("s", k, layer)] = known["s"][layer - 2][k - 1]
            answers[symbol("o", k, layer)] = output
            answers[f"∂R/∂{symbol('o', k, layer)}"] = known["error"][layer - 2][k - 1]
            answers[f"φ′({symbol('s', k, layer)})"] = output * (1 - output)
            answers[f"∂R/∂{symbol('b', k, layer - 1)}"] = known["gradB"][layer - 2][k - 1]
            for p in range(1, len(known["o"][layer - 2]) + 1):
                answers[f"∂R/∂{symbol('w', f'{p}{k}', layer - 1)}"] = known["gradW"][layer - 2][k - 1][p - 1]
    return answers


@both_ways
def test_the_whole_exercise_is_solved_by_keyboard_alone(play):
    page = play("backprop")
    answers = answers_of(LESSON)
    page.locator(".play-backprop .ask input").focus()
    for _ in range(len(answers)):
        asked = page.locator(".play-backprop .ask .asked").inner_text().removesuffix(" =").strip()
        page.keyboard.type(f"{answers.pop(asked):.4f}")
        page.keyboard.press("Enter")
        assert page.locator(".feedback").inner_text().startswith("Right.")
    assert answers == {}
    assert "every weight has its gradient" in page.locator(".progress").inner_text()
    assert page.evaluate("document.activeElement.name") == "rate"


def test_a_wrong_number_is_told_its_slip_and_words_are_not_numbers(play):
    page = play("backprop", "#at=18")  # the gradient of the first weight of the last layer
    formula = page.locator(".play-backprop details p")
    assert not formula.is_visible()
    page.get_by_text("The formula, in numbers").click()
    error, slope, output = numbers(formula.inner_text())
    feedback = page.locator(".feedback")
    for answer, words in {
        f"{error * output:.4f}": "The factor φ′ is missing.",
        f"{-error * slope * output:.4f}": "The sign of ∂R/∂o is wrong.",
        "about half": "Type a number",
        "": "Type a number",
    }.items():
        page.locator(".play-backprop .ask input").fill(answer)
        page.get_by_role("button", name="Check").click()
        assert words in feedback.inner_text()
    assert "Number 19 of" in page.locator(".progress").inner_text()


def test_what_is_found_stays_in_the_picture_and_a_weight_is_marked_only_where_it_enters(play):
    page = play("backprop", "#at=18")  # the gradient of the first weight of the last layer
    assert page.locator(".perceptron .weight").all_text_contents() == ["?"]
    assert page.locator(".perceptron .error").count() == 2
    assert page.locator(".perceptron .gradient").count() == 0
    page.get_by_role("button", name="Show this number").click()
    page.get_by_role("button", name="Show this number").click()
    assert page.locator(".perceptron .gradient").count() == 2


def test_a_bias_stands_at_the_circle_whose_sum_it_enters(play):
    page = play("backprop")
    bias = LESSON["b"][0][0]
    assert [numbers(text) for text in page.locator(".perceptron .bias").all_text_contents()] == [[bias]]
    ring, text = (page.locator(f".perceptron {it}").bounding_box() for it in ("circle.asked", ".bias"))
    assert abs(text["x"] + text["width"] / 2 - ring["x"] - ring["width"] / 2) < ring["width"] / 2
    assert text["y"] + text["height"] <= ring["y"] + 4
    page.get_by_role("button", name="Show this number").click()
    assert page.locator(".perceptron .bias").count() == 0  # it enters the sum, not the output
    assert "the upper one the layer; it is no power" in page.locator(".notation").inner_text()


def test_the_network_trains_as_with_the_package(play):
    page = play("backprop", **PHONE)
    while page.locator(".play-backprop form").is_visible():
        page.get_by_role("button", name="Show the whole layer").tap()
    page.get_by_role("button", name="Take one step").tap()
    page.get_by_role("button", name="Take 100 steps").tap()
    layers = []
    for weight, bias in zip(LESSON["w"], LESSON["b"], strict=True):
        dense = nn.Linear(len(weight[0]), len(weight), dtype=torch.float64)
        dense.load_state_dict({"weight": torch.tensor(weight).double(), "bias": torch.tensor(bias).double()})
        layers += [dense, nn.Sigmoid()]
    model = nn.Sequential(*layers)
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    x, y = (torch.tensor([LESSON[name]], dtype=torch.float64) for name in "xy")
    for _ in range(101):
        optimizer.zero_grad()
        (nn.functional.mse_loss(model(x), y, reduction="sum") / 2).backward()
        optimizer.step()
    output = model(x)
    risk = nn.functional.mse_loss(output, y, reduction="sum").item() / 2
    near(numbers(page.locator(".feedback").inner_text()), [101, risk, *output[0].detach().round(decimals=3).tolist()])


@both_ways
def test_an_exercise_is_the_same_for_everyone_who_has_its_number(play):
    first, second = (play("backprop", "#seed=42&at=3") for _ in range(2))
    formulas = [page.locator(".play-backprop tbody").last.inner_text() for page in (first, second)]
    assert formulas[0] == formulas[1]
    assert formulas[0] != play("backprop", "#seed=43&at=3").locator(".play-backprop tbody").last.inner_text()
    first.get_by_role("button", name="A new exercise").click()
    until(first, "/seed=\\d+/.test(location.hash) && !location.hash.includes('seed=42&')")


@pytest.mark.parametrize("name", ["weights", "descent", "race", "filter", "backprop"])
def test_without_javascript_there_is_a_still_and_a_sentence(play, visit, name):
    page = visit(f"play/{name}.html", java_script_enabled=False)
    assert page.locator(f".play-{name} img:visible").count() == 1
    assert page.locator(f".play-{name} p:visible").count() >= 1
