"""The engine of the pages computes what torch computes: every value, every gradient, and every sum that it writes."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64encode

import pytest
import torch
from torch.nn import AvgPool2d, Conv2d, MaxPool2d

from glassbox import models
from glassbox.datasets._standin import standin_digits
from glassbox.explain._bundle import JS
from glassbox.explain._describe import _SAME_AS, _SHORT, describe
from tests.explain.node import HERE, engine, node
from tests.explain.reference import SEEDS, write_cases


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    return folder, write_cases(folder)


@pytest.fixture(scope="module")
def few_cases(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("few")
    for name in ("random_0", "random_1", "random_2", "normalized"):
        shutil.copy(cases[0] / f"{name}.json", folder)
    return folder


def run_tests(cases, module):
    return node("--test", "--test-reporter=tap", HERE / "engine.test.mjs", ENGINE=module, CASES=cases)


def test_the_engine_computes_what_torch_computes(cases, tmp_path):
    run = run_tests(cases[0], engine(tmp_path))
    assert run.returncode == 0, run.stdout
    assert f"# pass {5 * (4 + len(SEEDS))}\n" in run.stdout


def test_the_random_networks_use_every_layer_and_option(cases):
    layers = [layer for model in cases[1] for layer in model]
    assert {type(layer).__name__ for layer in layers} == set(_SHORT)
    options = {
        Conv2d: ("kernel_size", "stride", "padding", "dilation", "groups", "bias"),
        MaxPool2d: ("kernel_size", "stride", "padding", "dilation"),
        AvgPool2d: ("kernel_size", "stride", "padding", "count_include_pad", "divisor_override"),
    }
    for kind, names in options.items():
        for name in names:
            used = {str(getattr(layer, name)) for layer in layers if type(layer) is kind}
            assert len(used) > 1, f"every {kind.__name__} has the same {name}"


PLANTED = {
    "a variance for a deviation": ("1 / Math.sqrt(layer.runningVar", "1 / (layer.runningVar"),
    "a gradient that skips the weight": ("= weight * inverse * d", "= inverse * d"),
    "a normal distribution of another width": ("Math.abs(x) / Math.SQRT2", "Math.abs(x)"),
    "a slope of SiLU without its second part": ("(1 + x * (1 - sigmoidOf(x)))", "1"),
    "no bias": ("y.fill(b, o * perMap", "y.fill(0, o * perMap"),
    "the last of equals": ("x[challenger] > x[holder]", "x[challenger] >= x[holder]"),
    "one weight for all": ("dx[from + g * step] += tap", "dx[from + g * step] += K[0]"),
    "a mean that is a sum": ("input.data[from + g * step] / counted[to + g]", "input.data[from + g * step]"),
    "a softmax without its mean": ("y * (slope.data[k] - mean)", "y * slope.data[k]"),
    "a loss without its target": ("slope.data[target] -= 1", "slope.data[target] -= 0"),
    "a step uphill": ("number - rate * slope", "number + rate * slope"),
    "a kernel that is not flipped": ("tapsOf(layer.weight.shape.slice(2)).reverse()", "[[0, 0]]"),
    "a place that is one layer off": ('output: { what: "value", value: l + 1 }', 'output: { what: "value", value: l }'),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(few_cases, tmp_path, wrong):
    run = run_tests(few_cases, engine(tmp_path, wrong=wrong))
    assert run.returncode == 1
    assert int(re.search(r"# fail (\d+)", run.stdout)[1]) > 0


TABLES = [("network.js", "KINDS"), ("formula.js", "FORWARD"), ("formula.js", "BACKWARD"), ("layers.js", "WORDS")]


@pytest.mark.parametrize(("file", "table"), TABLES, ids=[table for _, table in TABLES])
def test_each_layer_that_opens_stands_in_every_table(file, table):
    before, _, after = (JS / file).read_text("utf-8").partition(f"const {table} = {{\n")
    named = set(re.findall(r"^  (\w+)[:,]", after.partition("\n};")[0], re.MULTILINE))
    missing = {_SAME_AS.get(kind, kind) for kind in _SHORT} - named
    place = f"{table} of src/glassbox/explain/js/{file}, line {before.count(chr(10)) + 1}"
    assert not missing, f"{', '.join(sorted(missing))} of _SHORT in explain/_describe.py is missing from {place}"


READ = """
import { readFileSync } from "node:fs";
const { decode, decodeTensor, forward, probabilities, tensor } = await import(process.env.ENGINE);
const { network, samples } = JSON.parse(readFileSync(process.env.PAGE, "utf8"));
const { shape, data } = decodeTensor(samples);
const size = data.length / shape[0];
const decoded = decode(network);
const images = Array.from({ length: shape[0] }, (_, i) => tensor(decoded.input, data.slice(i * size, (i + 1) * size)));
console.log(JSON.stringify(images.map((image) => [...probabilities(forward(decoded, image)).data])));
"""


def test_digits_that_travel_as_pixels_are_read_as_the_shipped_network_reads_them(tmp_path):
    model = models.SmallCNN(pretrained=True)
    pixels = (standin_digits("test").images[:200] * 255).round().to(torch.uint8)
    page = {
        "network": describe(model, (1, 28, 28)),
        "samples": {"shape": pixels.shape, "data": b64encode(pixels.numpy().tobytes()).decode(), "dtype": "uint8"},
    }
    (tmp_path / "page.json").write_text(json.dumps(page), encoding="utf-8")
    run = node("--input-type=module", "--eval", READ, ENGINE=engine(tmp_path), PAGE=tmp_path / "page.json")
    assert run.returncode == 0, run.stderr
    with torch.no_grad():
        expected = model(pixels.float() / 255).softmax(1)
    torch.testing.assert_close(torch.tensor(json.loads(run.stdout)), expected, rtol=1e-4, atol=1e-6)
