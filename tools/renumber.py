"""Give a lesson another place in its part: `make renumber NAME=36 TO=38`.

A lesson's number is the one in its script's name. Its title, its questions, its answer and its exercises bear it too,
and other texts lead to it: all of these follow. What a lesson was called in the changelog stays.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.first_look import GALLERY, MENTION, PLACES, ROOT, texts

# Where a test keeps something by a lesson's number.
_KEY = r'\("{old}", \d\)'


def renumbered(text: str, old: str, new: str) -> str:
    """Return a text with another number for a lesson, its exercises and its files."""
    number = re.compile(rf"(?<![\d.]){re.escape(old)}(?!\d|\.\d)")
    for around in (MENTION, _KEY.format(old=re.escape(old))):
        text = re.sub(around, lambda found: number.sub(new, found[0]), text)
    text = re.sub(rf"(?<![\d.]){re.escape(old)}(?=-[a-z]\b)", new, text)
    return re.sub(rf"\b(plot|answer)_{old.replace('.', '')}(?=_|\b)", rf"\1_{new.replace('.', '')}", text)


def renumber(name: str, to: str) -> list[Path]:
    """Renumber a lesson; return the files that changed."""
    scripts = {path.stem.split("_")[1]: path for path in GALLERY.glob("part*/plot_*.py")}
    if name not in scripts:
        raise ValueError(f"there is no lesson {name}; there are {', '.join(sorted(scripts))}")
    if not re.fullmatch(rf"{name[0]}\d{{1,2}}", to) or to in scripts:
        raise ValueError(f"TO is a free place in the same part, as in {name[0]}9: got {to!r}")
    old, new = (f"{each[0]}.{each[1:]}" for each in (name, to))
    title = re.compile(rf"(?<=^r\"\"\"\n){re.escape(old)} (.+)\n=+$", re.MULTILINE)
    changed = []
    for path in list(texts(*PLACES, "tests", "benchmarks")):
        text = before = path.read_text("utf-8")
        if path == scripts[name]:
            text = title.sub(lambda found: f"{new} {found[1]}\n{'=' * len(f'{new} {found[1]}')}", text)
        text = renumbered(text, old, new)
        place = path.with_name(renumbered(path.name, old, new) if path.name != f"{old}.toml" else f"{new}.toml")
        if (text, place) != (before, path):
            path.rename(place).write_text(text, encoding="utf-8")
            changed.append(place)
    return changed


if __name__ == "__main__":
    try:
        for file in renumber(*sys.argv[1:]):
            print(file.relative_to(ROOT))
    except ValueError as error:
        sys.exit(f"make renumber: {error}")
