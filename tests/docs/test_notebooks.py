"""The text of a lesson reads as Markdown in its notebook."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from glassbox_site.notebooks import Converter
from markdown_it import MarkdownIt
from sphinx.errors import ExtensionError
from sphinx.util.docutils import is_node_registered, register_node, unregister_node
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "gallery").glob("part*/plot_*.py"))
SITE = "https://example.org/course/"
# A role, a directive or comment, a link's tail, code in two backticks.
RAW = re.compile(r":[a-z:]+:`|^\s*\.\.\s|`_|(?<!`)``(?!`)", re.MULTILINE)

convert = Converter(ROOT / "docs", SITE)

CASES = {
    "a title": ("A title\n=======\n", "# A title\n"),
    "a part": ("A part\n------\nText.\n\nSmaller\n~~~~~~~\n", "## A part\n\nText.\n\n### Smaller\n"),
    "math": (r"Where :math:`a_1 < b` holds", "Where $a_1 \\lt  b$ holds\n"),
    "an equation": (".. math:: a = b\n   :label: eq\n\nend", "$$\na = b\n$$\n\nend\n"),
    "code": (
        "Call ``f(x)`` and `torch.Tensor` and :func:`~glassbox.nn.relu`.",
        "Call `f(x)` and `torch.Tensor` and `relu`.\n",
    ),
    "a link": ("See `the photo <https://example.org/a>`_.", "See [the photo](https://example.org/a).\n"),
    "a lesson": (
        "After :doc:`/lessons/part1_representation/plot_12_convolution`",
        f"After [1.2 A convolution filters an image]({SITE}lessons/part1_representation/plot_12_convolution.html)\n",
    ),
    "a page": ("See :doc:`symbols </notation>`", f"See [symbols]({SITE}notation.html)\n"),
    "an exported page": (
        "See :exported:`the network <small-cnn>`",
        f"See [the network]({SITE}_static/play/small-cnn.html)\n",
    ),
    "a label": ("See :ref:`the next part <next>` and :term:`kernel`", "See the next part and kernel\n"),
    "a list": ("- one\n\n  more\n- two **bold**", "- one\n\n  more\n- two **bold**\n"),
    "a numbered list": ("3. one\n4. two", "3. one\n4. two\n"),
    "a quotation": ("Said:\n\n   Nothing.", "Said:\n\n> Nothing.\n"),
    "a note": (".. note:: Mind *this*.", "> **Note**\n>\n> Mind *this*.\n"),
    "a block of code": (".. code-block:: bash\n\n   ls | wc", "```bash\nls | wc\n```\n"),
    "a table": ("=== ===\na   b\n=== ===\n1   \\|x\n=== ===", "| a | b |\n| --- | --- |\n| 1 | \\|x |\n"),
    "signs of Markdown": (
        "2 * 3 < 7 costs $5, _x is not\n- a list",
        "2 \\* 3 \\< 7 costs \\$5, \\_x is not\n\\- a list\n",
    ),
    "what plays on the page": (
        ".. quiz:: 1.1\n   :any: option",
        "*The lesson's page on the site has an interactive figure here.*\n",
    ),
}


@pytest.mark.parametrize(("text", "markdown"), CASES.values(), ids=CASES)
def test_text_becomes_markdown(text, markdown):
    assert convert(text) == markdown


def test_a_citation_names_authors_and_year_and_leads_to_the_work():
    key, doi = re.search(
        r"@\w+\{([\w:-]+),[^@]*?doi\s*=\s*[{\"]([^}\"]+)", (ROOT / "docs/references.bib").read_text()
    ).groups()
    assert re.fullmatch(rf"As \[.+ \(\d{{4}}\)\]\(https://doi\.org/{re.escape(doi)}\)\n", convert(f"As :cite:`{key}`"))


def test_without_an_address_a_page_is_named_and_not_linked():
    assert Converter(ROOT / "docs")("See :doc:`symbols </notation>`") == "See symbols\n"


UNKNOWN = (":sparkle:`x`", ".. sparkle:: x", "A `missing`_ link", "*open", "kernel\n   Nine weights.")


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_cannot_be_shown_ends_the_build(text):
    with pytest.raises(ExtensionError, match=r"cannot (?:become|show)"):
        convert(text)


def test_what_sphinx_registered_stays_registered():
    node = type("a_node_of_sphinx", (nodes.Element,), {})
    register_node(node)
    directives.register_directive("of-sphinx", Directive)
    convert("See :doc:`/notation`.")
    assert is_node_registered(node)
    assert directives._directives.pop("of-sphinx") is Directive
    unregister_node(node)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_no_text_of_a_lesson_stays_raw(lesson):
    texts = [convert(text) for kind, text, _ in split_code_and_text_blocks(str(lesson))[1] if kind == "text"]
    assert texts[0].startswith("# ")
    for text in texts:
        assert RAW.search(text) is None, text
        # Every dollar that is not escaped opens or closes an equation.
        assert len(re.findall(r"(?<!\\)\$", text)) % 2 == 0, text
        # A parser of Markdown finds no stray element of HTML, and no code by its indent.
        kinds = {token.type for token in MarkdownIt().parse(re.sub(r"\$\$?.+?\$\$?", "x", text, flags=re.DOTALL))}
        assert kinds.isdisjoint({"html_block", "code_block"}), text


@pytest.mark.parametrize("raw", ["see :doc:`x`", ".. math:: x", "`a <b>`_", "``x``"])
def test_raw_text_is_seen(raw):
    assert RAW.search(raw)
