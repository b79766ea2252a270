"""Figures of executed notebooks: SVG in a light and a dark variant, as in the lessons."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from glassbox_site.dark import darken_svg


class AddDarkVariants(SphinxTransform):
    """Put the dark variant beside each SVG that a notebook's cell drew."""

    default_priority = 100  # before images are collected

    def apply(self, **options: object) -> None:
        for image in list(self.document.findall(nodes.image)):
            if not image["uri"].endswith(".svg") or not _is_output(image):
                continue
            # myst-nb writes the path of an output relative to the page.
            path = Path(self.env.doc2path(self.env.docname)).parent / image["uri"]
            twin = path.with_name(f"{path.stem}-dark.svg")
            twin.write_text(darken_svg(path.read_text("utf-8")), encoding="utf-8")
            second = image.deepcopy()
            second["uri"] = image["uri"].replace(path.name, twin.name)
            image["classes"] += ["lesson-figure", "only-light"]
            second["classes"] += ["lesson-figure", "only-dark"]
            image.parent.insert(image.parent.index(image) + 1, second)


def _is_output(node: nodes.Element) -> bool:
    parent = node.parent
    while parent is not None:
        if "cell_output" in parent.get("classes", []):
            return True
        parent = parent.parent
    return False


def setup(app: Sphinx) -> None:
    app.add_transform(AddDarkVariants)
