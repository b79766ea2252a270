"""What the site offers for download is there, works alone, and is what the page shows."""

from __future__ import annotations

import re
import zipfile
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from . import alone
from .conftest import HTML, ROOT

pytestmark = pytest.mark.site

LESSONS = sorted((ROOT / "gallery").glob("part*/plot_*.py"))
FIRST_OF_PART = list({script.parent: script for script in reversed(LESSONS)}.values())


def number(script: Path) -> str:
    return script.stem.split("_")[1]


def download(site, script: Path, suffix: str) -> Path:
    """Return the file that the lesson's page links to."""
    page = f"lessons/{script.parent.name}/{script.stem}.html"
    links = [tag["href"] for tag in site[page].select("a.reference.download[href]")]
    (link,) = [link for link in links if link.endswith(f"{script.stem}{suffix}")]
    return (site.root / page).parent / link


SCRIPTS = [pytest.param(lesson, ".py", id=number(lesson)) for lesson in LESSONS]
NOTEBOOKS = [pytest.param(lesson, ".ipynb", id=f"notebook {number(lesson)}") for lesson in FIRST_OF_PART]


@alone.together
@pytest.mark.parametrize(("lesson", "suffix"), SCRIPTS + NOTEBOOKS)
def test_a_downloaded_script_or_notebook_runs_alone(site, lesson, suffix, tmp_path):
    exit_code, said, left = alone.run(download(site, lesson, suffix), tmp_path)
    assert exit_code == 0, said[-2000:]
    assert left == []


LEAVES_AND_ASKS = ["open('left', 'w').close()", "import socket\nsocket.create_connection(('192.0.2.1', 80))"]


@alone.together
@pytest.mark.parametrize("kind", ["script", "notebook"])
def test_what_asks_the_network_or_leaves_a_file_is_seen(tmp_path, kind):
    download = tmp_path / {"script": "it.py", "notebook": "it.ipynb"}[kind]
    if kind == "script":
        download.write_text("\n".join(LEAVES_AND_ASKS))
    else:
        cells = [nbformat.v4.new_code_cell(code) for code in ("%pip install glassbox", *LEAVES_AND_ASKS)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), download)
    exit_code, said, left = alone.run(download, tmp_path)
    assert exit_code == 1
    assert "this test has no network" in said
    assert left == ["left"]


@alone.together
def test_a_notebook_shows_its_figures(tmp_path):
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])"
    cells = [nbformat.v4.new_code_cell(each) for each in ("%pip install glassbox", code, "plt.get_fignums()")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "it.ipynb")
    exit_code, said, _ = alone.run(tmp_path / "it.ipynb", tmp_path)
    assert exit_code == 0, said
    assert "<Figure size" in said
    assert said.endswith("[]\n")  # each cell's figures are closed at its end


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
