"""The answer to a lesson's *Try this*, folded below it, in the page alone.

It is a script, ``gallery/answers/answer_12.py`` for lesson 1.2: its docstring says the answer, and its code, which the
build runs and whose failure ends the build, shows it.
"""

from __future__ import annotations

import ast
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from glassbox_site.folds import fold
from glassbox_site.lessons import GALLERY, lesson_at

FOLDER = GALLERY / "answers"
_TRY_THIS = re.compile(r"^\*\*Try this\.\*\*.*?(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


def script_of(number: str) -> Path:
    """Return the script that answers *Try this* of a lesson."""
    return FOLDER / f"answer_{number.replace('.', '')}.py"


def read(script: Path) -> tuple[str, str]:
    """Return the words of an answer and its code."""
    source = script.read_text("utf-8")
    words = ast.get_docstring(tree := ast.parse(source))
    if not words or len(tree.body) < 2:
        raise ExtensionError(f"{script.name}: expects a docstring that says the answer, then code that shows it")
    return words, "\n".join(source.splitlines()[tree.body[0].end_lineno :]).strip("\n")


def run(script: Path) -> str:
    """Run an answer; return what it prints."""
    with redirect_stdout(io.StringIO()) as printed:
        try:
            exec(compile(script.read_text("utf-8"), str(script), "exec"), {"__name__": "__main__"})
        except Exception as error:
            raise ExtensionError(f"{script.name}: the answer fails: {type(error).__name__}: {error}") from error
    return printed.getvalue()


class Answer(SphinxDirective):
    """The answer of a lesson, named by its number."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        script = script_of(self.arguments[0])
        self.env.note_dependency(str(script))
        words, code = read(script)
        shown = nodes.literal_block(code, code, language="python")
        printed = run(script).rstrip()
        output = nodes.literal_block(printed, printed, language="none", classes=["sphx-glr-script-out"])
        answer = fold("answer", "An answer", *self.parse_text_to_nodes(words), shown, *[output] * bool(printed))
        self.set_source_info(answer[0])
        return [answer]


def _add_answer(app: Sphinx, docname: str, source: list[str]) -> None:
    lesson = lesson_at(docname)
    if lesson is not None:
        source[0], places = _TRY_THIS.subn(rf"\g<0>\n\n.. answer:: {lesson.number}", source[0])
        if places != 1:
            raise ExtensionError(
                f"lesson {lesson.number} has {places} paragraphs that begin with **Try this.**: expects one"
            )


def setup(app: Sphinx) -> None:
    app.add_directive("answer", Answer)
    app.connect("source-read", _add_answer)
