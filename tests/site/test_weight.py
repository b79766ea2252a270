"""No lesson is heavy, even for a reader who scrolls to its end on a phone."""

from collections.abc import Iterator

import pytest

from .audit import BOUNDS, CompressingHandler, weight_to_the_end
from .conftest import HTML, serve

pytestmark = pytest.mark.site

LESSONS = sorted(path.relative_to(HTML).as_posix() for path in HTML.glob("lessons/*/plot_*.html"))


@pytest.fixture(scope="module")
def compressed(html) -> Iterator[str]:
    """The address of the site on a server that compresses as GitHub Pages does."""
    with serve(html, CompressingHandler) as address:
        yield address


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_light_to_its_end(browser, compressed, lesson):
    assert BOUNDS["to the end, kB"](weight_to_the_end(browser, compressed + lesson))
