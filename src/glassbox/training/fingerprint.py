"""What tells one run from another: a word or a number for each thing that matters."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from glassbox.training.batches import DatasetRows, Rows
from glassbox.training.distributed import Workers
from glassbox.training.settings import Settings
from glassbox.training.task import name_of


def describe(asked: Settings, workers: Workers) -> dict[str, object]:
    """Describe a run so that another one can be told from it: one word or number for each thing that matters.

    Parameters
    ----------
    asked : Settings
        What the run was asked for.
    workers : Workers
        Who trains.

    Returns
    -------
    dict
        Settings by name, ready for JSON.
    """
    tensors = asked.model.state_dict().items()
    settings: dict[str, object] = {f"tensor {name}": f"{tuple(value.shape)} {value.dtype}" for name, value in tensors}
    for index, group in enumerate(asked.optimizer.param_groups):
        for name, value in group.items():
            if name != "params":
                settings[f"optimizer group {index}, {name}"] = repr(
                    float(value) if isinstance(value, Tensor) else value
                )
    return settings | {
        "optimizer": type(asked.optimizer).__name__,
        "loss": _describe(asked.loss.loss),
        "task": asked.loss.task,
        "training data": fingerprint(asked.train),
        "validation data": None if asked.validation is None else fingerprint(asked.validation),
        "batch_size": asked.batch_size,
        "seed": asked.seed,
        "precision": asked.precision,
        "augment": None if asked.augment is None else _describe(asked.augment),
        "schedule": None if asked.schedule.asked is None else _describe(asked.schedule.asked),
        "epochs": asked.epochs if asked.schedule.asked else "any",
        "device": workers.device.type,
        "workers": workers.size,
    }


def describe_worker(asked: Settings, description: dict[str, object]) -> dict[str, object]:
    """Add to the description of a run what may change from start to start, and must be the same at all workers."""
    digest = hashlib.sha256()
    for value in asked.model.state_dict().values():
        digest.update(_bytes(value))
    return description | {
        "initial weights": f"SHA-256 {digest.hexdigest()[:16]}",
        "epochs": asked.epochs,
        "checkpoint": asked.checkpoint is not None,
        "checkpoint_every": asked.checkpoint_every,
        "resume": asked.resume,
        "torch": torch.__version__,
    }


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def _describe(function: Any) -> str:
    """Name a function, with the arguments that a partial function holds, or an object with its attributes."""
    if isinstance(function, nn.Module):  # the text of a loss leaves its options out
        options = {name: value for name, value in vars(function).items() if not name.startswith("_")}
        tensors = {name: value.tolist() for name, value in function.state_dict().items()}
        return f"{type(function).__name__}({', '.join(f'{k}={v!r}' for k, v in (options | tensors).items())})"
    if isinstance(function, partial):
        arguments = [repr(value) for value in function.args] + [f"{k}={v!r}" for k, v in function.keywords.items()]
        return f"{_describe(function.func)}({', '.join(arguments)})"
    text = repr(function)
    # The default text of an object ends in its address, which is another one in the next run.
    return name_of(function) if " at 0x" in text or hasattr(function, "__name__") else text


def fingerprint(rows: Rows) -> str:
    """Describe data by shape, type and the checksum of all targets and of about a thousand inputs."""
    if isinstance(rows, DatasetRows):
        return f"{len(rows)} items of {type(rows.dataset).__name__}"
    digest = hashlib.sha256()
    for tensor in (rows.targets, rows.inputs[:: len(rows) // 1000 + 1]):
        digest.update(_bytes(tensor))
    return f"{tuple(rows.inputs.shape)} {rows.inputs.dtype}, SHA-256 of a sample {digest.hexdigest()[:16]}"
