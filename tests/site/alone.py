"""A downloaded script, run as its reader does: in an empty folder, without a network, by a process of its own.

Each process begins as a copy of one that has imported what all lessons import, which takes each of them seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
from pathlib import Path

import matplotlib

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "matplotlib.pyplot",
        "pandas",
        "sklearn.datasets",
        "torch._dynamo",  # by the first optimizer
        "glassbox.plots",
        "glassbox.training",
        __name__,
    ]
)


def run(script: Path, folder: Path) -> tuple[int, str, list[str]]:
    """Return the exit code of a script, what it said, and the files that it left; `folder` is for the test alone."""
    empty, said = folder / "empty", folder / "said.txt"
    empty.mkdir()
    process = PROCESSES.Process(target=_run, args=(script.resolve(), empty, said))
    process.start()
    process.join()
    return process.exitcode, said.read_text("utf-8"), [path.name for path in empty.iterdir()]


def _run(script: Path, folder: Path, said: Path) -> None:
    with said.open("w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    # Without MNIST: its stand-in is quick.
    os.environ.pop("GLASSBOX_DATA", None)
    os.environ["XDG_CACHE_HOME"] = str(said.parent / "cache")
    matplotlib.use("Agg")
    _refuse_the_network()
    os.chdir(folder)
    runpy.run_path(str(script), run_name="__main__")


def _refuse_the_network() -> None:
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: tuple, *rest: object) -> None:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"this test has no network: {address}")
        return connect(self, address, *rest)

    socket.socket.connect = refuse
