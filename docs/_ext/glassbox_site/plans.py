"""Plans of a class that add up: `plan` reads one, line by line, and refuses it where it cannot be held.

A line is one of::

    session From an image to its answer
    lesson 1.1 without The table; What to remember
    lesson 1.2 without Before and after; if need be Three channels in; Padding and stride
    home 1.4
    minutes 15 A break.
    minutes 5 {doc}`Draw a digit <play/digit>`: each draws one. teacher: Hand its address out before.

A lesson in class takes twice the minutes that it takes to read alone, for questions, and some for each page to play
with, less the share of the sections that are left out; at home it takes none of the session. What stands after `if need
be` is left out, first things first and each lesson of the session in its turn, until the session is no longer than it
may be. `lesson-sections` lists what each section of each lesson takes.

A plan leads to its lessons as they are on the wall, without what it leaves out, and from each to the next, past the
breaks and words between them. What is said to the teacher stands in the plan alone; a page to play with that the words
name has its address on the wall.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, zip_longest
from urllib.parse import quote

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.osutil import relative_uri
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from glassbox_site.course_map import NUMBER
from glassbox_site.lessons import Lesson, catalogue

IN_CLASS = 2  # times the minutes of reading alone
PLAYING = 5  # minutes in class with a page to play with, beyond the words around it
WORDS, LINES = 75, 10  # that are read in a minute
TO_TEACHER = " teacher: "
NOT_TAUGHT = ("questions", "exercises", "download")  # at the end of a lesson's page: for after the class

_HEADING = re.compile(r"^(\S.*)\n-{3,}$", re.MULTILINE)
_PLAY = re.compile(r"^\.\. play:: \w+$", re.MULTILINE)
_PLAY_PAGE = re.compile(r"\{doc\}`[^`<]*<(play/\w+)>`")
_LINE = re.compile(r"(session|lesson|home|minutes) +(.+)")


@dataclass
class Talk:
    """Minutes of a session for something else than a lesson, and the words for it in MyST."""

    minutes: int
    to_class: str
    to_teacher: str = ""

    @property
    def words(self) -> str:
        return f"{self.to_class} *To the teacher*: {self.to_teacher}" if self.to_teacher else self.to_class

    @property
    def plain(self) -> str:
        """What the wall says of it, without what has a meaning in MyST or in an address."""
        page = _PLAY_PAGE.search(self.to_class)
        words = re.sub(r"\{\w+\}`([^`<]*?)(?: <[^`]*>)?`", r"\1", self.to_class).replace("*", "")
        return f"{self.minutes} minutes{f' {page[1]}' if page else ''}: {re.sub('[;&#%+]', ',', words)}"


@dataclass
class Taught:
    """A lesson in a session, the sections that it is taught without, and those that may go if need be."""

    lesson: Lesson
    left_out: list[str]
    may_go: list[str]

    @property
    def minutes(self) -> int:
        kept = sum(minutes for title, minutes in sections(self.lesson).items() if title not in self.left_out)
        return math.ceil(round(kept, 6))

    @property
    def words(self) -> str:
        return f"{{lesson}}`{self.lesson.number}`{self.exception}"

    @property
    def exception(self) -> str:
        """The words for what is left out, in the order of the lesson."""
        gone = [title for title in sections(self.lesson) if title in self.left_out]
        return f", without *{'*, *'.join(gone)}*" if gone else ""

    @property
    def not_shown(self) -> list[str]:
        """The identifiers, in the lesson's page, of what is left out."""
        return [nodes.make_id(title) for title in sections(self.lesson) if title in self.left_out]


@dataclass
class Session:
    """What one session holds, in order, and what is read at home before it."""

    title: str
    parts: list[Talk | Taught] = field(default_factory=list)
    home: list[Taught] = field(default_factory=list)

    @property
    def minutes(self) -> int:
        return sum(part.minutes for part in self.parts)

    @property
    def lessons(self) -> list[Taught]:
        return [part for part in self.parts if isinstance(part, Taught)]

    def fit(self, minutes: int) -> None:
        """Leave out what may go, as far as the minutes ask for it."""
        turns = zip_longest(*([(part, title) for title in part.may_go] for part in self.lessons))
        for part, title in filter(None, chain.from_iterable(turns)):
            if self.minutes > minutes:
                part.left_out.append(title)


@cache
def sections(lesson: Lesson) -> dict[str, float]:
    """Return the minutes in class of each section of a lesson, by its title: its share of words and lines of code.

    A page to play with is given minutes of its own.
    """
    _, blocks = split_code_and_text_blocks(str(lesson.script))
    shares: dict[str, float] = {}
    playing: dict[str, int] = {}
    title, opening = "", 0.0
    for block in blocks:
        if block.type == "code":
            parts = [(title, sum(1 for line in block.content.splitlines() if line.strip()) / LINES)]
        else:
            first, *rest = _HEADING.split(block.content)
            texts = [(title, first), *zip(rest[::2], rest[1::2], strict=True)]
            parts = [(heading, len(text.split()) / WORDS) for heading, text in texts]
            for heading, text in texts:
                playing[heading] = playing.get(heading, 0) + PLAYING * len(_PLAY.findall(text))
        for title, share in parts:
            if title:
                shares[title] = shares.get(title, 0) + share
            else:
                opening += share
    if not shares:
        raise ExtensionError(f"{lesson.script.name}: it has no sections")
    shares[next(iter(shares))] += opening  # the question and what is learned belong to the first section
    scale = IN_CLASS * lesson.minutes / sum(shares.values())
    return {title: scale * share + playing.get(title, 0) for title, share in shares.items()}


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
            to_class, _, to_teacher = text.partition(TO_TEACHER)
            session.parts.append(Talk(int(count), to_class, to_teacher))
            continue
        taught = _taught(name, words)
        _check_before(name, taught.lesson.number, seen)
        if kind == "lesson":
            session.parts.append(taught)
        else:
            session.home.append(taught)
        seen.add(taught.lesson.number)
    for session in sessions:
        session.fit(minutes)
        if session.minutes > minutes:
            raise ExtensionError(
                f"plan {name}: the session {session.title!r} asks for {session.minutes} minutes, and has {minutes}"
            )
    return sessions


def _taught(name: str, words: str) -> Taught:
    number, _, titles = words.partition(" without ")
    if number not in catalogue():
        raise ExtensionError(f"plan {name}: there is no lesson {number!r}")
    lesson = catalogue()[number]
    always, _, if_need_be = titles.partition("if need be ")
    left_out, may_go = ([title.strip() for title in part.split(";") if title.strip()] for part in (always, if_need_be))
    if strange := [title for title in left_out + may_go if title not in sections(lesson)]:
        raise ExtensionError(
            f"plan {name}: lesson {number} has no section {strange[0]!r}; it has {'; '.join(sections(lesson))}"
        )
    return Taught(lesson, left_out, may_go)


def _check_before(name: str, number: str, seen: set[str]) -> None:
    missing = [before for before in NUMBER.findall(catalogue()[number].before) if before not in seen]
    if missing:
        raise ExtensionError(
            f"plan {name}: lesson {number} comes after {' and '.join(missing)}, which nobody has seen by then"
        )


def on_the_wall(first: Taught, later: Sequence[Talk | Taught]) -> str:
    """Return the query that shows a lesson on the wall, and what comes after it."""
    then = ";".join(
        quote(each.plain, safe=":,()!/") if isinstance(each, Talk) else ",".join([each.lesson.number, *each.not_shown])
        for each in later
    )
    return f"present&without={','.join(first.not_shown)}&never={','.join(NOT_TAUGHT)}&then={then}"


def plan_in_words(sessions: list[Session], minutes: int) -> str:
    """Write a plan as MyST: a table for each session, with the minute at which each part begins."""
    blocks = []
    for session in sessions:
        read = ", ".join(taught.words for taught in session.home)
        home = f" At home before: {read}." if read else ""
        rows, begin = ["| From minute | What |", "| ---: | --- |"], 0
        for index, part in enumerate(session.parts, 1):
            words = part.words
            if isinstance(part, Taught):
                number = part.lesson.number
                query = on_the_wall(part, session.parts[index:])
                words = f"{{lesson}}`{number}` ({{on-the-wall}}`{number}?{query}`){part.exception}"
            rows.append(f"| {begin} | {words} |")
            begin += part.minutes
        blocks.append(f"**{session.title}**, {session.minutes} of {minutes} minutes.{home}\n\n" + "\n".join(rows))
    return "\n\n".join(blocks)


def sections_in_words() -> str:
    """Write what each section of each lesson takes in class, as a table in MyST."""
    rows = ["| Lesson | Minutes | Its sections |", "| --- | ---: | --- |"]
    for lesson in catalogue().values():
        parts = ", ".join(f"{title} {minutes:.0f}" for title, minutes in sections(lesson).items())
        rows.append(f"| {{lesson}}`{lesson.number}` | {sum(sections(lesson).values()):.0f} | {parts} |")
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


class OnTheWall(SphinxRole):
    """A link to a lesson on the wall, by its number and the query of its address."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        number, _, query = self.text.partition("?")
        lesson = catalogue()[number]
        address = self.env.app.builder.get_target_uri(lesson.page)
        here = self.env.app.builder.get_target_uri(self.env.docname)
        link = nodes.reference("", "on the wall", refuri=f"{relative_uri(here, address)}?{query}", internal=True)
        link["classes"].append("on-the-wall")
        link["page"] = lesson.page
        return [link], []


def _check_links(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Refuse a link that leaves out on the wall what is no section of the lesson's page."""
    for link in doctree.findall(lambda node: isinstance(node, nodes.reference) and "page" in node):
        left_out = [
            name for found in re.findall(r"(?:without|never)=([^&]+)", link["refuri"]) for name in found.split(",")
        ]
        sections = {part["anchorname"].lstrip("#") for part in app.env.tocs[link["page"]].findall(nodes.reference)}
        if strange := [name for name in left_out if name not in sections]:
            raise ExtensionError(f"{docname}: a plan leaves out #{strange[0]}, which {link['page']} has not")


def setup(app: Sphinx) -> None:
    app.add_role("on-the-wall", OnTheWall())
    app.add_directive("plan", Plan)
    app.add_directive("lesson-sections", LessonSections)
    app.connect("doctree-resolved", _check_links)
