"""One classic script of several ES modules: from disk a browser runs no module and fetches nothing.

Only what the modules of this project use is understood, and anything else is refused by file and line:
``import { a, b } from "./x.js"``, and ``export`` before a function, class or const. Joined, the modules share one
scope, so no name may be declared twice at the top level of two of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

JS = Path(__file__).parent / "js"

_IMPORT = re.compile(r'import\s*\{([^}]*)\}\s*from\s*"\./([\w-]+\.js)";?[^\S\n]*(?://[^\n]*)?', re.ASCII)
_NAME = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_DECLARATION = re.compile(
    r"(?P<export>export[ ]+)?(?:(?:async[ ]+)?function\b[ ]*\*?|class|const|let|var)[ ]+"
    r"(?P<names>\[[^\]]*\]|\{[^}]*\}|[\w$]+)",
    re.ASCII,
)


class BundleError(ValueError):
    """A module that cannot be joined; the message says where and what to write instead."""


def join(entry: Path, search: Sequence[Path] = ()) -> str:
    """Join a module and all that it imports, each once and after what it needs.

    Parameters
    ----------
    entry : Path
        The module to start from.
    search : sequence of Path
        Folders in which an import is looked up when the importing module's own folder does not hold it.

    Returns
    -------
    str
        The code without imports and exports.

    Raises
    ------
    BundleError
        If a module is missing, two import each other, a name is declared twice, or a form is not understood.
    """
    modules: dict[Path, _Module] = {}
    _collect(entry.resolve(), list(search), modules, [])
    declared: dict[str, str] = {}
    for module in modules.values():
        for name, place in module.declared.items():
            if name in declared:
                raise BundleError(
                    f"{place}: {name} is also declared at {declared[name]}; joined, the modules share one scope: "
                    "rename one of them"
                )
            declared[name] = place
    return "\n".join(f"// {path.name}\n{module.code.strip()}\n" for path, module in modules.items())


def script(entry: Path, search: Sequence[Path] = (), *, selector: str, data: Any = None) -> str:
    """Join modules to a script that calls ``main(root, data)`` of the entry for each element of the page.

    Parameters
    ----------
    entry : Path
        The module that exports ``main``.
    search : sequence of Path
        As for `join`.
    selector : str
        The CSS selector of the elements.
    data : object
        What JSON can hold.

    Returns
    -------
    str
        The script, which declares no global name and may stand in a page as it is.

    Raises
    ------
    BundleError
        As for `join`, and if the entry exports no ``main``.
    """
    if "main" not in _Module(entry.resolve()).exported:
        raise BundleError(f"{entry}: exports no main; write export function main(root, data) {{...}}")
    code = join(entry, search)
    if found := re.search("</script|<!--", code, re.IGNORECASE):
        raise BundleError(f"{entry}: the joined code holds {found[0]!r}, which would end a script inside a page")
    call = f"((data) => document.querySelectorAll({to_script(selector)}).forEach((root) => main(root, data)))"
    return f'(() => {{\n"use strict";\n{code}\n{call}(\n{to_script(data)},\n);\n}})();\n'


def to_script(data: Any) -> str:
    """Write data as JSON that may stand inside a script of a page: no text in it can end the script."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _collect(path: Path, search: list[Path], modules: dict[Path, _Module], above: list[Path]) -> None:
    """Add a module after those that it imports."""
    if path in above:
        circle = " -> ".join(step.name for step in [*above[above.index(path) :], path])
        raise BundleError(f"{path}: the modules import each other ({circle}); move what both need to a third")
    if path in modules:
        return
    module = _Module(path)
    for place, file, names in module.imports:
        folders = [path.parent, *search]
        found = next((folder / file for folder in folders if (folder / file).is_file()), None)
        if found is None:
            raise BundleError(f"{place}: no file {file} in {', '.join(map(str, folders))}")
        _collect(found.resolve(), search, modules, [*above, path])
        missing = [name for name in names if name not in modules[found.resolve()].exported]
        if missing:
            raise BundleError(f"{place}: {file} does not export {', '.join(missing)}")
    modules[path] = module


class _Module:
    """What one file imports, declares and exports, and its code without these words."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise BundleError(f"{path}: no such module")
        self.path = path
        self.source = path.read_text(encoding="utf-8")
        self.imports: list[tuple[str, str, list[str]]] = []
        self.declared: dict[str, str] = {}
        self.exported: set[str] = set()
        self.code = self._read()

    def _read(self) -> str:
        """Go through the statements that begin in the first column: all others are inside one of these."""
        kept, start = [], 0
        for line in re.finditer(r"^(?:import|export|async|function|class|const|let|var)\b.*$", self.source, re.M):
            if line.start() < start:
                continue  # a further line of an import
            place = f"{self.path}:{self.source.count(chr(10), 0, line.start()) + 1}"
            kept.append(self.source[start : line.start()])
            if line[0].startswith("import"):
                start = self._note_import(line.start(), place)
            else:
                start = self._note_declaration(line.start(), place)
        return "".join([*kept, self.source[start:]])

    def _note_import(self, start: int, place: str) -> int:
        found = _IMPORT.match(self.source, start)
        names = [] if found is None else [name.strip() for name in found[1].split(",") if name.strip()]
        if found is None or not all(map(_NAME.fullmatch, names)):
            raise BundleError(f'{place}: an import not understood; write import {{ a, b }} from "./x.js";')
        self.imports.append((place, found[2], names))
        return found.end()

    def _note_declaration(self, start: int, place: str) -> int:
        found = _DECLARATION.match(self.source, start)
        if found is None:
            raise BundleError(f"{place}: not understood; write export before a function, class or const with a name")
        names = _NAME.findall(found["names"])
        self.declared |= dict.fromkeys(names, place)
        if found["export"]:
            self.exported.update(names)
            return found.start() + len(found["export"])
        return start
