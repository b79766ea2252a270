"""Shares in percent, as the pages write them."""

from __future__ import annotations

import pytest

from glassbox.explain._bundle import JS
from tests.explain.node import node


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0, "0.00 %"),
        (0.00009, "< 0.01 %"),
        (0.12345, "12.35 %"),
        (0.9999, "99.99 %"),
        (0.999999, "> 99.99 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_100_percent_only_if_nothing_is_left_for_others(tmp_path, share, written):
    module = tmp_path / "numbers.mjs"
    module.write_text((JS / "numbers.js").read_text("utf-8"), encoding="utf-8")
    run = node("--input-type=module", "--eval", f'import {{ percent }} from "{module}"; console.log(percent({share}));')
    assert run.stdout.strip() == written, run.stderr
