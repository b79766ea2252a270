"""Draw a digit: the page is played as its readers do, and every sum that it writes is compared with torch's own."""

from __future__ import annotations

import gzip
import json
import re
from collections import OrderedDict

import pytest
import torch
from torch.nn import functional

from glassbox import explain
from glassbox.datasets import mnist
from glassbox.models import SmallCNN

from .conftest import both_ways, until, violations

pytestmark = pytest.mark.site

PHONE = {"width": 360, "height": 740, "has_touch": True, "is_mobile": True}
SEVEN = [(0.2, 0.15), (0.5, 0.15), (0.8, 0.15), (0.65, 0.4), (0.5, 0.65), (0.4, 0.85)]

# One number of each kind of layer, and of what each learns.
VALUES = {
    "input": (0, 9, 14),
    "conv1": (1, 12, 13),
    "relu1": (0, 8, 12),
    "pool1": (1, 5, 7),
    "conv2": (3, 8, 7),
    "flatten": (37,),
    "fc1": (5,),
    "fc2": (7,),
}
LEARNED = {"conv2.weight": (2, 1, 1, 0), "conv2.bias": (2,), "fc2.weight": (7, 5), "fc2.bias": (7,)}


@pytest.fixture
def digit(visit):
    """Open the page."""

    def open_page(fragment="", **options):
        page = visit("play/digit.html" + fragment, **options)
        page.wait_for_selector(".digit-answer")
        return page

    return open_page


# What torch computes --------------------------------------------------------------------------------------------------


def twin(model) -> torch.nn.Sequential:
    """The same network of torch's own layers, in float64."""
    kinds = {"Conv2d": torch.nn.Conv2d, "Linear": torch.nn.Linear, "MaxPool2d": torch.nn.MaxPool2d}
    layers = OrderedDict()
    for name, layer in model.named_children():
        kind = type(layer).__name__
        if kind == "Conv2d":
            sizes = (layer.in_channels, layer.out_channels, layer.kernel_size)
            layers[name] = kinds[kind](*sizes, padding=layer.padding)
        elif kind == "Linear":
            layers[name] = kinds[kind](layer.in_features, layer.out_features)
        else:
            layers[name] = kinds[kind](2) if kind in kinds else getattr(torch.nn, kind)()
    same = torch.nn.Sequential(layers)
    same.load_state_dict(model.state_dict())
    return same.double()


def truth(model, pixels, shape, target) -> tuple[dict, dict]:
    """Every value and every gradient by name, as torch's autograd has them."""
    values = {"input": torch.as_tensor(pixels, dtype=torch.float64).reshape(1, *shape).requires_grad_()}
    current = values["input"]
    for name, layer in model.named_children():
        current = values[name] = layer(current)
        current.retain_grad()
    functional.cross_entropy(current, torch.tensor([target])).backward()
    parameters = dict(model.named_parameters())
    gradients = {name: tensor.grad[0] for name, tensor in values.items()} | {n: p.grad for n, p in parameters.items()}
    found = {name: tensor.detach()[0] for name, tensor in values.items()} | {n: p.data for n, p in parameters.items()}
    return found, gradients


@pytest.fixture
def small_cnn():
    return twin(SmallCNN(pretrained=True))


# What the page shows --------------------------------------------------------------------------------------------------


def opened(page) -> tuple[str, float]:
    """The name and the value of the number that is open."""
    title = page.locator(".tracer-title")
    return title.locator("code").inner_text(), float(title.locator("data").get_attribute("value"))


def check_sum(page):
    """The products that are written, those of the rest included, add up to the number."""
    rows = page.locator(".formula-sum :is(tbody, tfoot) tr > td:last-child")
    numbers = [float(cell) for cell in rows.locator("data").evaluate_all("all => all.map(each => each.value)")]
    if numbers and page.locator(".formula-sum tfoot th").last.inner_text() == "sum":
        assert sum(numbers[:-1]) == pytest.approx(numbers[-1], rel=1e-9, abs=1e-9)


def compare(page, name, index, tensors, symbol=""):
    code, value = opened(page)
    assert code == f"{symbol}{name}[{', '.join(map(str, index))}]"
    assert value == pytest.approx(tensors[name][tuple(index)].item(), rel=1e-6, abs=1e-9)
    check_sum(page)


def show_layer(page, name):
    """Open the layer that holds a tensor, as conv2 holds conv2.weight."""
    page.locator(".flow-stage button", has_text=re.compile(f"^{name.partition('.')[0]}$")).click()


def block_and_cell(page, name, index):
    """The picture that holds a number, and its row and column there."""
    grid = page.locator(f'[role=grid][aria-label^="{name}:"]')
    picture = grid.locator(".grid-block")
    columns = picture.first.locator("canvas").evaluate("canvas => canvas.width")
    if len(index) == 1:
        return picture.first, divmod(index[0], columns)
    blocks = {2: 0, 3: index[0], 4: 0}[len(index)]
    if len(index) == 4:
        blocks = index[0] * {"conv2.weight": 2}[name] + index[1]
    return picture.nth(blocks), index[-2:]


def place_of(page, name, index) -> tuple[object, dict[str, float]]:
    """A picture, and where in it a pointer meets a number."""
    show_layer(page, name)
    picture, (row, column) = block_and_cell(page, name, index)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    rows, columns = picture.locator("canvas").evaluate("canvas => [canvas.height, canvas.width]")
    return picture, {"x": box["width"] * (column + 0.5) / columns, "y": box["height"] * (row + 0.5) / rows}


def turn(page, direction):
    page.locator(".tracer-direction label", has_text=direction).click()


def settle(page):
    """Wait until the page has read what was drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def pixels_of(page) -> list[float]:
    settle(page)
    return page.evaluate("glassbox.pixels()")


def check_answer(page):
    assert page.locator(".digit-answer").inner_text().startswith("It reads 7,")


# Mouse, touch and keyboard --------------------------------------------------------------------------------------------


@both_ways
def test_a_seven_is_drawn_and_every_kind_of_number_opened_by_mouse(digit, small_cnn):
    page = digit()
    page.get_by_role("button", name="Clear").click()
    box = page.locator(".board-canvas").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()
    pixels = pixels_of(page)
    check_answer(page)
    page.get_by_label("True class").select_option("2")
    values, gradients = truth(small_cnn, pixels, (1, 28, 28), 2)
    for name, index in VALUES.items():
        picture, position = place_of(page, name, index)
        picture.click(position=position)
        compare(page, name, index, values)
    turn(page, "Backward")
    for name, index in (VALUES | LEARNED).items():
        picture, position = place_of(page, name, index)
        picture.click(position=position)
        compare(page, name, index, gradients, "∂L/∂ ")


def test_a_seven_is_drawn_and_numbers_opened_by_touch_without_scrolling(digit, small_cnn):
    page = digit(**PHONE)
    page.get_by_role("button", name="Skip the tour").tap()
    page.get_by_role("button", name="Clear").tap()
    box = page.locator(".board-canvas").bounding_box()
    before = page.evaluate("scrollY")
    session = page.context.new_cdp_session(page)
    for number, (x, y) in enumerate(SEVEN):
        point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        kind = "touchMove" if number else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    pixels = pixels_of(page)
    check_answer(page)
    assert page.evaluate("scrollY") == before
    values, gradients = truth(small_cnn, pixels, (1, 28, 28), 7)
    for direction, tensors, symbol in (("Forward", values, ""), ("Backward", gradients, "∂L/∂ ")):
        for name in ("conv1", "pool1", "fc2"):
            page.locator(".flow-stage button", has_text=re.compile(f"^{name}$")).click()
            page.wait_for_selector(f".tracer-panel:not(.is-folded) .tracer-title:has-text('{name}[')")
            picture, _ = block_and_cell(page, name, VALUES[name])
            # In the middle of the window, above the sheet and below the header.
            picture.evaluate("block => block.scrollIntoView({block: 'start', behavior: 'instant'})")
            page.evaluate("scrollBy({top: -150, behavior: 'instant'})")
            page.locator(".tracer-direction label", has_text=direction).tap()  # of the sheet that stays in sight
            row, column = block_and_cell(page, name, VALUES[name])[1]
            box = picture.bounding_box()
            rows, columns = picture.locator("canvas").evaluate("canvas => [canvas.height, canvas.width]")
            x, y = box["x"] + box["width"] * (column + 0.5) / columns, box["y"] + box["height"] * (row + 0.5) / rows
            page.touchscreen.tap(x, y)
            code = f"{symbol}{name}[{', '.join(map(str, VALUES[name]))}]"
            until(page, "document.querySelector('.tracer-title code').textContent === it", code)
            compare(page, name, VALUES[name], tensors, symbol)


def tab_to(page, script):
    """Go on by Tab until the script says that the focus is where it should be."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate(script):
            return
    pytest.fail(f"the Tab key never gets to where {script}")


def press(page, *keys):
    for key, times in keys:
        for _ in range(times):
            page.keyboard.press(key)


def test_a_seven_is_drawn_and_numbers_opened_by_keyboard_alone(digit, small_cnn):
    page = digit()
    tab_to(page, "document.activeElement.textContent === 'Clear'")
    page.keyboard.press("Enter")
    for _ in range(5):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.className === 'board-canvas'"):
            break
    press(page, ("ArrowLeft", 6), ("ArrowUp", 8), ("Space", 1), ("ArrowRight", 11))
    for _ in range(8):
        press(page, ("ArrowDown", 2), ("ArrowLeft", 1))
    press(page, ("Space", 1))
    pixels = pixels_of(page)
    check_answer(page)
    values, gradients = truth(small_cnn, pixels, (1, 28, 28), 7)
    for name in ("conv1", "pool2", "fc1"):
        tab_to(page, f"document.activeElement.textContent === '{name}'")
        page.keyboard.press("Enter")
        tab_to(page, f"document.activeElement.closest('[role=grid]')?.ariaLabel.startsWith('{name}:')")
        press(page, ("PageDown", 1), ("ArrowDown", 2), ("ArrowRight", 3))
        looked_at = page.locator(":focus").get_attribute("aria-label")
        page.keyboard.press("Space")
        code, value = opened(page)
        assert f"{value:.4f}".replace("-", "\u2212") in looked_at
        index = tuple(map(int, code[len(name) + 1 : -1].split(", ")))
        compare(page, name, index, values)
        assert page.locator(":focus").get_attribute("aria-label").startswith(name)
    tab_to(page, "document.activeElement.type === 'radio' && document.activeElement.name.startsWith('direction')")
    page.keyboard.press("ArrowRight")
    code, value = opened(page)
    assert code.startswith("∂L/∂ fc1[")
    assert value == pytest.approx(gradients["fc1"][index].item(), rel=1e-6, abs=1e-9)


def test_a_number_in_a_sum_opens_in_turn(digit):
    page = digit("#digit=3&open=conv2:1.6.6&true=3")
    page.get_by_role("button", name="pool1[1, 5, 6]").click()
    assert opened(page)[0] == "pool1[1, 5, 6]"
    assert page.locator(".formula-sum .is-chosen").count() == 1
    page.locator(".formula-sum .is-chosen button").click()
    assert opened(page)[0].startswith("relu1[1, ")


def test_the_kernel_is_shown_as_it_is_and_turned(digit, small_cnn):
    page = digit("#digit=3&open=pool1:1.6.6&direction=backward&true=8")
    rows = page.locator(".formula-window").first.locator(".formula-matrix")
    kernel, turned = (
        [float(t.replace("\u2212", "-")) for t in rows.nth(k).locator("td").all_inner_texts()] for k in (0, 1)
    )
    assert kernel == turned[::-1]
    assert kernel == pytest.approx(small_cnn.conv2.weight[0, 1].flatten().tolist(), abs=0.006)


# Steps, drawing, state ------------------------------------------------------------------------------------------------


def test_one_step_moves_the_weights_against_the_gradient(digit, small_cnn):
    page = digit("#digit=4&true=9")
    before = page.evaluate("glassbox.probabilities()")
    pixels = torch.tensor(pixels_of(page), dtype=torch.float64).reshape(1, 1, 28, 28)
    page.get_by_label("Step size").select_option("0.0003")
    page.get_by_role("button", name="Take one step").click()
    optimizer = torch.optim.SGD(small_cnn.parameters(), lr=0.0003)
    functional.cross_entropy(small_cnn(pixels), torch.tensor([9])).backward()
    optimizer.step()
    expected = small_cnn(pixels).softmax(1)[0]
    assert page.evaluate("glassbox.probabilities()") == pytest.approx(expected.tolist(), rel=1e-6)
    assert page.locator(".bars-before:visible").count() == 10
    page.get_by_role("button", name="Reset").click()
    assert page.evaluate("glassbox.probabilities()") == before


def test_undo_and_clear_take_back_what_was_drawn(digit):
    page = digit("#digit=5")
    start = pixels_of(page)
    page.locator(".board-canvas").focus()
    press(page, ("Space", 1), ("ArrowRight", 5), ("Space", 1))
    assert pixels_of(page) != start
    page.keyboard.press("Control+z")
    assert pixels_of(page) == start
    page.get_by_role("button", name="Clear").click()
    assert sum(pixels_of(page)) == 0
    assert page.locator(".digit-answer").inner_text() == "Draw a digit."


def test_a_small_drawing_in_a_corner_is_read_as_a_large_one(digit):
    page = digit()
    box = page.locator(".board-canvas").bounding_box()
    for scale, left, top in ((1, 0, 0), (0.3, 0.65, 0.65), (0.2, 0.05, 0.1)):
        page.get_by_role("button", name="Clear").click()
        points = [
            (box["x"] + (left + scale * x) * box["width"], box["y"] + (top + scale * y) * box["height"])
            for x, y in SEVEN
        ]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()
        settle(page)
        check_answer(page)


@both_ways
def test_the_address_shows_the_same_again(digit):
    page = digit()
    page.locator(".board-canvas").focus()
    press(page, ("Space", 1), ("ArrowRight", 4), ("Space", 1))
    turn(page, "Backward")
    picture, position = place_of(page, "conv3", (2, 3, 4))
    picture.click(position=position)
    until(page, "location.hash.includes('open=conv3:2.3.4')")
    fragment = page.evaluate("location.hash")
    again = digit(fragment)
    assert opened(again) == opened(page)
    assert pixels_of(again) == pixels_of(page)


@pytest.mark.parametrize(
    "fragment", ["#open=conv9:1.2", "#digit=77&open=conv1:0.99.1", "#pixels=%%%&direction=up", "#a"]
)
def test_a_spoilt_address_opens_the_page_all_the_same(digit, fragment):
    assert opened(digit(fragment))[0].startswith("conv1[")


def test_bare_shows_all_that_plays_and_no_tour(visit):
    page = visit("play/digit.html?bare#digit=2&open=conv1:0.5.5")
    assert page.get_by_role("button", name="Clear").is_visible()
    assert page.locator(".tracer-title").is_visible()
    assert not page.locator(".tour").is_visible()
    assert not page.get_by_role("button", name="Show the tour").is_visible()


def test_without_javascript_there_is_a_still_figure_and_a_sentence(visit):
    page = visit("play/digit.html", java_script_enabled=False)
    assert page.locator(".play-digit img:visible").count() == 1
    assert "With JavaScript" in page.locator(".play-digit").inner_text()


# For everyone ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(digit, width):
    page = digit("#digit=4&open=pool2:1.2.3&direction=backward&true=9", width=width)
    page.get_by_role("button", name="Take one step").click()
    page.get_by_role("button", name="as a table of pool2").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []


def test_a_grid_is_also_a_table(digit):
    page = digit("#digit=1&open=pool3:0.0.0")
    page.get_by_role("button", name="as a table of pool3").click()
    table = page.get_by_role("region", name="pool3 as tables").get_by_role("table").nth(2)
    assert table.locator("caption").inner_text() == "pool3, channel 2"
    assert table.locator("th").all_inner_texts() == [*"0123", *"0123"]
    table.locator("td[tabindex='0']").focus()
    press(page, ("ArrowDown", 2), ("ArrowRight", 1), ("Enter", 1))
    assert opened(page)[0] == "pool3[2, 2, 1]"
    assert page.locator(".tracer-title data").inner_text() == table.locator("td data").nth(9).inner_text()


# Digits, size, speed --------------------------------------------------------------------------------------------------


def answers(page, images, center=False) -> list[int]:
    script = """([images, center]) => images.map(image => {
      const answer = glassbox.read(image, {center});
      return answer.indexOf(Math.max(...answer));
    })"""
    return page.evaluate(script, [images.flatten(1).tolist(), center])


def shifted(images, generator) -> torch.Tensor:
    """Move each image by up to five pixels; what leaves it is lost."""
    moves = torch.randint(-5, 6, (len(images), 2), generator=generator).tolist()
    padded = functional.pad(images, (5, 5, 5, 5))
    return torch.stack([image[:, 5 - i : 33 - i, 5 - j : 33 - j] for image, (i, j) in zip(padded, moves, strict=True)])


def test_test_digits_are_read_as_by_the_package_and_off_center_as_well(visit):
    data = mnist("test")[:200]
    with torch.no_grad():
        expected = SmallCNN(pretrained=True)(data.images).argmax(1)
    page = visit("play/digit.html")
    assert answers(page, data.images) == expected.tolist()
    moved = torch.tensor(answers(page, shifted(data.images, torch.Generator().manual_seed(0)), center=True))
    accuracy = (expected == data.labels).double().mean().item()
    lost = 0.03 if data.is_standin else 0.01  # the network was trained on MNIST
    assert (moved == data.labels).double().mean().item() >= accuracy - lost


def test_the_page_is_light(html):
    script = (html / "_static/play/digit.js").read_text("utf-8")
    (line,) = [line for line in script.splitlines() if line.startswith('{"network":')]
    weights = json.dumps(json.loads(line.removesuffix(","))["network"])
    assert len(gzip.compress(script.replace(line, "").encode())) <= 60_000
    assert len(gzip.compress(weights.encode())) <= 20_000


# An exported page -----------------------------------------------------------------------------------------------------


def test_an_exported_page_of_a_model_trained_here_is_played(visit, tmp_path):
    torch.manual_seed(0)
    data = mnist("train")[:200]
    layers = {
        "filter": torch.nn.Conv2d(1, 3, 5, stride=2),
        "tanh": torch.nn.Tanh(),
        "mean": torch.nn.AvgPool2d(2),
        "line": torch.nn.Flatten(),
        "scores": torch.nn.Linear(108, 10),
    }
    model = torch.nn.Sequential(OrderedDict(layers))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        functional.cross_entropy(model(data.images), data.labels).backward()
        optimizer.step()
    title = "<b>My model</b> & more"
    path = explain.export(model, data[:5], tmp_path / "model.html", title=title)
    page = visit(path.as_uri())
    assert page.locator("h1").inner_text() == title
    page.get_by_label("Sample", exact=True).fill("3")
    page.keyboard.press("Enter")
    places = {"filter": (2, 4, 5), "tanh": (0, 3, 3), "mean": (1, 2, 2), "scores": (6,)}
    values, gradients = truth(model.double(), data.images[3], (1, 28, 28), data.labels[3].item())
    for direction, tensors, symbol in (("Forward", values, ""), ("Backward", gradients, "∂L/∂ ")):
        turn(page, direction)
        for name, index in places.items():
            picture, position = place_of(page, name, index)
            picture.click(position=position)
            compare(page, name, index, tensors, symbol)
