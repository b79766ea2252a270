"""Archives that the site offers: all lessons in one, and the site itself, to read from disk.

The same files give the same bytes: entries are sorted, and none carries a date or an owner.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole
from sphinx.util.osutil import relative_uri

FOLDER = "downloads"
LESSONS = "glassbox-lessons.zip"
SITE = "glassbox-site.zip"

_PACKED = {".mp4", ".webp", ".whl", ".woff2", ".zip"}  # another compression would gain nothing
_LINK_TO_SITE = re.compile(rf'<a [^>]*href="[^"]*{re.escape(SITE)}"[^>]*>(.*?)</a>')

README = """\
The lessons and exercises of Glassbox, as scripts and as notebooks, and the package that they import.

    python -m pip install {wheel} jupyterlab
    jupyter lab

Each lesson also runs as a script: python lessons/part1_representation/plot_11_dense_layer.py
"""
# Binder reads this: conda's PyTorch for CPUs is a tenth of the size of PyPI's.
ENVIRONMENT = """\
name: glassbox
channels: [conda-forge]
dependencies:
  - python=3.12
  - pytorch-cpu
  - torchvision
  - pip
  - pip: ["./{wheel}"]
"""


def write_zip(archive: Path, files: dict[str, bytes | Path]) -> None:
    """Write files by their name in the archive, under one folder of the archive's name."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as packed:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{archive.stem}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in _PACKED else zipfile.ZIP_DEFLATED
            packed.writestr(entry, content.read_bytes() if isinstance(content, Path) else content)


def files_of_lessons(source: Path, notebooks: Path, wheel: Path) -> dict[str, bytes | Path]:
    """Return what the archive of the lessons holds: scripts, notebooks, the package, and how to begin."""
    files: dict[str, bytes | Path] = {
        path.relative_to(source).as_posix(): path
        for path in source.glob("lessons/*/plot_*")
        if path.suffix in {".py", ".ipynb"}
    }
    files |= {path.relative_to(notebooks).as_posix(): path for path in notebooks.glob("exercises/*.ipynb")}
    files[wheel.name] = wheel
    files["README.txt"] = README.format(wheel=wheel.name).encode()
    files["environment.yml"] = ENVIRONMENT.format(wheel=wheel.name).encode()
    return files


def files_of_site(html: Path) -> dict[str, bytes | Path]:
    """Return the files of the built site; in its own copy, the link to the archive of the site is words."""
    files: dict[str, bytes | Path] = {
        path.relative_to(html).as_posix(): path
        for path in html.rglob("*")
        if path.is_file() and path.name not in {SITE, ".buildinfo"}
    }
    page = html / "downloads.html"
    files[page.name] = _LINK_TO_SITE.sub(r"\1", page.read_text("utf-8")).encode()
    return files


class ArchiveLink(SphinxRole):
    """A link to an archive by its file's name, relative to the page."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        here = self.env.app.builder.get_target_uri(self.env.docname)
        address = relative_uri(here, f"{FOLDER}/{self.text}")
        return [nodes.reference("", "", nodes.literal("", self.text), refuri=address, internal=True)], []


def _settle_zips_of_lessons(app: Sphinx) -> None:
    """Write sphinx-gallery's archive of each lesson again: it carries the date of the build, and the script uncut."""
    for archive in Path(app.srcdir).glob("lessons/*/plot_*.zip"):
        with zipfile.ZipFile(archive) as packed:
            if any(entry.date_time[0] > 1980 for entry in packed.infolist()):
                files = {name: archive.with_name(Path(name).name).read_bytes() for name in packed.namelist()}
                write_zip(archive, files)


def _build_finished(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        html = Path(app.outdir)
        wheel = html / "wheels" / app.config.glassbox_wheel
        notebooks = Path(app.env.mystnb_config.output_folder)
        write_zip(html / FOLDER / LESSONS, files_of_lessons(Path(app.srcdir), notebooks, wheel))
        write_zip(html / FOLDER / SITE, files_of_site(html))


def setup(app: Sphinx) -> None:
    app.add_role("archive-link", ArchiveLink())
    # After sphinx-gallery has run the lessons, and before their archives are copied.
    app.connect("builder-inited", _settle_zips_of_lessons, priority=900)
    # After every other part has written its files, the wheel among them.
    app.connect("build-finished", _build_finished, priority=990)
