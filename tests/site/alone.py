"""A downloaded script or notebook, run as its reader does: in an empty folder, without a network, by a process of its
own.

Each process begins as a copy of one that has imported what all lessons import, which takes each of them seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
from pathlib import Path

import matplotlib
import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import activate_matplotlib
from matplotlib_inline.backend_inline import configure_inline_support

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "matplotlib.pyplot",
        "pandas",
        "sklearn.datasets",
        "torch._dynamo",  # by the first optimizer
        "glassbox.exercises",
        "glassbox.plots",
        "glassbox.training",
        __name__,
    ]
)
# For tests that run something alone: they share one process of pytest, and with it the imports.
together = pytest.mark.xdist_group("alone")


def run(download: Path, folder: Path) -> tuple[int, str, list[str]]:
    """Return the exit code of a download, what it said, and the files that it left; `folder` is for the test alone.

    Of a notebook the first cell of code is left out: it installs the package.
    """
    empty, said = folder / "empty", folder / "said.txt"
    empty.mkdir()
    process = PROCESSES.Process(target=_run, args=(download.resolve(), empty, said))
    process.start()
    process.join()
    return process.exitcode, said.read_text("utf-8"), [path.name for path in empty.iterdir()]


def _run(download: Path, folder: Path, said: Path) -> None:
    with said.open("w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    # Without MNIST: its stand-in is quick.
    os.environ.pop("GLASSBOX_DATA", None)
    os.environ["XDG_CACHE_HOME"] = str(said.parent / "cache")
    os.environ["IPYTHONDIR"] = str(said.parent / "ipython")
    _refuse_the_network()
    os.chdir(folder)
    if download.suffix == ".ipynb":
        _run_cells(download)
    else:
        matplotlib.use("Agg")
        runpy.run_path(str(download), run_name="__main__")


def _run_cells(notebook: Path) -> None:
    """Run the cells as Jupyter's kernel for Python does, with its own shell, and show figures as it shows them."""
    shell = InteractiveShell.instance()
    activate_matplotlib("inline")
    configure_inline_support(shell, "inline")
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    for code in cells[1:]:
        shell.run_cell(code).raise_error()


def _refuse_the_network() -> None:
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: tuple, *rest: object) -> None:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"this test has no network: {address}")
        return connect(self, address, *rest)

    socket.socket.connect = refuse
