"""Setting up: what the installer takes from the lock."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
LOCK = (REQUIREMENTS / "dev.txt").read_text("utf-8")


@pytest.fixture(scope="module")
def installer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("installer", REQUIREMENTS / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.MULTILINE))


def test_another_pytorch_leaves_the_lock_and_its_hashes_for_all_else(installer):
    rest, pins = installer.without_torch(LOCK)
    assert [pin.split("==")[0] for pin in pins] == ["torch", "torchvision"]
    assert all(pin in LOCK for pin in pins)
    left_out = names(LOCK) - names(rest)
    assert {name for name in left_out if not name.startswith(("nvidia-", "cuda-"))} == {
        "torch",
        "torchvision",
        "triton",
    }
    for entry in re.split(r"\n(?=[a-z0-9])", rest.strip()):
        assert entry in LOCK
        assert "--hash=sha256:" in entry


def test_the_lock_names_no_address():
    assert "://" not in LOCK


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0", "3.14.0"])
def test_one_lock_serves_each_python(python):
    markers = pytest.importorskip("packaging.requirements")
    entries = [markers.Requirement(line) for line in re.findall(r"^([a-z0-9].*?) \\$", LOCK, re.MULTILINE)]
    place = {"python_full_version": python, "python_version": python[:4], "sys_platform": "linux"}
    found = [entry.name for entry in entries if entry.marker is None or entry.marker.evaluate(place)]
    assert len(found) == len(set(found)), "a package is locked twice"
    assert {"sphinx", "docutils", "numpy", "scipy", "torch", "torchvision"} <= set(found)
