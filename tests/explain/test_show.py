"""The frame of a notebook: the page of `export`, whole, in which no text of the user is markup."""

from __future__ import annotations

import re

import pytest
import torch
from bs4 import BeautifulSoup

from glassbox import explain, nn


@pytest.fixture
def frame():
    torch.manual_seed(0)
    return explain.show(nn.Linear(2, 3), torch.zeros(1, 2), height=400, title='"><script>&amp;', classes="abc")


def test_the_frame_holds_the_page_that_export_writes(frame, tmp_path):
    torch.manual_seed(0)
    path = explain.export(
        nn.Linear(2, 3), torch.zeros(1, 2), tmp_path / "m.html", title='"><script>&amp;', classes="abc"
    )
    written = path.read_text(encoding="utf-8")
    in_frame = written.replace('"isInFrame":false', '"isInFrame":true').replace(
        '<body class="page">', '<body class="in-frame">'
    )
    without_policy = [re.sub(r"'sha256-[^']+'", "", page) for page in (frame.page, in_frame)]
    assert without_policy[0] == without_policy[1]


def test_no_text_of_the_user_leaves_the_frame(frame):
    (element,) = BeautifulSoup(frame._repr_html_(), "html.parser").find_all()
    assert element.name == "iframe"
    assert element["title"] == '"><script>&amp;'
    assert element["srcdoc"] == frame.page
    assert element["sandbox"] == ["allow-scripts"]
    assert "height: 400px" in element["style"]


def test_what_is_printed_says_how_to_see_it(frame):
    assert "last line of a cell" in repr(frame)
    assert "glassbox.explain.export" in repr(frame)


@pytest.mark.parametrize(
    ("height", "error", "message"),
    [
        ("50%", TypeError, "height expects a whole number of pixels, got '50%': try 720"),
        (True, TypeError, "height expects a whole number of pixels, got True"),
        (0, ValueError, "height expects a positive number of pixels, got 0: try 720"),
    ],
)
def test_a_height_that_is_none_is_told(height, error, message):
    with pytest.raises(error, match=message):
        explain.show(nn.Linear(2, 2), torch.zeros(1, 2), height=height)


def test_what_export_refuses_is_refused():
    with pytest.raises(NotImplementedError, match="0: explain cannot open a ConvTranspose2d"):
        explain.show(torch.nn.Sequential(torch.nn.ConvTranspose2d(1, 1, 2)), torch.zeros(1, 1, 2, 2))
