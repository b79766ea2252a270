"""Archives whose bytes depend on their files alone, and links that open a notebook online."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from glassbox_site.archives import files_of_lessons, files_of_site, write_zip
from glassbox_site.download_table import online


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_the_same_files_give_the_same_bytes_whenever_they_were_written(tmp_path):
    fill(tmp_path, {"a.txt": "one", "b/c.webp": "two"})
    first, second = tmp_path / "1/x.zip", tmp_path / "2/x.zip"
    write_zip(first, {"a.txt": tmp_path / "a.txt", "b/c.webp": tmp_path / "b/c.webp"})
    os.utime(tmp_path / "a.txt", (0, 1_000_000_000))
    (tmp_path / "a.txt").chmod(0o600)
    write_zip(second, {"b/c.webp": b"two", "a.txt": b"one"})
    assert first.read_bytes() == second.read_bytes()
    assert zipfile.ZipFile(first).namelist() == ["x/a.txt", "x/b/c.webp"]
    assert zipfile.ZipFile(first).testzip() is None


def test_the_archive_of_lessons_holds_scripts_notebooks_exercises_and_the_package(tmp_path):
    fill(tmp_path, {"lessons/part1/plot_11.py": "", "lessons/part1/plot_11.ipynb": "", "lessons/part1/plot_11.rst": ""})
    fill(tmp_path, {"run/exercises/part1.ipynb": "", "g-1.whl": ""})
    files = files_of_lessons(tmp_path, tmp_path / "run", tmp_path / "g-1.whl")
    lessons = {"lessons/part1/plot_11.py", "lessons/part1/plot_11.ipynb"}
    assert set(files) == lessons | {"exercises/part1.ipynb", "g-1.whl", "README.txt", "environment.yml"}
    assert b"g-1.whl" in files["README.txt"]
    assert b"./g-1.whl" in files["environment.yml"]


def test_the_copy_of_the_site_does_not_link_to_itself(tmp_path):
    link = '<p>See <a class="internal" href="downloads/glassbox-site.zip"><code>glassbox-site.zip</code></a>.</p>'
    fill(tmp_path, {"downloads.html": link, "downloads/glassbox-site.zip": "old", "a.html": ""})
    files = files_of_site(tmp_path)
    assert set(files) == {"downloads.html", "a.html"}
    assert files["downloads.html"] == b"<p>See <code>glassbox-site.zip</code>.</p>"


def test_a_notebook_opens_online_only_where_the_repository_is_known():
    assert online("", "lessons/a.ipynb") == {}
    assert online("owner/name", "lessons/a.ipynb") == {
        "Colab": "https://colab.research.google.com/github/owner/name/blob/notebooks/lessons/a.ipynb",
        "Binder": "https://mybinder.org/v2/gh/owner/name/notebooks?urlpath=lab/tree/lessons/a.ipynb",
    }
