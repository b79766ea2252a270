"""Which scripts and styles a page loads: those of what it holds, and no others."""

from __future__ import annotations

from sphinx.application import Sphinx

# What stands in the HTML of a page, and the files under ``_static`` that it needs.
FILES = {
    'class="lesson-video': ("videos.js",),
    'class="figure-files"': ("figure-files.js",),
    'id="exercise-': ("exercises.css",),
    'class="exercise-answer"': ("judging.js", "exercises.js"),
    'class="quiz': ("quiz.css", "quiz.js"),
    '<details class="drawing"': ("folds.css", "folds.js"),
    'sphx-glr-example-title"': ("present.css", "present.js"),
    'class="play-still"': ("start.js",),
}


def _add_files(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    for sign, files in FILES.items():
        if sign in context.get("body", ""):
            for file in files:
                if file.endswith(".js"):
                    app.add_js_file(file, loading_method="defer")
                else:
                    app.add_css_file(file)


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", _add_files)
