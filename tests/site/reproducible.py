"""Two builds from nothing, in two folders, give the same bytes: ``make check-reproducible``.

One reads a page after the other, the other as many side by side as there are cores.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from .conftest import ROOT

# Files that may differ, and why.
MAY_DIFFER: dict[str, str] = {}


def build(folder: Path, jobs: str) -> Path:
    """Build the site from a copy of the tracked files, and of what is new and not ignored."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    html = folder / "docs/_build/html"
    options = ["-W", "--keep-going", "-n", "-q", "-j", jobs, "-b", "html", "-d", str(folder / "docs/_build/doctrees")]
    subprocess.run([sys.executable, "-m", "sphinx", *options, *sys.argv[1:], "docs", str(html)], cwd=folder, check=True)
    return html


def differences(first: Path, second: Path) -> list[str]:
    """Return the files that only one folder has, or that differ, without those that may."""
    one, two = (
        {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} for root in (first, second)
    )
    differ = one ^ two | {name for name in one & two if not filecmp.cmp(first / name, second / name, shallow=False)}
    return sorted(name for name in differ if not any(fnmatch(name, pattern) for pattern in MAY_DIFFER))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="glassbox-") as folder:
        first, second = build(Path(folder, "first"), "1"), build(Path(folder, "second-build"), "auto")
        files = sum(path.is_file() for path in first.rglob("*"))
        differ = differences(first, second)
        if differ:
            kept = Path(tempfile.mkdtemp(prefix="glassbox-differ-"))
            for build_, root in (("first", first), ("second", second)):
                for name in differ:
                    if (root / name).exists():
                        (kept / build_ / name).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy2(root / name, kept / build_ / name)
            sys.exit("\n".join([f"{len(differ)} of {files} files differ (kept in {kept}):", *differ]))
    excused = "".join(f"\n  {pattern}: {reason}" for pattern, reason in MAY_DIFFER.items())
    print(f"Two builds from nothing gave the same {files} files.{excused and ' Not compared:' + excused}")


if __name__ == "__main__":
    main()
