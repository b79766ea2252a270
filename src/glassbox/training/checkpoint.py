"""Checkpoints: a run that was killed at any moment goes on from its last whole one.

A checkpoint is a folder, ``step-000001200``, with four files:

- ``model.safetensors``: what ``model.state_dict()`` holds;
- ``training.safetensors``: the optimizer's tensors and the states of the random numbers;
- ``state.json``: the position in the run, its settings and its history so far;
- ``SHA256SUMS``: the checksum of each of the three, in the format of ``sha256sum --check``.

It is written under another name, flushed to the disk, and then renamed: it is there as a whole or not at all. Nothing
is pickled, so that loading a checkpoint never runs code from it.

Around them stand ``checkpoints.json``, by which the folder is known and which names the run; ``.lock``, held by the
process that trains; and ``to-be-continued``, there as long as a run that was interrupted waits for its next start.
Whatever else is in the folder is someone else's: it is neither read nor written, renamed or removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor, nn
from torch.optim import Optimizer

from glassbox.files import check_writable, write_whole
from glassbox.training.identity import CODE, of_weights

MODEL, TRAINING, STATE, SUMS = "model.safetensors", "training.safetensors", "state.json", "SHA256SUMS"
MARK, LOCK, CONTINUED = "checkpoints.json", ".lock", "to-be-continued"
WRITER = "glassbox.training.fit"
NOTE = "The run in this folder was interrupted. Started again with the same arguments, it goes on.\n"
FORMAT = 2
"""The form of the four files; another one is refused."""
NAME = re.compile(r"step-(\d{9,})(?:-(\d+))?")
LEFTOVER = re.compile(rf"\.(?:unfinished|removed)-{NAME.pattern}")
UNWRITTEN = re.compile(rf"\.(?:{re.escape(MARK)}|{CONTINUED})-[0-9a-f]{{8}}")  # as files.write_whole names it


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used: it is damaged, or belongs to another run."""


class Checkpoints:
    """The checkpoints of a run, in a folder of their own, from the first step to the last.

    The folder is made, marked and locked, and what another process left half-written is removed. Two checkpoints stay:
    the newest and, in case it is damaged, the one before it.

    Parameters
    ----------
    folder : Path
        Where they are: a new folder, an empty one, or one that holds checkpoints alone.
    resume : bool
        Go on with the run that is there; otherwise replace it, at the first checkpoint.
    size : int
        Bytes that a checkpoint will take: whether the disk has them is found out now.

    Raises
    ------
    CheckpointError
        If the folder is not one for checkpoints, cannot be written, or is in use by another process.
    """

    def __init__(self, folder: Path, *, resume: bool = True, size: int = 0) -> None:
        self.folder = folder
        self.run = secrets.token_hex(8)
        self._kept: list[Path] = []
        with ExitStack() as opened:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._refuse_strangers()
                opened.enter_context(_lock(folder))
                check_writable(folder / MARK, size)
                if resume:
                    self.run = _run_in(folder) or self.run
                if not (folder / MARK).exists():
                    self._mark()
                self._clean()
                if _holds(folder / CONTINUED, NOTE):
                    (folder / CONTINUED).unlink()
            except OSError as error:
                raise CheckpointError(
                    f"checkpoint={str(folder)!r} cannot be written ({error.strerror}): make room or name another folder"
                ) from error
            self._opened = opened.pop_all()

    def newest(self) -> dict[str, bytes] | None:
        """Read the newest checkpoint of the run that is whole; None where there is none. See `load_newest`."""
        found = load_newest(self.folder, self.run)
        if found is None:
            return None
        self._kept = [found[0]]
        return found[1]

    def save(
        self, step: int, model: Mapping[str, Tensor], training: Mapping[str, Tensor], state: dict[str, Any]
    ) -> None:
        """Write a checkpoint, and remove those that are no longer needed; if that fails, warn.

        Parameters
        ----------
        step : int
            Updates so far; part of the checkpoint's name.
        model, training : mapping of str to Tensor
            What goes into the two files of tensors.
        state : dict
            What goes into the JSON file.
        """
        try:
            self._save(step, model, training, state)
        except OSError as error:  # a month of training is not given up for a disk that is full today
            last = f"the one before it, {self._kept[-1].name}, stays" if self._kept else "there is none before it"
            warnings.warn(
                f"the checkpoint of step {step} could not be written to {self.folder} ({error.strerror}): "
                f"{last}, and the run goes on",
                stacklevel=2,
            )

    def _save(
        self, step: int, model: Mapping[str, Tensor], training: Mapping[str, Tensor], state: dict[str, Any]
    ) -> None:
        files = {
            MODEL: tensors_to_bytes({name: _plain(tensor) for name, tensor in model.items()}),
            TRAINING: tensors_to_bytes({name: _plain(tensor) for name, tensor in training.items()}),
            STATE: json.dumps({"format": FORMAT, "run": self.run, **state}, indent=1).encode(),
        }
        files[SUMS] = "".join(f"{_checksum(content)}  {name}\n" for name, content in files.items()).encode()
        self._clean()
        unfinished = self.folder / f".unfinished-step-{step:09d}"
        unfinished.mkdir()
        try:
            for name, content in files.items():
                with open(unfinished / name, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
        except OSError:
            _remove(unfinished)
            raise
        _flush(unfinished)
        if _run_in(self.folder) != self.run:  # from now on a plain start no longer finds the run that is replaced
            self._mark()
        final = self._free_name(step)
        os.rename(unfinished, final)
        _flush(self.folder)
        self._kept = [*self._kept[-1:], final]
        for path in self.folder.iterdir():
            if _is_checkpoint(path) and path not in self._kept:
                _discard(path)

    def leave_note(self) -> None:
        """Say, beside the checkpoints, that the run was interrupted, for scripts that start it again."""
        write_whole(self.folder / CONTINUED, NOTE)

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.close()

    def _refuse_strangers(self) -> None:
        """Raise if the folder is not marked and holds something else than checkpoints."""
        if _run_in(self.folder) is not None:
            return
        ours = (_is_checkpoint, _is_leftover, _is_unwritten)
        names = {path.name for path in self.folder.iterdir() if not any(is_ours(path) for is_ours in ours)}
        if strangers := sorted(names - {LOCK}):
            raise CheckpointError(
                f"checkpoint={str(self.folder)!r} is a folder with other files in it, such as {strangers[0]!r}: name "
                f"one that is not there yet, such as {str(self.folder / 'checkpoints')!r}"
            )

    def _mark(self) -> None:
        note = "fit writes checkpoints into this folder and removes the older ones; other files it leaves alone"
        write_whole(self.folder / MARK, json.dumps({"made by": WRITER, "what": note, "run": self.run}, indent=1) + "\n")

    def _clean(self) -> None:
        """Remove what a process that was killed left behind."""
        for path in self.folder.iterdir():
            if _is_leftover(path):
                _remove(path)
            elif _is_unwritten(path):
                path.unlink()

    def _free_name(self, step: int) -> Path:
        """Return a name for a checkpoint: a damaged one, or one of a run that is replaced, gives its name up."""
        final = self.folder / f"step-{step:09d}"
        count = 1
        while os.path.lexists(final):
            if _is_checkpoint(final):
                _discard(final)
            else:
                count += 1
                final = self.folder / f"step-{step:09d}-{count}"
        return final


def checkpoints(folder: Path) -> list[Path]:
    """Return what has the name of a checkpoint in a folder, the newest first."""
    found = [(match, path) for path in folder.iterdir() if (match := NAME.fullmatch(path.name)) and path.is_dir()]
    found.sort(key=lambda pair: (int(pair[0][1]), int(pair[0][2] or 1)), reverse=True)
    return [path for _, path in found]


def load_newest(folder: Path, run: str | None = None) -> tuple[Path, dict[str, bytes]] | None:
    """Read the newest checkpoint that is whole, and name each damaged one in a warning.

    Parameters
    ----------
    folder : Path
        Where the checkpoints are.
    run : str, optional
        The run that they must belong to; by default that of the folder.

    Returns
    -------
    tuple of Path and dict, or None
        The checkpoint, and the content of each of its files by name; None where there is none of the run.

    Raises
    ------
    CheckpointError
        If there are checkpoints and all are damaged, or the newest is of another format or may not be read.
    """
    run = run or _run_in(folder)
    damaged = 0
    for checkpoint in checkpoints(folder):
        try:
            files = _read(checkpoint)
        except PermissionError as error:
            raise CheckpointError(f"{error.filename} may not be read by this user") from None
        except CheckpointError as error:
            damaged += 1
            warnings.warn(f"checkpoint {checkpoint} is damaged ({error}): an older one is used", stacklevel=2)
            continue
        state = json.loads(files[STATE])
        if state.get("format") != FORMAT:
            raise CheckpointError(
                f"checkpoint {checkpoint} was written by another version of glassbox: go on with that version, or give "
                "this run a folder of its own"
            )
        if run in (None, state["run"]):
            return checkpoint, files
    if damaged:
        raise CheckpointError(f"every checkpoint in {folder} is damaged: give this run a folder of its own")
    return None


def _read(checkpoint: Path) -> dict[str, bytes]:
    """Return the files of a checkpoint whose checksums are right."""
    contents = {}
    for name in (MODEL, TRAINING, STATE, SUMS):
        try:
            if not (checkpoint / name).is_file():  # a pipe would never end
                raise CheckpointError(f"{name} is missing or no file")
            contents[name] = (checkpoint / name).read_bytes()
        except PermissionError:
            raise
        except OSError as error:
            raise CheckpointError(f"{name} cannot be read: {error.strerror}") from None
    sums = contents.pop(SUMS).decode("ascii", errors="replace")
    for name, content in contents.items():
        if f"{_checksum(content)}  {name}\n" not in sums:
            raise CheckpointError(f"{name} does not have the checksum that {SUMS} gives")
    return contents


def parse(files: dict[str, bytes]) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any]]:
    """Turn the files of a checkpoint into the model's tensors, the training's tensors and the state."""
    return tensors_from_bytes(files[MODEL]), tensors_from_bytes(files[TRAINING]), json.loads(files[STATE])


def refuse_other_run(folder: str, saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise, naming the differences, if a checkpoint was written by a run with other settings.

    Parameters
    ----------
    folder : str
        Where it is, for the message.
    saved, now : dict
        Settings of the checkpoint's run and of this one.

    Raises
    ------
    CheckpointError
        If they differ in more than what `warn_of_differences` tells.
    """
    other_python = saved["environment"]["Python"] != now["environment"]["Python"]  # whose code for a function differs
    there, here = (_lasting(settings, without_code=other_python) for settings in (saved, now))
    differences = [
        f"  {name}: {there.get(name, '(none)')} in the checkpoint, {here.get(name, '(none)')} now"
        for name in there | here
        if there.get(name, "(none)") != here.get(name, "(none)")
    ]
    if differences:
        listed = "\n".join(differences)
        raise CheckpointError(
            f"the checkpoint in {folder} belongs to another run:\n{listed}\nGive this run a folder of its own"
        )


def _lasting(settings: dict[str, Any], *, without_code: bool) -> dict[str, Any]:
    """Return the settings by which a run is told from another, as they are in JSON."""
    text = json.dumps(
        {name: value for name, value in settings.items() if name not in ("environment", "initial weights")}
    )
    return json.loads(CODE.sub("", text) if without_code else text)


def warn_of_differences(folder: str, saved: dict[str, Any], now: dict[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Say what lets a run go on but not to the very same bits, and that the model came with weights of its own.

    Parameters
    ----------
    folder : str
        Where the checkpoint is, for the message.
    saved, now : dict
        Settings of the checkpoint's run and of this one.
    weights : mapping of str to Tensor
        Those of the checkpoint.
    """
    there, here = saved["environment"], now["environment"]
    changed = [
        f"{name} {there.get(name, '(none)')} then, {here.get(name, '(none)')} now"
        for name in there | here
        if there.get(name) != here.get(name)
    ]
    if changed:
        warnings.warn(
            f"the run in {folder} goes on, though perhaps not to the very same bits: {'; '.join(changed)}", stacklevel=2
        )
    if now["initial weights"] not in (saved["initial weights"], of_weights(weights)):
        warnings.warn(
            f"the model came with other weights than the run in {folder} began with: those of the checkpoint replace "
            "them; for a run from these weights, give it a folder of its own",
            stacklevel=2,
        )


def expected_size(model: nn.Module) -> int:
    """Return about how many bytes a checkpoint takes: the model, and for each parameter two numbers of an optimizer."""
    return sum(tensor.nbytes for tensor in model.state_dict().values()) + 2 * sum(p.nbytes for p in model.parameters())


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


def _run_in(folder: Path) -> str | None:
    """Return the run that the mark of a folder names; None where it has no mark of ours."""
    try:
        mark = json.loads((folder / MARK).read_bytes())
        return str(mark["run"]) if mark["made by"] == WRITER else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _is_checkpoint(path: Path) -> bool:
    """Tell, by name and content, whether this is a checkpoint that `fit` wrote here, whole or with other bytes."""
    if not NAME.fullmatch(path.name) or not _holds_ours_alone(path):
        return False
    sums = (path / SUMS).read_bytes() if (path / SUMS).exists() else b""
    return all(
        re.search(rb"^[0-9a-f]{64}  %b$" % re.escape(name.encode()), sums, re.M) for name in (MODEL, TRAINING, STATE)
    )


def _is_leftover(path: Path) -> bool:
    """Tell whether this is a checkpoint half-written or half-removed."""
    return LEFTOVER.fullmatch(path.name) is not None and _holds_ours_alone(path)


def _is_unwritten(path: Path) -> bool:
    """Tell whether this is a mark or a note that was never renamed to its place."""
    return UNWRITTEN.fullmatch(path.name) is not None and path.is_file() and not path.is_symlink()


def _holds_ours_alone(path: Path) -> bool:
    """Tell whether this is a folder, and no link, with nothing in it but files that have a checkpoint's names."""
    if path.is_symlink() or not path.is_dir():
        return False
    with os.scandir(path) as entries:
        return all(map(_is_ours, entries))


def _is_ours(entry: os.DirEntry[str]) -> bool:
    return entry.name in (MODEL, TRAINING, STATE, SUMS) and entry.is_file(follow_symlinks=False)


def _holds(path: Path, text: str) -> bool:
    """Tell whether this is a file, and no link, with just this text."""
    return not path.is_symlink() and path.is_file() and path.read_bytes() == text.encode()


def _discard(checkpoint: Path) -> None:
    """Remove a checkpoint that, killed half way, is never taken for a damaged one."""
    condemned = checkpoint.with_name(f".removed-{checkpoint.name}")
    os.rename(checkpoint, condemned)
    _remove(condemned)


def _remove(folder: Path) -> None:
    """Remove a folder of ours, and nothing that came into it in the meantime."""
    for name in (MODEL, TRAINING, STATE, SUMS):
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()


def _lock(folder: Path) -> IO[bytes]:
    """Keep other processes out of a folder, as long as the file that is returned is open."""
    file = open(folder / LOCK, "ab")  # noqa: SIM115 - open as long as the run
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise CheckpointError(
            f"another process trains into checkpoint={str(folder)!r}: wait until it ends, or give this run a folder of "
            "its own"
        ) from None
    except (ImportError, OSError):  # Windows, or a file system without locks
        pass
    return file


def _flush(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk."""
    if os.name == "nt":  # Windows has no such call for a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
