"""What a reader takes along of a figure: PNG for slides, SVG whose words stay text, and PDF, and one archive of all.

Each file says in itself what it shows, where it comes from and under which licence. They are written beside the
lessons as these run, and copied to the site when the pages are done.
"""

from __future__ import annotations

import csv
import io
import math
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import matplotlib
from docutils import nodes
from docutils.parsers.rst import Directive
from matplotlib.figure import Figure
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

from glassbox.datasets import PHOTO_CREDITS
from glassbox_site import archives
from glassbox_site.dark import darken_svg
from glassbox_site.lessons import GALLERY, Lesson

FORMATS = {"png": "PNG", "svg": "SVG", "pdf": "PDF"}
ARCHIVE = "glassbox-figures.zip"
FOLDER = f"{archives.FOLDER}/figures"
SLIDE = 1920  # pixels of a picture's longer side, which is as wide as a screen that shows slides
LEAST_DPI = 200
AUTHOR = "The Glassbox authors"
LICENSE = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"

_PLACE = re.compile(r"sphx_glr_(plot_\w+)_(\d{3})")
_CLIP = re.compile(r'(?<=[#"])p[0-9a-f]{10}(?=[")])')
_HEADING = re.compile(r"^# (\S.*)\n# -{3,}$", re.MULTILINE)


@dataclass(frozen=True)
class Facts:
    """What the files of a figure say of it."""

    title: str
    section: str
    source: str
    license: str
    alt: str

    def for_format(self, suffix: str) -> dict[str, str | None]:
        """Return the metadata as Matplotlib takes it; what would differ between two builds is left out."""
        if suffix == "png":
            return {
                "Title": self.title,
                "Section": self.section,
                "Author": AUTHOR,
                "Description": self.alt,
                "Source": self.source,
                "Copyright": self.license,
                "Software": None,
            }
        if suffix == "svg":
            described = {"Description": self.alt, "Source": self.source, "Rights": self.license}
            return {"Title": self.title, "Creator": AUTHOR, **described, "Date": None}
        words = f"{self.alt} Source: {self.source}. License: {self.license}."
        return {"Title": self.title, "Author": AUTHOR, "Subject": words, "CreationDate": None}


def facts_of(script: Path, line: int, number: int, alt: str, site: str = "") -> Facts:
    """Return what is known of a figure by the line that draws it; the lesson's address where the site's is known."""
    lesson = Lesson.read(script)
    text = script.read_text("utf-8")
    above = "".join(text.splitlines(keepends=True)[:line])
    section = next(reversed(_HEADING.findall(above)), "")
    address = f", {site}{lesson.page}.html" if site else ""
    rights = f"{AUTHOR}, {LICENSE}"
    for name, credit in PHOTO_CREDITS.items():
        if f'datasets.photo("{name}"' in text:
            rights += f"; the photograph, where it is shown: {credit}"
    title = f"{lesson.title}: {section}, figure {number}" if section else f"{lesson.title}, figure {number}"
    return Facts(title, section, f"Glassbox, lesson {lesson.number}{address}", rights, alt)


def write(figure: Figure, stem: Path, facts: Facts) -> None:
    """Write the files of a figure: PNG on paper, SVG and PDF on nothing, so that they lie on any slide."""
    for suffix in FORMATS:
        path = stem.parent / f"{stem.name}.{suffix}"
        options = {"dpi": _dpi_of(figure)} if suffix == "png" else {"transparent": True}
        with matplotlib.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "glassbox"}):
            figure.savefig(path, format=suffix, metadata=facts.for_format(suffix), **options)
    drawing = stem.parent / f"{stem.name}.svg"
    drawing.write_text(_described(_with_counted_clips(drawing.read_text("utf-8")), facts.alt), encoding="utf-8")


def _dpi_of(figure: Figure) -> int:
    """Return as many pixels an inch as give the longer side those of a slide."""
    return max(LEAST_DPI, math.ceil(SLIDE / max(figure.get_size_inches())))


def _described(drawing: str, alt: str) -> str:
    """Say what an SVG shows where programs that read aloud look for it: Matplotlib writes the title alone there."""
    return drawing.replace("</title>", f"</title>\n <desc>{escape(alt)}</desc>", 1)


def _with_counted_clips(drawing: str) -> str:
    """Count the clip paths: Matplotlib names each by all digits of its box, the last of which differs among builds."""
    names: dict[str, str] = {}
    return _CLIP.sub(lambda found: names.setdefault(found[0], f"clip{len(names)}"), drawing)


def take(figure: Figure, image: Path, script: Path, line: int, alt: str, site: str = "") -> str:
    """Write the files of a figure beside the lesson's images; return their common name."""
    found = _PLACE.fullmatch(image.name)
    lesson, number = Lesson.read(script), int(found[2])
    folder = image.parent.parent / "figures"
    folder.mkdir(exist_ok=True)
    if number == 1:  # the lesson runs again: it may have fewer
        for old in folder.glob(f"glassbox-{lesson.number}-*"):
            old.unlink()
    stem = folder / f"glassbox-{lesson.number}-figure-{number}"
    write(figure, stem, facts_of(script, line, number, alt, site))
    return stem.name


class FigureFiles(Directive):
    """Below a figure, the links to its files."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        name = self.arguments[0]
        number = name.rpartition("-")[2]
        here = env.app.builder.get_target_uri(env.docname)
        links = " ".join(
            f'<a href="{relative_uri(here, f"{FOLDER}/{name}.{suffix}")}" download '
            f'aria-label="Figure {number} as {words}">{words}</a>'
            for suffix, words in FORMATS.items()
        )
        return [nodes.raw("", f'<p class="figure-files">{links}</p>\n', format="html")]


def files(source: Path) -> Iterator[Path]:
    """Give the files of all figures beside the lessons."""
    for script in sorted(GALLERY.glob("part*/plot_*.py")):
        lesson = Lesson.read(script)
        folder = source / Path(lesson.page).parent / "figures"
        yield from sorted(folder.glob(f"glassbox-{lesson.number}-figure-*"))


def table_of(paths: Iterable[Path]) -> bytes:
    """Return a table that says of each figure, by its PNG, what its files say in themselves."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(["figure", "section", "title", "description", "source", "license"])
    for path in paths:
        if path.suffix == ".png":
            with Image.open(path) as image:
                said = image.text
            keys = ("Section", "Title", "Description", "Source", "Copyright")
            writer.writerow([path.stem, *(said[key] for key in keys)])
    return lines.getvalue().encode("utf-8-sig")  # the mark by which spreadsheets know UTF-8


README = f"""\
The figures of the lessons of Glassbox, each as PNG for slides, as SVG whose words are text, and as PDF.
SVG and PDF have no ground of their own, and dark/ holds the SVG for a dark one. Each file says in its metadata what it
shows and where it comes from, and figures.csv says so of all.

{AUTHOR}, {LICENSE}
"""


def _copy(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        folder = Path(app.outdir, FOLDER)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        packed: dict[str, bytes | Path] = {"README.txt": README.encode()}
        for path in files(Path(app.srcdir)):
            shutil.copyfile(path, folder / path.name)
            packed[path.name] = path
            if path.suffix == ".svg":
                packed[f"dark/{path.name}"] = darken_svg(path.read_text("utf-8")).encode()
        packed["figures.csv"] = table_of(files(Path(app.srcdir)))
        archives.write_zip(Path(app.outdir, archives.FOLDER, ARCHIVE), packed)


def setup(app: Sphinx) -> None:
    app.add_directive("figure-files", FigureFiles)
    # Before the site is packed.
    app.connect("build-finished", _copy, priority=950)
