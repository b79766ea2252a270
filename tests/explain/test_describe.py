"""A network described for a page: what is in it, and what is refused by name."""

from __future__ import annotations

import pytest
import torch
from torch.nn.utils.parametrizations import weight_norm

from glassbox import models, nn
from glassbox.explain._describe import describe

IMAGE = (1, 6, 6)


def dense(*layers: torch.nn.Module) -> torch.nn.Sequential:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 4), *layers)


def test_the_shipped_network_is_described_with_torchs_names():
    described = describe(models.SmallCNN(pretrained=True), (1, 28, 28), classes="0123456789")
    assert {**described, "layers": None} == {
        "input": [1, 28, 28],
        "outputs": 10,
        "classes": list("0123456789"),
        "loss": "cross_entropy",
        "layers": None,
    }
    first = described["layers"][0]
    assert (first["name"], first["kind"], first["stride"], first["padding"]) == ("conv1", "Conv2d", [1, 1], [1, 1])
    assert first["weight"]["shape"] == [2, 1, 2, 2]
    assert [layer["name"] for layer in described["layers"]][-3:] == ["fc1", "relu4", "fc2"]


def test_sequences_inside_a_sequence_are_opened_and_a_layer_used_twice_comes_twice():
    relu = nn.ReLU()
    inner = nn.Sequential(nn.Linear(3, 3), relu, nn.Linear(3, 3), relu)
    layers = describe(torch.nn.Sequential(inner, nn.Linear(3, 2)), (3,))["layers"]
    assert [layer["name"] for layer in layers] == ["fc0.0", "relu0.1", "fc0.2", "relu0.3", "fc1"]


def test_what_does_nothing_in_prediction_is_left_out():
    nothing = (torch.nn.Dropout(0.5), nn.Dropout(), torch.nn.AlphaDropout(), torch.nn.Dropout1d(), torch.nn.Identity())
    model = torch.nn.Sequential(torch.nn.Dropout2d(), dense(*nothing, torch.nn.Softmax(dim=-1)))
    assert [layer["kind"] for layer in describe(model, IMAGE)["layers"]] == ["Flatten", "Linear"]
    assert [layer["kind"] for layer in describe(model, IMAGE, loss="mse_loss")["layers"]][-1] == "Softmax"


def test_a_layer_alone_is_a_network():
    described = describe(torch.nn.Linear(3, 2), (3,))
    assert [layer["name"] for layer in described["layers"]] == ["fc0"]


@pytest.mark.parametrize(
    ("model", "shape", "loss"),
    [
        (models.SmallCNN(), (1, 28, 28), "cross_entropy"),
        (models.DigitCNN(), (1, 28, 28), "cross_entropy"),
        (models.MLP(784, 64, 10), (1, 28, 28), "cross_entropy"),
        (models.SmallVGG(2, in_channels=3, image_size=(48, 48)), (3, 48, 48), "binary_cross_entropy_with_logits"),
    ],
)
def test_every_network_of_the_command_opens_and_stays_as_it_was(model, shape, loss):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert describe(model, shape, loss=loss)["outputs"] in (2, 10)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_same_padding_becomes_a_number():
    model = nn.Sequential(nn.Conv2d(1, 1, (3, 5), padding="same", dilation=(2, 1)), nn.Flatten())
    assert describe(model, IMAGE)["layers"][0]["padding"] == [2, 2]


class Doubled(torch.nn.Module):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2 * input


class Residual(torch.nn.Sequential):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input + super().forward(input)


class Bent(torch.nn.Linear):
    pass


def shared() -> torch.nn.Sequential:
    first, second = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
    second.weight = first.weight
    return dense(first, second)


def broken() -> torch.nn.Sequential:
    model = dense()
    model[1].weight.data[0, 0] = torch.nan
    return model


def diverged() -> torch.nn.Module:
    norm = torch.nn.BatchNorm2d(1)
    norm.running_var.fill_(torch.inf)
    return norm


REFUSED = {
    "no sequence": (Doubled(), TypeError, "expects a Sequential of layers, got Doubled"),
    "a sequence of its own": (dense(Residual()), TypeError, "expects a Sequential of layers, got Residual"),
    "nothing": (torch.nn.Sequential(), ValueError, "has no layer to open"),
    "an unknown layer": (
        dense(Doubled()),
        NotImplementedError,
        "2: explain cannot open a Doubled; build the network of",
    ),
    "a subclass": (dense(Bent(4, 4)), NotImplementedError, "2: explain cannot open a Bent"),
    "a changed layer": (dense(weight_norm(nn.Linear(4, 4))), NotImplementedError, "explain cannot open a Parametrized"),
    "batch normalization by the batch": (
        nn.Sequential(torch.nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten()),
        NotImplementedError,
        "0: explain cannot open track_running_stats=False",
    ),
    "normalized channels do not fit": (
        nn.Sequential(nn.BatchNorm2d(3), nn.Flatten()),
        ValueError,
        r"0: BatchNorm2d does not take .*\(1, 6, 6\): expected 3 channels, got 1",
    ),
    "statistics that are not finite": (
        torch.nn.Sequential(diverged(), torch.nn.Flatten()),
        ValueError,
        r"0\.running_var holds a number that is not finite",
    ),
    "a mean for each quarter": (
        torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten()),
        NotImplementedError,
        r"0: explain cannot open output_size=2",
    ),
    "one output and the cross-entropy": (
        dense(torch.nn.Linear(4, 1)),
        ValueError,
        "expects two outputs or more.*loss='binary_cross_entropy_with_logits'",
    ),
    "log-softmax": (dense(nn.LogSoftmax(dim=1)), NotImplementedError, "LogSoftmax; leave it out"),
    "shared weights": (shared(), NotImplementedError, "3 shares its weights with 2"),
    "not finite": (broken(), ValueError, r"1\.weight holds a number that is not finite"),
    "too large": (nn.Sequential(nn.Linear(1000, 100), nn.Linear(100, 1)), ValueError, "100,201 weights, .* 100,000"),
    "does not fit": (nn.Sequential(nn.Flatten(), nn.Linear(7, 2)), ValueError, r"1: Linear does not take .*\(36,\)"),
    "channels do not fit": (nn.Sequential(nn.Conv2d(3, 1, 1)), ValueError, r"0: Conv2d does not take .*\(1, 6, 6\)"),
    "dense on an image": (nn.Sequential(nn.Linear(6, 2)), NotImplementedError, "0: Linear .* put Flatten before"),
    "an image on a vector": (dense(nn.MaxPool2d(2)), ValueError, r"2: MaxPool2d takes an image .* \(4,\)"),
    "ends with an image": (
        nn.Sequential(nn.ReLU()),
        ValueError,
        r"must end with a vector, .*\(1, 6, 6\); add a Flatten",
    ),
    "softmax over rows": (dense(torch.nn.Softmax(dim=0), nn.ReLU()), NotImplementedError, "2: explain .* dim=0"),
    "part of an image flat": (nn.Sequential(nn.Flatten(2)), NotImplementedError, "0: explain cannot open start_dim=2"),
    "reflected padding": (
        nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")),
        NotImplementedError,
        "0: explain cannot open padding_mode='reflect'; it takes 'zeros'",
    ),
    "uneven padding": (
        nn.Sequential(nn.Conv2d(1, 1, 2, padding="same")),
        NotImplementedError,
        "0: padding='same' .* odd",
    ),
    "rounded up": (nn.Sequential(nn.MaxPool2d(4, ceil_mode=True)), NotImplementedError, "0: .* ceil_mode=True"),
    "indices": (nn.Sequential(nn.MaxPool2d(2, return_indices=True)), NotImplementedError, "0: .* return_indices=True"),
}


@pytest.mark.parametrize(("model", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_a_page_cannot_open_is_named_with_what_to_do(model, error, message):
    shape = (1000,) if "weights, " in message else IMAGE
    with pytest.raises(error, match=message):
        describe(model, shape)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "l1"}, "loss must be one of cross_entropy, mse_loss, .*, got 'l1'"),
        ({"classes": ["a", "b"]}, "the network has 4, got 2 class names"),
    ],
)
def test_options_that_do_not_fit_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        describe(dense(), IMAGE, **options)


def test_a_shape_that_is_neither_an_image_nor_a_vector_is_told():
    with pytest.raises(ValueError, match=r"an image \(C, H, W\) or a vector \(features,\), got the shape \(6, 6\)"):
        describe(dense(), (6, 6))
