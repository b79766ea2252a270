"""Kill a run of `fit` at a chosen event, start it again, and report how it ended: run by test_kill.py.

An event is a training step, or a call that changes the disk. Each run is a fork of this process, which itself computes
nothing: importing torch once is most of the time.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # an optimizer imports it in its first step, which would take each child a second
from safetensors.torch import save_file

from tests.training.runs import before_each_step, everything_run


def fork(work: Callable[[], None]) -> int:
    """Do some work in a child, and return its exit status: minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Events:
    """Counts events, and kills the process just before one of them."""

    def __init__(self, fatal: int | None) -> None:
        self.fatal = fatal
        self.names: list[str] = []

    def happen(self, name: str) -> None:
        if len(self.names) == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)

    def wrap(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.happen(name)
            return original(*arguments, **options)

        setattr(owner, name, counted)


def run(folder: Path, result: Path, fatal: int | None) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("error")  # no kill may leave a checkpoint that is found damaged
    events = Events(fatal)
    for name in ("mkdir", "fsync", "rename", "unlink", "rmdir"):
        events.wrap(os, name)
    events.wrap(shutil, "rmtree")

    with before_each_step(lambda: events.happen("step")):
        model, history = everything_run(folder)
    save_file(model.state_dict(), result.with_suffix(".safetensors"))
    result.with_suffix(".json").write_text(json.dumps({"history": history.to_json(), "events": events.names}))


def main() -> None:
    """Make one run per argument: "none" is not killed, a number is killed before that event and started again."""
    results = Path(sys.argv[1])
    for argument in sys.argv[2:]:
        with tempfile.TemporaryDirectory() as folder:
            result = results / argument
            if argument != "none":
                status = fork(lambda: run(Path(folder), result, int(argument)))  # noqa: B023 the child runs at once
                if status != -signal.SIGKILL:
                    sys.exit(f"the run ended with {status} before event {argument}")
            if fork(lambda: run(Path(folder), result, None)) != 0:  # noqa: B023
                sys.exit(f"the run killed before event {argument} could not go on")


if __name__ == "__main__":
    main()
