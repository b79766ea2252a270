"""The package's wheel, served by the site itself: what a reader installs to run a downloaded lesson.

In the pages, the word WHEEL in a block of code becomes what pip installs: the wheel's address where the site's own is
known at build, else the name of the file that the reader downloads by the role ``wheel-link``.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxRole
from sphinx.util.osutil import relative_uri
from uv import find_uv_bin

FOLDER = "wheels"


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the package's wheel into the folder, alone, and return its path."""
    shutil.rmtree(folder, ignore_errors=True)
    # Offline: uv builds its own backend's projects without fetching anything.
    result = subprocess.run(
        [find_uv_bin(), "build", "--wheel", "--quiet", "--offline", "--out-dir", str(folder), str(root)],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode or len(wheels) != 1:
        raise ExtensionError(f"the package's wheel could not be built:\n{result.stderr}")
    (folder / ".gitignore").unlink(missing_ok=True)
    return wheels[0]


class WheelLink(SphinxRole):
    """A link to the wheel, relative to the page."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        wheel = self.config.glassbox_wheel
        here = self.env.app.builder.get_target_uri(self.env.docname)
        address = relative_uri(here, f"{FOLDER}/{wheel}")
        return [nodes.reference("", "", nodes.literal("", wheel), refuri=address, internal=True)], []


def _name_wheel(app: Sphinx, doctree: nodes.document) -> None:
    wheel, site = app.config.glassbox_wheel, app.config.html_baseurl
    for block in doctree.findall(nodes.literal_block):
        text = block.astext()
        if "WHEEL" in text and block.get("language") in ("bash", "powershell"):
            text = text.replace("WHEEL", f"{site}{FOLDER}/{wheel}" if site else wheel)
            block.children = [nodes.Text(text)]
            block.rawsource = text


def _build_finished(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        wheel = build_wheel(Path(app.srcdir).parent, Path(app.outdir, FOLDER))
        if wheel.name != app.config.glassbox_wheel:
            raise ExtensionError(f"pages name the wheel {app.config.glassbox_wheel}, but it is {wheel.name}")


def setup(app: Sphinx) -> None:
    app.add_config_value("glassbox_wheel", "", "html")
    app.add_role("wheel-link", WheelLink())
    app.connect("doctree-read", _name_wheel)
    app.connect("build-finished", _build_finished)
