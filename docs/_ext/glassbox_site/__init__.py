"""What the site adds to Sphinx, one concept a file."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from zlib import crc32

from sphinx.application import Sphinx

# In the order in which they listen to what Sphinx tells.
PARTS = (
    "elements",
    "page_files",
    "lessons",
    "notebook_downloads",
    "data",
    "freshness",
    "equations",
    "videos",
    "figure_files",
    "play",
    "notebook_figures",
    "exercises",
    "answer_fields",
    "quizzes",
    "folds",
    "answers",
    "lesson_links",
    "glossary",
    "notebooks",
    "open_box",
    "course_map",
    "plans",
    "search",
    "backlinks",
    "citation",
    "commands",
    "accessibility",
    "addresses",
    "feedback",
    "downloads",
    "download_table",
    "policy",
    "archives",
)


def version_of(folder: Path) -> int:
    """Return a number for the code in a folder: pages that were read by other code are read again."""
    return crc32(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py"))))


def _write_in_order(app: Sphinx) -> None:
    """Pages are read side by side (``sphinx-build -j auto``) and written in order, which the search index keeps."""
    app.builder.allow_parallel = False


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("builder-inited", _write_in_order)
    for part in PARTS:
        import_module(f"glassbox_site.{part}").setup(app)
    version = version_of(Path(__file__).parent)
    return {"version": "1", "env_version": version, "parallel_read_safe": True, "parallel_write_safe": True}
