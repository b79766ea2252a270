"""Questions at the end of each lesson, from ``docs/quizzes/<number>.toml``, and links to the lesson's exercises.

They are put into the page alone: scripts and notebooks for download stay as they are. Without JavaScript, each
question has its answer folded below it; with it, a reader chooses, checks, and is told why (``_static/quiz.js``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from glassbox_site.exercises import exercises_in_pages
from glassbox_site.lessons import catalogue

FOLDER = "quizzes"
# sphinx-gallery ends a lesson's page with its downloads, below this label.
_DOWNLOADS = ".. _sphx_glr_download_"


@dataclass(frozen=True)
class Choice:
    """One answer to choose, in reStructuredText like the lessons, and why it is right or wrong."""

    answer: str
    because: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question and its choices, of which one is right."""

    question: str
    choices: tuple[Choice, ...]


def read_quiz(path: Path) -> tuple[Question, ...]:
    """Return the questions of a file, or raise with a sentence that says what is wrong with it."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ExtensionError(f"{path.name} is not TOML: {error}") from error
    if unknown := set(content) - {"questions"}:
        raise ExtensionError(f"{path.name} has unknown entries: {', '.join(sorted(unknown))}")
    if not content.get("questions"):
        raise ExtensionError(f"{path.name} has no [[questions]]")
    return tuple(
        _read_question(entry, f"{path.name}, question {place}") for place, entry in enumerate(content["questions"], 1)
    )


def _read_question(entry: dict, where: str) -> Question:
    _require(entry, {"question": str, "choices": list}, where)
    choices = []
    for place, given in enumerate(entry["choices"], 1):
        _require(given, {"answer": str, "because": str}, f"{where}, choice {place}", optional={"right": bool})
        choices.append(Choice(**given))
    right = sum(choice.right for choice in choices)
    if len(choices) < 2 or right != 1:
        raise ExtensionError(
            f"{where} has {len(choices)} choices, {right} of them right: it needs two or more, and one with right=true"
        )
    return Question(entry["question"], tuple(choices))


def _require(entry: dict, types: dict[str, type], where: str, *, optional: dict[str, type] | None = None) -> None:
    known = types | (optional or {})
    if unknown := set(entry) - set(known):
        raise ExtensionError(f"{where} has unknown entries: {', '.join(sorted(unknown))}")
    for name, kind in known.items():
        value = entry.get(name)
        missing = value is None and name in types
        if missing or (value is not None and not isinstance(value, kind)) or (kind is str and not str(value).strip()):
            raise ExtensionError(f"{where} needs {name!r}, a {kind.__name__} that is not empty")


def read_quizzes(folder: Path, lessons: Collection[str]) -> dict[str, tuple[Question, ...]]:
    """Return the questions by the lesson's number."""
    quizzes = {path.stem: read_quiz(path) for path in sorted(folder.glob("*.toml"))}
    if unknown := sorted(set(quizzes) - set(lessons)):
        raise ExtensionError(f"{FOLDER}/{unknown[0]}.toml belongs to no lesson; there are {', '.join(lessons)}")
    return quizzes


class Part(nodes.Part, nodes.TextElement):
    """A part of a quiz: `role` says which, and decides the element of HTML."""


class Box(nodes.General, nodes.Element):
    """What holds the parts of a quiz."""


# For each kind of node what opens and closes it. Attributes of the node are filled in.
_HTML = {
    "question": ('<fieldset class="quiz" data-right="{right}">', "</fieldset>"),
    "legend": ("<legend>{place}. ", "</legend>"),
    "choice": (
        '<label class="quiz-choice"><input type="radio" name="{name}" value="{letter}"><b>{letter}</b><span>',
        "</span></label>",
    ),
    "check": ('<button type="button" class="quiz-check" hidden>Check', "</button>"),
    "verdict": ('<div class="quiz-verdict" aria-live="polite">', "</div>"),
    "answer": ('<details class="quiz-answer"><summary>All answers explained</summary><ul>', "</ul></details>"),
    "because": ('<li data-choice="{letter}"><strong>{letter} is {word}.</strong> ', "</li>"),
}


class Quiz(SphinxDirective):
    """The questions of a lesson, named by its number."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        number = self.arguments[0]
        self.env.note_dependency(str(Path(self.env.srcdir, FOLDER, f"{number}.toml")))
        self.env.metadata[self.env.docname]["quiz"] = number
        return [
            self._question(question, f"quiz-{number}-{place}".replace(".", "-"), place)
            for place, question in enumerate(self.env.app.glassbox_quizzes[number], 1)
        ]

    def _question(self, question: Question, name: str, place: int) -> nodes.Node:
        lettered = list(zip("ABCDEFGH", question.choices, strict=False))
        box = Box(role="question", right=next(letter for letter, choice in lettered if choice.right))
        box += self._words("legend", question.question, place=place)
        box += [self._words("choice", choice.answer, name=name, letter=letter) for letter, choice in lettered]
        box += [Box(role="check"), Box(role="verdict")]
        answer = Box(role="answer")
        for letter, choice in lettered:
            word = "right" if choice.right else "wrong"
            answer += self._words("because", choice.because, letter=letter, word=word)
        box += answer
        return box

    def _words(self, role: str, text: str, **attributes: object) -> nodes.Node:
        text = " ".join(text.split())
        parts, messages = self.state.inline_text(text, self.lineno)
        part = Part(text, "", *parts, *messages, role=role, **attributes)
        self.set_source_info(part)
        return part


def _visit(translator: HTML5Translator, node: nodes.Element) -> None:
    translator.body.append(_HTML[node["role"]][0].format(**node.attributes))


def _depart(translator: HTML5Translator, node: nodes.Element) -> None:
    translator.body.append(_HTML[node["role"]][1] + "\n")


def practice_of(number: str, has_quiz: bool, exercises: list[str]) -> str:
    """Return what stands at the end of a lesson: its questions, and the way to its exercises."""
    lines = []
    if has_quiz:
        lines += ["Questions", "---------", "", f".. quiz:: {number}", ""]
    if own := [name for name in exercises if name.startswith(f"{number}-")]:
        links = [f"- :ref:`exercise-{name}`" for name in own]
        lines += ["Exercises", "---------", "", *links, ""]
    return "\n".join(lines)


def _add_practice(app: Sphinx, docname: str, source: list[str]) -> None:
    number = app.glassbox_lessons.get(docname)
    if number is None:
        return
    folder = Path(app.srcdir, "exercises")
    for page in folder.glob("part*.md"):
        app.env.note_dependency(str(page))
    exercises = exercises_in_pages(folder)
    text = practice_of(number, number in app.glassbox_quizzes, exercises)
    before, label, after = source[0].rpartition(_DOWNLOADS)
    source[0] = f"{before}\n{text}\n\n{label}{after}" if label else f"{source[0]}\n\n{text}"


def _read_all(app: Sphinx) -> None:
    app.glassbox_lessons = {lesson.page: number for number, lesson in catalogue().items()}
    app.glassbox_quizzes = read_quizzes(Path(app.srcdir, FOLDER), catalogue())


def _add_files(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None) -> None:
    if doctree is not None and any(doctree.findall(Box)):
        app.add_css_file("quiz.css")
        app.add_js_file("quiz.js", loading_method="defer")


def setup(app: Sphinx) -> None:
    app.add_directive("quiz", Quiz)
    for kind in (Box, Part):
        app.add_node(kind, html=(_visit, _depart))
    app.connect("builder-inited", _read_all)
    app.connect("source-read", _add_practice)
    app.connect("html-page-context", _add_files)
