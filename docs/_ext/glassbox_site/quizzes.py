"""Questions inside and at the end of each lesson, from ``docs/quizzes/<number>.toml``, and links to its exercises.

A question with a name asks for a prediction: it stands where the lesson's script says ``.. predict:: name``, before
the figure that answers it. All others stand at the end. They are in the page alone: downloads lose the line that says
where. Without JavaScript, each question has its answer folded below it; with it, a reader chooses, and is told why
(``_static/quiz.js``).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from glassbox_site.elements import Element, Words
from glassbox_site.exercises import exercises_in_pages
from glassbox_site.lessons import catalogue, lesson_at

FOLDER = "quizzes"
AT_MOST = 3  # predictions in a lesson: more would keep the reader from reading
ANCHOR = re.compile(r"^(?:#\n)?# \.\. predict:: *(\S*)\n", re.MULTILINE)
# sphinx-gallery ends a lesson's page with its downloads, below this label.
_HOW_TO_RUN = (
    "This lesson as a notebook, as a script, or both in one archive. :doc:`/installation` says how to get the package "
    "that it imports."
)
_DOWNLOADS = ".. _sphx_glr_download_"


@dataclass(frozen=True)
class Choice:
    """One answer to choose, in reStructuredText like the lessons, and why it is right or wrong."""

    answer: str
    because: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question and its choices, of which one is right; one with a name stands inside the lesson.

    It is answered by the next figure, or by the next numbers that the lesson prints: `look` says which.
    """

    question: str
    choices: tuple[Choice, ...]
    name: str = ""
    look: str = "figure"


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
    _require(entry, {"question": str, "choices": list}, where, optional={"name": str, "look": str})
    choices = []
    for place, given in enumerate(entry["choices"], 1):
        _require(given, {"answer": str, "because": str}, f"{where}, choice {place}", optional={"right": bool})
        choices.append(Choice(**given))
    right = sum(choice.right for choice in choices)
    if len(choices) < 2 or right != 1:
        raise ExtensionError(
            f"{where} has {len(choices)} choices, {right} of them right: it needs two or more, and one with right=true"
        )
    look = entry.get("look", "figure")
    if look not in ("figure", "numbers"):
        raise ExtensionError(f'{where} has look = "{look}": it is "figure" or "numbers"')
    return Question(entry["question"], tuple(choices), entry.get("name", ""), look)


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


def check_anchors(number: str, questions: tuple[Question, ...], script: str) -> None:
    """Raise if the named questions of a lesson and the places for them in its script are not the same."""
    named = [question.name for question in questions if question.name]
    anchored = ANCHOR.findall(script)
    if len(named) > AT_MOST:
        raise ExtensionError(f"{number}.toml has {len(named)} questions with a name: a lesson bears {AT_MOST}")
    for name in sorted({*named, *anchored}):
        in_quiz, in_script = named.count(name), anchored.count(name)
        if (in_quiz, in_script) != (1, 1):
            raise ExtensionError(
                f"lesson {number}: the question {name!r} stands {in_quiz} times in {FOLDER}/{number}.toml and has "
                f"{in_script} times the line '# .. predict:: {name}' in the lesson's script: once each, please"
            )


# For each part of a question what opens and closes it.
_HTML = {
    "question": ('<fieldset class="quiz" data-right="{right}">', "</fieldset>"),
    "prediction": ('<fieldset class="quiz prediction" data-right="{right}" data-look="{look}">', "</fieldset>"),
    "legend": ("<legend>{lead} ", "</legend>"),
    "choice": (
        '<label class="quiz-choice"><input type="radio" name="{name}" value="{letter}"><b>{letter}</b><span>',
        "</span></label>",
    ),
    "check": ('<button type="button" class="button quiz-check" hidden>{word}', "</button>"),
    "verdict": ('<div class="quiz-verdict" aria-live="polite">', "</div>"),
    "answer": ('<details class="quiz-answer"><summary>All answers explained</summary><ul>', "</ul></details>"),
    "because": ('<li data-choice="{letter}"><strong>{letter} is {word}.</strong> ', "</li>"),
}


def _tags(part: str, **values: str) -> dict[str, str]:
    opens, closes = _HTML[part]
    return {"opens": opens.format(**values), "closes": f"{closes}\n"}


class QuestionDirective(SphinxDirective):
    """What the directives of questions share."""

    required_arguments = 1

    def questions_of(self, number: str) -> list[Question]:
        self.env.note_dependency(str(Path(self.env.srcdir, FOLDER, f"{number}.toml")))
        return list(self.env.app.glassbox_quizzes[number])

    def at_the_end(self, number: str, lead: str) -> list[nodes.Node]:
        """Return the questions at the end of a lesson, each led by its place there."""
        questions = [question for question in self.questions_of(number) if not question.name]
        return [
            self.box(question, f"quiz-{number}-{place}", lead.format(place), "question", "Check")
            for place, question in enumerate(questions, 1)
        ]

    def box(self, question: Question, name: str, lead: str, role: str, button: str) -> nodes.Node:
        lettered = list(zip("ABCDEFGH", question.choices, strict=False))
        right = next(letter for letter, choice in lettered if choice.right)
        answer = Element(**_tags("answer"))
        for letter, choice in lettered:
            word = "right" if choice.right else "wrong"
            answer += self._words("because", choice.because, letter=letter, word=word)
        name = name.replace(".", "-")
        return Element(
            "",
            self._words("legend", question.question, lead=lead),
            *(self._words("choice", choice.answer, name=name, letter=letter) for letter, choice in lettered),
            Element(**_tags("check", word=button)),
            Element(**_tags("verdict")),
            answer,
            **_tags(role, right=right, look=question.look),
        )

    def _words(self, part: str, text: str, **values: str) -> nodes.Node:
        text = " ".join(text.split())
        inline, messages = self.state.inline_text(text, self.lineno)
        words = Words(text, "", *inline, *messages, **_tags(part, **values))
        self.set_source_info(words)
        return words


class Quiz(QuestionDirective):
    """The questions at the end of a lesson, named by its number."""

    def run(self) -> list[nodes.Node]:
        return self.at_the_end(self.arguments[0], "{}.")


class Predict(QuestionDirective):
    """A question by its name, before the figure or the numbers that answer it."""

    def run(self) -> list[nodes.Node]:
        lesson, name = lesson_at(self.env.docname), self.arguments[0]
        if lesson is None:
            raise self.error("a prediction stands in a lesson")
        (question,) = (each for each in self.questions_of(lesson.number) if each.name == name)
        lead = "<span>Predict, then look.</span>"
        return [self.box(question, f"predict-{lesson.number}-{name}", lead, "prediction", "This is my prediction")]


class Review(QuestionDirective):
    """The questions at the ends of all lessons, and links to the exercises; the script leaves out what is done."""

    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        questions = nodes.container(classes=["review-questions"])
        for number in self.env.app.glassbox_quizzes:
            for box in self.at_the_end(number, ""):
                lesson = self.parse_text_to_nodes(f"From :lesson:`{number}`.")
                questions += nodes.container("", *lesson, box, classes=["review-question"])
        links = [f"- :ref:`exercise-{name}`" for name in exercises_in_pages(Path(self.env.srcdir, "exercises"))]
        exercises = nodes.container("", *self.parse_text_to_nodes("\n".join(links)), classes=["review-exercises"])
        return [questions, nodes.rubric("", "Exercises"), exercises]


def practice_of(number: str, has_quiz: bool, exercises: list[str]) -> str:
    """Return what stands at the end of a lesson: its questions, and the way to its exercises."""
    lines = []
    if has_quiz:
        lines += ["Questions", "---------", "", f".. quiz:: {number}", ""]
    if own := [name for name in exercises if name.startswith(f"{number}-")]:
        links = [f"- :ref:`exercise-{name}`" for name in own]
        lines += ["Exercises", "---------", "", *links, ""]
    lines += ["Download", "--------", "", _HOW_TO_RUN, ""]
    return "\n".join(lines)


def _add_practice(app: Sphinx, docname: str, source: list[str]) -> None:
    lesson = lesson_at(docname)
    if lesson is None:
        return
    folder = Path(app.srcdir, "exercises")
    for page in folder.glob("part*.md"):
        app.env.note_dependency(str(page))
    exercises = exercises_in_pages(folder)
    text = practice_of(lesson.number, lesson.number in app.glassbox_quizzes, exercises)
    before, label, after = source[0].rpartition(_DOWNLOADS)
    source[0] = f"{before}\n{text}\n\n{label}{after}" if label else f"{source[0]}\n\n{text}"


def _read_all(app: Sphinx) -> None:
    app.glassbox_quizzes = read_quizzes(Path(app.srcdir, FOLDER), catalogue())
    for number, lesson in catalogue().items():
        check_anchors(number, app.glassbox_quizzes.get(number, ()), lesson.script.read_text("utf-8"))


def _take_anchors_away(app: Sphinx) -> None:
    """Take the lines that say where a question stands out of the scripts for download."""
    for lesson in catalogue().values():
        copy = Path(app.srcdir, f"{lesson.page}.py")
        text = copy.read_text("utf-8") if copy.exists() else ""
        if ANCHOR.search(text):
            copy.write_text(ANCHOR.sub("", text), encoding="utf-8")
            # sphinx-gallery copies the script at each build; the page that links to it is not read again for that.
            times = lesson.script.stat()
            os.utime(copy, ns=(times.st_atime_ns, times.st_mtime_ns))


def setup(app: Sphinx) -> None:
    app.add_directive("quiz", Quiz)
    app.add_directive("predict", Predict)
    app.add_directive("review", Review)
    app.connect("builder-inited", _read_all)
    # After sphinx-gallery has copied the scripts, before their archives are written again.
    app.connect("builder-inited", _take_anchors_away, priority=850)
    app.connect("source-read", _add_practice)
