"""The page that rolls down the risk computes what `glassbox.descent` computes."""

from __future__ import annotations

import pytest
import torch

from glassbox.datasets import load_exam
from glassbox.descent import (
    empirical_risk,
    gradient_descent,
    hessian,
    least_squares,
    risk_gradient,
    standardize,
    step_limit,
)
from tests.play.modules import run_checks

EXPORTS = (
    "empiricalRisk, riskGradient, riskHessian, symmetricEigen, stepLimit, standardizeFeatures, leastSquares, "
    "riskSlice, RiskDescent"
)


def case(features, targets, start):
    limit = step_limit(features)
    descents = []
    for share, method, batch_size in [(0.4, "gradient", None), (0.1, "momentum", None), (0.2, "momentum", 2)]:
        path = gradient_descent(
            start, features, targets, step=share * limit, iterations=40, method=method, batch_size=batch_size
        )
        descents.append(
            {
                "step": share * limit,
                "momentum": 0.9 if method == "momentum" else 0,
                "batches": [batch.tolist() for batch in path.batches],
                "points": path.parameters.tolist(),
                "risks": path.risks.tolist(),
            }
        )
    slices = []
    for first, second in [(2, 3), (0, 1)]:
        places = []
        for place in [(0.2, 0.7), (-1.0, 0.3), (0.0, 0.0)]:
            weights = torch.tensor(start, dtype=torch.float64)
            weights[[first, second]] = torch.tensor(place, dtype=torch.float64)
            places.append({"place": place, "risk": empirical_risk(weights, features, targets).item()})
        slices.append({"first": first, "second": second, "places": places})
    return {
        "features": features.tolist(),
        "targets": targets.tolist(),
        "start": start,
        "risk": empirical_risk(start, features, targets).item(),
        "gradient": risk_gradient(start, features, targets).tolist(),
        "hessian": hessian(features).tolist(),
        "curvatures": torch.linalg.eigvalsh(hessian(features)).tolist(),
        "limit": limit,
        "standardized": standardize(features)[0].tolist(),
        "best": least_squares(features, targets).tolist(),
        "descents": descents,
        "slices": slices,
    }


@pytest.fixture(scope="module")
def reference():
    marks = load_exam()
    exam = torch.tensor(marks[["Maths", "CS", "French"]].to_numpy()).double()
    generator = torch.Generator().manual_seed(0)
    many = 10 + 3 * torch.randn(60, 3, generator=generator, dtype=torch.float64)
    answers = many @ torch.tensor([0.3, 0.5, 0.2], dtype=torch.float64) + torch.randn(60, generator=generator).double()
    return {
        "exam": case(exam, torch.tensor(marks["Exam"].to_numpy()).double(), [0.0, 0.333, 0.333, 0.333]),
        "sixty": case(many, answers, [0.0, 0.0, 0.0, 0.0]),
    }


def test_the_page_descends_as_the_package_does(tmp_path, reference):
    status, written = run_checks(tmp_path, "risk", EXPORTS, reference)
    assert status == 0, written
    assert "# pass 10\n" in written


PLANTED = {
    "a gradient without its 2": ("(2 / batch.length) * sum", "(1 / batch.length) * sum"),
    "a sum in place of the mean": ("error * error, 0) / errors.length", "error * error, 0)"),
    "momentum that forgets": ("momentum * velocity[j] + g", "g"),
    "a contour around another point": ("center[1] -= way * directions[k][1]", "center[1] += way * directions[k][1]"),
    "batches with replacement": ("this.waiting.splice(0, this.batchSize)", "this.waiting.slice(0, this.batchSize)"),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(tmp_path, reference, wrong):
    status, written = run_checks(tmp_path, "risk", EXPORTS, reference, wrong=wrong)
    assert status == 1
    assert "not ok" in written
