import pytest
import torch

from glassbox.datasets import mnist
from glassbox.models import DigitCNN, SmallCNN, weights_card
from glassbox.models.pretrained import WEIGHTS, shipped_weights


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_there_are_no_weights_of_another_name():
    with pytest.raises(ValueError, match=r"no shipped weights named 'vgg'; there are .*small_cnn"):
        weights_card("vgg")


@pytest.mark.parametrize(("model", "name"), [(SmallCNN, "small_cnn"), (DigitCNN, "digit_cnn")])
def test_shipped_weights_load_and_their_card_says_how_they_were_made(model, name):
    card = weights_card(name)
    pretrained = model(pretrained=True)
    assert not pretrained.training
    assert (card["model"], card["parameters"]) == (model.__name__, count(pretrained))
    assert card["made with"]["command"] == f"python -m glassbox.recipes {name}"
    assert {"seed", "epochs", "optimizer", "augment"} <= set(card["recipe"])
    assert card["accuracy"]["test"] >= {"small_cnn": 98.2, "digit_cnn": 99.4}[name]


def test_shipped_weights_weigh_two_megabytes_at_most():
    assert sum(len((WEIGHTS / f"{name}.safetensors").read_bytes()) for name in shipped_weights()) <= 2_000_000


@pytest.mark.parametrize(("model", "name"), [(SmallCNN, "small_cnn"), (DigitCNN, "digit_cnn")])
def test_shipped_weights_read_mnist_as_their_card_says(model, name):
    digits = mnist("test")
    if digits.is_standin:
        pytest.skip("MNIST is not at hand")
    with torch.no_grad():
        found = torch.cat([model(pretrained=True)(images).argmax(1) for images in digits.images.split(1000)])
    accuracy = 100 * (found == digits.labels).double().mean().item()
    assert accuracy == pytest.approx(weights_card(name)["accuracy"]["test"], abs=0.021)
