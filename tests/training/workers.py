"""What test_distributed.py starts under torchrun: ``python -m tests.training.workers SCENARIO FOLDER``."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import glassbox.nn
from glassbox.training import CheckpointError, DivergenceError, History, fit
from tests.training.runs import before_each_step, blobs, network, shaken

RANK = int(os.environ.get("RANK", "0"))


def some_ignored(label: int) -> Tensor:
    """Labels of which two thirds do not count: the batches of five, and the workers' parts, keep unequal numbers."""
    labels = blobs(41)[1].clone()
    labels[torch.arange(41) % 3 > 0] = label
    return labels


def normalized(kind: type[nn.Module]) -> nn.Module:
    model = network(dtype=torch.float64)
    model.insert(1, kind(8).double())
    return model


def imaged() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 3, 1), glassbox.nn.BatchNorm2d(3, momentum=None)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(12, 3)).double()


class Forgetful(nn.Sequential):
    """Has a layer that nothing depends on."""

    def forward(self, inputs: Tensor) -> Tensor:
        return self[0](inputs)


def pairwise(outputs: Tensor, targets: Tensor) -> Tensor:
    """Compare every example with every other: no mean over examples."""
    same = (targets.unsqueeze(0) == targets.unsqueeze(1)).to(outputs.dtype)
    return (torch.cdist(outputs, outputs + 1e-3) * (same - 0.5)).mean() + outputs.square().mean()


def train(count: int, batch_size: int, **options: Any) -> tuple[nn.Module, History]:
    """Train in float64, in which the order of a sum changes the weights by some 1e-16."""
    model = options.pop("model", network)
    model = network(dtype=torch.float64) if model is network else model()
    inputs, labels = blobs(count, dtype=torch.float64)
    labels = options.pop("labels", labels)
    validation = blobs(3, seed=1, dtype=torch.float64)
    settings = {"epochs": 2, "batch_size": batch_size, "validation": validation, "device": "cpu"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the loss does not depend on")
        return model, fit(model, (inputs, labels), **settings | options)


# Adam would make steps of a gradient that is zero but for rounding, as that of a bias before a batch norm is.
PLAIN = {"optimizer": partial(torch.optim.SGD, lr=0.1)}
WEIGHTS = torch.tensor([1.0, 3.0, 0.2], dtype=torch.float64)

CASES: dict[str, dict[str, Any]] = {
    "even": {"count": 40, "batch_size": 10},
    "uneven": {"count": 40, "batch_size": 5},
    "a last batch of one": {"count": 41, "batch_size": 10},
    "fewer examples than workers": {"count": 1, "batch_size": 10},
    "a sum": {"count": 41, "batch_size": 5, "loss": nn.CrossEntropyLoss(reduction="sum")},
    "momentum": {"count": 23, "batch_size": 5, "optimizer": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)},
    "bar": {"count": 23, "batch_size": 5, "progress": True},
    "class weights": {"count": 41, "batch_size": 5, "loss": nn.CrossEntropyLoss(WEIGHTS)},
    "class weights in a function": {
        "count": 41,
        "batch_size": 5,
        "loss": lambda outputs, targets: nn.functional.cross_entropy(outputs, targets, WEIGHTS),
    },
    "ignored labels": {"count": 41, "batch_size": 3, "labels": some_ignored(-100)},
    "ignored label 255": {
        "count": 41,
        "batch_size": 5,
        "labels": some_ignored(255),
        "loss": nn.CrossEntropyLoss(WEIGHTS, ignore_index=255),
    },
    "a loss over pairs": {"count": 23, "batch_size": 5, "loss": pairwise},
    "batch norm": {"count": 40, "batch_size": 5, "model": partial(normalized, nn.BatchNorm1d), **PLAIN},
    "our batch norm, a last batch of one": {"count": 41, "batch_size": 10, "model": imaged, **PLAIN},
    "an unused layer": {"count": 23, "batch_size": 5, "model": lambda: Forgetful(*normalized(nn.BatchNorm1d)[::4])},
    "a scheduler of torch": {
        "count": 23,
        "batch_size": 5,
        "schedule": lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10),
    },
}


def equality(folder: Path) -> None:
    """Train each case, and write what every worker ended with."""
    for name, case in CASES.items():
        rows: list[Any] = []
        model, history = train(**case, on_epoch=rows.append)
        result = folder / f"{name}.{RANK}"
        save_file(model.state_dict(), f"{result}.safetensors")
        Path(f"{result}.json").write_text(json.dumps({"history": history.to_json(), "called": len(rows)}))
    Path(folder / f"refused.{RANK}.json").write_text(json.dumps(refused(folder)))


class Own(nn.BatchNorm1d):
    """A batch normalization that may do anything."""


def refused(folder: Path) -> list[str]:
    """Collect the messages of what several workers cannot do."""

    def run(**options: Any) -> History:
        model, count = options.pop("model", network()), options.pop("count", 64)
        return fit(model, blobs(count, seed=options.pop("data", 0)), device="cpu", **options)

    frequent = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False))
    attempts: list[dict[str, Any]] = [
        {"model": frequent},
        {"model": nn.Sequential(nn.Linear(4, 3), Own(3))},
        {"optimizer": lambda p: torch.optim.SGD(p, lr=1e30), "epochs": 9},
        {"checkpoint": folder / "run"},
        {"checkpoint": folder / "run", "seed": 1},
        {"data": RANK},
        {"count": 64 + RANK},
        {"model": network(seed=RANK)},
        {"model": nn.Linear(4, 3 + RANK)},
        {"optimizer": lambda p: torch.optim.SGD(p, lr=0.1 * (RANK + 1))},
        {"epochs": 1 + RANK},
    ]
    messages = []
    for attempt in attempts:
        try:
            run(**attempt)
        except (ValueError, DivergenceError, CheckpointError) as error:
            messages.append(f"{type(error).__name__}: {error}")
        else:
            messages.append("")
    return messages


def dying(folder: Path) -> None:
    """Let worker 1 die in the first attempt, and finish in the second one from the last checkpoint."""
    steps = 0
    first_attempt = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and "unkilled" not in str(folder)

    def count() -> None:
        nonlocal steps
        steps += 1
        if first_attempt and RANK == 1 and steps == 9:
            os.kill(os.getpid(), signal.SIGKILL)

    options = {"checkpoint": folder / "run", "checkpoint_every": 2, "loss": nn.CrossEntropyLoss()}
    with before_each_step(count):
        model, _ = train(41, 10, epochs=3, augment=shaken, **options)
    save_file(model.state_dict(), folder / f"weights.{RANK}.safetensors")
    (folder / f"steps.{RANK}").write_text(str(steps))


def signalled(folder: Path) -> None:
    """Let the launcher be told, in the first attempt, that the machine is taken away; finish in the second one."""
    steps, first_attempt = 0, not (folder / "steps.0").exists()

    def count() -> None:
        nonlocal steps
        steps += 1
        if first_attempt and RANK == 1 and steps == 9:
            os.kill(os.getppid(), signal.SIGUSR1)
        if first_attempt and steps >= 9:
            time.sleep(0.1)  # the launcher needs its time to pass the signal on

    with before_each_step(count):
        model, history = train(41, 10, epochs=9, augment=shaken, checkpoint=folder / "run", loss=nn.CrossEntropyLoss())
    (folder / f"steps.{RANK}").write_text(f"{steps} {history.interrupted_by}")
    save_file(model.state_dict(), folder / f"weights.{RANK}.safetensors")
    sys.exit(75 if history.interrupted else 0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"equality": equality, "dying": dying, "signalled": signalled}[sys.argv[1]](Path(sys.argv[2]))
