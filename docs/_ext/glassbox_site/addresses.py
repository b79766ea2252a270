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


def draw_card(path: Path) -> None:
    """Draw what a shared link shows: the title, and the digit of the home page on its way, 1200 by 630 pixels."""
    from matplotlib.figure import Figure

    from glassbox.plots.style import DARK, GRAY, INK, ORANGE, PAPER, SEQUENTIAL
    from glassbox_site.open_box import outputs_of_stages

    outputs, probabilities = outputs_of_stages()
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor=DARK[PAPER])
    ink = DARK[INK]
    figure.text(0.05, 0.86, "Glassbox", color=ink, fontsize=46, fontweight="bold", va="center")
    figure.text(0.05, 0.755, "How a neural network works, with the box open", color=ink, fontsize=23, va="center")
    columns = {"input": (1, 0.05, 0.42), "relu1": (1, 0.28, 0.27), "relu2": (1, 0.45, 0.13), "relu3": (2, 0.56, 0.13)}
    for name, (across, left, height) in columns.items():
        numbers, width = outputs[name], height * 6.3 / 12
        down = len(numbers) // across
        for index, sheet in enumerate(numbers):
            bottom = 0.36 + height * ((down - 1) / 2 - index // across) * 1.06 - height / 2
            axes = figure.add_axes((left + (index % across) * width * 1.06, bottom, width, height))
            axes.imshow(sheet, cmap=GRAY if name == "input" else SEQUENTIAL, vmin=0, vmax=numbers.max())
            axes.set_axis_off()
    axes = figure.add_axes((0.76, 0.08, 0.19, 0.56), facecolor="none")
    colors = [DARK[ORANGE] if share == probabilities.max() else "#5aa9f0" for share in probabilities]
    axes.barh(range(10), probabilities, color=colors)
    axes.set(ylim=(9.6, -0.6), xlim=(0, 1), xticks=[], yticks=range(10))
    axes.tick_params(length=0, colors=ink, labelsize=17)
    axes.spines[:].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


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
        draw_card(Path(app.outdir, CARD))


def setup(app: Sphinx) -> None:
    app.connect("config-inited", _name_card)
    # After the extension that writes the OpenGraph tags.
    app.connect("html-page-context", _complete_tags, priority=900)
    app.connect("build-finished", _build_finished)
