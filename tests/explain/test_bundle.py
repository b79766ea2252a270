"""Modules joined to one classic script: what is joined works in node, and what cannot be joined is named."""

from __future__ import annotations

import json

import pytest

from glassbox.explain._bundle import JS, BundleError, join, script, to_script
from tests.explain.node import node


@pytest.fixture
def write(tmp_path):
    def write(**modules):
        for name, source in modules.items():
            (tmp_path / f"{name}.js").write_text(source, encoding="utf-8")
        return tmp_path / "entry.js"

    return write


def said_by(code: str) -> str:
    run = node("--eval", code)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_modules_are_joined_each_once_after_what_they_need(write):
    entry = write(
        base="let count = 0;\nexport const next = () => (count += 1);\n",
        left='import { next } from "./base.js";\nexport async function left() {\n  return next();\n}\n',
        right='import { next } from "./base.js"; // the same counter\nexport class Right {\n  value = next();\n}\n',
        entry='import {\n  left,\n} from "./left.js";\nimport { Right } from "./right.js";\n'
        "left().then((first) => console.log(first, new Right().value, new Right().value));\n",
    )
    code = join(entry)
    assert said_by(code) == "1 2 3"
    assert code.count("let count") == 1


def test_a_module_is_found_in_the_folders_to_search(write, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/x.js").write_text("export const x = 7;\n")
    entry = write(entry='import { x } from "./x.js";\nconsole.log(x);\n')
    assert said_by(join(entry, [tmp_path / "other"])) == "7"


def test_the_word_export_within_a_text_stays(write):
    entry = write(entry='console.log("export const x");\nconst text = `\n  import { a } from "./a.js";`;\n')
    assert said_by(join(entry)) == "export const x"


BROKEN = {
    "no such file": ('import { a } from "./none.js";', r"entry\.js:1: no file none\.js in .*"),
    "no such name": ('\nimport { b } from "./a.js";', r"entry\.js:2: a\.js does not export b"),
    "a default import": ('import a from "./a.js";', r"entry\.js:1: an import not understood; write import \{ a, b \}"),
    "all names": ('import * as a from "./a.js";', r"entry\.js:1: an import not understood"),
    "another name": ('import { a as b } from "./a.js";', r"entry\.js:1: an import not understood"),
    "from elsewhere": ('import { a } from "a";', r"entry\.js:1: an import not understood"),
    "a default export": ("const b = 1;\nexport default b;", r"entry\.js:2: not understood; write export before"),
    "a list of exports": ("const b = 1;\nexport { b };", r"entry\.js:2: not understood; write export before"),
    "a name twice": (
        'import { a } from "./a.js";\n\nconst hidden = 1;',
        r"entry\.js:3: hidden is also .*a\.js:2.*rename",
    ),
    "a name in a pattern": ('import { a } from "./a.js";\nconst { x, hidden } = {};', r"entry\.js:2: hidden is also"),
    "a circle": ('import { c } from "./c.js";\nexport const d = 1;', r"each other \(entry\.js -> c\.js -> entry\.js\)"),
}


@pytest.mark.parametrize(("source", "message"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_joined_is_named_with_its_line(write, source, message):
    entry = write(
        a="export const a = 1;\nconst hidden = 2;\n",
        c='import { d } from "./entry.js";\nexport const c = d;\n',
        entry=source,
    )
    with pytest.raises(BundleError, match=message):
        join(entry)


def test_an_entry_that_is_missing_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"none\.js: no such module"):
        join(tmp_path / "none.js")


PAGE = "globalThis.document = { querySelectorAll: (selector) => [selector, 2] };\n"


def test_a_script_calls_main_for_each_element_and_leaves_no_name_behind(write):
    entry = write(
        entry="const data = 1;\nexport function main(root, given) {\n  console.log(root, given.a, data);\n}\n"
    )
    code = script(entry, selector='[data-play="x"]', data={"a": "</script>"})
    said = said_by(PAGE + code + "console.log(typeof main);")
    assert said.splitlines() == ['[data-play="x"] </script> 1', "2 </script> 1", "undefined"]
    assert "</script" not in code


def test_a_script_needs_a_main(write):
    with pytest.raises(BundleError, match="exports no main"):
        script(write(entry="export const x = 1;"), selector="p")


def test_code_that_would_end_a_script_inside_a_page_is_refused(write):
    entry = write(entry='export function main() {\n  return "</SCRIPT>";\n}')
    with pytest.raises(BundleError, match="would end a script"):
        script(entry, selector="p")


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "\u2028", "&amp;", '"\\'])
def test_any_text_travels_in_a_script(text):
    assert json.loads(said_by(f"console.log(JSON.stringify({to_script(text)}));")) == text
    assert not set("<>&") & set(to_script(text))


@pytest.mark.parametrize("path", sorted(JS.glob("*.js")), ids=lambda path: path.name)
def test_node_reads_every_module_and_the_modules_join(path, tmp_path):
    (tmp_path / "module.mjs").write_bytes(path.read_bytes())
    assert node("--check", tmp_path / "module.mjs").stderr == ""
    (tmp_path / "joined.js").write_text(f'(() => {{\n"use strict";\n{join(path)}\n}})();', encoding="utf-8")
    assert node("--check", tmp_path / "joined.js").stderr == ""
