"""What the site adds to Sphinx, one concept a file."""

from __future__ import annotations

from importlib import import_module

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


def setup(app: Sphinx) -> dict[str, object]:
    for part in PARTS:
        import_module(f"glassbox_site.{part}").setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
