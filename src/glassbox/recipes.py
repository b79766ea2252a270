"""How the weights that the package ships were made, and how to make them again.

``python -m glassbox.recipes small_cnn`` trains SmallCNN from scratch on MNIST and says how well it does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from glassbox import __version__, nn, optim
from glassbox.datasets import LabelledImages, mnist
from glassbox.files import write_whole
from glassbox.models import DigitCNN, SmallCNN
from glassbox.training import Epoch, Evaluation, History, OneCycle, evaluate, fit
from glassbox.training.augmentation import distort, shift

__all__ = ["RECIPES", "Recipe", "held_out"]

HELD_OUT = 5_000
"""How many training images, the last ones, recipes and seeds are chosen on."""

SHIPPED: dict[str, Callable[..., nn.Module]] = {"small_cnn": SmallCNN, "digit_cnn": DigitCNN}
"""The networks whose weights the package ships, by the name of their recipe."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network is trained.

    Attributes
    ----------
    name : str
        What the recipe, and the weights that it makes, are called.
    model : callable
        Makes the network.
    optimizer : callable
        Makes the optimizer from the parameters.
    epochs, batch_size : int
        How long, and how many images for each update.
    schedule : callable
        The factor on the learning rate as a function of progress.
    augment : callable or None
        Changes the images of a batch.
    loss : callable
        The loss.
    seed : int
        For the initial weights, the order of the images and the augmentation.
    precision : {"float32", "bfloat16"}
        In what numbers it computes.
    """

    name: str
    model: Callable[[], nn.Module]
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]
    epochs: int
    batch_size: int
    schedule: Callable[[float], float]
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None
    loss: Callable[[Tensor, Tensor], Tensor] = nn.CrossEntropyLoss()  # noqa: RUF009 - holds no state
    seed: int = 0
    precision: Literal["float32", "bfloat16"] = "float32"

    def train(self, data: LabelledImages | None = None, **options: Any) -> tuple[nn.Module, History]:
        """Train a new network.

        Parameters
        ----------
        data : LabelledImages, optional
            What it learns from; by default MNIST's training images without those held out.
        **options
            For `glassbox.training.fit`, in place of the recipe's own: ``device``, ``seed``, ``epochs``,
            ``validation``, ``checkpoint``...

        Returns
        -------
        tuple of (Module, History)
            The network, and how the training went.
        """
        if data is None:
            data, _ = held_out()
        settings: dict[str, Any] = {
            "loss": self.loss,
            "optimizer": self.optimizer,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "schedule": self.schedule,
            "augment": self.augment,
            "seed": self.seed,
            "precision": self.precision,
            "device": "cpu",
            **options,
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings["seed"])
            model = self.model()
        history = fit(model, data, **settings)
        return model.eval(), history

    def describe(self) -> dict[str, Any]:
        """Return the recipe in words and numbers."""
        fields = {name: value for name, value in vars(self).items() if name != "name"}
        return {name: _in_words(value) for name, value in fields.items()}


def _in_words(value: Any) -> Any:
    """Write a setting as one would in code, for instance ``Adam(lr=0.01)``."""
    if isinstance(value, partial):
        arguments = ", ".join(f"{name}={given!r}" for name, given in value.keywords.items())
        return f"{value.func.__name__}({arguments})"
    if value is None or isinstance(value, (int, float, str)):
        return value
    return value.__name__ if hasattr(value, "__name__") else repr(value)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="small_cnn",
            model=SmallCNN,
            optimizer=partial(optim.Adam, lr=0.01),
            epochs=72,
            batch_size=128,
            schedule=OneCycle(warm_up=0.15),
            augment=shift,
        ),
        Recipe(
            name="digit_cnn",
            model=DigitCNN,
            optimizer=partial(optim.AdamW, lr=0.01, weight_decay=0.02),
            epochs=8,
            batch_size=128,
            schedule=OneCycle(),
            augment=distort,
            loss=nn.CrossEntropyLoss(label_smoothing=0.05),
        ),
        Recipe(
            name="fast_digits",
            model=partial(DigitCNN, width=8),
            optimizer=partial(optim.AdamW, lr=0.02, weight_decay=0.02),
            epochs=2,
            batch_size=128,
            schedule=OneCycle(),
        ),
    )
}
"""The recipes by name: of the shipped weights, and of the fastest way to 99 %."""


def held_out() -> tuple[LabelledImages, LabelledImages]:
    """Split MNIST's training images: those to learn from, and the last 5,000, to choose recipes and seeds on."""
    data = mnist("train")
    kept = min(HELD_OUT, len(data) // 10)  # a tenth of the stand-in
    return data[:-kept], data[-kept:]


def card(recipe: Recipe, model: nn.Module, *, held: Evaluation, test: Evaluation) -> dict[str, Any]:
    """Say how weights were made and how well they do, as `glassbox.models.weights_card` returns it."""
    return {
        "model": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "accuracy": {"held out": _percent(held), "test": _percent(test)},
        "recipe": recipe.describe(),
        "data": {
            "source": mnist("train").source,
            "trained on": f"training images without the last {len(held.predictions):,}",
            "held out": f"the last {len(held.predictions):,} training images, on which recipe and seed were chosen",
            "sha256": {split: _checksum(mnist(split)) for split in ("train", "test")},
        },
        "made with": {
            "command": f"python -m glassbox.recipes {recipe.name}",
            "glassbox": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "threads": torch.get_num_threads(),
        },
    }


def _percent(evaluation: Evaluation) -> float:
    return round(100 * (evaluation.accuracy or 0.0), 2)


def _checksum(data: LabelledImages) -> str:
    """Return the SHA-256 of the pixels, one byte each, followed by the labels, one byte each."""
    pixels = (data.images * 255).round().to(torch.uint8)
    return hashlib.sha256(pixels.numpy().tobytes() + data.labels.to(torch.uint8).numpy().tobytes()).hexdigest()


def main(arguments: list[str] | None = None) -> None:
    """Train one recipe from scratch, print how well it does, and compare with the shipped weights."""
    parser = argparse.ArgumentParser(prog="python -m glassbox.recipes", description=__doc__)
    parser.add_argument("name", choices=RECIPES, help="the recipe")
    parser.add_argument("--seed", type=int, help="another seed than the recipe's")
    parser.add_argument("--threads", type=int, default=1, help="more are faster; sums are then taken in another order")
    parser.add_argument("--no-test", action="store_true", help="do not look at the test images: while you choose")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="write NAME.safetensors and NAME.json there")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    recipe = RECIPES[chosen.name]
    if chosen.seed is not None:
        recipe = replace(recipe, seed=chosen.seed)
    data, validation = held_out()
    if data.is_standin:
        parser.exit(1, "the recipes are for MNIST, which is not at hand: see `glassbox data`\n")

    model, history = recipe.train(data, validation=validation, progress=False, on_epoch=_print_epoch)
    held = evaluate(model, validation, device="cpu")
    print(f"{recipe.name}: {_percent(held)} % of {len(validation):,} training images held out", end="")
    print(f", after {sum(epoch.seconds for epoch in history.epochs):.0f} s of training")
    if chosen.save is None and recipe.name in SHIPPED:
        _compare(model, SHIPPED[recipe.name](pretrained=True))
    if chosen.no_test:
        return
    test = evaluate(model, mnist("test"), device="cpu")
    print(f"{recipe.name}: {_percent(test)} % of {len(test.predictions):,} test images")
    if chosen.save is not None:
        _save(recipe, model, chosen.save, card(recipe, model, held=held, test=test))


def _print_epoch(epoch: Epoch) -> None:
    accuracy = 100 * (epoch.validation_accuracy or 0.0)
    print(f"epoch {epoch.epoch}: loss {epoch.loss:.4f}, held out {accuracy:.2f} %, {epoch.seconds:.0f} s", flush=True)


def _save(recipe: Recipe, model: nn.Module, folder: Path, content: dict[str, Any]) -> None:
    from safetensors.torch import save

    write_whole(folder / f"{recipe.name}.safetensors", save(model.state_dict()))
    write_whole(folder / f"{recipe.name}.json", json.dumps(content, indent=2) + "\n")
    print(f"written: {folder / recipe.name}.safetensors and .json")


def _compare(model: nn.Module, shipped: nn.Module) -> None:
    ours, theirs = model.state_dict(), shipped.state_dict()
    difference = max((ours[name] - theirs[name]).abs().max().item() for name in theirs)
    print(
        "identical to the shipped weights" if difference == 0 else f"differs from the shipped weights: {difference:g}"
    )


if __name__ == "__main__":
    main()
