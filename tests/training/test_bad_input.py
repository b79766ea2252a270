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


SETTINGS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"batch_size": 0}, ValueError, "batch_size must be 1 or more, not 0"),
    ({"batch_size": 2.5}, TypeError, "batch_size must be a whole number, not 2.5"),
    ({"batch_size": True}, TypeError, "batch_size must be a whole number, not True"),
    ({"epochs": -1}, ValueError, "epochs must be 0 or more, not -1"),
    ({"epochs": "3"}, TypeError, "epochs must be a whole number, not '3'"),
    ({"seed": None}, TypeError, "seed must be a whole number"),
    ({"device": "abacus"}, ValueError, "device 'abacus' is unknown; this machine has .*cpu"),
    ({"device": "cuda:99"}, ValueError, "device 'cuda:99' is not there; this machine has .*cpu"),
    ({"device": "cpu:1"}, ValueError, "device 'cpu:1' is not there"),
    ({"precision": "float8"}, ValueError, "precision must be one of float32, bfloat16, not 'float8'"),
    ({"capture": "always"}, ValueError, 'capture must be "auto", True or False'),
    ({"capture": True}, ValueError, "capture=True is not possible: cpu has no CUDA graphs"),
    ({"checkpoint_every": 3}, ValueError, r"pass checkpoint=\.\.\. too"),
    ({"checkpoint": "somewhere", "checkpoint_every": 0}, ValueError, "checkpoint_every must be 1 or more"),
    ({"optimizer": "adam"}, TypeError, "optimizer gave 'adam'; pass an optimizer, or a function"),
    ({"optimizer": lambda parameters: None}, TypeError, "optimizer gave None"),
    ({"optimizer": torch.optim.SGD(nn.Linear(1, 1).parameters())}, ValueError, "holds no parameter of this model"),
    ({"loss": nn.CrossEntropyLoss(reduction="none")}, ValueError, "must return one number; use reduction='mean'"),
    ({"loss": "cross-entropy"}, TypeError, "loss must be a function of .outputs, targets., not 'cross-entropy'"),
    ({"schedule": 0.5}, TypeError, "schedule must be a function"),
    ({"augment": "flip"}, TypeError, "augment must be a function"),
    ({"on_epoch": "print"}, TypeError, "on_epoch must be a function"),
]


@pytest.mark.parametrize(("settings", "error", "message"), SETTINGS)
def test_settings(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    model = network()
    with pytest.raises(error, match=message):
        fit(model, (INPUTS, LABELS), **{"device": "cpu"} | settings)
    assert_same_weights(model, network())


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


def test_evaluate_batch_size() -> None:
    with pytest.raises(ValueError, match="batch_size must be 1 or more"):
        evaluate(network(), (INPUTS, LABELS), batch_size=0)


def test_the_checks_leave_statistics_and_random_numbers_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout())
    state = torch.get_rng_state()
    fit(model, (INPUTS, LABELS), epochs=0, device="cpu")
    assert model[1].num_batches_tracked == 0
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
