"""What `evaluate` measures, against scikit-learn and torch."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss, recall_score
from torch import nn

from glassbox.training import evaluate
from tests.training.runs import blobs, network


@pytest.mark.parametrize("batch_size", [1, 7, 50, 500])
def test_classes(batch_size: int) -> None:
    model = network(dropout=0.5)
    inputs, labels = blobs(50)
    result = evaluate(model, (inputs, labels), batch_size=batch_size, device="cpu")
    with torch.no_grad():
        probabilities = model.eval()(inputs).double().softmax(1)
    predictions = probabilities.argmax(1)
    assert torch.equal(result.predictions, predictions)
    assert result.accuracy == pytest.approx(accuracy_score(labels, predictions))
    assert result.loss == pytest.approx(log_loss(labels, probabilities), rel=1e-5)
    recalls = recall_score(labels, predictions, average=None)
    assert result.per_class_accuracy is not None
    assert result.per_class_accuracy.tolist() == pytest.approx(recalls.tolist())


def test_a_class_without_examples() -> None:
    inputs, labels = blobs(50)
    keep = labels != 1
    accuracy = evaluate(network(), (inputs[keep], labels[keep]), device="cpu").per_class_accuracy
    assert accuracy is not None
    assert [math.isnan(value) for value in accuracy] == [False, True, False]


def test_yes_no_answers_each_count() -> None:
    model = network().eval()
    inputs, labels = blobs(50)
    answers = nn.functional.one_hot(labels, 3).float()
    result = evaluate(model, (inputs, answers), device="cpu")
    with torch.no_grad():
        right = ((model(inputs) > 0) == answers.bool()).double()
    assert result.accuracy == pytest.approx(right.mean().item())
    torch.testing.assert_close(result.per_class_accuracy, right.mean(0))
    assert result.predictions.dtype == torch.bool


def test_numbers_have_no_accuracy() -> None:
    model = network().eval()
    inputs, _ = blobs(50)
    result = evaluate(model, (inputs, inputs[:, :3]), device="cpu")
    with torch.no_grad():
        outputs = model(inputs)
    assert result.accuracy is None
    assert result.per_class_accuracy is None
    assert result.loss == pytest.approx(nn.functional.mse_loss(outputs, inputs[:, :3]).item())
    torch.testing.assert_close(result.predictions, outputs)
    assert "accuracy" not in str(result)


def test_a_loss_that_adds_up_gives_the_mean_all_the_same() -> None:
    data = blobs(50)
    mean = evaluate(network(), data, device="cpu").loss
    total = evaluate(network(), data, loss=nn.CrossEntropyLoss(reduction="sum"), batch_size=7, device="cpu").loss
    assert total == pytest.approx(mean, rel=1e-6)


def test_changes_nothing() -> None:
    """Not even with a model that draws random numbers when it predicts, and keeps statistics when it trains."""

    class Noisy(nn.Linear):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return super().forward(inputs) + torch.rand(3)

    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), Noisy(4, 3))
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    evaluate(model, blobs(), device="cpu")
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model] == [True, True, False]
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in model.parameters())
