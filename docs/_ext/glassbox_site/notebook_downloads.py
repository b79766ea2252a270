"""Notebooks for download: what only this site's pages understand becomes what any Jupyter shows.

myst-nb writes each notebook as it ran it. A reader gets it without outputs, with a first cell that installs the
package, without the markup of the pages, and with solutions that are marked and folded. Beside it lies one for a class,
without the solutions and without the remarks on them.
"""

from __future__ import annotations

import copy
import re
import shutil
from pathlib import Path
from posixpath import join, normpath

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

from glassbox_site.archives import FOLDER
from glassbox_site.lessons import catalogue

_SENTENCE_FOR_THE_PAGE = re.compile(r"[^\n.]*\{(?:nb-download|archive-link)\}`[^`]*`[^.]*\.")
_TARGET = re.compile(r"^\([\w.-]+\)=\n", re.MULTILINE)
_DROPDOWN = re.compile(r"^:::\{dropdown\} (.+?)\n(.*?)\n:::$", re.MULTILINE | re.DOTALL)
_LESSON = re.compile(r"\{lesson\}`([\d.]+)`")
_PAGE_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:|#)([^)#]+?)(?:\.md)?(#[^)]*)?\)")
_HEADING = re.compile(r"^#+ ", re.MULTILINE)
_LEFT_OVER = re.compile(r"^:::|^\(\S+\)=$|\{[a-z-]+\}`", re.MULTILINE)


def text_for_jupyter(text: str, pages: dict[str, str], site: str, folder: str) -> str:
    """Return the text of a cell in plain Markdown; links are whole where the site's address is known, else words."""

    def lesson(found: re.Match[str]) -> str:
        return _link(f"lesson {found[1]}", f"/{pages[found[1]]}.html" if found[1] in pages else "", site, folder)

    text = _SENTENCE_FOR_THE_PAGE.sub("", text)
    text = _TARGET.sub("", text)
    text = _DROPDOWN.sub(r"<details><summary>\1</summary>\n\n\2\n\n</details>", text)
    text = _LESSON.sub(lesson, text)
    return _PAGE_LINK.sub(lambda found: _link(found[1], f"{found[2]}.html{found[3] or ''}", site, folder), text).strip()


def _link(words: str, page: str, site: str, folder: str) -> str:
    if not site or not page:
        return words
    return f"[{words}]({site.rstrip('/')}{normpath(join('/', folder, page))})"


def for_download(notebook: nbformat.NotebookNode, install: str, pages: dict[str, str], site: str, folder: str) -> None:
    """Turn a notebook that was run into one to work with."""
    title = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = text_for_jupyter(cell.source, pages, site, folder)
            if left := _LEFT_OVER.search(cell.source):
                raise ValueError(f"the notebook for download would show the markup {left[0]!r}")
            title = ([title, *re.findall(r"^#+ (.*)$", cell.source, re.MULTILINE)])[-1]
        else:
            folded = "hide-cell" in cell.metadata.get("tags", [])
            cell.update(outputs=[], execution_count=None, metadata=nbformat.NotebookNode())
            if folded:
                # Jupyter folds by the first, Colab by the second together with the line "#@title".
                cell.metadata.update(jupyter={"source_hidden": True}, cellView="form")
                cell.source = f"#@title Solution: {title}\n{cell.source}"
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{number}"  # drawn at random until here
    first = nbformat.v4.new_code_cell(install, id="install")
    notebook.cells.insert(0, first)
    notebook.metadata = nbformat.NotebookNode(kernelspec=notebook.metadata.get("kernelspec", {}))


def for_a_class(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook for download without its solutions, and without what is said below them."""
    students = copy.deepcopy(notebook)
    after_solution = False
    for cell in students.cells:
        if after_solution and cell.cell_type == "markdown":
            heading = _HEADING.search(cell.source)
            cell.source = cell.source[heading.start() :] if heading else ""
        after_solution = bool(cell.metadata.get("jupyter", {}).get("source_hidden"))
        if after_solution:
            cell.source = ""
    students.cells = [cell for cell in students.cells if cell.source]
    return students


def _rewrite(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    written = Path(app.env.mystnb_config.output_folder, f"{docname}.ipynb")
    if "nb-download" not in Path(app.env.doc2path(docname)).read_text("utf-8") or not written.exists():
        return
    notebook = nbformat.read(written, as_version=4)
    install = app.config.sphinx_gallery_conf["first_notebook_cell"]
    pages = {number: lesson.page for number, lesson in catalogue().items()}
    for_download(notebook, install, pages, app.config.html_baseurl, str(Path(docname).parent))
    nbformat.write(notebook, written)
    if (students := for_a_class(notebook)).cells != notebook.cells:
        nbformat.write(students, written.with_name(f"{written.stem}-class.ipynb"))


def _copy_to_downloads(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        folder = Path(app.outdir, FOLDER)
        folder.mkdir(exist_ok=True)
        for notebook in Path(app.env.mystnb_config.output_folder).glob("exercises/*-class.ipynb"):
            shutil.copyfile(notebook, folder / notebook.name)


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", _rewrite)
    app.connect("build-finished", _copy_to_downloads)
