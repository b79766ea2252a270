"""Small runs of `fit`, each with everything that a checkpoint must remember."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from glassbox.training import History, fit


def blobs(count: int = 64, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Points around three centers, with the number of the center."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (count,), generator=generator)
    noise = torch.randn(count, 4, generator=generator, dtype=dtype)
    return noise + 2.0 * nn.functional.one_hot(labels, 4), labels


def network(*, seed: int = 0, dropout: float = 0.0, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 3)).to(dtype)


BEFORE_A_STEP: list[Callable[[], object]] = []
"""What `shaken` calls; its code, by which a run is told from another, stays the same."""


def shaken(inputs: Tensor, generator: torch.Generator) -> Tensor:
    for call in BEFORE_A_STEP:
        call()
    return inputs + 0.1 * torch.randn(inputs.shape, generator=generator)


@contextmanager
def before_each_step(call: Callable[[], object]) -> Iterator[None]:
    """Have `shaken` call something, for the block."""
    BEFORE_A_STEP.append(call)
    try:
        yield
    finally:
        BEFORE_A_STEP.remove(call)


def half_way_down(progress: float) -> float:
    return 1 - progress / 2


def everything_run(folder: Path, **changes: Any) -> tuple[nn.Module, History]:
    """Train with dropout, noise, a schedule, momentum, uneven batches and frequent checkpoints."""
    model = changes.pop("model", None) or network(dropout=0.3)
    train = changes.pop("train", None) or blobs()
    options: dict[str, Any] = {
        "optimizer": lambda parameters: torch.optim.Adam(parameters, lr=0.01),
        "epochs": 3,
        "batch_size": 10,
        "validation": blobs(20, seed=1),
        "schedule": half_way_down,
        "augment": shaken,
        "device": "cpu",
        "checkpoint": folder,
        "checkpoint_every": 2,
    }
    history = fit(model, train, **options | changes)
    return model, history


def assert_same_weights(model: nn.Module, reference: nn.Module) -> None:
    for (name, value), expected in zip(model.state_dict().items(), reference.state_dict().values(), strict=True):
        assert torch.equal(value, expected), name
