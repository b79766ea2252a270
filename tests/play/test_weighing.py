"""The page that weighs marks computes what a dense layer of the package computes."""

from __future__ import annotations

import pytest
import torch

from glassbox import datasets, nn
from tests.play.modules import run_checks

EXPORTS = "weightedSums, productsOf, axisEnd, sumInWords"
LAYERS = {
    "sciences": ([0.2, 0.2, 0.2, 0.0, 0.0, 0.2, 0.2], -10.0),
    "the mean": ([1 / 7] * 7, 0.0),
    "both signs": ([1.0, 0.0, -1.0, 0.35, -0.05, 0.0, 0.0], 2.5),
    "nothing": ([0.0] * 7, 0.0),
    "the bias alone": ([0.0] * 7, -3.5),
}
ENDS = [([], 1), ([0.3], 1), ([1, -1], 1), ([1.2], 2), ([-4.9, 3], 5), ([5.1], 10), ([10], 10), ([-87, 4], 100)]


@pytest.fixture(scope="module")
def reference():
    rows = torch.tensor(datasets.load_grades().to_numpy(), dtype=torch.float64)
    layers = {}
    for name, (weights, bias) in LAYERS.items():
        layer = nn.Linear(7, 1, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([weights], dtype=torch.float64))
            layer.bias.fill_(bias)
            sums = layer(rows)[:, 0].tolist()
        products = (rows * torch.tensor(weights, dtype=torch.float64)).tolist()
        layers[name] = {"weights": weights, "bias": bias, "sums": sums, "products": products}
    return {"rows": rows.tolist(), "layers": layers, "ends": ENDS}


def test_the_page_weighs_as_the_package_does(tmp_path, reference):
    status, written = run_checks(tmp_path, "weighing", EXPORTS, reference)
    assert status == 0, written
    assert "# pass 11\n" in written


PLANTED = {
    "no bias": ("tensor([1], [bias])", "tensor([1], [0])"),
    "a sign lost in words": ("[weight < 0, `", "[false, `"),
    "an axis too short": ("largest * (1 - 1e-9)", "largest / 2"),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(tmp_path, reference, wrong):
    status, written = run_checks(tmp_path, "weighing", EXPORTS, reference, wrong=wrong)
    assert status == 1
    assert "not ok" in written
