"""What depends on the site's address: the page 404, robots.txt, the card that a shared link shows, the tags of a page.

The address is known where the site is published, and not in a build on one's own machine. Then there is no sitemap, no
canonical address and no card, rather than wrong ones.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

CARD = "_static/card.png"
CARD_IN_WORDS = "A handwritten four on its way through a small network: the maps of its layers, then ten probabilities."
_RELATIVE = re.compile(r'\b(href|src|action|data-content_root)="(?![a-z]+:|/|#)(?:\./)?')
_URL_TAG = re.compile(r'<meta property="og:url"[^>]*>\s*')
# Pages that Sphinx writes without a source say what they are here.
DESCRIPTIONS = {
    "search": "Search the course: a word, a function, a symbol such as ∂R/∂w, or a French term.",
    "genindex": "Every name of the package, every term and every symbol of the course, in alphabetical order.",
    "py-modindex": "The modules of the package glassbox.",
}


def root_links(html: str, address: str) -> str:
    """Return the page with its relative links starting at the site's root: it is served at any depth."""
    root = urlsplit(address).path.rstrip("/") + "/"
    return _RELATIVE.sub(rf'\1="{root}', html)


def robots(address: str) -> str:
    """Return robots.txt: everything may be read."""
    return "User-agent: *\nAllow: /\n" + (f"Sitemap: {address}sitemap.xml\n" if address else "")


def _name_card(app: Sphinx, config: Config) -> None:
    if config.html_baseurl:
        config.ogp_image = f"{config.html_baseurl}{CARD}"
        config.ogp_image_alt = CARD_IN_WORDS
        config.ogp_custom_meta_tags = ['<meta name="twitter:card" content="summary_large_image">']


def _complete_tags(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    if pagename in DESCRIPTIONS:
        context["metatags"] = (
            context.get("metatags", "") + f'<meta name="description" content="{DESCRIPTIONS[pagename]}">'
        )
    if not app.config.html_baseurl:
        context["metatags"] = _URL_TAG.sub("", context.get("metatags", ""))
    if pagename == "404":
        context["pageurl"] = None


def _build_finished(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    address = app.config.html_baseurl
    Path(app.outdir, "robots.txt").write_text(robots(address), encoding="utf-8")
    if address:
        lost = Path(app.outdir, "404.html")
        lost.write_text(root_links(lost.read_text("utf-8"), address), encoding="utf-8")


def setup(app: Sphinx) -> None:
    app.connect("config-inited", _name_card)
    # After the extension that writes the OpenGraph tags.
    app.connect("html-page-context", _complete_tags, priority=900)
    app.connect("build-finished", _build_finished)
