"""The directive that puts a page that computes into a page of the site."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

import pytest
import torch
from glassbox_site import play, play_data

from glassbox.datasets._standin import standin_digits
from tests.explain.node import engine, node

PLAY = Path(__file__).parents[2] / "docs/play"
KILOBYTE = 1000


@pytest.fixture(scope="module", autouse=True)
def digits_at_hand():
    """The digits of scikit-learn: a test fetches nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(play_data, "mnist", standin_digits)
        play_data.one_of_each.cache_clear()
        yield
    play_data.one_of_each.cache_clear()


@pytest.fixture(scope="module", params=play.WIDGETS)
def page(request):
    return request.param, play.script_of(request.param, PLAY)


def test_a_page_is_one_script_that_node_reads(page, tmp_path):
    name, code = page
    (tmp_path / "page.js").write_text(code, encoding="utf-8")
    run = node("--check", tmp_path / "page.js")
    assert run.returncode == 0, f"{name}: {run.stderr}"


def test_a_page_is_light(page):
    name, code = page
    (data,) = [line for line in code.splitlines() if line.startswith('{"')]
    most = {"train": 75}.get(name, 60)
    assert len(gzip.compress(code.replace(data, "").encode(), mtime=0)) <= most * KILOBYTE, name


def test_a_page_asks_nothing_of_the_network(page):
    name, code = page
    code = code.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "import(", "http:"):
        assert word not in code, f"{name} holds {word}"


def test_a_page_is_the_same_twice(page):
    play_data.one_of_each.cache_clear()
    assert play.script_of(page[0], PLAY) == page[1]


def test_the_digits_to_learn_come_as_they_are(tmp_path):
    """At most 400 kB, none of it in the page itself; unpacked they are the pixels, rounded to four bits."""
    code = play.data_of("train")
    assert len(gzip.compress(code.encode(), mtime=0)) <= 400 * KILOBYTE
    packed = json.loads(code.removeprefix("(globalThis.glassboxData ??= {}).train = ").removesuffix(";\n"))
    assert packed["training"]["pixels"][:1000] not in play.script_of("train", PLAY)
    for split, name, most in [("train", "training", 2000), ("test", "heldOut", 500)]:
        digits = standin_digits(split)[:most]
        assert packed[name]["labels"] == "".join(map(str, digits.labels.tolist()))
        bytes_ = torch.tensor(list(gzip.decompress(base64.b64decode(packed[name]["pixels"]))))
        found = torch.stack([bytes_ >> 4, bytes_ & 15], dim=1).reshape(digits.images.shape)
        assert (found / 15 - digits.images).abs().max() <= 0.5 / 15 + 1e-6
        assert play.WIDGETS["train"].data()["counts"][name] == len(digits.labels)


def test_the_weights_of_the_digit_page_are_light():
    layers = play_data.digit()["network"]["layers"]
    weights = "".join(layer[part]["data"] for layer in layers for part in ("weight", "bias") if layer.get(part))
    assert len(gzip.compress(weights.encode(), mtime=0)) <= 20 * KILOBYTE


@pytest.mark.parametrize("widget", play.WIDGETS.values(), ids=play.WIDGETS)
def test_a_reader_without_javascript_sees_a_figure_in_words_too(widget):
    figure = widget.still()
    assert figure.alt_text
    assert widget.sentence.endswith(".")


def test_the_exported_convolution_hands_back_what_the_lesson_does(tmp_path):
    """Lesson 3.5 says what comes back to each sum; the page computes it from a target."""
    lesson = play_data.literals_of("part3_learning/plot_35_convolution_backward.py")
    play_data.EXPORTS["convolution"](tmp_path / "page.html")
    (line,) = re.findall(r'^\{"title":.*\},$', (tmp_path / "page.html").read_text(encoding="utf-8"), re.MULTILINE)
    (tmp_path / "page.json").write_text(line.removesuffix(","), encoding="utf-8")
    ask = """
        import { readFileSync } from "node:fs";
        const { backward, decode, decodeTensor, forward, tensor } = await import(process.env.ENGINE);
        const { networks, samples, targets } = JSON.parse(readFileSync(process.env.PAGE, "utf8"));
        const decoded = decode(networks[0]);
        const run = forward(decoded, tensor(decoded.input, decodeTensor(samples).data));
        console.log(JSON.stringify([...backward(run, tensor([9], decodeTensor(targets).data)).values[1].data]));
    """
    run = node("--input-type=module", "--eval", ask, ENGINE=engine(tmp_path), PAGE=tmp_path / "page.json")
    assert json.loads(run.stdout) == pytest.approx([slope for row in lesson["delta"] for slope in row])
