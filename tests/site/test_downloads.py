"""What the site offers for download is there, works alone, and is what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import matplotlib
import nbformat
import pytest
from nbclient import NotebookClient
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from .conftest import HTML, ROOT

pytestmark = pytest.mark.site

LESSONS = sorted((ROOT / "gallery").glob("part*/plot_*.py"))
FIRST_OF_PART = list({script.parent: script for script in reversed(LESSONS)}.values())

NO_NETWORK = """
import socket

def refuse(self, address, *rest):
    if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"this test has no network: {address}")
    return connect(self, address, *rest)

connect, socket.socket.connect = socket.socket.connect, refuse
"""


def number(script: Path) -> str:
    return script.stem.split("_")[1]


def download(site, script: Path, suffix: str) -> Path:
    """Return the file that the lesson's page links to."""
    page = f"lessons/{script.parent.name}/{script.stem}.html"
    links = [tag["href"] for tag in site[page].select("a.reference.download[href]")]
    (link,) = [link for link in links if link.endswith(f"{script.stem}{suffix}")]
    return (site.root / page).parent / link


@pytest.fixture
def alone(tmp_path) -> dict[str, object]:
    """Settings of a process in an empty folder, without a screen, a network or MNIST: its stand-in is quick."""
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(NO_NETWORK)
    folder = tmp_path / "empty"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "GLASSBOX_DATA"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "MPLCONFIGDIR": matplotlib.get_configdir()}
    return {"cwd": folder, "env": environment | {"MPLBACKEND": "Agg", "PYTHONPATH": str(guard)}}


@pytest.mark.parametrize("lesson", LESSONS, ids=number)
def test_a_downloaded_script_runs_alone(site, lesson, alone):
    script = download(site, lesson, ".py")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, **alone)
    assert run.returncode == 0, run.stderr[-2000:]
    assert list(alone["cwd"].iterdir()) == []


@pytest.mark.parametrize("lesson", LESSONS, ids=number)
def test_a_notebook_has_the_code_of_the_script(site, lesson):
    notebook = nbformat.read(download(site, lesson, ".ipynb"), as_version=4)
    install, *cells = [cell.source.strip() for cell in notebook.cells if cell.cell_type == "code"]
    _, blocks = split_code_and_text_blocks(str(lesson))
    assert "pip install" in install
    assert cells == [block.content.strip() for block in blocks if block.type == "code"]


@pytest.mark.parametrize("lesson", LESSONS, ids=number)
def test_the_text_of_a_notebook_is_markdown(site, lesson):
    notebook = nbformat.read(download(site, lesson, ".ipynb"), as_version=4)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert texts[0].startswith("# ")
    assert [text for text in texts if re.search(r":[a-z:]+:`|^\s*\.\. |`_|(?<!`)``(?!`)", text, re.MULTILINE)] == []


@pytest.mark.parametrize("lesson", FIRST_OF_PART, ids=number)
def test_a_notebook_of_each_part_runs(site, lesson, tmp_path):
    notebook = nbformat.read(download(site, lesson, ".ipynb"), as_version=4)
    del notebook.cells[0]  # it installs the package, which is here
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()


def test_the_quick_start_downloads_as_a_notebook(site):
    (link,) = site["quickstart.html"].select("a.download[href$='quickstart.ipynb']")
    notebook = nbformat.read(site.root / link["href"], as_version=4)
    assert "datasets.mnist" in "".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_the_wheel_is_the_package(site):
    (link,) = site["installation.html"].select("a[href$='.whl']")
    wheel = site.root / link["href"]
    assert wheel.name == f"glassbox_course-{version('glassbox-course')}-py3-none-any.whl"
    packed = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "src"
    assert {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } <= packed
    assert "WHEEL" not in site["installation.html"].get_text()


def test_the_site_holds_no_file_of_the_build(site):
    assert list(HTML.rglob("*.md5")) + list(HTML.rglob("*.pickle")) == []
