"""Plans of a class hold: nobody sees a lesson before what it builds on, and no session is longer than it is."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes
from glassbox_site import plans
from glassbox_site.lessons import catalogue
from sphinx.errors import ExtensionError

PAGE = (Path(__file__).parents[2] / "docs/teaching.md").read_text("utf-8")
PLANS = {
    name: (int(minutes), lines.splitlines())
    for name, minutes, lines in re.findall(r"```\{plan\} ([^\n]+)\n:minutes: (\d+)\n(.*?)```", PAGE, re.DOTALL)
}


def read(text: str, minutes: int = 1000) -> list[plans.Session]:
    return plans.read_plan("Mine", minutes, text.splitlines())


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_of_the_page_holds(name):
    minutes, lines = PLANS[name]
    sessions = plans.read_plan(name, minutes, lines)
    assert all(session.minutes <= minutes for session in sessions)
    # No session is so short that a teacher would have to fill a quarter of it.
    assert all(session.minutes >= 0.75 * minutes for session in sessions)


def test_there_are_plans_for_two_hours_a_day_and_four_sessions():
    assert {name: minutes for name, (minutes, _) in PLANS.items()} == {
        "Two hours": 120,
        "One day": 210,
        "Four sessions": 120,
    }


@pytest.mark.parametrize("lesson", catalogue().values(), ids=lambda lesson: lesson.number)
def test_the_sections_of_a_lesson_make_its_minutes_in_class(lesson):
    minutes = plans.sections(lesson)
    headings = re.findall(r"^# (.+)\n# -{3,}$", lesson.script.read_text("utf-8"), re.MULTILINE)
    assert list(minutes) == headings
    assert min(minutes.values()) > 0
    assert sum(minutes.values()) == pytest.approx(2 * lesson.minutes + 5 * len(lesson.plays))


@pytest.mark.parametrize("lesson", catalogue().values(), ids=lambda lesson: lesson.number)
def test_a_page_to_play_with_has_its_minutes_where_it_stands(lesson, monkeypatch):
    with_it = plans.sections(lesson)
    monkeypatch.setattr(plans, "PLAYING", 0)
    without = plans.sections.__wrapped__(lesson)
    text = lesson.script.read_text("utf-8")
    for title, minutes in with_it.items():
        section = text.partition(f"# {title}\n# ---")[2]
        section = re.split(r"^# -{3,}$", section.partition("\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
        assert minutes - without[title] == pytest.approx(5 * len(re.findall(r"^# \.\. play::", section, re.MULTILINE)))


def test_a_section_left_out_takes_its_minutes_with_it():
    (whole,) = read("session One\nlesson 1.1")
    (less,) = read("session One\nlesson 1.1 without What to remember; The table")
    gone = plans.sections(catalogue()["1.1"])
    assert whole.minutes == round(sum(gone.values()))
    assert whole.minutes - less.minutes == pytest.approx(gone["The table"] + gone["What to remember"], abs=1)
    assert less.parts[0].words == "{lesson}`1.1`, without *The table*, *What to remember*"


def test_what_may_go_goes_as_far_as_the_minutes_ask_each_lesson_in_its_turn():
    text = (
        "session One\n"
        "lesson 1.1 without The table; if need be A bias and ReLU select; The weighted sum\n"
        "minutes 10 A break.\n"
        "lesson 1.2 without if need be Nine weights; Padding and stride"
    )
    asked = [["A bias and ReLU select"], ["Nine weights"], ["The weighted sum"], ["Padding and stride"]]
    for count in range(5):
        gone = sum(asked[:count], ["The table"])
        minutes = 10
        for number in ("1.1", "1.2"):
            kept = [took for title, took in plans.sections(catalogue()[number]).items() if title not in gone]
            minutes += math.ceil(round(sum(kept), 6))
        (session,) = read(text, minutes)
        assert session.minutes == minutes
        assert {title for taught in session.lessons for title in taught.left_out} == set(gone)
        with pytest.raises(ExtensionError, match="asks for") if count == 4 else contextlib.nullcontext():
            read(text, minutes - 1)


def test_a_plan_leads_from_lesson_to_lesson_on_the_wall_without_what_it_leaves_out():
    (session,) = read(
        "session One\nlesson 1.1 without Two outputs: from seven dimensions to two; The table\nlesson 1.2\n"
        "minutes 10 *A* {doc}`break <map>`; #1.\nlesson 1.3 without What to remember"
    )
    first = "present&without=the-table,two-outputs-from-seven-dimensions-to-two"
    never = "never=questions,exercises,download"  # once, for each lesson
    talk = "10%20minutes:%20A%20break,%20,1."
    last = "what-to-remember"
    opening, *later = session.parts
    assert plans.on_the_wall(opening, later) == f"{first}&{never}&then=1.2;{talk};1.3,{last}"
    assert plans.on_the_wall(session.lessons[2], []) == f"present&without={last}&{never}&then="
    words = plans.plan_in_words([session], 1000)
    assert f"{{lesson}}`1.1` ({{on-the-wall}}`1.1?{first}&{never}&then=1.2;{talk};1.3,{last}`), without" in words
    assert f"{{on-the-wall}}`1.3?present&without={last}&{never}&then=`), without" in words


def test_what_is_said_to_the_teacher_is_not_on_the_wall_and_a_page_to_play_with_has_its_address_there():
    (session,) = read("session One\nlesson 1.1\nminutes 7 {doc}`Draw <play/digit>` one. teacher: Skip the rest.")
    lesson, talk = session.parts
    assert plans.on_the_wall(lesson, [talk]).endswith("&then=7%20minutes%20play/digit:%20Draw%20one.")
    words = plans.plan_in_words([session], 1000)
    assert words.endswith("| {doc}`Draw <play/digit>` one. *To the teacher*: Skip the rest. |")


def test_what_is_read_at_home_counts_as_seen_and_takes_no_minutes():
    (session,) = read("session One\nhome 1.1\nlesson 1.2\nminutes 10 A break.")
    assert session.minutes == round(sum(plans.sections(catalogue()["1.2"]).values())) + 10
    words = plans.plan_in_words([session], 200)
    assert words.startswith(f"**One**, {session.minutes} of 200 minutes. At home before: {{lesson}}`1.1`.\n")
    assert "| 0 | {lesson}`1.2` ({on-the-wall}`1.2?present&" in words
    assert words.endswith(f"| {session.minutes - 10} | A break. |")


def test_the_page_says_what_the_plans_count():
    assert (plans.IN_CLASS, plans.PLAYING) == (2, 5)
    assert "allow twice that, for questions, and five minutes more for each page to play" in " ".join(PAGE.split())
    assert all("A break." in "".join(lines) for _, lines in PLANS.values())


def test_a_link_that_leaves_out_what_its_page_has_not_is_refused():
    def contents(*names: str) -> nodes.bullet_list:
        return nodes.bullet_list("", *(nodes.reference("", name, anchorname=f"#{name}") for name in names))

    link = nodes.reference("", "on the wall", refuri="a.html?present&without=one&never=two&then=", page="a")
    app = SimpleNamespace(env=SimpleNamespace(tocs={"a": contents("one", "two", "three")}))
    plans._check_links(app, nodes.paragraph("", "", link), "teaching")
    app.env.tocs["a"] = contents("one", "three")
    with pytest.raises(ExtensionError, match="teaching: a plan leaves out #two, which a has not"):
        plans._check_links(app, nodes.paragraph("", "", link), "teaching")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("session One\nlesson 1.4", r"Mine: lesson 1\.4 comes after 1\.1 and 1\.3, which nobody has seen by then"),
        ("session One\nlesson 2.1", r"Mine: lesson 2\.1 comes after 1\.1, which"),
        ("session One\nlesson 9.1", r"Mine: there is no lesson '9\.1'"),
        (
            "session One\nlesson 1.1 without Rest",
            r"Mine: lesson 1\.1 has no section 'Rest'; it has .+; What to re",
        ),
        ("lesson 1.1", r"Mine: 'lesson 1\.1' comes before the first session"),
        ("session One\nwatch a film", r"Mine: 'watch a film' is no line of a plan"),
    ],
)
def test_a_plan_that_cannot_be_held_is_refused(text, message):
    with pytest.raises(ExtensionError, match=message):
        read(text)


def test_a_session_that_is_too_long_is_refused_by_its_minutes():
    with pytest.raises(ExtensionError, match=r"Mine: the session 'One' asks for 71 minutes, and has 70"):
        read("session One\nminutes 60 Talk.\nminutes 11 More.", minutes=70)
