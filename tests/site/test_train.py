"""Train in the page: it learns as the package does, goes back, opens its steps, and stays usable while it learns."""

from __future__ import annotations

import gzip
import re
from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from glassbox import optim
from glassbox.datasets import mnist
from glassbox.models import SmallCNN
from glassbox.training.batches import epoch_order

from .conftest import both_ways, until, violations

pytestmark = pytest.mark.site

PHONE = {"width": 320, "height": 640, "has_touch": True, "is_mobile": True}
RATE, BATCH = 0.005, 20  # what the page begins with


@pytest.fixture
def train(visit):
    def open_page(fragment="", **options):
        page = visit(f"play/train.html{fragment}", **options)
        page.wait_for_selector(".train-figures strong")
        return page

    return open_page


# What the package computes --------------------------------------------------------------------------------------------


def digits_to_learn():
    found = mnist("train")
    found = found[: min(2000, len(found.labels))]
    return (found.images.double() * 15).round() / 15, found.labels


@pytest.fixture(scope="module")
def digits():
    return digits_to_learn()


class Run:
    """The same run in Python: step by step, its optimizer's memory at hand."""

    def __init__(self, digits, seed=0):
        torch.manual_seed(seed)
        self.model = SmallCNN().double()
        self.optimizer = optim.Adam(self.model.parameters(), lr=RATE)
        self.images, self.labels = digits
        self.order = epoch_order(len(self.labels), seed, 0, torch.device("cpu"))

    def batch(self, step):
        return self.order[BATCH * step : BATCH * (step + 1)]

    def loss(self, examples):
        return functional.cross_entropy(self.model(self.images[examples]), self.labels[examples])

    def to(self, steps):
        for step in range(steps):
            self.optimizer.zero_grad()
            self.loss(self.batch(step)).backward()
            self.optimizer.step()
        return self

    @property
    def weights(self):
        return torch.cat([parameter.detach().reshape(-1) for parameter in self.model.parameters()])


def near(found, expected, rtol=1e-9, atol=1e-9):
    torch.testing.assert_close(torch.as_tensor(found, dtype=torch.float64), expected, rtol=rtol, atol=atol)


# What the page does ---------------------------------------------------------------------------------------------------


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def train_to(page, step):
    """Train past a step, and pause."""
    press(page, "Train")
    until(page, f"glassbox.step() >= {step}")
    press(page, "Pause")


def go_to(page, step):
    """Go back to one of the first steps, of which all are kept, by the keyboard."""
    slider = page.get_by_role("slider", name="Step of the run that is shown")
    slider.focus()
    slider.press("Home")
    for _ in range(step):
        slider.press("ArrowRight")
    until(page, f"glassbox.step() === {step}")


def values(locator):
    return [float(value) for value in locator.evaluate_all("all => all.map(each => each.value)")]


# From disk, another way brings the worker and the digits.
@both_ways
def test_single_steps_are_those_of_the_package(train, digits):
    page = train()
    near(page.evaluate("glassbox.weights()"), Run(digits).weights)
    for step in range(1, 4):
        press(page, "One step")
        until(page, f"glassbox.step() === {step}")
    near(page.evaluate("glassbox.weights()"), Run(digits).to(3).weights)
    until(page, "document.querySelector('.train > [role=status]').textContent.startsWith('step 3 epoch 0.0 loss ')")


@both_ways
def test_it_trains_pauses_goes_back_and_opens_a_step(train, digits):
    page = train()
    train_to(page, 14)
    reached = page.evaluate("glassbox.step()")
    page.wait_for_timeout(200)
    assert page.evaluate("glassbox.step()") == reached
    go_to(page, 9)
    run = Run(digits).to(9)
    near(page.evaluate("glassbox.weights()"), run.weights)

    press(page, "fc2.weight")
    title = page.locator(".tracer-title code").inner_text()
    row, column = map(int, re.findall(r"\d+", title.partition("[")[2]))
    assert page.locator(".update > .train-heading").inner_text() == f"Step 10, written out for {title}"
    page.get_by_role("button", name="more").click()
    found = values(page.locator(".update-gradients tbody data"))
    weight = run.model.fc2.weight
    own = [torch.autograd.grad(run.loss(run.batch(9)[k : k + 1]), weight)[0][row, column] for k in range(BATCH)]
    near(found, torch.stack(own))
    near(values(page.locator(".update-gradients .formula-result data"))[0], torch.stack(own).mean())

    page.locator(".update-gradients tbody button").first.click()
    near(float(page.locator(".tracer-title data").get_attribute("value")), own[0])
    assert page.locator(".tracer-title").inner_text().startswith("∂L/∂ fc2.weight")

    state = run.optimizer.state[weight]
    run.optimizer.zero_grad()
    run.loss(run.batch(9)).backward()
    run.optimizer.step()
    lines = values(page.locator(".update-move dd data"))
    near(lines[:2], torch.stack([state["exp_avg"][row, column], state["exp_avg_sq"][row, column]]), atol=1e-12)
    near(lines[-1], weight.detach()[row, column])


def test_the_test_digits_are_read_as_the_network_reads_them(train, digits):
    """At rest the share is that of the step that is shown, and so are the wall and the table."""
    page = train()
    train_to(page, 5)
    go_to(page, 4)
    held_out = mnist("test")
    held_out = held_out[: min(500, len(held_out.labels))]
    model = Run(digits).to(4).model
    with torch.no_grad():
        reads = model((held_out.images.double() * 15).round() / 15).argmax(1)
    right = int((reads == held_out.labels).sum())
    count = len(held_out.labels)
    until(page, f"document.querySelector('.wall-canvas').ariaLabel.includes('of which {right} are read right')")
    assert f"{round(100 * right / count)} % of {count} test digits" in page.locator(".train-figures").inner_text()
    page.locator("summary", has_text="Which digit").click()
    rows = "all => all.map(row => [...row.cells].slice(1).map(cell => Number(cell.textContent)))"
    table = page.locator(".train-confusion tbody tr").evaluate_all(rows)
    expected = torch.zeros(10, 10, dtype=torch.int64)
    expected.index_put_((held_out.labels, reads), torch.tensor(1), accumulate=True)
    assert table == expected.tolist()


def test_another_setting_begins_a_run_and_keeps_the_one_before(train):
    page = train("#rule=plain&batch=50&seed=3")
    train_to(page, 3)
    page.get_by_label("Digits in a batch").select_option("1")
    assert page.evaluate("glassbox.step()") == 0
    legend = page.locator(".train-legend")
    assert "plain descent, step size 0.2, batches of 1, seed 3" in legend.inner_text()
    assert "before: plain descent, step size 0.2, batches of 50, seed 3" in legend.inner_text()
    assert page.locator(".curves polyline.kept").count() == 4
    page.get_by_role("button", name="forget it").click()
    assert page.locator(".curves polyline.kept").count() == 0
    until(page, "location.hash.includes('batch=1&')")


def test_a_method_says_that_it_brings_its_step_size_and_a_new_run(train):
    page = train(width=390, height=844)
    train_to(page, 3)
    below = "document.querySelector('.train-watch').offsetTop - document.querySelector('.train-form').offsetTop"
    room = page.evaluate(below)
    page.get_by_label("Method").select_option("plain")
    note = page.locator(".train-note")
    assert note.inner_text() == "Plain descent takes its usual step size, 0.2. A new run begins at step 0."
    page.get_by_label("Digits in a batch").select_option("5")
    assert note.inner_text() == "A new run begins at step 0."
    assert page.evaluate(below) == room


def test_the_same_run_twice_is_drawn_as_one_line(train):
    page = train("#batch=5")
    train_to(page, 200)
    page.get_by_role("button", name="Reset").click()
    train_to(page, 20)
    lines = [page.locator(f".curves-fine.{kind}").first.get_attribute("points").split() for kind in ("kept", "now")]
    assert 5 < len(lines[1]) < len(lines[0])
    assert lines[0][: len(lines[1]) - 1] == lines[1][:-1]  # the last of these means has still to be filled


def test_the_gradient_of_the_digit_and_the_mean_of_the_batch_are_pictures(train, digits):
    page = train()
    press(page, "One step")
    until(page, "/a digit's own/.test(document.querySelector('.gradients').textContent)")
    run = Run(digits).to(1)
    weight, every = run.model.fc2.weight, list(run.model.parameters())

    def length(loss):
        return torch.cat([slope.flatten() for slope in torch.autograd.grad(loss, every)]).norm()

    batch = run.batch(1)
    each = torch.stack([length(run.loss(batch[k : k + 1])) for k in range(BATCH)]).mean()
    words = page.locator(".gradients").inner_text()
    long, own = map(float, re.search(r"It is ([\d.]+) long, a digit's own ([\d.]+) on average", words).groups())
    near([long, own], torch.stack([length(run.loss(batch)), each]), rtol=0, atol=0.005)

    slope = torch.autograd.grad(run.loss(batch), weight)[0]
    page.get_by_role("group", name="Mean gradient of the batch").get_by_role("button", name="fc2.weight").click()
    row, column = map(int, torch.unravel_index(slope.abs().argmax(), slope.shape))
    until(page, f"document.querySelector('.update').textContent.includes('fc2.weight[{row}, {column}]')")
    until(page, "document.querySelector('.update-move') !== null")
    near(values(page.locator(".update-gradients .formula-result data"))[0], slope[row, column])

    test = mnist("test")
    seven = int((test.labels == 7).nonzero()[0])
    image = test.images[seven : seven + 1].double()
    loss = functional.cross_entropy(run.model((image * 255).round() / 255), torch.tensor([7]))
    slope = torch.autograd.grad(loss, weight)[0]
    page.get_by_role("group", name="Gradient of the digit").get_by_role("button", name="fc2.weight").click()
    row, column = map(int, torch.unravel_index(slope.abs().argmax(), slope.shape))
    assert page.locator(".tracer-title code").inner_text() == f"∂L/∂ fc2.weight[{row}, {column}]"
    near(values(page.locator(".tracer-title data"))[0], slope[row, column])


def test_the_landscape_is_drawn_on_request_and_marks_the_step_that_is_shown(train):
    page = train()
    press(page, "Draw the landscape")
    assert "three steps or more" in page.locator(".terrain-body").inner_text()
    for step in range(1, 5):
        press(page, "One step")
        until(page, f"glassbox.step() === {step}")
    press(page, "Draw the landscape")
    until(page, "document.querySelector('.terrain-map svg') !== null")
    points = page.locator(".terrain-map polyline").get_attribute("points").split()
    assert len(points) == 5  # in so short a run, all are kept
    words = page.locator(".terrain-body").inner_text()
    low, high = map(float, re.search(r"goes from ([\d.]+) to ([\d.]+) here", words).groups())
    assert 0 < low < high
    assert "What such a plane hides" in words
    assert "last, step 4" in page.locator(".terrain-map").text_content()
    here = page.locator(".terrain-map .terrain-here")
    for step in (1, 3):
        go_to(page, step)
        assert f"{here.get_attribute('cx')},{here.get_attribute('cy')}" == points[step]
    assert "at step 3" in page.locator(".terrain-map svg").get_attribute("aria-label")


def test_a_step_that_is_far_too_long_is_explained(train):
    page = train("#rule=plain&rate=100")
    press(page, "Train")
    until(page, "/ceased to be finite|dead/.test(document.querySelector('.train-telling').textContent)")


def test_nothing_is_learned_while_the_page_is_hidden(visit):
    page = visit("play/train.html")
    press(page, "Train")
    until(page, "glassbox.step() >= 2")
    hide = """(isHidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, value: isHidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    before = page.evaluate("new Promise(done => setTimeout(() => done(glassbox.step()), 50))")
    assert page.evaluate("new Promise(done => setTimeout(() => done(glassbox.step()), 400))") == before
    page.evaluate(hide, False)
    until(page, f"glassbox.step() > {before}")


def test_a_digit_of_the_wall_opens(train):
    page = train()
    press(page, "One step")
    until(page, "!document.querySelector('.train-wall > button').disabled")
    press(page, "Next one that it misreads")
    said = page.locator(".train > [role=status]").inner_text()
    number, label, read = map(int, re.match(r"Test digit (\d+), a (\d): it reads (\d)", said).groups())
    assert label == mnist("test").labels[number] != read
    assert page.locator(".wall-frame").is_visible()


@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(visit, size):
    page = visit("play/train.html", **size)
    press(page, "One step")
    until(page, "document.querySelector('.update-move') !== null")
    page.locator("summary", has_text="Which digit").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 700, 1200])
def test_alone_in_a_frame_nothing_covers_anything(visit, width):
    page = visit("play/train.html?bare", width=width)
    page.wait_for_selector(".train-figures strong")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    edge = "document.querySelector(it).getBoundingClientRect()"
    until(page, f"{edge}.bottom <= document.querySelector('.train-form').getBoundingClientRect().top", ".train-head")


@pytest.mark.parametrize("width", [390, 700, 800, 920])
def test_the_names_of_layers_have_room(visit, width):
    page = visit("play/train.html?bare", width=width)
    page.locator(".tracer-title").first.wait_for(state="attached")
    boxes = page.locator(".flow-stage > button").evaluate_all(
        """(buttons) => buttons.map((button) => {
            const range = document.createRange();
            range.selectNodeContents(button);
            const { left, right, top } = range.getBoundingClientRect();
            return { left, right, top };
        })"""
    )
    for before, after in pairwise(boxes):
        assert abs(before["top"] - after["top"]) > 5 or before["right"] <= after["left"] + 1


def test_a_finger_trains_on_a_small_phone(train):
    page = train(**PHONE)
    page.get_by_role("button", name="Train", exact=True).tap()
    until(page, "glassbox.step() >= 2")
    page.get_by_role("button", name="Pause").tap()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_is_light_and_its_digits_come_when_they_are_asked_for(visit, html):
    script = (html / "_static/play/train.js").read_text("utf-8")
    (line,) = [line for line in script.splitlines() if line.startswith('{"network":')]
    assert len(gzip.compress(script.replace(line, "").encode())) <= 75_000
    assert len(gzip.compress((html / "_static/play/train-data.js").read_bytes())) <= 400_000
    came = "performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/train-data.js'))"
    page = visit("play/train.html")
    page.wait_for_selector(".train-figures strong")
    assert not page.evaluate(came)
    press(page, "One step")
    until(page, "glassbox.step() === 1")
    assert page.evaluate(came)


def test_without_javascript_there_is_a_still_and_a_sentence(visit, html):
    page = visit((html / "play/train.html").as_uri(), java_script_enabled=False)
    assert page.locator(".play-train img.only-light").is_visible()
    assert "learns to read digits here" in page.locator(".play-train").inner_text()


# In a small window --------------------------------------------------------------------------------------------------


def test_a_weight_that_is_picked_is_framed_and_its_step_comes_into_sight(train):
    page = train(width=390, height=844, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="One step").tap()
    until(page, "document.querySelector('.train > [role=status]').textContent.startsWith('step 1 ')")
    picture = page.locator(".filters-dense .grid-block").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    title = page.locator(".update > .train-heading")
    assert re.fullmatch(r"Step 2, written out for fc1\.weight\[\d+, \d+\]", title.inner_text())
    until(page, "document.querySelector('.update > .train-heading').getBoundingClientRect().top < innerHeight / 2")
    assert page.evaluate(
        """() => {
          const [head, title] = [".train-head", ".update > .train-heading"].map((it) => document.querySelector(it));
          return head.getBoundingClientRect().bottom <= title.getBoundingClientRect().top;
        }"""
    )
    frame, index = page.locator(".filters-frame"), [int(k) for k in re.findall(r"\d+", title.inner_text())[-2:]]
    place = frame.evaluate("({ style }) => [style.top, style.left].map(parseFloat)")
    near(place, torch.tensor([100 * index[0] / 32, 100 * index[1] / 128]).double(), rtol=0, atol=0.01)


def test_nothing_lies_on_the_buttons_that_stay_in_sight(train):
    page = train(width=390, height=844)
    page.mouse.move(195, 600)
    page.mouse.wheel(0, 3000)
    until(page, "scrollY > 1000")
    page.mouse.wheel(0, -500)
    until(page, "scrollY < 2600")
    covered = """() => [...document.querySelectorAll('.train-buttons button')].filter((button) => {
      const { x, y, width, height } = button.getBoundingClientRect();
      return document.elementFromPoint(x + width / 2, y + height / 2) !== button;
    }).length"""
    assert page.evaluate("document.documentElement.classList.add('show-back-to-top')") is None
    assert page.evaluate(covered) == 0


@pytest.mark.parametrize("name", ["digit", "train"])
def test_the_pages_fit_half_the_width_of_a_phone(visit, name):
    page = visit(f"play/{name}.html", width=195, height=422, device_scale_factor=4)
    page.wait_for_selector(f".{name} button")
    page.get_by_title("Open the probability of 7").click()
    outside = """() => [...document.querySelectorAll('[data-play] :is(button, input, p, select, canvas)')]
      .filter((it) => it.checkVisibility() && it.getBoundingClientRect().right > innerWidth)
      .filter((it) => !it.closest('.tracer-path, .table-wrapper'))
      .map((it) => it.outerHTML.slice(0, 90))"""
    assert page.evaluate(outside) == []
    if name == "train":
        assert page.get_by_label("Step of the run that is shown").bounding_box()["width"] > 90


def test_the_wall_says_what_will_hang_there_and_the_lines_have_names(train):
    page = train()
    wall = page.locator(".wall")
    assert wall.inner_text().startswith("Press Train: the 500 digits come")
    page.get_by_role("button", name="One step").click()
    until(page, "document.querySelector('.train > [role=status]').textContent.startsWith('step 1 ')")
    assert wall.inner_text() == ""
    assert page.locator(".train-legend").inner_text().startswith("Thick: the 500 test digits. Thin: the batches.")
    for plot in page.locator(".curves > svg").all():
        name, frame = plot.locator(".curves-name").bounding_box(), plot.locator(".frame").bounding_box()
        assert name["y"] + name["height"] <= frame["y"] + 1  # no curve runs through it


def test_on_paper_weights_have_their_names_and_the_board_no_tools(train):
    page = train()
    page.emulate_media(media="print")
    assert page.locator(".filters figcaption").first.inner_text().startswith("conv1.weight 2 × 1 kernels")
    for pressed in (".digit-tools", ".digit-samples", ".train-buttons button"):
        assert not page.locator(pressed).first.is_visible()
