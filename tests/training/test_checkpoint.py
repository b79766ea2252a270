"""Checkpoints: exact, whole, and only for the run that wrote them."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from glassbox.optim import SGD, Adam, AdamW
from glassbox.training import CheckpointError, fit
from glassbox.training.checkpoint import checkpoints, load_newest
from tests.training.runs import assert_same_weights, blobs, everything_run, network, shaken


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that make a checkpoint last, in order; waiting for the disk itself would take most of the time."""
    made: list[str] = []
    rename = os.rename
    monkeypatch.setattr(os, "fsync", lambda descriptor: made.append("fsync"))
    monkeypatch.setattr(os, "rename", lambda *paths: (made.append("rename"), rename(*paths)))
    return made


class Stop(Exception):
    """Ends a run from inside."""


def stop_at(step: int) -> Callable[[Tensor, torch.Generator], Tensor]:
    count = 0

    def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
        nonlocal count
        count += 1
        if count == step:
            raise Stop
        return shaken(inputs, generator)

    augment.__name__ = "shaken"
    return augment


def stopped_run(folder: Path, step: int = 12, **changes: Any) -> None:
    with pytest.raises(Stop):
        everything_run(folder, augment=stop_at(step), **changes)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda p: SGD(p, lr=0.1, momentum=0.9),
        lambda p: Adam(p, lr=0.01),
        lambda p: AdamW(p, lr=0.01, amsgrad=True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.Adadelta(p, lr=1.0),
        lambda p: torch.optim.RMSprop(p, lr=0.01, centered=True),
    ],
    ids=["SGD", "Adam", "AdamW", "torch.SGD", "torch.Adadelta", "torch.RMSprop"],
)
@pytest.mark.parametrize("step", [2, 12, 15])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path: Path, optimizer: Any, step: int) -> None:
    stopped_run(tmp_path / "stopped", step, optimizer=optimizer)
    model, history = everything_run(tmp_path / "stopped", optimizer=optimizer)
    reference, whole = everything_run(tmp_path / "whole", optimizer=optimizer)
    assert history == whole
    assert_same_weights(model, reference)


def test_goes_on_from_the_checkpoint_and_not_from_the_start(tmp_path: Path) -> None:
    stopped_run(tmp_path)
    assert checkpoints(tmp_path)[0].name == "step-000000010"
    steps = []
    everything_run(tmp_path, augment=named_shaken(lambda: steps.append(1)))
    assert len(steps) == 21 - 10


def named_shaken(each: Callable[[], object]) -> Callable[[Tensor, torch.Generator], Tensor]:
    def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
        each()
        return shaken(inputs, generator)

    augment.__name__ = "shaken"
    return augment


def test_a_finished_run_is_read_and_not_repeated(tmp_path: Path) -> None:
    model, history = everything_run(tmp_path)
    again, same = everything_run(tmp_path, augment=stop_at(1))
    assert same == history
    assert_same_weights(again, model)


def test_more_epochs_can_be_asked_for_later(tmp_path: Path) -> None:
    everything_run(tmp_path / "a", epochs=1, schedule=None)
    model, history = everything_run(tmp_path / "a", epochs=3, schedule=None)
    reference, whole = everything_run(tmp_path / "b", epochs=3, schedule=None)
    assert history == whole
    assert_same_weights(model, reference)


def test_files_are_plain_and_two_checkpoints_stay(tmp_path: Path) -> None:
    model, _ = everything_run(tmp_path)
    newest, before = checkpoints(tmp_path)
    assert (newest.name, before.name) == ("step-000000021", "step-000000020")
    names = {"model.safetensors", "training.safetensors", "state.json", "SHA256SUMS"}
    assert {path.name for path in newest.iterdir()} == names
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "checkpoints.json", newest.name, before.name}
    network().load_state_dict(load_file(newest / "model.safetensors"))
    torch.testing.assert_close(load_file(newest / "model.safetensors"), dict(model.state_dict()), rtol=0, atol=0)
    assert json.loads((newest / "state.json").read_text())["position"]["step"] == 21


def test_everything_is_on_the_disk_before_it_gets_its_name(tmp_path: Path, calls: list[str]) -> None:
    fit(network(), blobs(), checkpoint=tmp_path, device="cpu")
    the_mark, four_files_and_their_folder, the_folder_above = ["fsync"], ["fsync"] * 5, ["fsync"]
    assert calls == [*the_mark, *four_files_and_their_folder, "rename", *the_folder_above]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_checksums_are_in_the_format_of_sha256sum(tmp_path: Path) -> None:
    everything_run(tmp_path)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=checkpoints(tmp_path)[0], check=True)


def test_nothing_is_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("a checkpoint was pickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "dump"), (torch, "load"), (torch, "save")):
        monkeypatch.setattr(module, name, refuse)
    stopped_run(tmp_path)
    everything_run(tmp_path)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, empty, Path.unlink])
@pytest.mark.parametrize("name", ["model.safetensors", "training.safetensors", "state.json", "SHA256SUMS"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_used(tmp_path: Path, name: str, damage: Any) -> None:
    everything_run(tmp_path)
    newest, before = checkpoints(tmp_path)
    damage(newest / name)
    with pytest.warns(UserWarning, match=rf"{newest}.* is damaged.*{name.split('.')[0]}|SHA256SUMS"):
        found = load_newest(tmp_path)
    assert found is not None
    assert found[0] == before


def test_a_run_goes_on_to_the_same_bits_past_a_damaged_checkpoint(tmp_path: Path) -> None:
    stopped_run(tmp_path / "damaged")
    truncate(checkpoints(tmp_path / "damaged")[0] / "model.safetensors")
    with pytest.warns(UserWarning, match="step-000000010 is damaged"):
        model, history = everything_run(tmp_path / "damaged")
    reference, whole = everything_run(tmp_path / "whole")
    assert history == whole
    assert_same_weights(model, reference)


def test_all_damaged(tmp_path: Path) -> None:
    everything_run(tmp_path)
    for checkpoint in checkpoints(tmp_path):
        truncate(checkpoint / "training.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(CheckpointError, match=r"every checkpoint in .* is damaged: give this run a folder of its"):
            everything_run(tmp_path)
        everything_run(tmp_path, resume=False)
    everything_run(tmp_path)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"batch_size": 12}, r"batch_size: 10 in the checkpoint, 12 now"),
        ({"seed": 1}, r"seed: 0 in the checkpoint, 1 now"),
        ({"epochs": 4}, r"epochs: 3 in the checkpoint, 4 now"),
        ({"optimizer": lambda p: torch.optim.Adam(p, lr=0.02)}, r"group 0, lr: 0.01 in the checkpoint, 0.02 now"),
        ({"optimizer": SGD}, r"optimizer: Adam in the checkpoint, SGD now"),
        ({"loss": nn.CrossEntropyLoss(label_smoothing=0.1)}, r"loss: .* in the checkpoint, .* now"),
        ({"augment": None}, r"augment: shaken in the checkpoint, None now"),
        ({"augment": partial(shaken)}, r"augment: shaken in the checkpoint, shaken\(\) now"),
        ({"schedule": None}, r"schedule: half_way_down in the checkpoint, None now"),
        ({"precision": "bfloat16"}, r"precision: float32 in the checkpoint, bfloat16 now"),
        ({"validation": None}, r"validation data: .* in the checkpoint, None now"),
    ],
)
def test_other_settings_are_refused_with_the_difference(tmp_path: Path, changes: Any, difference: str) -> None:
    everything_run(tmp_path)
    with pytest.raises(CheckpointError, match=difference):
        everything_run(tmp_path, **changes)
    everything_run(tmp_path, **changes, resume=False)


def test_another_model_or_other_data_are_refused(tmp_path: Path) -> None:
    def run(model: nn.Module, data: tuple[Tensor, Tensor]) -> None:
        fit(model, data, checkpoint=tmp_path, device="cpu")

    run(network(), blobs())
    wide = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Dropout(0.0), nn.Linear(9, 3))
    with pytest.raises(CheckpointError, match=r"tensor 0.weight: \(8, 4\) torch.float32 in the checkpoint, \(9, 4\)"):
        run(wide, blobs())
    with pytest.raises(CheckpointError, match=r"tensor 0.weight: .* in the checkpoint, \(none\) now"):
        run(nn.Linear(4, 3), blobs())
    with pytest.raises(CheckpointError, match="training data: "):
        run(network(), blobs(seed=9))
    untouched = network(seed=5)
    with pytest.raises(CheckpointError):
        run(untouched, blobs(65))
    assert_same_weights(untouched, network(seed=5))


def test_a_new_folder_is_made_and_a_file_is_refused(tmp_path: Path) -> None:
    everything_run(tmp_path / "deep" / "down")
    assert checkpoints(tmp_path / "deep" / "down")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file, not a folder"):
        everything_run(tmp_path / "file")


def test_an_optimizer_that_remembers_no_tensors_is_refused(tmp_path: Path) -> None:
    class Diary(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            self.state[self.param_groups[0]["params"][0]]["diary"] = ["a step"]
            return super().step(closure)

    with pytest.raises(CheckpointError, match="Diary keeps a list as 'diary'"):
        everything_run(tmp_path, optimizer=lambda p: Diary(p, lr=0.1))


def test_tied_weights_and_buffers(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(4, 4)
            self.second = nn.Linear(4, 4)
            self.second.weight = self.first.weight
            self.norm = nn.BatchNorm1d(4)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.norm(self.second(self.first(inputs)))

    def run(epochs: int, folder: str) -> nn.Module:
        torch.manual_seed(0)
        model = Tied()
        fit(model, blobs(), epochs=epochs, batch_size=16, checkpoint=tmp_path / folder, device="cpu")
        return model

    run(1, "a")
    resumed = run(2, "a")
    assert resumed.second.weight is resumed.first.weight
    assert_same_weights(resumed, run(2, "b"))
