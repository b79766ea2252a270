"""The package's wheel, served by the site itself: what a reader installs to run a downloaded lesson."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from uv import find_uv_bin

FOLDER = "wheels"


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the package's wheel into the folder, alone, and return its path."""
    shutil.rmtree(folder, ignore_errors=True)
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


def _build_finished(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        build_wheel(Path(app.srcdir).parent, Path(app.outdir, FOLDER))


def setup(app: Sphinx) -> None:
    app.connect("build-finished", _build_finished)
