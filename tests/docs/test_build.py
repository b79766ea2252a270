"""What decides whether lessons run again, and what the pages are made of."""

from __future__ import annotations

import os
import pydoc
import re
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import glassbox_site
import pytest
import yaml
from glassbox_site import accessibility, citation, commands, downloads, equations, freshness
from sphinx.util.inventory import InventoryFile

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path) -> Path:
    (tmp_path / "nn").mkdir()
    (tmp_path / "nn/linear.py").write_text("y = x")
    return tmp_path


def test_a_changed_file_of_the_package_changes_the_digest(package):
    before = freshness.digest_of_inputs(package, "MNIST")
    assert freshness.digest_of_inputs(package, "MNIST") == before
    (package / "nn/linear.py").write_text("y = -x")
    assert freshness.digest_of_inputs(package, "MNIST") != before


def test_a_renamed_file_changes_the_digest_and_compiled_code_does_not(package):
    before = freshness.digest_of_inputs(package, "MNIST")
    (package / "__pycache__").mkdir()
    (package / "__pycache__/linear.pyc").write_bytes(b"1")
    assert freshness.digest_of_inputs(package, "MNIST") == before
    (package / "nn/linear.py").rename(package / "linear.py")
    assert freshness.digest_of_inputs(package, "MNIST") != before


def test_what_runs_in_the_browser_does_not_change_the_digest(package):
    before = freshness.digest_of_inputs(package, "MNIST")
    (package / "explain").mkdir()
    for name in ("network.js", "tracer.css", "page.html"):
        (package / "explain" / name).write_text("1")
    assert freshness.digest_of_inputs(package, "MNIST") == before


def test_other_data_change_the_digest(package):
    assert freshness.digest_of_inputs(package, "MNIST") != freshness.digest_of_inputs(package, "digits")


def test_pages_are_read_again_by_other_code(package):
    for file in ("links.py", "videos.py"):
        (package / file).write_text("old")
    before = glassbox_site.version_of(package)
    assert glassbox_site.version_of(package) == before
    (package / "links.py").write_text("new")
    assert glassbox_site.version_of(package) != before


@pytest.fixture
def renderer():
    renderer = equations.Renderer()
    yield renderer
    renderer.close()


def test_an_equation_becomes_html_with_mathml_for_screen_readers(renderer):
    html = renderer.render(r"\frac{a}{b}", display=True)
    assert html.startswith('<span class="katex-display">')
    assert "<mfrac>" in html


def test_a_wrong_equation_is_told(renderer):
    with pytest.raises(ValueError, match=r"Undefined control sequence: \\wrong"):
        renderer.render(r"\wrong", display=False)
    assert "katex" in renderer.render("x", display=False)


def test_script_and_style_of_katex_are_one_version():
    (style,) = re.findall(
        r'katex-version:after\{content:"([\d.]+)"', equations.KATEX.with_suffix(".css").read_text("utf-8")
    )
    (script,) = re.findall(r'version:"([\d.]+)"', equations.KATEX.read_text("utf-8"))
    assert script == style


@pytest.mark.parametrize("path", sorted((ROOT / "docs/_inventories").iterdir()), ids=lambda path: path.stem)
def test_what_is_linked_in_another_project_exists_there(path):
    kinds = InventoryFile.loads(path.read_bytes(), uri="https://example.org/").data.values()
    names = [name for kind in kinds for name in kind]
    assert names
    assert [name for name in names if pydoc.locate(name) is None] == []


def test_the_wheel_is_built_alone_in_its_folder(tmp_path):
    (tmp_path / "old.whl").touch()
    wheel = downloads.build_wheel(ROOT, tmp_path)
    assert list(tmp_path.iterdir()) == [wheel]
    files = set(zipfile.ZipFile(wheel).namelist())
    pages = {"page.html", "page.css", "tracer.css", "js/network.js"}
    assert {"glassbox/datasets/grades.csv", *(f"glassbox/explain/{name}" for name in pages)} <= files


def test_the_size_of_a_raster_figure_becomes_attributes():
    page = '<img alt="x" class="lesson-figure only-dark" src="a.webp" style="width: 640px; height: 460px;" />'
    assert accessibility.mend(page) == (
        '<img loading="lazy" alt="x" class="lesson-figure only-dark" src="a.webp" width="640" height="460" />'
    )


def test_the_help_of_each_command_is_shown():
    texts = commands.help_texts()
    assert {"glassbox train", "glassbox data", "glassbox info"} <= set(texts)
    assert "--epochs" in texts["glassbox train"]


def test_the_citation_is_that_of_the_citation_file():
    person = {"family-names": "Curie", "given-names": "Marie"}
    text = citation.as_bibtex(
        {"authors": [person, {"name": "A team"}], "title": "T", "version": "1.2"}, "1911", "a.org"
    )
    assert text.splitlines()[1:3] == ["  author  = {Curie, Marie and {A team}},", "  title   = {T},"]
    assert text.splitlines()[4:6] == ["  year    = {1911},", "  url     = {a.org}"]


def test_the_citation_file_names_the_version_of_the_package():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == version("glassbox-course")


def test_a_build_is_on_one_thread_whatever_is_set():
    # Processes that are copies of one whose pool of threads has worked wait for it for ever.
    says = "import runpy; runpy.run_path('docs/conf.py'); import torch; print(torch.get_num_threads())"
    env = os.environ | {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "4"}
    run = subprocess.run([sys.executable, "-c", says], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert run.stdout == "1\n"
