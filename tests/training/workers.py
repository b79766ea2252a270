"""What test_distributed.py starts under torchrun: ``python -m tests.training.workers SCENARIO FOLDER``."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from glassbox.training import CheckpointError, DivergenceError, History, fit
from tests.training.runs import blobs, network, shaken

RANK = int(os.environ.get("RANK", "0"))


def train(count: int, batch_size: int, **options: Any) -> tuple[nn.Module, History]:
    """Train in float64, in which the order of a sum changes the weights by some 1e-16."""
    model = network(dtype=torch.float64)
    data = blobs(count, dtype=torch.float64)
    validation = blobs(3, seed=1, dtype=torch.float64)
    history = fit(
        model, data, **{"epochs": 2, "batch_size": batch_size, "validation": validation, "device": "cpu"} | options
    )
    return model, history


CASES: dict[str, dict[str, Any]] = {
    "even": {"count": 40, "batch_size": 10},
    "uneven": {"count": 40, "batch_size": 5},
    "a last batch of one": {"count": 41, "batch_size": 10},
    "fewer examples than workers": {"count": 1, "batch_size": 10},
    "a sum": {"count": 41, "batch_size": 5, "loss": nn.CrossEntropyLoss(reduction="sum")},
    "momentum": {"count": 23, "batch_size": 5, "optimizer": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)},
    "bar": {"count": 23, "batch_size": 5, "progress": True},
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


def refused(folder: Path) -> list[str]:
    """Collect the messages of what several workers cannot do."""
    norm = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    weighted = nn.CrossEntropyLoss(weight=torch.ones(3))
    attempts = [
        lambda: fit(norm, blobs(), device="cpu"),
        lambda: fit(network(), blobs(), device="cpu", loss=weighted),
        lambda: fit(network(), blobs(), device="cpu", optimizer=lambda p: torch.optim.SGD(p, lr=1e30), epochs=9),
        lambda: fit(network(), blobs(), device="cpu", checkpoint=folder / "run"),
        lambda: fit(network(), blobs(), device="cpu", checkpoint=folder / "run", seed=1),
    ]
    messages = []
    for attempt in attempts:
        try:
            attempt()
        except (ValueError, DivergenceError, CheckpointError) as error:
            messages.append(f"{type(error).__name__}: {error}")
        else:
            messages.append("")
    return messages


def dying(folder: Path) -> None:
    """Let worker 1 die in the first attempt, and finish in the second one from the last checkpoint."""
    steps = 0
    first_attempt = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and "unkilled" not in str(folder)

    def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
        nonlocal steps
        steps += 1
        if first_attempt and RANK == 1 and steps == 9:
            os.kill(os.getpid(), signal.SIGKILL)
        return shaken(inputs, generator)

    augment.__name__ = "shaken"
    model, _ = train(
        41, 10, epochs=3, augment=augment, checkpoint=folder / "run", checkpoint_every=2, loss=nn.CrossEntropyLoss()
    )
    save_file(model.state_dict(), folder / f"weights.{RANK}.safetensors")
    (folder / f"steps.{RANK}").write_text(str(steps))


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"equality": equality, "dying": dying}[sys.argv[1]](Path(sys.argv[2]))
