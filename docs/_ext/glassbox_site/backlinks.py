"""In the reference, under each name, the lessons that use it; and no name of others."""

from __future__ import annotations

import json
from pathlib import Path

from sphinx.application import Sphinx

INDEX = Path("lessons", "backreferences", "backreferences_all.json")


def lessons_by_name(source: Path) -> dict[str, list[str]]:
    """Return, for each full name that a lesson uses, the pages of the lessons in the order of the course."""
    index = source / INDEX
    if not index.exists():
        return {}
    uses = json.loads(index.read_text("utf-8"))
    # Each use is [script, folder of the script, folder of the page, introduction, title].
    return {
        name: sorted({f"/lessons/{Path(folder).name}/{Path(script).stem}" for script, _, folder, *_ in found})
        for name, found in uses.items()
    }


def _append_lessons(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    app.env.note_dependency(str(INDEX))
    lessons = lessons_by_name(Path(app.srcdir)).get(name, [])
    if lessons:
        lines += ["", ".. rubric:: Lessons that use this", ""]
        lines += [f"- :doc:`{page}`" for page in lessons]


def _skip_others(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out what a module hands on from another library, such as `torch.nn.Module`."""
    module = getattr(obj, "__module__", None)
    is_foreign = bool(module) and not module.startswith("glassbox")
    return True if is_foreign or name == "extra_repr" else None


def setup(app: Sphinx) -> None:
    # After numpydoc has rewritten the docstring.
    app.connect("autodoc-process-docstring", _append_lessons, priority=900)
    app.connect("autodoc-skip-member", _skip_others)
