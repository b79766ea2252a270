"""Plans of a class hold: nobody sees a lesson before what it builds on, and no session is longer than it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
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
    assert sum(minutes.values()) == pytest.approx(2 * lesson.minutes)


def test_a_section_left_out_takes_its_minutes_with_it():
    (whole,) = read("session One\nlesson 1.1")
    (less,) = read("session One\nlesson 1.1 without The table; What to remember")
    gone = plans.sections(catalogue()["1.1"])
    assert whole.minutes == 2 * catalogue()["1.1"].minutes
    assert whole.minutes - less.minutes == pytest.approx(gone["The table"] + gone["What to remember"], abs=1)
    assert less.parts[0][1] == "{lesson}`1.1`, without *The table*, *What to remember*"


def test_what_is_read_at_home_counts_as_seen_and_takes_no_minutes():
    (session,) = read("session One\nhome 1.1\nlesson 1.2\nminutes 10 A break.")
    assert session.home == ["{lesson}`1.1`"]
    assert session.minutes == 2 * catalogue()["1.2"].minutes + 10
    words = plans.plan_in_words([session], 200)
    assert words.startswith(f"**One**, {session.minutes} of 200 minutes. At home before: {{lesson}}`1.1`.\n")
    assert words.endswith(f"| 0 | {{lesson}}`1.2` |\n| {session.minutes - 10} | A break. |")


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
