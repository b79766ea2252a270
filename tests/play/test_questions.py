"""The page that back-propagates by hand asks for the numbers that `glassbox.nn` computes."""

from __future__ import annotations

import pytest
import torch

from glassbox import nn
from glassbox.gradients import central_difference
from tests.play.modules import run_checks

EXPORTS = "indexed, networkOf, passThrough, questionsOf, judge"
LESSON = {
    "x": [1.0, 0.5],
    "y": [1.0, 0.0],
    "w": [[[1.0, -1.0], [-1.0, 1.0], [0.8, 0.6]], [[-1.2, -0.9, 0.3], [0.2, 0.5, 1.1]], [[1.5, -0.4], [-0.7, 1.3]]],
    "b": [[-0.5, -0.5, 0.2], [0.4, -0.6], [-0.3, 0.1]],
}


def random_exercise(seed):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return (torch.randn(shape, generator=generator, dtype=torch.float64) * 10).round().div(10).tolist()

    return {"x": draw(2), "y": [0.0, 1.0], "w": [draw(3, 2), draw(2, 3), draw(2, 2)], "b": [draw(3), draw(2), draw(2)]}


def solved(exercise):
    """Run the exercise through the package's layers and add all that they compute."""
    layers = []
    for weight, bias in zip(exercise["w"], exercise["b"], strict=True):
        dense = nn.Linear(len(weight[0]), len(weight), dtype=torch.float64)
        dense.load_state_dict({"weight": torch.tensor(weight).double(), "bias": torch.tensor(bias).double()})
        layers += [dense, nn.Sigmoid()]
    values = [torch.tensor([exercise["x"]], dtype=torch.float64, requires_grad=True)]
    for layer in layers:
        values.append(layer(values[-1]))
        values[-1].retain_grad()
    target = torch.tensor([exercise["y"]], dtype=torch.float64)
    loss = nn.MSELoss(reduction="sum")(values[-1], target) / 2
    loss.backward()
    dense = layers[::2]
    differences = []
    for layer in dense:

        def risk(weight, layer=layer):
            values = torch.tensor([exercise["x"]], dtype=torch.float64)
            for each in layers:
                values = nn.functional.linear(values, weight, each.bias) if each is layer else each(values)
            return nn.MSELoss(reduction="sum")(values, target) / 2

        differences += central_difference(risk, layer.weight.detach()).flatten().tolist()
    return exercise | {
        "s": [value[0].tolist() for value in values[1::2]],
        "o": [value[0].tolist() for value in values[::2]],
        "loss": loss.item(),
        "error": [value.grad[0].tolist() for value in values[2::2]],
        "gradW": [layer.weight.grad.tolist() for layer in dense],
        "gradB": [layer.bias.grad.tolist() for layer in dense],
        "differences": differences,
    }


@pytest.fixture(scope="module")
def reference():
    return [solved(LESSON), *(solved(random_exercise(seed)) for seed in range(5))]


def test_the_page_asks_for_what_the_package_computes(tmp_path, reference):
    status, written = run_checks(tmp_path, "questions", EXPORTS, reference)
    assert status == 0, written
    assert "# pass 19\n" in written


PLANTED = {
    "a slope that is the output": ("value * (1 - value)", "value"),
    "a gradient without its input": ("value: error * slope * input,", "value: error * slope,"),
    "a hidden error of one unit": ("const value = sumOf(terms);", "const value = terms[0];"),
    "everything passes": ("if (near(question.value)) {", "if (true) {"),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(tmp_path, reference, wrong):
    status, written = run_checks(tmp_path, "questions", EXPORTS, reference, wrong=wrong)
    assert status == 1
    assert "not ok" in written
