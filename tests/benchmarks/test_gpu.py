"""What `make check-gpu` runs needs neither our environment nor an installed package, and says what it found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import gpu

BARE = r"""
import json, sys
from importlib import metadata

BLOCKED = {"pandas", "matplotlib", "sklearn", "torchvision", "pooch", "typer", "expecttest"}

class Without:
    # a finder that does not find those

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, *rest):
        return None if name.partition(".")[0] in BLOCKED else self.finder.find_spec(name, *rest)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
version = metadata.version
def not_installed(name):
    if name == "glassbox-course":
        raise metadata.PackageNotFoundError(name)
    return version(name)
metadata.version = not_installed

from importlib import import_module
from benchmarks import gpu
rows = [*gpu.step_time("cpu", sizes=(2, 3), steps=2)]
for path in ["tests/conftest.py", *gpu.TESTS]:
    import_module(path.removesuffix(".py").replace("/", "."))
print(json.dumps(rows))
"""


def test_a_bare_image_is_enough() -> None:
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, cwd=gpu.ROOT)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["images in a batch"] for row in rows] == [2, 3]
    assert all(row["GPU"] > 0 and row["processor"] > 0 for row in rows)


def test_every_file_with_a_test_for_a_gpu_is_run() -> None:
    tests = gpu.ROOT / "tests"
    marks = ("mark.gpu", "device: str")
    files = {
        path.relative_to(gpu.ROOT).as_posix()
        for path in tests.rglob("test_*.py")
        if any(mark in path.read_text(encoding="utf-8") for mark in marks)
    }
    assert files - {"tests/benchmarks/test_gpu.py"} == {*gpu.TESTS, *gpu.MORE}


def test_a_report_is_counted() -> None:
    text = """<testsuites><testsuite tests="3">
    <testcase name="good"/><testcase name="bad"><failure message="assert 1 == 2&#10;more">...</failure></testcase>
    <testcase name="not here"><skipped message="needs a CUDA device"/></testcase></testsuite></testsuites>"""
    failures = {"bad": ["assert 1 == 2"]}
    assert gpu.read_report(text) == {"passed": 1, "failed": 1, "skipped": 1, "failures": failures}


def test_without_a_device_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    assert gpu.main([f"--save={tmp_path / 'found.json'}"]) == 1
    assert "torch sees no CUDA device here" in capsys.readouterr().err
    assert not (tmp_path / "found.json").exists()


def test_what_was_found_is_written_and_a_failure_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = tmp_path / "found.json"
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu, "made_with", lambda device: {"machine": "a GPU"})
    monkeypatch.setattr(gpu, "graph", lambda: iter([{"ratio": 0.5}]))
    monkeypatch.setattr(gpu, "step_time", lambda: iter([{"GPU": 1.0}]))
    for failed, code in ((0, 0), (1, 1)):
        monkeypatch.setattr(gpu, "tests", lambda deadline, failed=failed: iter([{"passed": 2, "failed": failed}]))
        assert gpu.main([f"--save={found}"]) == code
        written = json.loads(found.read_text())
        assert written["tests"] == [{"passed": 2, "failed": failed}]
        assert written["step_time"] == [{"GPU": 1.0}]
        assert json.loads(capsys.readouterr().out) == written


def test_what_was_found_before_an_error_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> gpu.Rows:
        yield {"ratio": 0.5}
        raise RuntimeError("the step was not captured")

    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu, "made_with", lambda device: {"machine": "a GPU"})
    monkeypatch.setattr(gpu, "tests", lambda deadline: iter([{"passed": 2, "failed": 0}]))
    monkeypatch.setattr(gpu, "graph", broken)
    monkeypatch.setattr(gpu, "step_time", lambda: iter([{"GPU": 1.0}]))
    assert gpu.main([]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["graph"], found["step_time"]) == ([{"ratio": 0.5}], [{"GPU": 1.0}])
    assert found["stopped"] == ["graph: RuntimeError: the step was not captured"]
