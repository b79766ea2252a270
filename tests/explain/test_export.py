"""An exported page: one file that holds all it needs, in which no text of the user is markup."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from glassbox import explain, nn
from glassbox.datasets import LabelledImages
from tests.explain.node import node


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))


@pytest.fixture
def samples():
    return torch.linspace(-1, 1, 50).reshape(2, 1, 5, 5)


def script_in(page: str) -> str:
    (script,) = BeautifulSoup(page, "html.parser").find_all("script")
    return script.string


def data_in(page: str) -> dict:
    """Read what the page's script is given, as the line before the last call's end."""
    (line,) = [line for line in script_in(page).splitlines() if line.startswith('{"title":')]
    return json.loads(line.removesuffix(","))


def test_the_page_holds_the_network_and_the_samples(model, samples, tmp_path):
    path = explain.export(model, samples, tmp_path / "new/model.html", title="Mine", labels=[2, 0], classes="abc")
    data = data_in(path.read_text(encoding="utf-8"))
    assert (data["title"], data["labels"], data["targets"], data["networks"][0]["classes"]) == (
        "Mine",
        [2, 0],
        None,
        [*"abc"],
    )
    stored = torch.frombuffer(bytearray(base64.b64decode(data["samples"]["data"])), dtype=torch.float32)
    assert torch.equal(stored.reshape(data["samples"]["shape"]), samples)


def test_labels_and_names_come_with_labelled_images(model, samples, tmp_path):
    given = LabelledImages(samples, torch.tensor([1, 2]), source="made", class_names=("x", "y", "z"))
    data = data_in(explain.export(model, given, tmp_path / "m.html").read_text(encoding="utf-8"))
    assert (data["labels"], data["networks"][0]["classes"]) == ([1, 2], ["x", "y", "z"])


def test_the_squared_error_takes_the_outputs_that_were_expected(model, samples, tmp_path):
    path = explain.export(model, samples, tmp_path / "m.html", labels=torch.zeros(2, 3), loss="mse_loss")
    data = data_in(path.read_text(encoding="utf-8"))
    assert data["targets"]["shape"] == [2, 3]
    assert data["labels"] is None


def test_an_array_is_taken_as_a_tensor_is(model, samples, tmp_path):
    pages = [explain.export(model, given, tmp_path / "m.html").read_bytes() for given in (samples, samples.numpy())]
    assert pages[0] == pages[1]


def test_numbers_of_double_precision_keep_it(tmp_path):
    layer = nn.Linear(1, 2, bias=False, dtype=torch.float64)
    page = explain.export(layer, torch.full((1, 1), 0.1, dtype=torch.float64), tmp_path / "m.html").read_text()
    data = data_in(page)
    assert read_back(data["samples"]) == [0.1]
    assert read_back(data["networks"][0]["layers"][0]["weight"]) == layer.weight.flatten().tolist()


def read_back(stored: dict) -> list[float]:
    return np.frombuffer(base64.b64decode(stored["data"]), stored["dtype"]).tolist()


@pytest.mark.parametrize(
    ("images", "are_photos"),
    [
        (torch.rand(2, 1, 5, 5), True),
        (torch.zeros(2, 3, 5, 5), True),
        (torch.nn.functional.pad(torch.rand(2, 1, 3, 3), (1, 1, 1, 1)), False),
        (torch.rand(2, 25), False),
    ],
)
def test_photographs_are_told_from_drawings(tmp_path, images, are_photos):
    model = nn.Sequential(nn.Flatten(), nn.Linear(images[0].numel(), 2))
    page = explain.export(model, images, tmp_path / "m.html").read_text(encoding="utf-8")
    assert data_in(page)["arePhotos"] == are_photos


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 layer, 6 weights, 1 sample."), (2, "1 layer, 6 weights, 2 samples.")]
)
def test_one_of_a_thing_is_no_plural(tmp_path, count, words):
    page = explain.export(nn.Linear(2, 2), torch.rand(count, 2), tmp_path / "m.html").read_text(encoding="utf-8")
    assert BeautifulSoup(page, "html.parser").find(class_="page-summary").string == words


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (nn.Linear(2, 2), "2 networks of 1 layer, 6 weights each, 1 sample."),
        (
            nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)),
            "first: 1 layer, 6 weights; second: 2 layers, 17 weights, 1 sample.",
        ),
    ],
)
def test_several_networks_are_counted_together_where_they_are_alike(tmp_path, second, words):
    compared = {"first": nn.Linear(2, 2), "second": second}
    page = explain.export(compared, torch.rand(1, 2), tmp_path / "m.html").read_text(encoding="utf-8")
    assert BeautifulSoup(page, "html.parser").find(class_="page-summary").string == words
    assert [network["title"] for network in data_in(page)["networks"]] == ["first", "second"]


@pytest.mark.parametrize(
    ("compared", "error", "message"),
    [
        ({}, ValueError, r'model expects a network for each name, got none: try \{"untrained": first'),
        (
            {"first": nn.Linear(2, 2), "second": nn.Linear(2, 3)},
            ValueError,
            "expect the same number of outputs, got 2 of first and 3 of second: try one page for each",
        ),
        ({"first": nn.Linear(2, 2), "second": nn.Linear(3, 2)}, ValueError, "second: 0: Linear does not take an input"),
        ({"first": nn.Linear(2, 2), "second": "trained"}, TypeError, "second: explain expects a Sequential"),
    ],
)
def test_networks_that_cannot_be_compared_are_named(tmp_path, compared, error, message):
    with pytest.raises(error, match=message):
        explain.export(compared, torch.rand(1, 2), tmp_path / "m.html")
    assert not list(tmp_path.iterdir())


HOSTILE = [
    "</script><script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    "{{script}}{{style}}",
    '"; alert(1); //',
    "<!--<script>",
    "\u2028\u2029\\",
    "`${alert(1)}`",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_the_user_is_markup(model, samples, tmp_path, text):
    path = explain.export(model, samples, tmp_path / "m.html", title=text, classes=[text, "b", "c"])
    page = path.read_text(encoding="utf-8")
    plain = explain.export(model, samples, tmp_path / "p.html", title="t", classes="abc").read_text(encoding="utf-8")
    found, expected = BeautifulSoup(page, "html.parser"), BeautifulSoup(plain, "html.parser")
    assert [tag.name for tag in found.find_all()] == [tag.name for tag in expected.find_all()]
    assert found.title.string == found.h1.string == text
    assert data_in(page)["networks"][0]["classes"][0] == text
    (tmp_path / "page.js").write_text(script_in(page), encoding="utf-8")
    assert node("--check", tmp_path / "page.js").stderr == ""


def test_the_browser_may_run_the_one_script_of_the_page_and_fetch_nothing(model, samples, tmp_path):
    page = explain.export(model, samples, tmp_path / "m.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(page, "html.parser")
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))
    assert directives["default-src"] == directives["form-action"] == directives["base-uri"] == "'none'"
    for directive, tag in (("script-src", "script"), ("style-src-elem", "style")):
        digest = base64.b64encode(hashlib.sha256(soup.find(tag).string.encode()).digest()).decode()
        assert directives[directive] == f"'sha256-{digest}'"
    addresses = [tag[name] for tag in soup.find_all() for name in ("src", "href") if tag.has_attr(name)]
    assert addresses == ["data:,"]
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)  # the name of the SVG namespace is no address


def test_the_same_network_gives_the_same_bytes(model, samples, tmp_path):
    first, second = (explain.export(model, samples, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_the_model_is_left_as_it_was(model, samples, tmp_path):
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    explain.export(model, samples, tmp_path / "m.html")
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_a_file_is_replaced_whole_or_not_at_all(model, samples, tmp_path, monkeypatch):
    path = tmp_path / "m.html"
    path.write_text("before")

    def fail(*arguments):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="the disk is full"):
        explain.export(model, samples, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize("umask", [0o077, 0o022, 0o002])
def test_the_umask_says_who_may_read_the_page(model, samples, tmp_path, umask):
    before = os.umask(umask)
    try:
        path = explain.export(model, samples, tmp_path / "m.html")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_folder_is_no_file(model, samples, tmp_path):
    with pytest.raises(IsADirectoryError, match="this is a folder; name a file in it"):
        explain.export(model, samples, tmp_path)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"samples": [[1.0]]}, TypeError, r"samples expects a tensor, .*, got list: try a tensor \(N, C, H, W\)"),
        (
            {"samples": (torch.zeros(2, 1, 5, 5), torch.zeros(2))},
            TypeError,
            r"samples expects a tensor, .*, got tuple: try the images, and labels=labels beside them",
        ),
        ({"title": None}, TypeError, "title expects a string, got NoneType: leave it out"),
        ({"labels": ["cat", "dog"]}, TypeError, r"labels expects numbers, got 'cat': try .*classes\.index"),
        ({"classes": {0: "a", 1: "b", 2: "c"}}, TypeError, r"classes expects .*, got dict: try list\(classes\.values"),
        ({"labels": torch.eye(3)[:2]}, ValueError, r"labels must be 2 class numbers.*: try labels\.argmax\(1\)"),
        (
            {"samples": torch.zeros(1, 5, 5)},
            ValueError,
            r"samples must have the shape .* got \(1, 5, 5\); .*image\[None\]",
        ),
        ({"samples": torch.zeros(0, 1, 5, 5)}, ValueError, r"samples must have the shape .* got \(0, 1, 5, 5\)"),
        ({"samples": torch.zeros(20_001, 1, 5, 5)}, ValueError, r"20001 samples are too many .* samples\[:20\]"),
        ({"samples": torch.full((1, 1, 5, 5), torch.nan)}, ValueError, "samples hold a number that is not finite"),
        ({"samples": torch.zeros(2, 3, 5, 5)}, ValueError, r"0: Conv2d does not take an input of shape \(3, 5, 5\)"),
        ({"labels": [1]}, ValueError, r"labels must be 2 class numbers, got torch\.int64 of shape \(1,\)"),
        ({"labels": [0.5, 1.0]}, ValueError, "labels must be 2 class numbers, got torch.float32"),
        ({"labels": [0, 3]}, ValueError, "labels must lie between 0 and 2, got 0 to 3"),
        (
            {"labels": [0, 1], "loss": "mse_loss"},
            ValueError,
            r"labels expects the shape \(2, 3\) for mse_loss, got \(2,\)",
        ),
        ({"classes": ["a"]}, ValueError, "the network has 3, got 1 class names"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_written(model, samples, tmp_path, change, error, message):
    arguments = {"samples": samples, **change}
    with pytest.raises(error, match=message):
        explain.export(model, arguments.pop("samples"), tmp_path / "m.html", **arguments)
    assert not list(tmp_path.iterdir())
