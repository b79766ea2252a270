"""Checkpoints: a run that was killed at any moment goes on from its last whole one.

A checkpoint is a folder, ``step-000001200``, with four files:

- ``model.safetensors``: what ``model.state_dict()`` holds;
- ``training.safetensors``: the optimizer's tensors and the states of the random numbers;
- ``state.json``: the position in the run, its settings and its history so far;
- ``SHA256SUMS``: the checksum of each of the three, in the format of ``sha256sum --check``.

It is written under another name, flushed to the disk, and then renamed: it is there as a whole or not at all. Nothing
is pickled, so that loading a checkpoint never runs code from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor
from torch.optim import Optimizer

MODEL, TRAINING, STATE, SUMS = "model.safetensors", "training.safetensors", "state.json", "SHA256SUMS"
KEPT = 2
"""Checkpoints that stay: the newest and, in case it is damaged, the one before it."""


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used: it is damaged, or belongs to another run."""


def save(folder: Path, step: int, model: Mapping[str, Tensor], training: Mapping[str, Tensor], state: object) -> Path:
    """Write a checkpoint, and remove those that are no longer needed.

    Parameters
    ----------
    folder : Path
        Where the checkpoints of the run are.
    step : int
        Updates so far; part of the checkpoint's name.
    model, training : mapping of str to Tensor
        What goes into the two files of tensors.
    state : object
        What goes into the JSON file.

    Returns
    -------
    Path
        The new checkpoint.
    """
    files = {
        MODEL: tensors_to_bytes({name: _plain(tensor) for name, tensor in model.items()}),
        TRAINING: tensors_to_bytes({name: _plain(tensor) for name, tensor in training.items()}),
        STATE: json.dumps(state, indent=1).encode(),
    }
    files[SUMS] = "".join(f"{_checksum(content)}  {name}\n" for name, content in files.items()).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".*-step-*"):
        shutil.rmtree(leftover)
    final = folder / f"step-{step:09d}"
    if final.exists():  # a damaged one, or one of a run that is started over
        _discard(final)
    unfinished = folder / f".unfinished-{final.name}"
    unfinished.mkdir()
    for name, content in files.items():
        with open(unfinished / name, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _flush(unfinished)
    os.rename(unfinished, final)
    _flush(folder)
    return final


def prune(folder: Path, keep: list[Path]) -> None:
    """Remove every checkpoint of a folder but some."""
    for checkpoint in checkpoints(folder):
        if checkpoint not in keep:
            _discard(checkpoint)


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, the newest first."""
    return sorted((path for path in folder.glob("step-*") if path.is_dir()), reverse=True)


def load_newest(folder: Path) -> tuple[Path, dict[str, bytes]] | None:
    """Read the newest checkpoint that is whole, and name each damaged one in a warning.

    Parameters
    ----------
    folder : Path
        Where the checkpoints of the run are.

    Returns
    -------
    tuple of Path and dict, or None
        The checkpoint, and the content of each of its files by name; None where there is no checkpoint at all.

    Raises
    ------
    CheckpointError
        If there are checkpoints and all are damaged.
    """
    found = checkpoints(folder)
    for checkpoint in found:
        try:
            return checkpoint, _read(checkpoint)
        except CheckpointError as error:
            warnings.warn(f"checkpoint {checkpoint} is damaged ({error}): the one before it is used", stacklevel=2)
    if found:
        raise CheckpointError(f"every checkpoint in {folder} is damaged; start over with resume=False")
    return None


def _read(checkpoint: Path) -> dict[str, bytes]:
    """Return the files of a checkpoint whose checksums are right."""
    try:
        contents = {name: (checkpoint / name).read_bytes() for name in (MODEL, TRAINING, STATE)}
        sums = (checkpoint / SUMS).read_text(encoding="ascii")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{getattr(error, 'filename', None) or SUMS} cannot be read") from None
    for name, content in contents.items():
        if f"{_checksum(content)}  {name}\n" not in sums:
            raise CheckpointError(f"{name} does not have the checksum that {SUMS} gives")
    return contents


def parse(files: dict[str, bytes]) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any]]:
    """Turn the files of a checkpoint into the model's tensors, the training's tensors and the state."""
    return tensors_from_bytes(files[MODEL]), tensors_from_bytes(files[TRAINING]), json.loads(files[STATE])


def refuse_other_run(checkpoint: str, saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise, naming the differences, if a checkpoint was written by a run with other settings.

    Parameters
    ----------
    checkpoint : str
        Its name, for the message.
    saved, now : dict
        Settings of the checkpoint's run and of this one.

    Raises
    ------
    CheckpointError
        If they differ.
    """
    now = json.loads(json.dumps(now))
    missing = "(none)"
    differences = [
        f"  {name}: {saved.get(name, missing)} in the checkpoint, {now.get(name, missing)} now"
        for name in saved | now
        if saved.get(name, missing) != now.get(name, missing)
    ]
    if differences:
        raise CheckpointError(
            f"checkpoint {checkpoint} belongs to another run:\n"
            + "\n".join(differences)
            + "\nGive this run its own folder, or start over in this one with resume=False"
        )


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """Return what an optimizer remembers, each tensor under ``optimizer.<parameter>.<name>``.

    Raises
    ------
    CheckpointError
        If it remembers something other than tensors.
    """
    tensors = {}
    for index, parameter in enumerate(_parameters(optimizer)):
        for name, value in optimizer.state.get(parameter, {}).items():
            if not isinstance(value, Tensor | None):
                raise CheckpointError(
                    f"{type(optimizer).__name__} keeps a {type(value).__name__} as {name!r}, and a checkpoint holds "
                    "tensors only; train without checkpoint=..., or with another optimizer"
                )
            if value is not None:
                tensors[f"optimizer.{index}.{name}"] = value
    return tensors


def set_optimizer_tensors(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimizer back what `optimizer_tensors` returned."""
    parameters = _parameters(optimizer)
    optimizer.state.clear()
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            optimizer.state[parameters[int(index)]][name] = tensor


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _plain(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU that shares its memory with no other tensor, as safetensors wants it."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _discard(checkpoint: Path) -> None:
    """Remove a checkpoint that, killed half way, is never taken for a damaged one."""
    condemned = checkpoint.with_name(f".removed-{checkpoint.name}")
    os.rename(checkpoint, condemned)
    shutil.rmtree(condemned)


def _flush(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk."""
    if os.name == "nt":  # Windows has no such call for a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
