from __future__ import annotations

import subprocess
import sys


def test_importing_plots_does_not_import_matplotlib():
    code = "import sys, glassbox.plots; print([m for m in ('matplotlib', 'pandas', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
