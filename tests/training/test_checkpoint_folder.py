"""The folder of checkpoints: what is someone else's in it stays, and one process at a time writes there."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from glassbox.training import CheckpointError, fit
from glassbox.training import checkpoint as checkpoint_module
from glassbox.training.checkpoint import CONTINUED, Checkpoints, checkpoints, load_newest
from tests.training.killed_runs import fork
from tests.training.runs import assert_same_weights, blobs, everything_run, network

FILES = ("model.safetensors", "training.safetensors", "state.json", "SHA256SUMS")


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def short_run(folder: object, **changes: object) -> nn.Module:
    model = network()
    fit(model, blobs(), checkpoint=folder, device="cpu", **changes)  # type: ignore[arg-type]
    return model


def everything_in(folder: Path) -> dict[str, bytes]:
    """Give the content of every file under a folder, and the name of every folder, links not followed."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


STRANGERS = {
    "a name like ours": ("step-1-data/notes.txt", "step-000000007-data/notes.txt", "step-abc/x", "step-/x"),
    "our name, other content": ("step-000000001/results.csv", "step-000000021/x"),
    "our name, weights of the user's": ("step-000000003/model.safetensors", "step-000000021/SHA256SUMS"),
    "ours and something more": tuple(f"step-000000003/{name}" for name in (*FILES, "notes.txt")),
    "a name like that of a leftover": (".old-step-2/x", ".unfinished-step-000000001/x", ".removed-step-000000001/x"),
    "files": ("step-000000004", "log.jsonl", ".unfinished-step-000000002", "to-be-continued"),
}


@pytest.mark.parametrize("names", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("resume", [True, False])
def test_what_is_someone_elses_stays(tmp_path: Path, names: tuple[str, ...], resume: bool) -> None:
    short_run(tmp_path / "run")
    for name in names:
        path = tmp_path / "run" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("precious")
    (tmp_path / "run" / "step-000000005").symlink_to(tmp_path)
    before = {name: content for name, content in everything_in(tmp_path / "run").items() if content == b"precious"}
    assert len(before) == len(names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a folder with our name is told to be damaged
        short_run(tmp_path / "run", epochs=3, checkpoint_every=1, resume=resume)
    after = everything_in(tmp_path / "run")
    assert {name: after[name] for name in before} == before
    assert (tmp_path / "run" / "step-000000005").is_symlink()


def test_a_folder_with_other_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("step-1-data", ".old-step-2", "step-000000001"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.csv").write_text("precious")
    monkeypatch.chdir(tmp_path)
    before = everything_in(tmp_path)
    for folder in (".", tmp_path, str(tmp_path)):
        for resume in (True, False):
            with pytest.raises(
                CheckpointError, match=r"is a folder with other files in it, such as '.*': name one that"
            ):
                short_run(folder, resume=resume)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize(
    ("folder", "error", "message"),
    [
        ("", ValueError, "checkpoint is '', which would be the working directory: name a folder"),
        (3, TypeError, "checkpoint must be the path of a folder, not 3"),
        (True, TypeError, "checkpoint must be the path of a folder, not True"),
        (b"run", TypeError, "checkpoint must be the path of a folder, not b'run'"),
        ("a\0b", ValueError, r"checkpoint='a\\x00b' is no name for a folder"),
    ],
)
def test_what_is_no_folder_is_refused(folder: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        short_run(folder)


POSIX = pytest.mark.skipif(os.name != "posix", reason="links ask for rights on Windows")
NO_FOLDER = "Not a directory" if os.name == "posix" else ".+"  # Windows has several words for it


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text(""), "is a file, not a folder"),
        pytest.param(lambda path: path.symlink_to(path.parent / "missing" / "deep"), "cannot be written", marks=POSIX),
        pytest.param(lambda path: path.symlink_to(path), "cannot be written", marks=POSIX),
    ],
    ids=["a file", "a link to nothing", "a link to itself"],
)
def test_what_cannot_be_a_folder_is_told_before_the_first_step(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / "run")
    with pytest.raises((ValueError, CheckpointError), match=message):
        short_run(tmp_path / "run", augment=never)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=rf"cannot be written \({NO_FOLDER}\): make room or name another"):
        short_run(tmp_path / "file" / "run", augment=never)


def never(inputs: object, generator: object) -> object:
    raise AssertionError("a step was made")


def test_a_full_disk_is_found_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = []

    def full(descriptor: int, start: int, size: int) -> None:
        wanted.append(size)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(CheckpointError, match=r"checkpoint='.*run' cannot be written \(No space left on device\)"):
        short_run(tmp_path / "run", augment=never)
    parameters = sum(parameter.numel() for parameter in network().parameters())
    assert wanted == [3 * 4 * parameters]  # the model and Adam's two moments


def test_a_disk_that_fills_up_later_does_not_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = 2

    def fsync(descriptor: int) -> None:
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    def count(row: object) -> None:
        nonlocal room
        room -= 1

    reference = short_run(tmp_path / "whole", epochs=4)
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.warns(UserWarning, match=r"step \d could not be written .*\(No space left on device\)") as told:
        model = short_run(tmp_path / "run", epochs=4, on_epoch=count)
    assert "the one before it, step-000000002, stays, and the run goes on" in str(told[0].message)
    assert_same_weights(model, reference)
    assert sorted(os.listdir(tmp_path / "run")) == [".lock", "checkpoints.json", "step-000000002"]
    monkeypatch.undo()
    assert_same_weights(short_run(tmp_path / "run", epochs=4), reference)


def test_a_moved_and_a_linked_folder_go_on(tmp_path: Path) -> None:
    short_run(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    (tmp_path / "here").symlink_to(tmp_path / "there")
    through_a_link = short_run(tmp_path / "here", epochs=2)
    reference = short_run(tmp_path / "whole", epochs=2)
    assert_same_weights(through_a_link, reference)


def test_a_checkpoint_that_was_moved_and_linked_is_used_and_kept(tmp_path: Path) -> None:
    short_run(tmp_path / "run")
    (checkpoint,) = checkpoints(tmp_path / "run")
    checkpoint.rename(tmp_path / "elsewhere")
    checkpoint.symlink_to(tmp_path / "elsewhere")
    resumed = short_run(tmp_path / "run", epochs=4)
    assert_same_weights(resumed, short_run(tmp_path / "whole", epochs=4))
    assert checkpoint.is_symlink()
    assert sorted(os.listdir(tmp_path / "elsewhere")) == sorted(FILES)


# One process at a time


def test_a_second_process_is_told_in_one_sentence(tmp_path: Path) -> None:
    short_run(tmp_path)
    before = everything_in(tmp_path)
    remedy = "wait until it ends, or give this run a folder of its own"
    sentence = f"another process trains into checkpoint={str(tmp_path)!r}: {remedy}"

    def second() -> None:
        with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
            Checkpoints(tmp_path)

    with Checkpoints(tmp_path):
        if hasattr(os, "fork"):
            assert fork(second) == 0
        with pytest.raises(CheckpointError, match="another process trains into"):
            short_run(tmp_path)
    assert everything_in(tmp_path) == before
    short_run(tmp_path, epochs=2)


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="a step was made"):
        short_run(tmp_path, augment=never)
    short_run(tmp_path)


def test_a_file_system_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    short_run(tmp_path)


# Which run is in the folder


class Killed(BaseException):
    """What stands for a kill: nothing in `fit` catches it."""


@pytest.mark.parametrize("before", ["the mark", "the rename", "the pruning"])
def test_a_run_that_was_replaced_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    old = short_run(tmp_path / "run", epochs=3, seed=0)
    reference = short_run(tmp_path / "reference", epochs=3, seed=0)
    assert_same_weights(old, reference)
    rename, discard, mark = os.rename, checkpoint_module._discard, Checkpoints._mark

    def kill(*arguments: object) -> None:
        raise Killed

    if before == "the mark":
        monkeypatch.setattr(Checkpoints, "_mark", kill)
    elif before == "the rename":
        monkeypatch.setattr(os, "rename", kill)
    else:
        monkeypatch.setattr(checkpoint_module, "_discard", kill)
    with pytest.raises(Killed):
        short_run(tmp_path / "run", epochs=3, seed=0, resume=False, checkpoint_every=1)
    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(checkpoint_module, "_discard", discard)
    monkeypatch.setattr(Checkpoints, "_mark", mark)
    steps = []

    def count(inputs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        steps.append(1)
        return inputs

    if before == "the mark":  # nothing of the new run is there yet: the old one still is
        assert_same_weights(short_run(tmp_path / "run", epochs=3, seed=0), old)
        return
    found = load_newest(tmp_path / "run")
    assert (found is None) if before == "the rename" else (found is not None and found[0].name == "step-000000001")
    assert_same_weights(short_run(tmp_path / "run", epochs=3, seed=0), reference)
    names = [path.name for path in checkpoints(tmp_path / "run")]
    assert names == ["step-000000006", "step-000000004"]


def test_a_folder_of_checkpoints_without_its_mark_is_taken_up(tmp_path: Path) -> None:
    short_run(tmp_path)
    (tmp_path / "checkpoints.json").unlink()
    resumed = short_run(tmp_path, epochs=2)
    assert_same_weights(resumed, short_run(tmp_path / "whole", epochs=2))


def test_a_checkpoint_of_another_version_is_refused(tmp_path: Path) -> None:
    short_run(tmp_path)
    (checkpoint,) = checkpoints(tmp_path)
    rewrite_state(checkpoint, lambda state: state.pop("format"))
    with pytest.raises(CheckpointError, match="was written by another version of glassbox: go on with that version"):
        short_run(tmp_path)


def rewrite_state(checkpoint: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change the JSON of a checkpoint, with the checksum that it then has."""
    import hashlib

    path = checkpoint / "state.json"
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    state = json.loads(path.read_bytes())
    change(state)
    path.write_text(json.dumps(state))
    sums = (checkpoint / "SHA256SUMS").read_text()
    (checkpoint / "SHA256SUMS").write_text(sums.replace(old, hashlib.sha256(path.read_bytes()).hexdigest()))


# Damage


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_a_folder_with_files(path: Path) -> None:
    become_a_folder(path)
    (path / "file").write_text("")


def become_a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def become_a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nothing")


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES = [become_a_folder, become_a_folder_with_files, become_a_loop, become_a_link_to_nothing]
DAMAGES += [become_a_pipe] if hasattr(os, "mkfifo") else []


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_gives_way_to_the_older_checkpoint(
    tmp_path: Path, damage: Callable[[Path], None], name: str
) -> None:
    short_run(tmp_path, checkpoint_every=1)
    newest, before = checkpoints(tmp_path)
    damage(newest / name)
    with pytest.warns(UserWarning, match=rf"{newest.name} is damaged \({name} is missing or no file\): an older one"):
        found = load_newest(tmp_path)
    assert found is not None
    assert found[0] == before


def test_a_damaged_checkpoint_that_is_not_ours_to_remove_is_passed_by(tmp_path: Path) -> None:
    reference = short_run(tmp_path / "whole", checkpoint_every=1)
    short_run(tmp_path / "run", checkpoint_every=1)
    newest = checkpoints(tmp_path / "run")[0]
    become_a_folder_with_files(newest / "state.json")
    for _ in range(2):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            assert_same_weights(short_run(tmp_path / "run", checkpoint_every=1), reference)
        names = [path.name for path in checkpoints(tmp_path / "run")]
        assert names == [f"{newest.name}-2", newest.name, "step-000000001"]
    assert told == []  # the one that is whole has the higher number


def test_a_checkpoint_of_another_user_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_run(tmp_path)
    read = Path.read_bytes

    def forbidden(path: Path) -> bytes:
        if path.name == "model.safetensors":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(CheckpointError, match=r"model.safetensors may not be read by this user"):
        load_newest(tmp_path)


# A note for whoever starts the run again


def test_an_interrupted_run_leaves_a_note_that_the_next_start_takes_away(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as store:
        store.leave_note()
    assert (tmp_path / CONTINUED).read_text().startswith("The run in this folder was interrupted.")
    with Checkpoints(tmp_path):
        assert not (tmp_path / CONTINUED).exists()


def test_a_copy_of_the_folder_is_a_folder_of_checkpoints(tmp_path: Path) -> None:
    short_run(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    everything = short_run(tmp_path / "b", epochs=2)
    assert_same_weights(everything, short_run(tmp_path / "a", epochs=2))
    with pytest.raises(CheckpointError):
        everything_run(tmp_path / "a")
