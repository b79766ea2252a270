"""A run that is killed at any moment and started again is, to the bit, the run that was not."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from glassbox.training import History

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills children that it forks")


def run_and_kill(folder: Path, *fatal: object) -> None:
    command = [sys.executable, "-m", "tests.training.killed_runs", str(folder), *map(str, fatal)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def outcome(folder: Path, name: object) -> tuple[bytes, History]:
    text = json.loads((folder / f"{name}.json").read_text())["history"]
    return (folder / f"{name}.safetensors").read_bytes(), History.from_json(text)


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    run_and_kill(folder, "none")
    return folder


def events(folder: Path) -> list[str]:
    return json.loads((folder / "none.json").read_text())["events"]


def test_six_random_moments(unkilled: Path) -> None:
    names = events(unkilled)
    choose = random.Random(4)  # its three flushes come before the last file is written
    moments = []
    for kind, count in {"step": 1, "fsync": 3, "rename": 1, "unlink": 1}.items():
        moments += choose.sample([index for index, name in enumerate(names) if name == kind], count)
    run_and_kill(unkilled, *moments)
    for moment in moments:
        assert outcome(unkilled, moment) == outcome(unkilled, "none"), f"killed before event {moment}, {names[moment]}"


@pytest.mark.slow
def test_every_moment(unkilled: Path) -> None:
    names = events(unkilled)
    run_and_kill(unkilled, *range(len(names)))
    for moment, name in enumerate(names):
        assert outcome(unkilled, moment) == outcome(unkilled, "none"), f"killed before event {moment}, {name}"


@pytest.mark.slow
def test_a_hundred_random_moments_of_one_worker_and_of_two(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.training.random_kills", str(tmp_path), "100"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("100 of 100 ended with the weights of a run that nothing happened to\n")
