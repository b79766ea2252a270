"""What the site adds to Sphinx, one concept a file."""

from __future__ import annotations

from sphinx.application import Sphinx

from glassbox_site import (
    accessibility,
    addresses,
    archives,
    backlinks,
    citation,
    commands,
    course_map,
    data,
    download_table,
    downloads,
    equations,
    exercises,
    feedback,
    folds,
    freshness,
    lesson_links,
    lessons,
    notebook_downloads,
    notebook_figures,
    notebooks,
    open_box,
    play,
    policy,
    present,
    quizzes,
    search,
    videos,
)

PARTS = (
    lessons,
    notebook_downloads,
    data,
    freshness,
    equations,
    videos,
    play,
    notebook_figures,
    exercises,
    quizzes,
    folds,
    lesson_links,
    notebooks,
    open_box,
    course_map,
    search,
    backlinks,
    citation,
    commands,
    present,
    accessibility,
    addresses,
    feedback,
    downloads,
    download_table,
    policy,
    archives,
)


def setup(app: Sphinx) -> dict[str, object]:
    for part in PARTS:
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
