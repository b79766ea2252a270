"""The scripts of the pages to play with, joined to one module that node can import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glassbox.explain._bundle import JS, join
from tests.explain.node import node

HERE = Path(__file__).parent
SCRIPTS = HERE.parents[1] / "docs" / "play" / "js"


def run_checks(
    folder: Path, name: str, exports: str, reference: Any, *, wrong: tuple[str, str] | None = None
) -> tuple[int, str]:
    """Run the checks of ``<name>.test.mjs`` on what ``<name>.js`` exports; `wrong` plants an error.

    Returns
    -------
    tuple
        Node's exit status, and what it wrote.
    """
    code = join(SCRIPTS / f"{name}.js", [JS])
    if wrong is not None:
        assert code.count(wrong[0]) == 1, f"{wrong[0]!r} must stand once"
        code = code.replace(*wrong)
    module, file = folder / f"{name}.mjs", folder / f"{name}.json"
    module.write_text(f"{code}\nexport {{ {exports} }};\n", encoding="utf-8")
    file.write_text(json.dumps(reference), encoding="utf-8")
    run = node("--test", "--test-reporter=tap", HERE / f"{name}.test.mjs", MODULE=module, REFERENCE=file)
    return run.returncode, run.stdout
