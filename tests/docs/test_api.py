"""Each public name has its entry under docs/api: read from the text of the pages, without a built site."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest

API = Path(__file__).parents[2] / "docs" / "api"
FAMILIES = (
    *("nn", "nn.functional", "optim", "models", "training"),
    *("datasets", "plots", "tracing", "gradients", "descent", "exercises", "explain"),
)
DIRECTIVE = re.compile(r"^\.\. (\w+):: *(\S+)((?:\n {3}:.*)*)", re.MULTILINE)


def public(module: ModuleType) -> set[str]:
    """Give the names that a module of ours offers, without those that it hands on from others."""
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    homes = {name: getattr(getattr(module, name), "__module__", None) or "" for name in names}
    return {name for name, home in homes.items() if home.startswith("glassbox")}


def entries(texts: Iterable[str]) -> set[str]:
    """Give the full names that the directives of Sphinx's autodoc make entries of."""
    found: set[str] = set()
    for text in texts:
        module = ""
        for kind, name, options in DIRECTIVE.findall(text):
            if kind in ("module", "currentmodule"):
                module = name
            elif kind == "automodule":
                module = name
                members = re.search(r":members:(.*)", options)
                listed = members[1].replace(",", " ").split() if members else []
                every = public(importlib.import_module(name)) if members and not listed else listed
                found |= {f"{name}.{member}" for member in every}
            elif kind.startswith("auto"):
                found.add(f"{module}.{name}")
    return found


def without_entry(family: str, found: set[str]) -> list[str]:
    """Say of each public name that has no entry where to write one."""
    module = importlib.import_module(f"glassbox.{family}")
    said = []
    for name in sorted(public(module)):
        if f"glassbox.{family}.{name}" not in found:
            kind = "autoclass" if isinstance(getattr(module, name), type) else "autofunction"
            page = {"nn": "nn.md, or of a loss docs/api/losses.md"}.get(family, f"{family.rpartition('.')[2]}.md")
            said.append(f"glassbox.{family}.{name} has no entry: write '.. {kind}:: {name}' in docs/api/{page}")
    return said


@pytest.mark.parametrize("family", FAMILIES)
def test_every_public_name_has_its_entry(family: str) -> None:
    assert public(importlib.import_module(f"glassbox.{family}"))
    missing = without_entry(family, entries(path.read_text(encoding="utf-8") for path in API.glob("*.md")))
    assert not missing, "\n".join(missing)


def test_a_missing_entry_is_noticed() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in API.glob("*.md")}
    pages["nn.md"] = pages["nn.md"].replace(".. autoclass:: Tanh\n", "")
    del pages["optim.md"]
    found = entries(pages.values())
    assert (
        "glassbox.nn.Tanh has no entry: write '.. autoclass:: Tanh' in docs/api/nn.md, or of a loss docs/api/losses.md"
    ) in without_entry("nn", found)
    assert len(without_entry("optim", found)) == len(public(importlib.import_module("glassbox.optim")))


def test_a_page_with_chosen_members_lists_only_those() -> None:
    page = ".. automodule:: glassbox.optim\n   :members: SGD, Adam\n\n.. autofunction:: other\n"
    assert entries([page]) == {"glassbox.optim.SGD", "glassbox.optim.Adam", "glassbox.optim.other"}
