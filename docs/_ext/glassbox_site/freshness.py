"""Lessons and notebooks run again when what they run on has changed.

sphinx-gallery skips a lesson whose script is the same, jupyter-cache a notebook whose code is the same. Neither looks
at the package, the data or the versions of the libraries. Here one digest stands for all of these; when it changes,
the results of earlier runs are dropped.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)

OF_PAGES_ALONE = {".js", ".css", ".html"}  # what runs in the browser changes no figure of a lesson
LIBRARIES = ("torch", "numpy", "pandas", "scikit-learn", "matplotlib", "sphinx-gallery", "myst-nb")
HERE = Path(__file__).parent


def digest_of_inputs(package: Path, *facts: str) -> str:
    """Return one number for the package's files, the tools that draw, the libraries and what else is given."""
    digest = hashlib.sha256()
    tools = [HERE / "dark.py", HERE / "figures.py", HERE / "notebooks.py", HERE / "videos.py"]
    files = sorted(
        path
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in OF_PAGES_ALONE
    )
    for root, paths in ((package, files), (HERE, tools)):
        for path in paths:
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    for fact in [*facts, platform.python_version(), *(version(name) for name in LIBRARIES)]:
        digest.update(fact.encode())
    return digest.hexdigest()


def _drop_what_is_stale(app: Sphinx) -> None:
    import glassbox

    lessons = Path(app.srcdir, "lessons")
    record = lessons / ".inputs"
    install = app.config.sphinx_gallery_conf["first_notebook_cell"]
    digest = digest_of_inputs(Path(glassbox.__file__).parent, app.data_of_build.source, install)
    app.notebooks_are_stale = not record.exists() or record.read_text() != digest
    if app.notebooks_are_stale:
        logger.info("The package, the data or a library changed: lessons and notebooks run again")
        shutil.rmtree(lessons, ignore_errors=True)
        shutil.rmtree(app.config.nb_execution_cache_path, ignore_errors=True)
        lessons.mkdir()
        record.write_text(digest)


def _notebooks_to_read_again(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    if not app.notebooks_are_stale:
        return []
    pages = {name: Path(env.doc2path(name)) for name in env.found_docs}
    return [name for name, path in pages.items() if path.suffix == ".md" and "mystnb" in path.read_text("utf-8")[:400]]


def setup(app: Sphinx) -> None:
    # Before sphinx-gallery, which runs the lessons at builder-inited too.
    app.connect("builder-inited", _drop_what_is_stale, priority=100)
    app.connect("env-get-outdated", _notebooks_to_read_again)
