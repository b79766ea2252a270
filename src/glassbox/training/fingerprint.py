"""What tells one run from another: a word or a number for each thing that matters."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from glassbox.training.batches import DatasetRows, Rows
from glassbox.training.task import Loss, name_of


def settings_of(
    model: nn.Module, optimizer: Optimizer, loss: Loss, rows: Rows, validation: Rows | None, **others: object
) -> dict[str, object]:
    """Describe a run so that another one can be told from it: one word or number for each thing that matters.

    Parameters
    ----------
    model, optimizer, loss, rows, validation
        Of the run.
    **others : object
        Settings to add as they are; functions by their name.

    Returns
    -------
    dict
        Settings by name, ready for JSON.
    """
    settings: dict[str, object] = {
        f"tensor {name}": f"{tuple(value.shape)} {value.dtype}" for name, value in model.state_dict().items()
    }
    for index, group in enumerate(optimizer.param_groups):
        for name, value in group.items():
            if name != "params":
                settings[f"optimizer group {index}, {name}"] = repr(
                    float(value) if isinstance(value, Tensor) else value
                )
    settings["optimizer"] = type(optimizer).__name__
    settings["loss"] = _describe(loss)
    settings["training data"] = fingerprint(rows)
    settings["validation data"] = None if validation is None else fingerprint(validation)
    return settings | {name: _describe(value) if callable(value) else value for name, value in others.items()}


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
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return f"{tuple(rows.inputs.shape)} {rows.inputs.dtype}, SHA-256 of a sample {digest.hexdigest()[:16]}"
