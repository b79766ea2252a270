"""How lesson 3.6 comes out from other starts: its networks trained again, and what they say of faces not seen."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from glassbox import nn, optim
from glassbox.datasets import LabelledImages, faces
from glassbox.models import SmallVGG
from glassbox.training import evaluate, fit

__all__ = ["QUESTIONS", "as_found", "faces_starts", "mouth_gap"]

QUESTIONS = ("glasses", "smile", "hat", "beard", "hair")
SIZE = 32
MOUTH = slice(20, 28), slice(10, 22)
"""Rows and columns of a face in which the mouth lies."""


def faces_starts(
    _: LabelledImages, seeds: tuple[int, ...] = tuple(range(8)), n: int = 2000
) -> Iterator[dict[str, Any]]:
    """Measure what the networks of lesson 3.6 answer, learned from eight starts on balanced faces and on others."""
    pools = {split: faces(split, QUESTIONS, n=4 * n, size=SIZE) for split in ("train", "test")}
    train, test = pools["train"][:n], pools["test"][: n // 2]
    found = {split: as_found(pool, n, seed=int(split == "test")) for split, pool in pools.items()}
    kinds = {
        "linear": (_linear, train, 0.003, 40),
        "dense": (_dense, train, 0.001, 20),
        "balanced": (_network, train, 0.01, 6),
        "as found": (_network, found["train"], 0.01, 6),
    }
    for seed in seeds:
        for name, (build, learned_from, rate, epochs) in kinds.items():
            model = _learn(build, learned_from, rate, epochs, seed)
            yield {"learned": name, "seed": seed, **_measure(model, test, found["test"])}


def as_found(pool: LabelledImages, n: int, *, seed: int) -> LabelledImages:
    """Choose faces as a collection may have them: glasses and smile mostly together, hats on one in twenty."""
    glasses, smile, hat = pool.labels[:, :3].T
    luck = torch.rand(2, len(hat), generator=torch.Generator().manual_seed(seed))
    hats = 0.05 / 0.95 * (1 - hat.mean()) / hat.mean()
    kept = ((glasses == smile) | (luck[0] < 0.05)) & ((hat == 0) | (luck[1] < hats))
    chosen: LabelledImages = pool[kept.nonzero().flatten()[:n]]
    return chosen


def mouth_gap(model: nn.Module, images: Tensor, smile: Tensor, question: int) -> float:
    """Return how much more a score falls on smiling faces than on others when the mouth is covered with gray."""
    covered = images.clone()
    covered[:, :, MOUTH[0], MOUTH[1]] = 0.5
    with torch.no_grad():
        fall = (model(images) - model(covered))[:, question]
    return (fall[smile].mean() - fall[~smile].mean()).item()


def _network() -> nn.Module:
    return SmallVGG(len(QUESTIONS), image_size=SIZE, widths=(8, 16, 32), dropout=0.0)


def _dense() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, 64), nn.ReLU(), nn.Linear(64, len(QUESTIONS)))


def _linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, len(QUESTIONS)))


def _learn(build: Any, learned_from: LabelledImages, rate: float, epochs: int, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = build()
    fit(
        model,
        learned_from,
        epochs=epochs,
        batch_size=50,
        optimizer=partial(optim.Adam, lr=rate),
        schedule=lambda done: min(done / 0.15, (1 - done) / 0.85),
        seed=seed,
        device="cpu",
        progress=False,
    )
    return model.eval()


def _measure(model: nn.Module, test: LabelledImages, found: LabelledImages) -> dict[str, float]:
    """Give the accuracies on balanced faces, hats among others, and what glasses are taken for."""
    accuracies = evaluate(model, test, device="cpu").per_class_accuracy
    assert accuracies is not None
    with torch.no_grad():
        says_hat, has_hat = model(found.images)[:, 2] > 0, found.labels[:, 2] == 1
        says_glasses = model(test.images)[:, 0] > 0
    glasses, smile = test.labels[:, 0] == 1, test.labels[:, 1] == 1
    measured = dict(zip(QUESTIONS, accuracies.tolist(), strict=True)) | {
        "hat accuracy": (says_hat == has_hat).double().mean().item(),
        "hat recall": says_hat[has_hat].double().mean().item(),
        **({"hat precision": has_hat[says_hat].double().mean().item()} if says_hat.any() else {}),
        "glasses for a smile": says_glasses[smile & ~glasses].double().mean().item(),
        "glasses for none": says_glasses[~smile & ~glasses].double().mean().item(),
        "mouth": mouth_gap(model, test.images[glasses], smile[glasses], 0),
    }
    return {name: round(value, 3) for name, value in measured.items()}
