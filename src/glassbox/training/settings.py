"""What a run is asked for: one record, checked, handed to the loop and remembered by a checkpoint."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from glassbox.training.batches import Rows
from glassbox.training.history import Epoch
from glassbox.training.schedule import Rates
from glassbox.training.task import Objective, Task

PRECISIONS = ("float32", "bfloat16")
SEEDS = 2**63
"""Seeds are below this."""

Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The arguments of `fit`, under their names: each checked, and ready to be used; and what was learned of them.

    Attributes
    ----------
    unused : tuple of str
        Parameters that the loss does not depend on.
    description : dict
        A word or a number for each thing that tells this run from another.
    """

    model: nn.Module
    train: Rows
    loss: Objective
    optimizer: Optimizer
    epochs: int
    batch_size: int
    validation: Rows | None
    schedule: Rates
    device: str | torch.device
    seed: int
    precision: Literal["float32", "bfloat16"]
    augment: Augment | None
    progress: bool | None
    checkpoint: Path | None
    checkpoint_every: int | None
    resume: bool
    capture: Literal["auto"] | bool
    on_epoch: Callable[[Epoch], object] | None
    task: Task | None
    unused: tuple[str, ...] = ()
    description: dict[str, object] = field(default_factory=dict)


def check_number(name: str, value: Any, least: int, below: int | None = None) -> int:
    """Return a setting that is a whole number and large enough; raise if it is not."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | Tensor):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if number < least:
        raise ValueError(f"{name} must be {least} or more, not {value}")
    if below is not None and number >= below:
        raise ValueError(f"{name} must be below 2^{below.bit_length() - 1}, not {value}: try {name} % 2**63")
    return number


def check_functions(**functions: object) -> None:
    """Raise unless every argument is None or can be called, and is no class that was to be called first."""
    takes = {"loss": "(outputs, targets)", "schedule": "the progress", "augment": "(inputs, generator)"}
    for name, function in functions.items():
        if isinstance(function, type) and issubclass(function, nn.Module):
            raise TypeError(f"{name} is the class {function.__name__}; pass an instance: {function.__name__}()")
        if function is not None and not callable(function) and not hasattr(function, "state_dict"):
            raise TypeError(f"{name} must be a function of {takes.get(name, 'an epoch')}, not {function!r}")


def check_plain(asked: dict[str, Any]) -> dict[str, Any]:
    """Return those settings of `fit` that have nothing to do with the data; raise if one is out of range."""
    every, checkpoint = asked["checkpoint_every"], asked["checkpoint"]
    plain = {
        "epochs": check_number("epochs", asked["epochs"], 0),
        "batch_size": check_number("batch_size", asked["batch_size"], 1),
        "seed": check_number("seed", asked["seed"], 0, SEEDS),
        "checkpoint": check_folder(checkpoint),
        "checkpoint_every": None if every is None else check_number("checkpoint_every", every, 1),
    }
    if asked["precision"] not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {asked['precision']!r}")
    if asked["capture"] not in ("auto", True, False):
        raise ValueError(f'capture must be "auto", True or False, not {asked["capture"]!r}')
    for name, choices in (("resume", (True, False)), ("progress", (None, True, False))):
        if asked[name] not in choices:
            raise TypeError(f"{name} must be {', '.join(map(str, choices[:-1]))} or {choices[-1]}, not {asked[name]!r}")
    if every is not None and checkpoint is None:
        raise ValueError("checkpoint_every needs a folder to write to: pass checkpoint=... too")
    return plain


def check_folder(checkpoint: Any) -> Path | None:
    """Return the folder for checkpoints, None where none was named; raise if it cannot be one."""
    if checkpoint is None:
        return None
    if not isinstance(checkpoint, str | Path):
        raise TypeError(f"checkpoint must be the path of a folder, not {checkpoint!r}")
    name = str(checkpoint)
    if not name.strip():
        raise ValueError(f"checkpoint is {name!r}, which would be the working directory: name a folder")
    if "\0" in name:
        raise ValueError(f"checkpoint={name!r} is no name for a folder")
    if Path(checkpoint).is_file():
        raise ValueError(f"checkpoint={name!r} is a file, not a folder; name a folder for the checkpoints")
    return Path(checkpoint)
