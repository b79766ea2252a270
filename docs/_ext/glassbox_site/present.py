"""A lesson for the wall: every lesson's page shows one section at a time when its address says ``?present``."""

from __future__ import annotations

from sphinx.application import Sphinx


def _add_files(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    if pagename.startswith("lessons/") and "/plot_" in pagename:
        app.add_css_file("present.css")
        app.add_js_file("present.js", loading_method="defer")


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", _add_files)
