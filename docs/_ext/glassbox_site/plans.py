"""Plans of a class that add up: `plan` reads one, line by line, and refuses it where it cannot be held.

A line is one of::

    session From an image to its answer
    lesson 1.1 without The table; What to remember
    home 1.4
    minutes 15 A break.

A lesson in class takes twice the minutes that it takes to read alone, for questions, less the share of the sections
that are left out; at home it takes none of the session. `lesson-sections` lists what each section of each lesson takes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from glassbox_site.course_map import NUMBER
from glassbox_site.lessons import Lesson, catalogue

IN_CLASS = 2  # times the minutes of reading alone
WORDS, LINES = 75, 10  # that are read in a minute

_HEADING = re.compile(r"^(\S.*)\n-{3,}$", re.MULTILINE)
_LINE = re.compile(r"(session|lesson|home|minutes) +(.+)")


@dataclass
class Session:
    """What one session holds: (minutes, words in MyST) in order, and what is read at home before it."""

    title: str
    parts: list[tuple[int, str]] = field(default_factory=list)
    home: list[str] = field(default_factory=list)

    @property
    def minutes(self) -> int:
        return sum(minutes for minutes, _ in self.parts)


@cache
def sections(lesson: Lesson) -> dict[str, float]:
    """Return the minutes in class of each section of a lesson, by its title: its share of words and lines of code."""
    _, blocks = split_code_and_text_blocks(str(lesson.script))
    shares: dict[str, float] = {}
    title, opening = "", 0.0
    for block in blocks:
        if block.type == "code":
            parts = [(title, sum(1 for line in block.content.splitlines() if line.strip()) / LINES)]
        else:
            first, *rest = _HEADING.split(block.content)
            parts = [(title, len(first.split()) / WORDS)]
            parts += [(heading, len(text.split()) / WORDS) for heading, text in zip(rest[::2], rest[1::2], strict=True)]
        for title, share in parts:
            if title:
                shares[title] = shares.get(title, 0) + share
            else:
                opening += share
    if not shares:
        raise ExtensionError(f"{lesson.script.name}: it has no sections")
    shares[next(iter(shares))] += opening  # the question and what is learned belong to the first section
    scale = IN_CLASS * lesson.minutes / sum(shares.values())
    return {title: scale * share for title, share in shares.items()}


def read_plan(name: str, minutes: int, lines: Iterable[str]) -> list[Session]:
    """Read a plan of sessions of so many minutes, and check that each can be held."""
    sessions: list[Session] = []
    seen: set[str] = set()
    for line in filter(None, map(str.strip, lines)):
        found = _LINE.fullmatch(line)
        if found is None:
            raise ExtensionError(f"plan {name}: {line!r} is no line of a plan: session, lesson, home or minutes")
        kind, words = found.groups()
        if kind == "session":
            sessions.append(Session(words))
            continue
        if not sessions:
            raise ExtensionError(f"plan {name}: {line!r} comes before the first session")
        session = sessions[-1]
        if kind == "minutes":
            count, _, text = words.partition(" ")
            session.parts.append((int(count), text))
            continue
        number, left_out = _lesson_of(name, words)
        _check_before(name, number, seen)
        taken, text = _lesson_in_class(name, catalogue()[number], left_out)
        if kind == "lesson":
            session.parts.append((taken, text))
        else:
            session.home.append(text)
        seen.add(number)
    for session in sessions:
        if session.minutes > minutes:
            raise ExtensionError(
                f"plan {name}: the session {session.title!r} asks for {session.minutes} minutes, and has {minutes}"
            )
    return sessions


def _lesson_of(name: str, words: str) -> tuple[str, list[str]]:
    number, _, left_out = words.partition(" without ")
    if number not in catalogue():
        raise ExtensionError(f"plan {name}: there is no lesson {number!r}")
    return number, [title.strip() for title in left_out.split(";") if title.strip()]


def _check_before(name: str, number: str, seen: set[str]) -> None:
    missing = [before for before in NUMBER.findall(catalogue()[number].before) if before not in seen]
    if missing:
        raise ExtensionError(
            f"plan {name}: lesson {number} comes after {' and '.join(missing)}, which nobody has seen by then"
        )


def _lesson_in_class(name: str, lesson: Lesson, left_out: list[str]) -> tuple[int, str]:
    """Return the minutes of a lesson in class without some of its sections, and the words for it."""
    known = sections(lesson)
    if strange := [title for title in left_out if title not in known]:
        raise ExtensionError(
            f"plan {name}: lesson {lesson.number} has no section {strange[0]!r}; it has {'; '.join(known)}"
        )
    kept = math.ceil(round(sum(minutes for title, minutes in known.items() if title not in left_out), 6))
    skipped = f", without *{'*, *'.join(left_out)}*" if left_out else ""
    return kept, f"{{lesson}}`{lesson.number}`{skipped}"


def plan_in_words(sessions: list[Session], minutes: int) -> str:
    """Write a plan as MyST: a table for each session, with the minute at which each part begins."""
    blocks = []
    for session in sessions:
        home = f" At home before: {', '.join(session.home)}." if session.home else ""
        rows, begin = ["| From minute | What |", "| ---: | --- |"], 0
        for taken, words in session.parts:
            rows.append(f"| {begin} | {words} |")
            begin += taken
        blocks.append(f"**{session.title}**, {session.minutes} of {minutes} minutes.{home}\n\n" + "\n".join(rows))
    return "\n\n".join(blocks)


def sections_in_words() -> str:
    """Write what each section of each lesson takes in class, as a table in MyST."""
    rows = ["| Lesson | Minutes | Its sections |", "| --- | ---: | --- |"]
    for lesson in catalogue().values():
        parts = ", ".join(f"{title} {minutes:.0f}" for title, minutes in sections(lesson).items())
        rows.append(f"| {{lesson}}`{lesson.number}` | {IN_CLASS * lesson.minutes} | {parts} |")
    return "\n".join(rows)


class Plan(SphinxDirective):
    """A plan, checked: its name, the minutes of a session, and its lines."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"minutes": directives.positive_int}  # noqa: RUF012
    has_content = True

    def run(self) -> list[nodes.Node]:
        _note_lessons(self)
        sessions = read_plan(self.arguments[0], self.options["minutes"], self.content)
        return self.parse_text_to_nodes(plan_in_words(sessions, self.options["minutes"]))


class LessonSections(SphinxDirective):
    """What each section of each lesson takes in class."""

    def run(self) -> list[nodes.Node]:
        _note_lessons(self)
        return self.parse_text_to_nodes(sections_in_words())


def _note_lessons(directive: SphinxDirective) -> None:
    for lesson in catalogue().values():
        directive.env.note_dependency(str(lesson.script))


def setup(app: Sphinx) -> None:
    app.add_directive("plan", Plan)
    app.add_directive("lesson-sections", LessonSections)
