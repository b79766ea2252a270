"""What the site adds to Sphinx, one concept a file."""

from __future__ import annotations

from sphinx.application import Sphinx

from glassbox_site import accessibility, backlinks, data, downloads, freshness, inventories, notebook_figures, videos


def setup(app: Sphinx) -> dict[str, object]:
    for part in (inventories, data, freshness, videos, notebook_figures, backlinks, accessibility, downloads):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
