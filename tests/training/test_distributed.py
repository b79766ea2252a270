"""Two workers train the model that one process trains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed
from safetensors.torch import load_file

from glassbox.training import History, WorkerError
from glassbox.training.distributed import Workers
from tests.training.workers import CASES, train

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without distributed")


ONE_THREAD = {"OMP_NUM_THREADS": "1"}
SIGNALS = "SIGTERM,SIGINT,SIGUSR1"
"""That the launcher passes on: its option, and what stood in its place in older versions of torch."""


def torchrun(scenario: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *options]
    launcher = subprocess.Popen(
        [*command, "-m", "tests.training.workers", scenario, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"OMP_NUM_THREADS": "1", "TORCHELASTIC_SIGNALS_TO_HANDLE": SIGNALS, "PET_SIGNALS_TO_HANDLE": SIGNALS},
    )
    with launcher:
        try:
            output, errors = launcher.communicate(timeout=240)
        finally:
            launcher.terminate()  # and not kill: the launcher ends its workers first
    return subprocess.CompletedProcess(command, launcher.returncode, output, errors)


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("workers")
    done = torchrun("equality", folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stderr


@pytest.mark.parametrize("name", CASES)
def test_two_workers_equal_one(two_workers: tuple[Path, str], name: str) -> None:
    folder, _ = two_workers
    model, history = train(**CASES[name] | {"progress": False})
    for rank in (0, 1):
        torch.testing.assert_close(
            load_file(folder / f"{name}.{rank}.safetensors"), dict(model.state_dict()), rtol=1e-9, atol=1e-12
        )
        theirs = History.from_json(json.loads((folder / f"{name}.{rank}.json").read_text())["history"])
        for ours, other in zip(history, theirs, strict=True):
            assert other.steps == ours.steps
            assert other.accuracy == pytest.approx(ours.accuracy)
            assert other.loss == pytest.approx(ours.loss)
            assert other.validation_loss == pytest.approx(ours.validation_loss)
            assert other.validation_accuracy == pytest.approx(ours.validation_accuracy)


def test_both_workers_have_the_same_bits(two_workers: tuple[Path, str]) -> None:
    folder, _ = two_workers
    for name in CASES:
        first, second = ((folder / f"{name}.{rank}.safetensors").read_bytes() for rank in (0, 1))
        assert first == second


def test_only_the_first_worker_prints_and_is_called(two_workers: tuple[Path, str]) -> None:
    folder, shown = two_workers
    assert shown.count("   0%|") == 1  # each bar begins with this, once
    assert " 100%|" in shown
    called = [json.loads((folder / f"even.{rank}.json").read_text())["called"] for rank in (0, 1)]
    assert called == [2, 0]


def test_what_workers_cannot_do_is_refused_by_each(two_workers: tuple[Path, str]) -> None:
    folder, _ = two_workers
    for rank in (0, 1):
        frequent, own, diverged, written, other, *different = json.loads((folder / f"refused.{rank}.json").read_text())
        assert frequent.startswith("ValueError: 1 has track_running_stats=False and measures each batch by itself")
        assert own.startswith("ValueError: 1 is of type Own, which may compute something else")
        assert diverged.startswith("DivergenceError: ")
        assert written == ""
        assert "seed: 0 in the checkpoint, 1 now" in other
        for message, name in zip(different, DIFFERENT, strict=True):
            assert message.startswith(f"ValueError: the workers would train different things: {name} "), message
            assert " at worker 1 and " in message
            assert message.endswith("Give all of them the same data, model and arguments")


DIFFERENT = [
    "training data is",
    "training data is",
    "initial weights is",
    "model is Linear(in_features=4, out_features=4, bias=True)",
    "optimizer group 0, lr is 0.2",
    "epochs is 2",
]


def test_a_worker_that_dies_ends_the_others_and_all_go_on_later(tmp_path: Path) -> None:
    killed, unkilled = tmp_path / "killed", tmp_path / "unkilled"
    killed.mkdir()
    unkilled.mkdir()
    done = torchrun("dying", killed, "--max-restarts=1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("because another worker ended") <= 1  # torchrun may end the other worker before it speaks
    reference = torchrun("dying", unkilled)
    assert reference.returncode == 0, reference.stderr
    assert int((killed / "steps.0").read_text()) < int((unkilled / "steps.0").read_text())
    for rank in (0, 1):
        weights = f"weights.{rank}.safetensors"
        assert (killed / weights).read_bytes() == (unkilled / weights).read_bytes()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_the_parts_are_the_batch(size: int, count: int) -> None:
    seen, bounds = [], []
    for rank in range(size):
        workers = Workers("cpu")
        workers.size, workers.rank = size, rank
        part = workers.share(torch.arange(count))
        seen += part.tolist() if workers.has_part else []
        bounds.append(workers.part(count))
        assert len(part) >= 1
    assert seen == list(range(count))
    assert max(workers.lengths(count)) - min(workers.lengths(count)) <= 1
    assert [stop for _, stop in bounds[:-1]] == [start for start, _ in bounds[1:]]


@pytest.mark.slow
def test_a_launcher_that_is_signalled_stops_its_workers_at_the_same_step(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "steps.0").write_text("")
    stopped = torchrun("signalled", tmp_path)
    assert stopped.returncode != 0
    assert (tmp_path / "run" / "to-be-continued").exists()
    first, second = ((tmp_path / f"steps.{rank}").read_text() for rank in (0, 1))
    assert first == second
    assert first.endswith(" SIGUSR1")
    assert 9 <= int(first.split()[0]) < 45
    gone_on = torchrun("signalled", tmp_path)
    assert gone_on.returncode == 0, gone_on.stderr
    assert not (tmp_path / "run" / "to-be-continued").exists()
    assert [int((tmp_path / f"steps.{rank}").read_text()) for rank in (0, 1)] == [45 - int(first.split()[0])] * 2
    torchrun("signalled", tmp_path / "whole")
    for rank in (0, 1):
        name = f"weights.{rank}.safetensors"
        torch.testing.assert_close(load_file(tmp_path / name), load_file(tmp_path / "whole" / name), rtol=0, atol=0)


def test_a_worker_that_meets_nobody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def reset(address: str) -> None:
        raise torch.distributed.DistNetworkError("Connection reset by peer\nframe #1: 0x7f")

    monkeypatch.setattr(torch.distributed, "rendezvous", reset)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(WorkerError, match=r"^this worker did not meet the others \(Connection reset by peer\): see"):
        Workers("cpu")
