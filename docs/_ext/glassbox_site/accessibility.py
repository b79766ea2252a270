"""Mends in the finished HTML what audits for accessibility and layout shift find in the output of the tools."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

# docutils gives the size of a raster image as a style; as attributes it reserves the place before the file is there.
_STYLED_SIZE = re.compile(r'(<img [^>]*?)style="width: (\d+)(?:px)?; height: (\d+)(?:px)?;?"')
# The variant that is not shown is not fetched.
_FIGURE = re.compile(r'(<img )(?=[^>]*class="[^"]*lesson-figure)')
# docutils knows no other way to say how narrow an image may become than its class.
_LEAST = re.compile(r'(<img )(?=[^>]*class="[^"]* least-(\d+)")')
# pandas writes empty header cells above the index.
_EMPTY_HEADER = re.compile(r"<th>\s*</th>")
# Each exchange: what a tool writes, what takes its place.
_EXCHANGES = (
    # The children of a list are its items.
    (' role="doc-biblioentry"', ' role="listitem"'),
    # A block that may scroll sideways is reached by the keyboard.
    ("<pre>", '<pre tabindex="0">'),
    ('<div class="output text_html">', '<div class="output text_html" tabindex="0">'),
    ('<span class="katex-display">', '<span class="katex-display" tabindex="0">'),
    ('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
    ('<div class="figure-frame', '<div tabindex="0" class="figure-frame'),
    ('<div class="output_subarea', '<div tabindex="0" class="output_subarea'),
)


def mend(body: str) -> str:
    """Return the body of a page with the known flaws put right."""
    body = _STYLED_SIZE.sub(r'\1width="\2" height="\3"', body)
    body = _FIGURE.sub(r'\1loading="lazy" ', body)
    body = _LEAST.sub(r'\1style="min-width: \2px" ', body)
    body = _EMPTY_HEADER.sub("<td></td>", body)
    for written, meant in _EXCHANGES:
        body = body.replace(written, meant)
    return body


def _mend_page(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    if "body" in context:
        context["body"] = mend(context["body"])
    if "furo_navigation_tree" in context:
        tree = context["furo_navigation_tree"]
        context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Sphinx) -> None:
    # After the theme has written its navigation.
    app.connect("html-page-context", _mend_page, priority=900)
