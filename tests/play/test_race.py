"""The racers of the race pay for every gradient, and go where `glassbox.descent` goes."""

from __future__ import annotations

import pytest
import torch

from glassbox.datasets import make_pupils
from glassbox.descent import gradient_descent, standardize
from tests.play.modules import run_checks


@pytest.fixture(scope="module")
def reference():
    pupils = make_pupils(200)
    features, _, _ = standardize(pupils[["Maths", "CS"]].to_numpy())
    start, targets = [10.0, -1.5, 2.5], torch.tensor(pupils["Exam"].to_numpy())
    path = gradient_descent(start, features, targets, step=0.05, iterations=7)
    return {
        "features": torch.as_tensor(features).tolist(),
        "targets": targets.tolist(),
        "start": start,
        "risks": path.risks.tolist(),
    }


def test_the_racers(reference, tmp_path):
    status, written = run_checks(tmp_path, "race", "Racer", reference)
    assert status == 0, written


PLANTED = {
    "a step paid late": ("this.steps + 1) * this.cost <= tick", "this.steps + 1) * this.cost < tick"),
    "the price forgotten": ("cost: batchSize + price", "cost: batchSize"),
    "the curve a tick behind": ("this.curve.push(this.descent.risks.at(-1))", "this.curve.push(this.descent.risks[0])"),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(reference, tmp_path, wrong):
    status, written = run_checks(tmp_path, "race", "Racer", reference, wrong=wrong)
    assert status == 1
    assert "not ok" in written
