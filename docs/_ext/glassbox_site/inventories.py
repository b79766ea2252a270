"""Links to other projects' references without a network: `_inventories/*.txt` become what intersphinx reads.

Each line holds a name, its kind and its page, as in ``torch.Tensor py:class tensors.html#$``; a ``$`` at the end
stands for the name. Only names that the course links to are listed.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

SITES = {
    "python": "https://docs.python.org/3/",
    "torch": "https://docs.pytorch.org/docs/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
    "matplotlib": "https://matplotlib.org/stable/",
}


def pack(project: str, lines: list[str]) -> bytes:
    """Return a version 2 inventory holding the lines."""
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    entries = (line.split() for line in lines)
    body = "".join(f"{name} {kind} 1 {page} -\n" for name, kind, page in entries)
    return head.encode() + zlib.compress(body.encode(), 9)


def _config_inited(app: Sphinx, config: Config) -> None:
    folder = Path(app.outdir).parent / "inventories"
    folder.mkdir(parents=True, exist_ok=True)
    for project, site in SITES.items():
        lines = Path(app.srcdir, "_inventories", f"{project}.txt").read_text().splitlines()
        packed = folder / f"{project}.inv"
        content = pack(project, lines)
        if not packed.exists() or packed.read_bytes() != content:
            packed.write_bytes(content)
        config.intersphinx_mapping[project] = (site, str(packed))


def setup(app: Sphinx) -> None:
    # Before intersphinx checks its mapping.
    app.connect("config-inited", _config_inited, priority=100)
