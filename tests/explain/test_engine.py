"""The engine of the pages computes what torch computes: every value, every gradient, and every sum that it writes."""

from __future__ import annotations

import re
import shutil

import pytest
from torch.nn import AvgPool2d, Conv2d, MaxPool2d

from tests.explain.node import HERE, engine, node
from tests.explain.reference import SEEDS, write_cases


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    return folder, write_cases(folder)


@pytest.fixture(scope="module")
def few_cases(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("few")
    for seed in (0, 1, 2):
        shutil.copy(cases[0] / f"random_{seed}.json", folder)
    return folder


def run_tests(cases, module):
    return node("--test", "--test-reporter=tap", HERE / "engine.test.mjs", ENGINE=module, CASES=cases)


def test_the_engine_computes_what_torch_computes(cases, tmp_path):
    run = run_tests(cases[0], engine(tmp_path))
    assert run.returncode == 0, run.stdout
    assert f"# pass {5 * (1 + len(SEEDS))}\n" in run.stdout


def test_the_random_networks_use_every_layer_and_option(cases):
    layers = [layer for model in cases[1] for layer in model]
    kinds = {type(layer).__name__ for layer in layers}
    assert kinds >= {"Conv2d", "MaxPool2d", "AvgPool2d", "Linear", "ReLU", "Sigmoid", "Tanh", "Softmax", "Flatten"}
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
    "no bias": ("y.fill(b, o * perMap", "y.fill(0, o * perMap"),
    "the last of equals": ("[challenger] > input", "[challenger] >= input"),
    "one weight for all": ("gradInput.data[from + g * step] += K[k]", "gradInput.data[from + g * step] += K[0]"),
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
