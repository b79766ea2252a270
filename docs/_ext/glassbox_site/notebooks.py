"""The text cells of downloaded lessons: reStructuredText, which notebooks do not show, becomes Markdown.

docutils reads the text; what it finds is written as Markdown. A role or a directive that is not known here ends the
build, so that no reader meets one in raw form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sphinx_gallery.notebook
from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Directive, directives, roles
from docutils.utils import Reporter, unescape
from pybtex.database import parse_file
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from glassbox_site.lessons import catalogue
from glassbox_site.play import FOLDER as PLAYS

# Each block is read alone; these titles before it give the house's underlines their levels.
LEVELS = "level 1\n=======\n\nlevel 2\n-------\n\nlevel 3\n~~~~~~~\n\n"
SETTINGS = {
    "report_level": Reporter.SEVERE_LEVEL + 1,  # what is wrong is raised below, by name
    "halt_level": Reporter.SEVERE_LEVEL + 1,
    "doctitle_xform": False,
    "file_insertion_enabled": False,
    "smart_quotes": False,
}
CODE_ROLES = ("attr", "class", "data", "exc", "func", "meth", "mod", "obj")
TEXT_ROLES = ("term", "ref", "eq", "numref", "abbr")
CITE_ROLES = ("cite", "cite:t", "cite:p")
# These work in the page alone.
PAGE_DIRECTIVES = ("play", "quiz", "lesson-video")


class Converter:
    """Convert blocks of text: ``Converter(folder of the docs, address of the site or "")(text)``."""

    def __init__(self, source: Path, site: str = "") -> None:
        self.source = source
        self.site = site

    def __call__(self, text: str, *_: object) -> str:
        with _own_names():
            self._register()
            document = publish_doctree(LEVELS + text, settings_overrides=SETTINGS)
        for message in (*document.findall(nodes.system_message), *document.transform_messages):
            if message["level"] >= Reporter.WARNING_LEVEL:
                raise ExtensionError(f"this text of a lesson cannot become a notebook's: {message.astext()}\n{text}")
        blocks = [block for section in document for block in self._blocks(section, 1)]
        return "\n\n".join(blocks[3:]) + "\n"  # without the titles of LEVELS

    # -- What Sphinx adds to reStructuredText --------------------------------------------------------------------------
    def _register(self) -> None:
        """Let docutils know the course's roles and directives."""
        converters = {
            **dict.fromkeys(CODE_ROLES, self._code_role),
            **dict.fromkeys(TEXT_ROLES, lambda title, target: nodes.inline("", title or target)),
            **dict.fromkeys(CITE_ROLES, self._cite_role),
            "doc": self._doc_role,
            "exported": self._exported_role,
        }
        for name, convert in converters.items():
            for full_name in (name, f"py:{name}"):
                roles.register_local_role(full_name, _role(convert))
        directives.register_directive("math", _Math)
        for name in PAGE_DIRECTIVES:
            directives.register_directive(name, _OnThePage)
        directives.register_directive("predict", _WithoutTrace)

    def _code_role(self, title: str | None, target: str) -> nodes.Node:
        name = target.rpartition(".")[2] if target.startswith("~") else target
        return nodes.literal("", title or name)

    def _doc_role(self, title: str | None, target: str) -> nodes.Node:
        titles = {f"/{lesson.page}": lesson.title for lesson in catalogue().values()}
        title = title or titles.get(target, target.rpartition("/")[2])
        if not self.site or not target.startswith("/"):
            return nodes.inline("", title)
        return nodes.reference("", title, refuri=f"{self.site}{target.removeprefix('/')}.html")

    def _exported_role(self, title: str | None, target: str) -> nodes.Node:
        if not self.site:
            return nodes.inline("", title or target)
        return nodes.reference("", title or target, refuri=f"{self.site}{PLAYS}/{target}.html")

    def _cite_role(self, title: str | None, target: str) -> nodes.Node:
        works = parse_file(self.source / "references.bib").entries
        cited = nodes.inline()
        for key in target.split(","):
            work = works[key.strip()]
            names = [" ".join(person.last_names) for person in work.persons["author"]]
            who = {1: names[0], 2: " and ".join(names)}.get(len(names), f"{names[0]} et al.")
            where = f"https://doi.org/{work.fields['doi']}" if "doi" in work.fields else work.fields.get("url")
            label = f"{who} ({work.fields['year']})"
            cited += [nodes.Text("; ")] if cited.children else []
            cited += nodes.reference("", label, refuri=where) if where else nodes.Text(label)
        return cited

    # -- Blocks: each node becomes a list of Markdown blocks -----------------------------------------------------------
    def _blocks(self, node: nodes.Node, level: int) -> list[str]:
        match node:
            case nodes.section():
                title, *rest = node.children
                return [f"{'#' * level} {self._inline(title)}", *self._inner(rest, level + 1)]
            case nodes.paragraph():
                return [_paragraph(self._inline(node))]
            case nodes.math_block():
                return [f"$$\n{_math(node.astext())}\n$$"]
            case nodes.doctest_block() | nodes.literal_block():
                language = next((name for name in node["classes"] if name != "code"), "")
                return [f"```{language}\n{node.astext()}\n```"]
            case nodes.bullet_list():
                return ["\n".join(self._item(item, "- ", level) for item in node.children)]
            case nodes.enumerated_list():
                first = node.get("start", 1)
                return ["\n".join(self._item(item, f"{i}. ", level) for i, item in enumerate(node.children, first))]
            case nodes.block_quote():
                return [_prefixed("\n\n".join(self._inner(node.children, level)), "> ")]
            case nodes.Admonition():
                title = node.tagname.capitalize()
                if isinstance(node.children[0], nodes.title):
                    title = self._inline(node.pop(0))
                return [_prefixed("\n\n".join([f"**{title}**", *self._inner(node.children, level)]), "> ")]
            case nodes.table():
                return self._table(node)
            case nodes.comment() | nodes.target() | nodes.system_message():
                return []
        raise ExtensionError(f"a notebook of a lesson cannot show the element {node.tagname}: {node.astext()[:200]}")

    def _inner(self, children: list[nodes.Node], level: int) -> list[str]:
        return [block for child in children for block in self._blocks(child, level)]

    def _item(self, item: nodes.Element, mark: str, level: int) -> str:
        return mark + _prefixed("\n\n".join(self._inner(item.children, level)), " " * len(mark)).lstrip()

    def _table(self, table: nodes.table) -> list[str]:
        rows = [
            [" ".join(self._inner(entry.children, 1)).replace("\n", " ").replace("|", r"\|") for entry in row.children]
            for row in table.findall(nodes.row)
        ]
        head, *body = rows if next(table.findall(nodes.thead), None) else [[""] * len(rows[0]), *rows]
        lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *body)]
        titles = [f"**{self._inline(title)}**" for title in table.children if isinstance(title, nodes.title)]
        return [*titles, "\n".join(lines)]

    # -- Within a line -----------------------------------------------------------------------------------------------
    def _inline(self, node: nodes.Node) -> str:
        match node:
            case nodes.Text():
                return _escaped(node.astext())
            case nodes.math():
                return f"${_math(node.astext())}$"
            case nodes.literal():
                return f"`{node.astext()}`"
            case nodes.title_reference():  # the default role
                return f"`{_title_and_target(node.astext())[0] or node.astext().removeprefix('~')}`"
        text = "".join(self._inline(child) for child in node.children)
        match node:
            case nodes.emphasis():
                return f"*{text}*"
            case nodes.strong():
                return f"**{text}**"
            case nodes.reference() if "refuri" in node:
                return f"[{text}]({node['refuri']})"
            case nodes.target():
                return ""
        return text


@contextmanager
def _own_names() -> Iterator[None]:
    """Within the block docutils knows its own roles and directives only: Sphinx's need a page that is being built."""
    registries = (directives._directives, roles._roles)
    kept = [registry.copy() for registry in registries]
    try:
        for registry in registries:
            registry.clear()
        yield
    finally:
        for registry, names in zip(registries, kept, strict=True):
            registry.clear()
            registry.update(names)


class _Math(Directive):
    """The display of an equation, with Sphinx's options."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"label": directives.unchanged, "nowrap": directives.flag}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        latex = "\n".join([*self.arguments, *self.content])
        return [nodes.math_block(latex, latex)]


class _OnThePage(Directive):
    """What only the page can show."""

    optional_arguments = 9
    has_content = True
    option_spec = type("AnyOption", (dict,), {"__getitem__": lambda *_: directives.unchanged})()

    def run(self) -> list[nodes.Node]:
        return [
            nodes.paragraph("", "", nodes.emphasis("", "The lesson's page on the site has an interactive figure here."))
        ]


class _WithoutTrace(Directive):
    """What the page asks its reader, which a notebook does not show."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return []


def _role(convert: Callable[[str | None, str], nodes.Node]) -> Callable:
    def role(name, rawtext, text, lineno, inliner, options=None, content=()):
        return [convert(*_title_and_target(unescape(text)))], []

    return role


def _title_and_target(text: str) -> tuple[str | None, str]:
    """Split ``title <target>``; a target alone has no title."""
    found = re.fullmatch(r"(.+?)\s*<([^<>]+)>", text, re.DOTALL)
    return (found[1], found[2]) if found else (None, text)


def _math(latex: str) -> str:
    # A sign that opens an element of HTML; the space ends the command.
    return latex.strip().replace("<", r"\lt ")


def _escaped(text: str) -> str:
    return re.sub(r"[\\*`$<]|(?<!\w)_|_(?!\w)", lambda match: "\\" + match[0], text)


def _paragraph(text: str) -> str:
    """Keep a line that begins like a list, a title or a quotation a line of the paragraph."""
    text = re.sub(r"^([-+#>])(?=\s)", r"\\\1", text, flags=re.MULTILINE)
    return re.sub(r"^(\d+)([.)])(?=\s)", r"\1\\\2", text, flags=re.MULTILINE)


def _prefixed(text: str, prefix: str) -> str:
    return "\n".join(f"{prefix}{line}".rstrip() for line in text.splitlines())


def _write_notebooks(app: Sphinx) -> None:
    """Write the lessons' notebooks again, by this converter.

    sphinx-gallery writes them in the processes that run the lessons, and knows its own converter, which leaves roles
    raw, and pandoc, which is heavy; it has no place for another.
    """
    sphinx_gallery.notebook.rst2md = Converter(Path(app.srcdir), app.config.html_baseurl)
    for lesson in catalogue().values():
        script = Path(app.srcdir, f"{lesson.page}.py")
        if not script.exists():
            continue
        _, blocks = split_code_and_text_blocks(str(script))
        cells = sphinx_gallery.notebook.jupyter_notebook(blocks, app.config.sphinx_gallery_conf, str(script.parent))
        text, notebook = json.dumps(cells, indent=2), script.with_suffix(".ipynb")
        if not notebook.exists() or notebook.read_text("utf-8") != text:  # else pages that link to it are read again
            notebook.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", _write_notebooks, priority=840)  # after sphinx-gallery, before the archives
