"""Kill runs of one worker and of two at random moments, start them again, and compare: run by test_kill.py.

``python -m tests.training.random_kills FOLDER 100`` says how many of so many ended with the weights of a run that
nothing happened to. Each worker is a fork of this process, which itself computes nothing.
"""

from __future__ import annotations

import math
import os
import random
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch._dynamo  # an optimizer imports it in its first step, which would take each child a second
from safetensors.torch import load_file, save_file
from torch import nn

from glassbox.training import OneCycle, WorkerError, fit
from glassbox.training.checkpoint import CONTINUED
from tests.training.runs import blobs, shaken

DEADLY = (signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1)
GONE_ON = 75
PATIENCE = 5.0
"""Seconds for the other workers to end by themselves."""


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))


def train(folder: Path, result: Path) -> int:
    """Train with everything that a checkpoint must remember; give the exit code of the command."""
    warnings.simplefilter("error")  # no kill may leave a checkpoint that is found damaged
    model = network()
    try:
        history = fit(
            model,
            blobs(61),
            optimizer=lambda parameters: torch.optim.Adam(parameters, lr=0.01),
            epochs=6,
            batch_size=7,
            validation=blobs(20, seed=1),
            schedule=OneCycle(),
            augment=shaken,
            device="cpu",
            checkpoint=folder,
            checkpoint_every=4,
        )
    except WorkerError:
        return 1
    if history.interrupted:
        return GONE_ON
    save_file(model.state_dict(), result)
    return 0


def fork(work: Callable[[], int]) -> int:
    """Do some work in a child, and give its number."""
    child = os.fork()
    if child == 0:
        try:
            torch.set_num_threads(1)
            code = work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            code = 3
        os._exit(code)
    return child


def worker(rank: int, size: int, port: int, work: Callable[[], int]) -> int:
    """Work as one of several, as a launcher would have it."""
    if size > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(size))
    return work()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start(size: int, folder: Path, results: Path, name: str) -> list[int]:
    port = free_port()
    jobs = [partial(train, folder, results / f"{name}.{rank}") for rank in range(size)]
    return [fork(partial(worker, rank, size, port, job)) for rank, job in enumerate(jobs)]


def wait(children: list[int]) -> list[int]:
    """Wait for all, as a launcher does: a worker that waits for one that is gone is ended, too."""
    codes: dict[int, int] = {}
    failed_at = math.inf
    while len(codes) < len(children):
        for child in set(children) - set(codes):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                codes[child] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > failed_at + PATIENCE:
                os.kill(child, signal.SIGKILL)
        if failed_at == math.inf and any(codes.values()):
            failed_at = time.monotonic()
        time.sleep(0.01)
    return [codes[child] for child in children]


def trial(size: int, results: Path, name: str, choose: random.Random, seconds: float) -> str:
    """Kill a run once or twice on its way, let it end, and say what was done to it."""
    told = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        for _ in range(choose.choice((1, 2))):
            children = start(size, folder, results, name)
            time.sleep(seconds * choose.random())
            number = choose.choice(DEADLY)
            for child in choose.choice([children, children[:1], children[-1:]]):
                os.kill(child, number)
            codes = wait(children)
            told.append(f"{number.name} {codes}")
            if set(codes) == {GONE_ON} and not (folder / CONTINUED).exists():
                raise SystemExit(f"{told}: there is no note that the run goes on")
            if 3 in codes:
                raise SystemExit(f"{told}: a worker failed")
        codes = wait(start(size, folder, results, name))
        if codes != [0] * size:
            raise SystemExit(f"{told}: could not go on: {codes}")
    return ", ".join(told)


def main() -> None:
    """Make so many trials, of one worker and of two in turn."""
    results, count = Path(sys.argv[1]), int(sys.argv[2])
    choose, whole, seconds = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 0), {}, {}
    for size in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            then = time.perf_counter()
            if wait(start(size, Path(folder), results, f"whole-{size}")) != [0] * size:
                sys.exit(f"{size} workers could not train")
            seconds[size] = time.perf_counter() - then
        whole[size] = load_file(results / f"whole-{size}.0")
    same = 0
    for number in range(count):
        size, name = 1 + number % 2, f"trial-{number}"
        told = trial(size, results, name, choose, seconds[size])
        ends = [load_file(results / f"{name}.{rank}") for rank in range(size)]
        equal = all(torch.equal(end[key], value) for end in ends for key, value in whole[size].items())
        same += equal
        print(f"{number}: {size} workers, {told}: {'the same weights' if equal else 'OTHER WEIGHTS'}", flush=True)
    print(f"{same} of {count} ended with the weights of a run that nothing happened to")
    sys.exit(same != count)


if __name__ == "__main__":
    main()
