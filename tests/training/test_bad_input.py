"""What is wrong is said before the first step, and nothing has changed by then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from glassbox.models import SmallCNN
from glassbox.training import evaluate, fit
from tests.training.runs import assert_same_weights, blobs, network

INPUTS, LABELS = blobs(20)


class Stream(IterableDataset):
    def __iter__(self) -> Any:
        return iter([(INPUTS[0], 0)])


def not_finite() -> Tensor:
    inputs = INPUTS.clone()
    inputs[3, 2] = torch.nan
    return inputs


DATA: list[tuple[Any, type[Exception], str]] = [
    ((INPUTS[:0], LABELS[:0]), ValueError, "holds no examples"),
    (TensorDataset(INPUTS[:0], LABELS[:0]), ValueError, "holds no examples"),
    ((INPUTS, LABELS[:19]), ValueError, "20 inputs and 19 targets"),
    (
        (INPUTS, LABELS + 1),
        ValueError,
        r"labels of \w+ run from 1 to 3, but the model has 3 outputs, for the classes 0 to 2",
    ),
    ((INPUTS, LABELS - 1), ValueError, "run from -1 to 1"),
    (INPUTS, TypeError, "is of type Tensor; pass LabelledImages, a pair"),
    ((INPUTS.numpy(), LABELS), TypeError, "are of type ndarray; pass tensors: torch.as_tensor"),
    ((torch.tensor(1.0), torch.tensor(1)), ValueError, "are a single number"),
    (DataLoader(TensorDataset(INPUTS, LABELS)), TypeError, r"is a DataLoader; pass its dataset"),
    (Stream(), TypeError, "cannot be shuffled"),
    (7, TypeError, "is of type int"),
    (
        (INPUTS[:, :3], LABELS),
        ValueError,
        r"Sequential cannot read inputs of \w+ with shape \(2, 3\) and type torch.float32",
    ),
    ((INPUTS.double(), LABELS), ValueError, r"and type torch.float64"),
    ((INPUTS, LABELS.float() / 2), ValueError, r"outputs have shape \(2, 3\) and the targets of \w+ \(2,\).*unsqueeze"),
    ((not_finite(), LABELS), ValueError, "values that are not finite"),
]


@pytest.mark.parametrize(("data", "error", "message"), DATA)
@pytest.mark.parametrize("use", ["train", "validation", "evaluate"])
def test_data(data: Any, error: type[Exception], message: str, use: str) -> None:
    model = network()
    calls: dict[str, Callable[[], object]] = {
        "train": lambda: fit(model, data, device="cpu"),
        "validation": lambda: fit(model, (INPUTS, LABELS), loss=None, validation=data, device="cpu"),
        "evaluate": lambda: evaluate(model, data, device="cpu"),
    }
    if use == "validation" and "unsqueeze" in message:
        error, message = ValueError, "the loss CrossEntropyLoss cannot compare"
    with pytest.raises(error, match=message):
        calls[use]()
    assert_same_weights(model, network())


def test_a_refused_run_changes_nothing() -> None:
    model = network()
    for settings in (
        {"batch_size": 0},
        {"optimizer": "adam"},
        {"schedule": lambda progress: -1},
        {"loss": nn.CrossEntropyLoss},
    ):
        with pytest.raises((TypeError, ValueError)):
            fit(model, (INPUTS, LABELS), **{"device": "cpu"} | settings)
    assert_same_weights(model, network())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_models_without_anything_to_train() -> None:
    with pytest.raises(ValueError, match="Flatten has no parameters: there is nothing to train"):
        fit(nn.Flatten(), (INPUTS, LABELS))
    frozen = network().requires_grad_(False)
    with pytest.raises(ValueError, match="every parameter of Sequential has requires_grad=False"):
        fit(frozen, (INPUTS, LABELS))


def test_a_model_that_returns_no_tensor_or_other_rows() -> None:
    class Two(nn.Linear):
        def forward(self, inputs: Tensor) -> Any:
            return super().forward(inputs), inputs

    class Summed(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs).sum(0)

    with pytest.raises(ValueError, match="the model returns a tuple"):
        fit(Two(4, 3), (INPUTS, LABELS))
    with pytest.raises(ValueError, match="first dimension must remain the number of examples"):
        fit(Summed(4, 3), (INPUTS, LABELS))


def test_images_of_bytes() -> None:
    images = torch.zeros(5, 1, 28, 28, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"SmallCNN cannot read inputs of train with shape \(2, 1, 28, 28\) and type"):
        fit(SmallCNN(), (images, LABELS[:5]))


def test_the_checks_leave_statistics_and_random_numbers_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout())
    state = torch.get_rng_state()
    fit(model, (INPUTS, LABELS), epochs=0, device="cpu")
    assert model[1].num_batches_tracked == 0
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
