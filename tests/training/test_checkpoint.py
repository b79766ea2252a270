"""Checkpoints: exact, whole, and only for the run that wrote them."""

from __future__ import annotations

import json
import os
import pickle
import platform
import random
import shutil
import subprocess
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from glassbox.optim import SGD, Adam, AdamW
from glassbox.training import CheckpointError, fit
from glassbox.training.batches import DatasetRows
from glassbox.training.checkpoint import checkpoints, load_newest
from glassbox.training.identity import of_rows
from tests.training.runs import assert_same_weights, before_each_step, blobs, everything_run, network, shaken


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


def stop_at(step: int) -> Callable[[], None]:
    count = 0

    def stop() -> None:
        nonlocal count
        count += 1
        if count == step:
            raise Stop

    return stop


def stopped_run(folder: Path, step: int = 12, **changes: Any) -> None:
    with pytest.raises(Stop), before_each_step(stop_at(step)):
        everything_run(folder, **changes)


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
    steps: list[int] = []
    with before_each_step(lambda: steps.append(1)):
        everything_run(tmp_path)
    assert len(steps) == 21 - 10


def test_a_finished_run_is_read_and_not_repeated(tmp_path: Path) -> None:
    model, history = everything_run(tmp_path)
    with before_each_step(stop_at(1)):
        again, same = everything_run(tmp_path)
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


class Items(Dataset[tuple[Tensor, int]]):
    """Blobs one by one, with an own change at each."""

    def __init__(self, change: Callable[[int, Tensor, int], tuple[Tensor, int]]) -> None:
        self.inputs, self.targets = blobs()
        self.change = change

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.change(index, self.inputs[index], int(self.targets[index]))


def as_it_is(index: int, item: Tensor, target: int) -> tuple[Tensor, int]:
    return item, target


def blurred(strength: float) -> Callable[[Tensor, torch.Generator], Tensor]:
    def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
        return inputs + strength * torch.randn(inputs.shape, generator=generator)

    return augment


def falling(end: float) -> Callable[[float], float]:
    return lambda progress: 1 - (1 - end) * progress


def weighed(weights: list[float]) -> Callable[[Tensor, Tensor], Tensor]:
    tensor = torch.tensor(weights)
    return lambda outputs, targets: nn.functional.cross_entropy(outputs, targets, tensor)


FACTOR = 1.0


def scaled(outputs: Tensor, targets: Tensor) -> Tensor:
    return FACTOR * nn.functional.cross_entropy(outputs, targets)


class Doubled(nn.Module):
    def __init__(self, times: float = 2.0, width: int = 8) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, width), nn.Linear(width, 3)
        self.times = times

    def forward(self, inputs: Tensor) -> Tensor:
        return self.times * self.last(self.first(inputs).relu())


class DoubledAndSquared(Doubled):
    def forward(self, inputs: Tensor) -> Tensor:
        return self.times * self.last(self.first(inputs).square())


DoubledAndSquared.__name__ = "Doubled"  # the same class, edited between two starts


def built(make: Callable[[], nn.Module], change: Callable[[nn.Module], object] = lambda model: None) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = make()
    with torch.no_grad():
        change(model)
    return model


def changed(values: Tensor, *place: int) -> Tensor:
    """Give a copy in which one value is another."""
    values = values.clone()
    values[place] = 1 - values[place] if values.is_floating_point() else (values[place] + 1) % 3
    return values


def frozen(model: nn.Module) -> None:
    model[0].requires_grad_(False)  # type: ignore[index]


def frozen_and_moved(model: nn.Module) -> None:
    frozen(model)
    model[0].weight += 1  # type: ignore[index]


INPUTS, LABELS = blobs()
JOIN = "in the checkpoint"
CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("batch size", {}, {"batch_size": 12}, f"batch_size: 10 {JOIN}, 12 now"),
    ("seed", {}, {"seed": 1}, f"seed: 0 {JOIN}, 1 now"),
    ("epochs of a schedule", {}, {"epochs": 4}, f"epochs: 3 {JOIN}, 4 now"),
    ("rate", {}, {"optimizer": lambda p: torch.optim.Adam(p, lr=0.02)}, f"group 0, lr: 0.01 {JOIN}, 0.02 now"),
    ("optimizer", {}, {"optimizer": SGD}, f"optimizer: Adam {JOIN}, SGD now"),
    ("loss", {}, {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)}, f"label_smoothing=0.0.* {JOIN}, .*=0.1.* now"),
    (
        "weights of a loss",
        {"loss": weighed([1.0, 1.0, 1.0])},
        {"loss": weighed([1.0, 2.0, 1.0])},
        "loss: <lambda> .code .*now",
    ),
    ("global of a loss", {"loss": scaled}, {"loss": scaled, "FACTOR": 2.0}, "loss: scaled .code .* now"),
    ("augmentation", {}, {"augment": None}, rf"augment: shaken \[code .{{8}}\] {JOIN}, None now"),
    ("partial", {}, {"augment": partial(shaken)}, rf"augment: shaken .*\] {JOIN}, shaken \[code .{{8}}\]\(\) now"),
    ("its closure", {"augment": blurred(0.1)}, {"augment": blurred(0.3)}, r"augment: augment \[code .* now"),
    ("schedule", {}, {"schedule": None}, rf"schedule: half_way_down .* {JOIN}, None now"),
    ("its closure", {"schedule": falling(0.1)}, {"schedule": falling(0)}, r"schedule: <lambda> \[code .* now"),
    ("precision", {}, {"precision": "bfloat16"}, f"precision: float32 {JOIN}, bfloat16 now"),
    ("validation", {}, {"validation": None}, rf"validation data: \(20, 4\).* {JOIN}, None now"),
    ("an input", {}, {"train": (changed(INPUTS, 37, 2), LABELS)}, r"training data: \(64, 4\) .*SHA-256 .* now"),
    ("a label", {}, {"train": (INPUTS, changed(LABELS, 63))}, r"training data: \(64, 4\) .*SHA-256 .* now"),
    (
        "an input of a dataset",
        {"train": Items(as_it_is)},
        {"train": Items(lambda index, item, target: (item + (index == 40), target))},
        "training data: 64 items of Items, SHA-256 of 64 of them .* now",
    ),
    (
        "a label of a dataset",
        {"train": Items(as_it_is)},
        {"train": Items(lambda index, item, target: (item, (target + (index == 3)) % 3))},
        "training data: 64 items of Items, .* now",
    ),
    (
        "dropout",
        {},
        {"model": network(dropout=0.9)},
        rf"layer 2: Dropout\(p=0.3, .*{JOIN}, Dropout\(p=0.9, .* now",
    ),
    (
        "activation",
        {},
        {"model": nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Dropout(0.3), nn.Linear(8, 3))},
        rf"layer 1: ReLU\(\) {JOIN}, Sigmoid\(\) now",
    ),
    (
        "a layer that no longer learns",
        {},
        {"model": built(lambda: network(dropout=0.3), frozen)},
        rf"tensor 0.weight: \(8, 4\) torch.float32 {JOIN}, \(8, 4\) torch.float32, does not learn now",
    ),
    (
        "weights that do not learn",
        {"model": lambda: built(network, frozen)},
        {"model": built(network, frozen_and_moved)},
        rf"weights that do not learn: SHA-256 .* {JOIN}, SHA-256 .* now",
    ),
    ("own attribute", {"model": lambda: built(Doubled)}, {"model": built(lambda: Doubled(3.0))}, r"model: .*times=2.0"),
    ("own code", {"model": lambda: built(Doubled)}, {"model": built(DoubledAndSquared)}, r"model: Doubled\(times=2.0"),
]


@pytest.mark.parametrize(
    ("first", "changes", "difference"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES]
)
def test_other_settings_are_refused_with_the_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Any, changes: Any, difference: str
) -> None:
    def options(**changes: Any) -> dict[str, Any]:
        """Make the model anew, as the next process would."""
        make = changes.get("model")
        return changes if make is None or isinstance(make, nn.Module) else changes | {"model": make()}

    for _ in range(2):  # the same once more is the same run
        _, history = everything_run(tmp_path, **options(**first))
    assert len(history) == 3
    with monkeypatch.context() as patch:
        if "FACTOR" in changes:
            patch.setitem(globals(), "FACTOR", changes.pop("FACTOR"))
        with pytest.raises(CheckpointError, match=difference):
            everything_run(tmp_path, **options(**first | changes))
        everything_run(tmp_path, **options(**first | changes), resume=False)


def test_a_dataset_with_random_transforms_is_the_same_each_time(tmp_path: Path) -> None:
    own, draw = torch.Generator(), np.random.default_rng()
    own.seed()

    def noisy(index: int, item: Tensor, target: int) -> tuple[Tensor, int]:
        return item + torch.randn(4) + random.random(), target

    def noisy_by_its_own(index: int, item: Tensor, target: int) -> tuple[Tensor, int]:
        return item + torch.randn(4, generator=own) + draw.random(), target

    for change in (noisy, noisy_by_its_own):
        for _ in range(2):
            everything_run(tmp_path / change.__name__, train=Items(change), epochs=1)


def test_describing_a_dataset_draws_from_nobodys_random_numbers() -> None:
    def noisy(index: int, item: Tensor, target: int) -> tuple[Tensor, int]:
        return item + torch.randn(4) + random.random() + float(np.random.rand()), target  # noqa: NPY002

    def states() -> str:
        return repr((torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()))  # noqa: NPY002

    before = states()
    first, again = (of_rows(DatasetRows(Items(noisy), "train")) for _ in range(2))
    assert first == again
    assert states() == before


def test_fewer_epochs_than_were_made_are_refused(tmp_path: Path) -> None:
    everything_run(tmp_path / "whole", schedule=None)
    with pytest.raises(CheckpointError, match=r"has made 3 epochs, more than epochs=2: ask for 3 or more, or give"):
        everything_run(tmp_path / "whole", schedule=None, epochs=2)
    stopped_run(tmp_path / "stopped", schedule=None)
    model = network(dropout=0.3)
    with pytest.raises(CheckpointError, match=r"has made 1 epochs and 3 batches of the next, more than epochs=1: ask"):
        everything_run(tmp_path / "stopped", model=model, schedule=None, epochs=1)
    assert_same_weights(model, network(dropout=0.3))


def test_another_environment_is_said_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_run(tmp_path)
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "__version__", "9.9")
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    with pytest.warns(
        UserWarning, match=r"goes on, though perhaps not to the very same bits: torch .* then, 9.9 now; thr"
    ) as told:
        _, history = everything_run(tmp_path)
    assert f"threads {threads} then, {threads + 1} now" in str(told[0].message)
    assert len(history) == 3


def test_another_python_is_said_and_its_code_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything_run(tmp_path, augment=blurred(0.1))
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "99", "0"))
    with pytest.warns(UserWarning, match=r"Python 3.\d+ then, 3.99 now"):
        everything_run(tmp_path, augment=blurred(0.3))
    with pytest.raises(CheckpointError, match=r"augment: augment .* now"):
        everything_run(tmp_path, augment=shaken)


def test_other_initial_weights_are_said(tmp_path: Path) -> None:
    stopped_run(tmp_path / "a")
    with pytest.warns(UserWarning, match=r"the model came with other weights than the run in .* began with"):
        model, history = everything_run(tmp_path / "a", model=network(dropout=0.3, seed=5))
    reference, whole = everything_run(tmp_path / "b")
    assert history == whole
    assert_same_weights(model, reference)
    everything_run(tmp_path / "a", model=model)  # the weights that it ended with
    everything_run(tmp_path / "a")  # and those that it began with


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
