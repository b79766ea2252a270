"""What the page that trains says of a run follows from the run."""

from __future__ import annotations

import pytest

from tests.play.modules import run_checks

SAID = {
    "start": {"says": ["from seed 3", "50 of 500"], "leavesOut": ["chance"]},
    "near chance": {
        "says": ["near chance", "by 0.1300 only", "At the start it was 0.1200", "until it grows"],
        "leavesOut": ["left"],
    },
    "drawing together": {"says": ["how common each digit is"], "leavesOut": ["until it grows"]},
    "learning": {"says": ["left chance by step 20", "takes a 4 for a 9: 7 times"], "leavesOut": ["lowest", "Zero for"]},
    "back": {"says": ["lowest at step 60, 0.50, and is now 0.90"], "leavesOut": []},
    "dead": {"says": ["All 32 units of relu4 are zero", "dead"], "leavesOut": ["left chance"]},
    "partly silent": {"says": ["9 of 32 in relu4"], "leavesOut": ["dead", "relu1"]},
    "diverged": {"says": ["ceased to be finite", "after step 20"], "leavesOut": ["chance"]},
}


def test_the_page_says_what_a_run_does(tmp_path):
    status, written = run_checks(tmp_path, "telling", "tell", SAID)
    assert status == 0, written
    assert f"# pass {len(SAID)}\n" in written


PLANTED = {
    "a share that counts as chance": ("CHANCE_SHARE = 0.2", "CHANCE_SHARE = 0.1"),
    "a right answer as a confusion": ("read !== label && count", "count"),
    "some silent units for all": ("silent === all", "silent > 0"),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(tmp_path, wrong):
    status, _ = run_checks(tmp_path, "telling", "tell", SAID, wrong=wrong)
    assert status == 1
