"""The comparison of two builds sees each kind of difference."""

from __future__ import annotations

import pytest

from .reproducible import differences


@pytest.fixture
def folders(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub/page.html").write_text("same")
    return tmp_path / "first", tmp_path / "second"


def test_the_same_trees_have_no_difference(folders):
    assert differences(*folders) == []


def test_a_changed_byte_and_a_file_of_one_tree_are_seen(folders):
    (folders[0] / "sub/page.html").write_text("Same")
    (folders[1] / "more.js").write_text("")
    assert differences(*folders) == ["more.js", "sub/page.html"]
