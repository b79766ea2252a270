"""Pages that compute: ``play`` puts one where it stands, ``exported`` shows or links to one of ``glassbox.explain``.

Each is one classic script with its data inside, next to its style sheet, under ``_static/play``: from disk a browser
runs no module and fetches nothing. What a reader without JavaScript sees is a still figure and a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.osutil import relative_uri

from glassbox.explain._bundle import JS, BundleError, script, to_script
from glassbox_site import figures, play_data

FOLDER = "_static/play"
PACKAGE = JS.parent


@dataclass(frozen=True)
class Widget:
    """One page that computes; its script is ``docs/play/js/NAME.js`` and exports ``main(root, data)``.

    ``data`` gives what JSON can hold, ``still`` a figure with its ``alt_text``, and ``sentence`` says what a reader
    without JavaScript misses. ``styles`` names the sheets, in ``docs/play`` or in the package, that come before the
    page's own, ``docs/play/NAME.css``. ``later`` gives more data, which the page fetches when it needs them: the script
    ``NAME-data.js`` beside its own puts them into ``globalThis.glassboxData[NAME]``.
    """

    data: Callable[[], Any]
    still: Callable[[], Any]
    sentence: str
    styles: tuple[str, ...] = ()
    later: Callable[[], Any] | None = None


WIDGETS = {
    "digit": Widget(
        data=play_data.digit,
        still=play_data.digit_still,
        sentence=(
            "With JavaScript, you draw a digit here, the network of lesson 1.3 reads it in the page, and every number "
            "in it opens into the sum that made it."
        ),
        styles=("colors.css", "tracer.css", "board.css", "wide.css"),
    ),
    "train": Widget(
        data=play_data.small_cnn_to_train,
        still=play_data.train_still,
        sentence=(
            "With JavaScript, a network of random weights learns to read digits here, in the page, and every weight, "
            "value and gradient opens at every step of the run."
        ),
        styles=("colors.css", "play.css", "tracer.css", "board.css", "wide.css"),
        later=play_data.digits_to_learn,
    ),
    "weights": Widget(
        data=play_data.marks_to_weigh,
        still=play_data.weights_still,
        sentence=(
            "With JavaScript, you push a slider for each weight here, and each pupil's sum and place on the map move "
            "along."
        ),
        styles=("colors.css", "play.css"),
    ),
    "filter": Widget(
        data=play_data.photo_to_filter,
        still=play_data.filter_still,
        sentence=(
            "With JavaScript, you change the kernel here, a photograph is filtered at once, and every "
            "pixel opens into its products."
        ),
        styles=("colors.css", "play.css"),
    ),
    "descent": Widget(
        data=play_data.pupils_to_descend,
        still=play_data.descent_still,
        sentence=(
            "With JavaScript, you choose a start and a step here, and go down the risk, step by step, with its numbers."
        ),
        styles=("colors.css", "play.css"),
    ),
    "race": Widget(
        data=play_data.pupils_to_race,
        still=play_data.race_still,
        sentence=(
            "With JavaScript, three descents race here, with all pupils for a step, some, or one, each with as many "
            "gradients as the others."
        ),
        styles=("colors.css", "play.css"),
    ),
    "backprop": Widget(
        data=play_data.network_of_lesson,
        still=play_data.backprop_still,
        sentence=(
            "With JavaScript, the network asks you here for its numbers, forward and back, and says which factor "
            "is off."
        ),
        styles=("colors.css", "play.css"),
    ),
}


def script_of(name: str, folder: Path) -> str:
    """Join a page's script from the folder, the package's modules and the page's data."""
    return script(folder / "js" / f"{name}.js", [JS], selector=f'[data-play="{name}"]', data=WIDGETS[name].data())


def data_of(name: str) -> str | None:
    """Return the script of the data that a page fetches later, if it has any."""
    later = WIDGETS[name].later
    return None if later is None else f"(globalThis.glassboxData ??= {{}}).{name} = {to_script(later())};\n"


def style_of(name: str, folder: Path) -> str:
    """Join the style sheets of a page."""
    sheets = [*WIDGETS[name].styles, f"{name}.css"]
    places = [next(place for place in (folder / sheet, PACKAGE / sheet) if place.exists()) for sheet in sheets]
    return "".join(place.read_text(encoding="utf-8") for place in places)


class play(nodes.General, nodes.Element):
    """A page that computes, at this place of the page."""


class Play(SphinxDirective):
    """Put a page that computes here: ``play:: digit``, with ``:embed:`` inside a lesson."""

    required_arguments = 1
    option_spec = {"embed": directives.flag}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in WIDGETS:
            raise self.error(f"no page to play with is named {name!r}; there are {', '.join(WIDGETS)}")
        for path in [*JS.glob("*.js"), *PACKAGE.glob("*.css"), *Path(self.env.srcdir, "play").rglob("*.[jc]s*")]:
            self.env.note_dependency(str(path))
        self.env.metadata[self.env.docname]["plays"] = name
        return [play("", name=name, embed="embed" in self.options)]


def _visit(self: Any, node: play) -> None:
    name = node["name"]
    widget = WIDGETS[name]
    suffix, alt, width, height = _write(self.builder.app, name)
    here = self.builder.get_target_uri(self.builder.current_docname)
    images = "".join(
        f'<img loading="lazy" class="{variant}" src="{relative_uri(here, f"{FOLDER}/{name}{dark}{suffix}")}" '
        f'alt="{self.attval(alt)}" width="{width}" height="{height}">'
        for variant, dark in (("only-light", ""), ("only-dark", "-dark"))
    )
    sentence = f"<p>{self.encode(widget.sentence)}</p>"
    if node["embed"]:
        # Inside a lesson it is fetched when its reader wants it.
        self.body.append(
            f'<div class="play-still" data-start="{relative_uri(here, f"{FOLDER}/{name}")}">{images}'
            '<button type="button" class="button play-start" hidden>Start</button>'
            f"<noscript>{sentence}</noscript></div>\n"
            f'<div class="play play-{name}" data-play="{name}" data-embed tabindex="-1"></div>\n'
        )
    else:
        self.body.append(
            f'<div class="play play-{name}" data-play="{name}"><noscript>{images}{sentence}</noscript></div>\n'
        )
    raise nodes.SkipNode


def _write(app: Sphinx, name: str) -> tuple[str, str, int, int]:
    """Write a page's script, style and stills, once a build; return the stills' suffix, words and size."""
    if name not in app.plays_written:
        import matplotlib.pyplot as plt

        target, source = Path(app.outdir, FOLDER), Path(app.srcdir, "play")
        target.mkdir(parents=True, exist_ok=True)
        try:
            (target / f"{name}.js").write_text(script_of(name, source), encoding="utf-8")
        except BundleError as error:
            raise ExtensionError(str(error)) from error
        if (data := data_of(name)) is not None:
            (target / f"{name}-data.js").write_text(data, encoding="utf-8")
        (target / f"{name}.css").write_text(style_of(name, source), encoding="utf-8")
        figure = WIDGETS[name].still()
        figures.settle(figure)
        size = (round(inches * figures.CSS_DPI) for inches in figure.get_size_inches())
        app.plays_written[name] = (figures.save_figure(figure, target / name), figure.alt_text, *size)
        plt.close(figure)
    return app.plays_written[name]


def _add_files(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None) -> None:
    """Load the script and the style on the pages that need them alone."""
    found = list(doctree.findall(play)) if doctree is not None else []
    for name in sorted({node["name"] for node in found if not node["embed"]}):
        app.add_css_file(f"play/{name}.css")
        app.add_css_file("bare.css")
        app.add_js_file("bare.js", loading_method="defer", priority=400)  # before the page computes in the room it has
        app.add_js_file(f"play/{name}.js", loading_method="defer")


def _address_of_export(env: BuildEnvironment, name: str) -> str:
    if name not in play_data.EXPORTS:
        raise ExtensionError(f"no exported page is named {name!r}; there are {', '.join(play_data.EXPORTS)}")
    return relative_uri(env.app.builder.get_target_uri(env.docname), f"{FOLDER}/{name}.html")


class ExportedLink(SphinxRole):
    """A link to a page that ``glassbox.explain.export`` wrote at this build: words, then its name in ``<>``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        words, _, name = self.text.rstrip(">").rpartition(" <")
        return [nodes.reference("", words, refuri=_address_of_export(self.env, name), internal=True)], []


class Exported(SphinxDirective):
    """Such a page within the page."""

    required_arguments = 1
    option_spec = {"title": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        address = _address_of_export(self.env, self.arguments[0])
        title = escape(self.options["title"])
        frame = f'<iframe class="exported-page" src="{address}" title="{title}" loading="lazy"></iframe>\n'
        return [nodes.raw("", frame, format="html")]


def _write_exports(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        for name, export in play_data.EXPORTS.items():
            export(Path(app.outdir, FOLDER, f"{name}.html"))


def _pages_to_read_again(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages hold weights and samples: they are made again when the package or the data changed."""
    app.plays_written = {}
    stale = app.notebooks_are_stale  # of glassbox_site.freshness
    return [name for name, facts in env.metadata.items() if stale and "plays" in facts]


def setup(app: Sphinx) -> None:
    app.add_node(play, html=(_visit, None))
    app.add_directive("play", Play)
    app.add_role("exported", ExportedLink())
    app.add_directive("exported", Exported)
    app.connect("env-get-outdated", _pages_to_read_again)
    app.connect("html-page-context", _add_files)
    app.connect("build-finished", _write_exports)
