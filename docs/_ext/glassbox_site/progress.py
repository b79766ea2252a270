"""What a reader has read and answered, kept by the browser alone: one script on every page, ``_static/progress.js``."""

from __future__ import annotations

from sphinx.application import Sphinx


def setup(app: Sphinx) -> None:
    # Before the other scripts' clicks are possible, and after the page is there.
    app.add_js_file("progress.js", loading_method="defer")
    app.add_css_file("progress.css")
