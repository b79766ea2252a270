"""The lessons as a table of downloads, and where the project's repository is known, links that open them online.

Colab and Binder open a notebook from a branch of a repository. The workflow that publishes the site puts the notebooks
on the branch `notebooks`, as they are in the archive of the lessons.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from glassbox_site.lessons import catalogue

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
        rows = [["Lesson", "Script", "Notebook", "Online"]]
        for lesson in catalogue().values():
            self.env.note_dependency(str(lesson.script))
            files = [f":download:`{ending} </{lesson.page}{ending}>`" for ending in (".py", ".ipynb")]
            addresses = online(self.config.glassbox_repository, f"{lesson.page}.ipynb").items()
            links = ", ".join(f"`{name} <{address}>`__" for name, address in addresses)
            rows.append([f":doc:`/{lesson.page}`", *files, links])
        columns = 4 if self.config.glassbox_repository else 3
        cells = ["\n     - ".join(row[:columns]) for row in rows]
        return self.parse_text_to_nodes(".. list-table::\n   :header-rows: 1\n\n   * - " + "\n   * - ".join(cells))


def _add_online_links(app: Sphinx, doctree: nodes.document) -> None:
    """Put the links beside the downloads at the end of a lesson."""
    addresses = online(app.config.glassbox_repository, f"{app.env.docname}.ipynb")
    for footer in doctree.findall(nodes.container):
        if addresses and "sphx-glr-footer-example" in footer["classes"]:
            words = nodes.paragraph("", "Open it online:")
            for name, address in addresses.items():
                words += [nodes.Text(" "), nodes.reference("", name, refuri=address)]
            footer += nodes.container("", words, classes=["sphx-glr-download"])


def setup(app: Sphinx) -> None:
    app.add_config_value("glassbox_repository", "", "env")
    app.add_directive("download-table", DownloadTable)
    app.connect("doctree-read", _add_online_links)
