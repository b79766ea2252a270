"""What the workflows run beside make, run here: steps that handle what a build made, or that hold a token."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not (shutil.which("git") and shutil.which("unzip")),
    reason="the steps run where bash, git and unzip are",
)
WORKFLOWS = Path(__file__).parents[1] / ".github/workflows"


def run_steps(workflow: str, job: str, folder: Path, **environment: str) -> None:
    """Run the commands of a job in a folder, as its runner does: no context of GitHub's, but the variables given."""
    job = yaml.safe_load((WORKFLOWS / workflow).read_text("utf-8"))["jobs"][job]
    variables = {**os.environ, "GITHUB_SHA": "0" * 40}
    for step in [job, *job["steps"]]:
        given = {
            name: value.replace("${{ github.workspace }}", str(folder)) for name, value in step.get("env", {}).items()
        }
        variables |= given | environment
        if "run" in step:
            subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=folder, env=variables, check=True)


def git(folder: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    run = subprocess.run(["git", *arguments], cwd=folder, env=clean, check=True, capture_output=True, text=True)
    return run.stdout


def test_what_the_archive_of_lessons_holds_cannot_act_where_the_token_is(tmp_path):
    remote, work, trace = tmp_path / "remote.git", tmp_path / "work", tmp_path / "seen"
    work.mkdir()
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    hook = f'#!/bin/sh\necho "$0 $REMOTE" >> {trace}\n'
    files = {f".git/hooks/{name}": hook for name in ("pre-commit", "post-commit", "pre-push", "reference-transaction")}
    files |= {
        ".git/HEAD": "ref: refs/heads/notebooks\n",
        ".git/config": f"[core]\n\tfsmonitor = echo monitor >> {trace}; false\n",
        ".git/refs/heads/keep": "",
        ".git/objects/keep": "",
        "lessons/.gitattributes": "* filter=evil\n",
        "lessons/plot_11.ipynb": "{}",
        "README.txt": "read me",
    }
    with zipfile.ZipFile(work / "glassbox-lessons.zip", "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(f"glassbox-lessons/{name}")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, text)
    run_steps("pages.yml", "notebooks", work, REMOTE=str(remote))
    assert not trace.exists(), trace.read_text()
    assert git(remote, "ls-tree", "-r", "--name-only", "notebooks").split() == ["README.txt", "lessons/plot_11.ipynb"]


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ("echo workflow", "address=https://example.org/course\n"),
        ("echo legacy", ""),  # a branch is published, which this workflow cannot replace
        ("echo Not Found >&2; exit 1", ""),
    ],
)
def test_nothing_is_built_for_pages_that_this_workflow_may_not_publish(tmp_path, answers, found):
    asked, output = tmp_path / "gh", tmp_path / "output"
    asked.write_text(f'#!/bin/sh\n[ "$*" = "api repos/me/course/pages --jq .build_type" ] || exit 2\n{answers}\n')
    asked.chmod(0o755)
    output.touch()
    run_steps(
        *("pages.yml", "address", tmp_path),
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        GITHUB_REPOSITORY="me/course",
        GITHUB_OUTPUT=str(output),
        ADDRESS="https://example.org/course",
    )
    assert output.read_text() == found
