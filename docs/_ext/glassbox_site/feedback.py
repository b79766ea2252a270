"""Below each page, where the project's repository is known: links that report a problem and that edit the page."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlencode

from docutils import nodes
from sphinx.application import Sphinx

BRANCH = "main"
ASKS = "Page: {page}\nVersion: {version}\n\nWhat I read or did, and what I expected:\n"


def source_of(document: str) -> str:
    """Return the file of the repository that a page is made of: a lesson's page is made of its script."""
    path = PurePosixPath(document)
    if path.parts[0] != "lessons":
        return f"docs/{path}"
    name = "GALLERY_HEADER.rst" if path.stem == "index" else f"{path.stem}.py"
    return str(PurePosixPath("gallery", *path.parts[1:-1], name))


def _add_links(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    repository = app.config.glassbox_repository
    if not repository:
        return
    home = f"https://github.com/{repository}"
    asks = {"title": f"{page}: ", "body": ASKS.format(page=page, version=app.config.release)}
    context["report_link"] = f"{home}/issues/new?{urlencode(asks)}"
    if page in app.env.all_docs:
        context["edit_link"] = f"{home}/edit/{BRANCH}/{source_of(app.env.doc2path(page, base=False))}"


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", _add_links)
