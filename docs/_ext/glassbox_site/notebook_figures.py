"""Figures of executed notebooks: SVG in a light and a dark variant, as in the lessons."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from glassbox_site.dark import darken_svg
from glassbox_site.figures import CSS_DPI


class AddDarkVariants(SphinxTransform):
    """Put the dark variant beside each SVG that a notebook's cell drew."""

    default_priority = 100  # before images are collected

    def apply(self, **options: object) -> None:
        for image in list(self.document.findall(nodes.image)):
            if not image["uri"].endswith(".svg") or not _is_output(image):
                continue
            path = Path(self.env.relfn2path(image["uri"], self.env.docname)[1])
            twin = path.with_name(f"{path.stem}-dark.svg")
            drawing = path.read_text("utf-8")
            twin.write_text(darken_svg(drawing), encoding="utf-8")
            image["width"], image["height"] = size_of_svg(drawing)
            second = image.deepcopy()
            second["uri"] = image["uri"].replace(path.name, twin.name)
            image["classes"] += ["lesson-figure", "only-light"]
            second["classes"] += ["lesson-figure", "only-dark"]
            image.parent.insert(image.parent.index(image) + 1, second)


def size_of_svg(text: str) -> tuple[str, str]:
    """Return width and height in CSS pixels of a drawing that Matplotlib wrote, 72 points to the inch."""
    root = re.search(r"<svg [^>]*>", text)[0]
    width, height = (re.search(rf' {side}="([\d.]+)pt"', root)[1] for side in ("width", "height"))
    return tuple(str(round(float(side) * CSS_DPI / 72)) for side in (width, height))


def _is_output(node: nodes.Element) -> bool:
    parent = node.parent
    while parent is not None:
        if "cell_output" in parent.get("classes", []):
            return True
        parent = parent.parent
    return False


def setup(app: Sphinx) -> None:
    app.add_transform(AddDarkVariants)
