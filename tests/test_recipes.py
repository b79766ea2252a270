import json
import math
from dataclasses import replace
from functools import partial

import pytest
import torch

from glassbox import optim, recipes
from glassbox.datasets import LabelledImages
from glassbox.models import SmallCNN
from glassbox.recipes import RECIPES, Recipe
from glassbox.training.augmentation import distort, shift


def digits(n=40):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(n, 1, 28, 28, generator=generator)
    return LabelledImages(images, torch.arange(n) % 10, source="noise", class_names=tuple("0123456789"))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_shift_moves_every_image_by_whole_pixels():
    images = torch.rand(200, 2, 5, 7)
    moved = shift(images, seeded(), pixels=2)
    seen = set()
    for before, after in zip(images, moved, strict=True):
        padded = torch.nn.functional.pad(before, (2, 2, 2, 2))
        found = [(i, j) for i in range(5) for j in range(5) if torch.equal(padded[:, i : i + 5, j : j + 7], after)]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) == 25


def test_distort_with_nothing_to_do_changes_nothing():
    images = torch.rand(3, 2, 28, 28)
    same = distort(images, seeded(), degrees=0, scale=0, shear=0, pixels=0)
    torch.testing.assert_close(same, images, rtol=0, atol=1e-5)


def test_distort_moves_one_point_where_the_formula_says():
    image = torch.zeros(1, 1, 29, 29)
    image[0, 0, 14, 22] = 1  # eight pixels to the right of the middle
    turned = distort(image.expand(500, 1, 29, 29), seeded(), degrees=20, scale=0, shear=0, pixels=0)
    weights = turned / turned.sum(dim=(2, 3), keepdim=True)
    place = torch.arange(29.0) - 14
    down, right = (weights.sum(3) * place).sum(2), (weights.sum(2) * place).sum(2)
    torch.testing.assert_close(torch.hypot(down, right), torch.full_like(down, 8.0), rtol=0.02, atol=0)
    angles = torch.atan2(down, right).abs() * 180 / math.pi
    assert 19 < angles.max() <= 20.5
    assert angles.min() < 1


@pytest.mark.parametrize("augment", [shift, distort])
def test_augmentation_is_decided_by_its_generator(augment):
    images = torch.rand(6, 1, 28, 28)
    kept = images.clone()
    state = torch.get_rng_state()
    first, again, other = augment(images, seeded()), augment(images, seeded()), augment(images, seeded(1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(images, kept)
    assert torch.equal(torch.get_rng_state(), state)
    assert (first.shape, first.dtype) == (images.shape, images.dtype)


def test_a_recipe_gives_the_same_weights_twice_and_leaves_the_random_state():
    recipe = RECIPES["small_cnn"]
    state = torch.get_rng_state()
    first, history = recipe.train(digits(), epochs=2, batch_size=8)
    second, _ = recipe.train(digits(), epochs=2, batch_size=8)
    other, _ = recipe.train(digits(), epochs=2, batch_size=8, seed=recipe.seed + 1)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.fc2.weight, other.fc2.weight)
    assert len(history) == 2
    assert not first.training


@pytest.mark.parametrize("seed", [0, 7])
def test_the_initial_weights_follow_from_the_seed(seed):
    still = replace(RECIPES["small_cnn"], optimizer=partial(optim.SGD, lr=0.0))
    model, _ = still.train(digits(), epochs=1, seed=seed)
    torch.manual_seed(seed)
    expected = SmallCNN().state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_describes_itself_in_json(name):
    recipe = RECIPES[name]
    words = json.loads(json.dumps(recipe.describe()))
    assert recipe.name == name
    assert words["epochs"] == recipe.epochs
    assert words["seed"] == recipe.seed
    assert words["model"].startswith(type(recipe.model()).__name__)
    assert "lr=" in words["optimizer"]
    assert words["schedule"].startswith("OneCycle(warm_up=")
    assert " at 0x" not in json.dumps(words)


@pytest.fixture
def tiny(monkeypatch):
    """A recipe that takes a moment, on noise."""
    recipe = RECIPES["small_cnn"]
    tiny = Recipe("small_cnn", recipe.model, recipe.optimizer, epochs=1, batch_size=8, schedule=recipe.schedule)
    monkeypatch.setitem(recipes.RECIPES, "small_cnn", tiny)
    monkeypatch.setattr(recipes, "mnist", lambda split: digits())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the command does: with more, sums are taken in another order
    yield tiny
    torch.set_num_threads(threads)


def test_the_command_trains_saves_and_compares(tiny, tmp_path, capsys):
    from safetensors.torch import load_file

    recipes.main(["small_cnn", "--save", str(tmp_path / "new")])
    told = capsys.readouterr().out
    assert "of 4 training images held out" in told
    assert "of 40 test images" in told
    weights = load_file(tmp_path / "new" / "small_cnn.safetensors")
    expected, _ = tiny.train(digits()[:-4], epochs=1, batch_size=8)
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.state_dict().items())
    card = json.loads((tmp_path / "new" / "small_cnn.json").read_text())
    assert card["parameters"] == 4640
    assert card["recipe"]["seed"] == tiny.seed
    assert card["made with"]["threads"] == 1
    assert set(card["accuracy"]) == {"held out", "test"}
    assert len(card["data"]["sha256"]["train"]) == 64


def test_without_a_folder_the_command_compares_with_the_shipped_weights(tiny, monkeypatch, capsys):
    expected, _ = tiny.train(digits()[:-4])
    monkeypatch.setitem(recipes.SHIPPED, "small_cnn", lambda pretrained: expected)
    recipes.main(["small_cnn"])
    assert "identical to the shipped weights" in capsys.readouterr().out
    with torch.no_grad():
        expected.fc2.bias[3] += 0.5
    recipes.main(["small_cnn"])
    assert "differs from the shipped weights: 0.5" in capsys.readouterr().out
    recipes.main(["small_cnn", "--seed", "1"])
    assert "differs from the shipped weights" in capsys.readouterr().out


def test_while_choosing_the_test_images_are_not_looked_at(tiny, monkeypatch, capsys):
    def only_train(split):
        assert split == "train"
        return digits()

    monkeypatch.setattr(recipes, "mnist", only_train)
    recipes.main(["small_cnn", "--no-test", "--seed", "3"])
    assert "test images" not in capsys.readouterr().out


def test_the_command_refuses_the_stand_in(tiny, monkeypatch, capsys):
    data = digits()
    standin = LabelledImages(data.images, data.labels, source="another", is_standin=True)
    monkeypatch.setattr(recipes, "mnist", lambda split: standin)
    with pytest.raises(SystemExit) as ended:
        recipes.main(["small_cnn"])
    assert ended.value.code == 1
    assert "the recipes are for MNIST" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        recipes.main(["resnet"])
    assert "invalid choice: 'resnet'" in capsys.readouterr().err
