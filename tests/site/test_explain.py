"""A page of `glassbox.explain.export`, of a model that the test trains, played from disk."""

from __future__ import annotations

import copy
from functools import partial

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from torch.nn import AvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential, Sigmoid, Tanh

from glassbox import explain
from glassbox.optim import Adam

from .conftest import serve, until, violations

pytestmark = pytest.mark.site

CLASSES = ("row <b>1</b>", "column & more", 'both "lines"')
PHONE = {"width": 320, "height": 640, "has_touch": True, "is_mobile": True, "scheme": "dark"}


def lines() -> tuple[torch.Tensor, torch.Tensor]:
    """Images of a row, a column or both, and which it is."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(60, 1, 12, 12, generator=generator) / 10
    labels = torch.arange(60) % 3
    for image, label, place in zip(images, labels, torch.randint(12, (60,), generator=generator), strict=True):
        if label != 1:
            image[0, place] = 1
        if label != 0:
            image[0, :, place] = 1
    return images, labels


@pytest.fixture(scope="module")
def trained() -> Sequential:
    """A network of torch, trained for a moment."""
    torch.manual_seed(0)
    images, labels = lines()
    model = Sequential(
        *(Conv2d(1, 3, 3, stride=1, padding=1), ReLU(), MaxPool2d(2), Conv2d(3, 2, 2), Tanh(), AvgPool2d(2, 1)),
        *(Flatten(), Linear(32, 5), Sigmoid(), Linear(5, 3)),
    )
    optimizer = Adam(model.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    assert (model(images).argmax(1) == labels).float().mean() > 0.8
    return model


@pytest.fixture(scope="module")
def file(trained, tmp_path_factory):
    images, labels = lines()
    path = tmp_path_factory.mktemp("page") / "lines.html"
    return explain.export(trained, images[:6], path, title="Lines & <i>more</i>", labels=labels[:6], classes=CLASSES)


@pytest.fixture
def play(visit, file):
    """Open the page from disk."""
    return lambda fragment="", **options: visit(file.as_uri() + fragment, **options)


def test_the_page_is_the_same_on_a_server(play, visit, file):
    page = play("#sample=1")
    page.get_by_role("button", name="Take one step").click()
    with serve(file.parent) as address:
        same = visit(f"{address}{file.name}#sample=1")
        same.get_by_role("button", name="Take one step").click()
        assert same.locator("body").inner_text() == page.locator("body").inner_text()


NAMES = ("conv0", "relu1", "pool2", "conv3", "tanh4", "pool5", "flatten6", "fc7", "sigmoid8", "fc9")


def computed(model: Module, image: torch.Tensor, target: int):
    """What torch computes in float64: each layer's value and the slope of the loss there, and the weights' slopes."""
    model = model.double()
    values = [image[None].double().requires_grad_()]
    for layer in model:
        values.append(layer(values[-1]))
    loss = torch.nn.functional.cross_entropy(values[-1], torch.tensor([target]))
    tensors = dict(zip(("input", *NAMES), values, strict=True))
    tensors |= {
        f"{name}.weight": layer.weight for name, layer in zip(NAMES, model, strict=True) if hasattr(layer, "weight")
    }
    slopes = dict(zip(tensors, torch.autograd.grad(loss, list(tensors.values())), strict=True))
    values = {name: tensor[0] if "." not in name else tensor for name, tensor in tensors.items()}
    slopes = {name: tensor[0] if "." not in name else tensor for name, tensor in slopes.items()}
    return {"forward": values, "backward": slopes, "probability": values["fc9"].softmax(0), "loss": loss}


def number(page, selector: str) -> float:
    return float(page.locator(f"{selector} data").last.get_attribute("value"))


def opened(page) -> tuple[str, float, float]:
    """The name of the number that is open, the number, and the result of the sum that is written out."""
    return (
        page.locator(".tracer-title code").inner_text(),
        number(page, ".tracer-title"),
        number(page, ".formula-result"),
    )


near = partial(pytest.approx, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_number_of_every_layer_opens_into_its_sum(play, trained, direction):
    expected = computed(trained, lines()[0][4], target=2)[direction]
    page = play("#sample=4&true=2")
    for name, tensor in expected.items():
        if direction == "forward" and (name == "input" or "." in name):
            continue
        index = torch.unravel_index(tensor.detach().abs().argmax(), tensor.shape)
        place = f"{name}:{'.'.join(str(int(part)) for part in index)}"
        page.evaluate("fragment => { location.hash = fragment }", f"sample=4&true=2&direction={direction}&open={place}")
        code = f"{name}[{', '.join(str(int(part)) for part in index)}]"
        until(page, "document.querySelector('.tracer-title code').textContent.endsWith(it)", code)
        _, shown, result = opened(page)
        assert shown == near(tensor[index].item()), code
        assert result == near(tensor[index].item()), code


def test_probabilities_and_loss_are_those_of_torch(play, trained):
    expected = computed(trained, lines()[0][4], target=0)
    page = play("#sample=4&true=0&open=probability:1")
    assert opened(page)[1:] == (near(expected["probability"][1].item()), near(expected["probability"][1].item()))
    assert number(page, ".tracer-loss") == near(expected["loss"].item())
    page.locator(".tracer-loss").click()
    assert opened(page)[1:] == (near(expected["loss"].item()), near(expected["loss"].item()))


def test_a_step_lowers_the_loss_as_torchs_does(play, trained):
    images, labels = lines()
    page = play("#sample=1")
    before = number(page, ".tracer-loss")
    page.get_by_label("Step size").select_option("0.1")
    page.get_by_role("button", name="Take one step").click()
    model = copy.deepcopy(trained).double()
    for rate in (0.1, 0):
        loss = torch.nn.functional.cross_entropy(model(images[1:2].double()), labels[1:2])
        slopes = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, slope in zip(model.parameters(), slopes, strict=True):
                parameter -= rate * slope
    assert number(page, ".tracer-loss") == near(loss.item())
    assert loss.item() < before
    page.get_by_role("button", name="Reset").click()
    assert number(page, ".tracer-loss") == near(before)


@pytest.mark.parametrize("by", ["mouse", "touch", "keyboard"])
def test_every_way_opens_a_number_and_goes_on_from_there(play, trained, by):
    page = play("", **(PHONE if by == "touch" else {}))
    values = computed(trained, lines()[0][0], target=0)["forward"]
    layer = page.locator(".flow-stage button", has_text="conv3")
    layer.tap() if by == "touch" else layer.click()
    if by == "keyboard":
        page.locator('[role=grid][aria-label*="conv3"] [role=gridcell]').first.focus()
        for key in ("ArrowDown", "ArrowRight", "Space"):
            page.keyboard.press(key)
    else:
        picture = page.locator('[role=grid][aria-label*="conv3"] canvas').first
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        place = {"x": box["width"] * 0.3, "y": box["height"] * 0.7}
        (picture.tap if by == "touch" else picture.click)(position=place)
    code, shown, result = opened(page)
    name, index = code.rstrip("]").split("[")
    assert name == "conv3"
    value = values[name][tuple(int(part) for part in index.split(", "))].item()
    assert (shown, result) == (near(value), near(value))
    link = page.locator(".formula-sum th button").first
    below = link.inner_text()
    link.tap() if by == "touch" else link.press("Enter") if by == "keyboard" else link.click()
    assert opened(page)[0] == below
    assert below.startswith("pool2[")


def test_text_of_the_user_is_text_on_the_screen(play):
    page = play()
    assert page.title() == page.locator("h1").inner_text() == "Lines & <i>more</i>"
    assert all(name in page.locator("main").inner_text() for name in CLASSES)
    assert page.locator("main b, main i").count() == 0


def test_scores_are_bars_on_one_scale_on_either_side_of_zero(visit, tmp_path):
    layer = Linear(3, 3, bias=False)
    torch.nn.init.eye_(layer.weight)
    samples = torch.tensor([[-4, 1, 0.4], [0.5, 0, 0]])
    names = ["a", "a much longer name", "b"]
    path = explain.export(layer, samples, tmp_path / "m.html", classes=names, loss="mse_loss")
    page = visit(path.as_uri())

    def boxes(kind):
        return [each.bounding_box() for each in page.locator(kind).all()]

    tracks, bars = boxes(".bars-track"), boxes(".bars-bar")
    assert len({(track["x"], track["width"]) for track in tracks}) == 1
    zero, half = tracks[0]["x"] + tracks[0]["width"] / 2, tracks[0]["width"] / 2
    assert page.locator(".bars-ends span").all_inner_texts() == ["−5", "0", "5"]
    assert bars[0]["x"] + bars[0]["width"] == pytest.approx(zero, abs=1)
    assert bars[0]["width"] == pytest.approx(half * 4 / 5, abs=1)
    assert [bar["x"] for bar in bars[1:]] == [pytest.approx(zero, abs=1)] * 2
    assert [bar["width"] for bar in bars[1:]] == [pytest.approx(half * share, abs=1) for share in (1 / 5, 0.4 / 5)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_photograph_is_true_to_life_as_one_picture_and_by_channel(visit, tmp_path, scheme):
    image = torch.tensor([0.8, 0.4, 0.2]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    path = explain.export(Sequential(Flatten(), Linear(48, 2)), image, tmp_path / "m.html")
    page = visit(path.as_uri(), scheme=scheme)

    def color(selector):
        read = "canvas => [...canvas.getContext('2d').getImageData(1, 1, 1, 1).data].slice(0, 3)"
        return [each.evaluate(read) for each in page.locator(selector).all()]

    assert color(".tracer-whole") == [[204, 102, 51]]
    channels = color(".flow-stage:has(button:text-is('input')) canvas")
    assert channels == [[204] * 3, [102] * 3, [51] * 3]


def test_the_page_fits_a_small_phone_and_axe_finds_no_violation(play):
    page = play(width=320, height=640)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_networks_are_compared_on_the_same_input_at_the_same_place(visit, trained, tmp_path, scheme):
    images, _ = lines()
    torch.manual_seed(1)
    dense = Sequential(Conv2d(1, 3, 3, padding=1), Tanh(), Flatten(), Linear(432, 3))
    path = explain.export(
        {"trained": copy.deepcopy(trained).float(), "untrained": dense},
        images[:3],
        tmp_path / "m.html",
        classes=CLASSES,
    )
    page = visit(path.as_uri() + "#sample=1&open=conv0:2.4.5", scheme=scheme)
    both = [copy.deepcopy(model).double() for model in (trained, dense)]
    image = images[1:2].double()
    shares = [model(image)[0].softmax(0).max().item() for model in both]
    numbers = [model[0](image)[0, 2, 4, 5].item() for model in both]

    def column(place):
        cells = page.locator(f".comparison tbody tr > :nth-child({place})")
        return [float(cell.locator("data").get_attribute("value")) for cell in cells.all()]

    def check():
        assert page.locator(".comparison thead th").all_inner_texts() == ["Network", "reads", "conv0[2, 4, 5]"]
        assert column(2) == [near(share) for share in shares]
        assert column(3) == [near(number) for number in numbers]

    check()
    assert opened(page)[1] == near(numbers[0])
    page.get_by_label("untrained").check()
    check()
    assert opened(page)[1] == near(numbers[1])
    until(page, "location.hash.includes('network=1')")
    assert violations(page) == []
    again = visit(page.url, scheme=scheme)
    assert again.get_by_label("untrained").is_checked()
    assert opened(again) == opened(page)
    page.evaluate("location.hash = 'sample=1&network=0&open=pool5:1.0.0'")
    until(page, "document.querySelector('.tracer-title code').textContent === 'pool5[1, 0, 0]'")
    assert page.locator(".comparison tbody tr").last.locator("td").last.inner_text() == "–"  # it has no such layer


@pytest.mark.parametrize("side", [1, 3, 5, 11])
def test_kernels_of_any_size_are_large_enough_to_read_and_scroll_where_they_are_many(visit, tmp_path, side):
    model = Sequential(Conv2d(1, 4, 1), Conv2d(4, 32, side, padding=side // 2), Flatten(), Linear(32 * 144, 2))
    path = explain.export(model, lines()[0][:1], tmp_path / "m.html")
    page = visit(f"{path.as_uri()}#open=conv1:30.4.4", width=390, height=800, scheme="dark")
    grid = page.locator('[role=grid][aria-label^="conv1.weight"]')
    grid.scroll_into_view_if_needed()
    kernel = grid.locator("canvas").nth(30 * 4).bounding_box()
    assert kernel["width"] >= min(6 * side, 56) if side > 3 else kernel["width"] >= 18 * side - 1
    box = grid.bounding_box()
    assert box["height"] <= 19 * 16 + 6
    # The kernels of the open number are in sight, among 128.
    assert box["y"] <= kernel["y"]
    assert kernel["y"] + kernel["height"] <= box["y"] + box["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def test_a_large_table_is_whole_and_lets_the_page_go_on_meanwhile(visit, tmp_path):
    layer = Linear(256, 64)
    path = explain.export(layer, torch.zeros(1, 256), tmp_path / "m.html")
    page = visit(f"{path.as_uri()}#open=fc0:3")
    rows = page.evaluate(
        """() => {
            const button = [...document.querySelectorAll(".tracer-toggle")].find(
                ({ textContent }) => textContent === "as a table of fc0");
            button.click();
            return document.querySelectorAll("[aria-label='fc0 as tables'] tbody tr").length;
        }"""
    )
    assert 0 < rows < 20
    region = page.get_by_role("region", name="fc0 as tables")
    until(page, "it.querySelectorAll('table')[1].tBodies[0].rows.length === 64", region.element_handle())
    table = region.get_by_role("table").filter(has_text="fc0.weight")
    cells = table.locator("tbody data").evaluate_all("all => all.map(({ value }) => Number(value))")
    assert cells == [near(weight) for weight in layer.weight.flatten().tolist()]
    page.get_by_role("button", name="as a table of fc0").click()
    assert region.locator("table").count() == 0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The page of a run that was recorded, and copies of its states."""
    images, labels = lines()
    torch.manual_seed(0)
    model = Sequential(Conv2d(1, 2, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(50, 3))
    recorder, copies = explain.Recorder(model), [copy.deepcopy(model)]
    optimizer = Adam(model.parameters(), lr=0.01)
    optimizer.register_step_post_hook(recorder)
    for _ in range(8):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
        copies.append(copy.deepcopy(model))
    path = tmp_path_factory.mktemp("run") / "run.html"
    return explain.export(recorder, images[:6], path, labels=labels[:6], classes=CLASSES), copies


def test_the_slider_goes_to_any_state_and_its_numbers_are_torchs(visit, recorded):
    path, copies = recorded
    page = visit(f"{path.as_uri()}#sample=4&open=conv0.weight:1.0.2.1&direction=backward")
    slider = page.get_by_role("slider", name="Step of the run that is shown")
    image, label = (each[4:5] for each in lines())
    for key, state in (("End", 8), ("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2)):
        slider.press(key)
        assert slider.get_attribute("aria-valuetext") == (f"step {state}" if state else "start")
        model = copies[state].double()
        scores = model(image.double())
        loss = torch.nn.functional.cross_entropy(scores, label)
        slope = torch.autograd.grad(loss, model[0].weight)[0][1, 0, 2, 1].item()
        assert opened(page)[1:] == (near(slope), near(slope))
        assert number(page, ".tracer-loss") == near(loss.item())
        shares = page.locator(".bars-number data").evaluate_all("all => all.map(({ value }) => Number(value))")
        assert shares == [near(share) for share in scores[0].softmax(0).tolist()]
    until(page, "location.hash.includes('state=2')")
    again = visit(f"{path.as_uri()}{page.evaluate('location.hash')}")
    assert opened(again) == opened(page)


def test_axe_finds_nothing_in_a_recorded_run_on_a_small_phone(visit, recorded):
    page = visit(recorded[0].as_uri(), **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(page) == []


@pytest.mark.parametrize("fragment", ["state=9", "state=-1", "state=1.5", "state=length"])
def test_a_malformed_state_is_the_last(visit, recorded, fragment):
    page = visit(f"{recorded[0].as_uri()}#{fragment}")
    assert page.locator(".film output").inner_text() == "step 8"


NOTEBOOK = """
import torch
from glassbox import explain
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
explain.show(model, torch.tensor([[1.0, -2.0, 0.5]]), classes=["yes", "no"])
"""


def test_a_notebook_shows_a_network_in_one_frame(visit, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    (output,) = notebook.cells[0].outputs
    saved = tmp_path / "notebook.html"
    saved.write_text(f"<!doctype html><meta charset='utf-8'><title>A notebook</title>{output.data['text/html']}")
    page = visit(saved.as_uri())
    entries = page.evaluate("history.length")
    frame = page.frame_locator("iframe")
    torch.manual_seed(0)
    model = Sequential(Linear(3, 4), ReLU(), Linear(4, 2)).double()
    values = [torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)]
    for layer in model:
        values.append(layer(values[-1]))
    shares = [float(bar.get_attribute("value")) for bar in frame.locator(".bars-number data").all()]
    assert shares == [near(share) for share in values[-1].softmax(0).tolist()]
    frame.locator(".bars-row").last.click()
    frame.locator(".formula-sum th button").first.click()
    title = frame.locator(".tracer-title")
    assert title.locator("code").inner_text() == "fc2[0]"
    assert float(title.locator("data").get_attribute("value")) == near(values[-1][0].item())
    frame.get_by_role("button", name="Back").click()
    assert title.locator("code").inner_text() == "probability[1]"
    assert page.evaluate("history.length") == entries


def test_without_javascript_a_sentence_says_what_is_missing(play):
    assert "allow JavaScript" in play(java_script_enabled=False).locator("main").inner_text()


def test_a_wide_layer_shrinks_to_a_small_phone(visit, tmp_path):
    model = Sequential(Flatten(), Linear(784, 2))
    path = explain.export(model, torch.rand(1, 1, 28, 28), tmp_path / "wide.html")
    page = visit(path.as_uri(), width=320, height=640)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
