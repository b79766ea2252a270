"""The lessons as a table of downloads, and where the project's repository is known, links that open them online.

Colab and Binder open a notebook from a branch of a repository. The workflow that publishes the site puts the notebooks
on the branch `notebooks`, as they are in the archive of the lessons.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.addnodes import download_reference, pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

BRANCH = "notebooks"


def online(repository: str, notebook: str) -> dict[str, str]:
    """Return the addresses that open a notebook of the repository ``owner/name``; none where it is not known."""
    if not repository:
        return {}
    return {
        "Colab": f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{notebook}",
        "Binder": f"https://mybinder.org/v2/gh/{repository}/{BRANCH}?urlpath=lab/tree/{notebook}",
    }


class DownloadTable(SphinxDirective):
    """One row a lesson: its page, its script, its notebook, and where it opens online."""

    def run(self) -> list[nodes.Node]:
        gallery = Path(self.env.srcdir).parent / "gallery"
        repository = self.config.glassbox_repository
        head = ["Lesson", "Script", "Notebook"] + (["Online"] if repository else [])
        rows = [[nodes.paragraph("", title) for title in head]]
        for script in sorted(gallery.glob("*/plot_*.py")):
            self.env.note_dependency(str(script))
            page = f"lessons/{script.parent.name}/{script.stem}"
            cells = [self._page(script, page), self._file(f"{page}.py"), self._file(f"{page}.ipynb")]
            if repository:
                cells.append(links(online(repository, f"{page}.ipynb"), script.stem))
            rows.append(cells)
        return [_table(rows)]

    def _page(self, script: Path, page: str) -> nodes.Node:
        title = nodes.inline("", script.read_text("utf-8").splitlines()[1])
        link = pending_xref("", title, refdomain="std", reftype="doc", reftarget=f"/{page}", refexplicit=True)
        link["refdoc"], link["refwarn"] = self.env.docname, True
        return nodes.paragraph("", "", link)

    def _file(self, path: str) -> nodes.Node:
        words = nodes.literal("", Path(path).suffix)
        words["classes"] += ["xref", "download"]
        link = download_reference("", "", words, reftarget=f"/{path}", refdoc=self.env.docname, reftype="download")
        return nodes.paragraph("", "", link)


def links(addresses: dict[str, str], stem: str) -> nodes.paragraph:
    """Return the links of one notebook, in a line."""
    line = nodes.paragraph()
    for name, address in addresses.items():
        line += [nodes.Text(", ")] if line.children else []
        line += nodes.reference("", name, refuri=address)
    return line


def _table(rows: list[list[nodes.Node]]) -> nodes.table:
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in rows[0]), cols=len(rows[0]))
    head, *body = (nodes.row("", *(nodes.entry("", cell) for cell in row)) for row in rows)
    group += [nodes.thead("", head), nodes.tbody("", *body)]
    return nodes.table("", group)


def _add_online_links(app: Sphinx, doctree: nodes.document) -> None:
    """Put the links beside the downloads at the end of a lesson."""
    page = app.env.docname
    addresses = online(app.config.glassbox_repository, f"{page}.ipynb")
    for footer in doctree.findall(nodes.container):
        if addresses and "sphx-glr-footer-example" in footer["classes"]:
            words = links(addresses, page)
            words.insert(0, nodes.Text("Open it online: "))
            footer += nodes.container("", words, classes=["sphx-glr-download"])


def setup(app: Sphinx) -> None:
    app.add_config_value("glassbox_repository", "", "env")
    app.add_directive("download-table", DownloadTable)
    app.connect("doctree-read", _add_online_links)
