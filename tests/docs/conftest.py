"""The site's extension as a package to import; without the extra `docs` these tests are skipped."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
sys.path.insert(0, str(Path(__file__).parents[2] / "docs/_ext"))
