"""No lesson is heavy, even for a reader who scrolls to its end on a phone."""

import pytest

from .audit import BOUNDS, CompressingHandler, weight_to_the_end
from .conftest import serve

pytestmark = pytest.mark.site


def test_every_lesson_is_light_to_its_end(html, browser):
    lessons = [path.relative_to(html).as_posix() for path in sorted(html.glob("lessons/*/plot_*.html"))]
    assert lessons
    with serve(html, CompressingHandler) as site:
        weights = {lesson: weight_to_the_end(browser, site + lesson) for lesson in lessons}
    assert {lesson: weight for lesson, weight in weights.items() if not BOUNDS["to the end, kB"](weight)} == {}
