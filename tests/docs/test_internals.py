"""Where the site leans on what others do not promise: what it takes, from whom, and the file that takes it.

A test that fails here names what a new version of a library changed; mend the file that stands beside it.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path

import docutils.writers._html_base
import matplotlib.figure
import myst_nb.core.config
import myst_nb.sphinx_
import pytest
import sphinx.application
import sphinx.builders
import sphinx.environment
import sphinx.search
import sphinx.writers.html5
import sphinx_gallery.directives
import sphinx_gallery.gen_rst
import sphinx_gallery.notebook
from docutils.parsers.rst import directives, roles
from matplotlib.animation import FuncAnimation
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg

DOCS = Path(__file__).parents[2] / "docs"
SITE = DOCS / "_ext/glassbox_site"


def source(thing: object) -> str:
    return inspect.getsource(thing)


def theme() -> str:
    """Return furo's templates and code, which write the frame of a page."""
    found = [path for path in files("furo") if path.suffix in {".html", ".py"}]
    return "".join(path.read_text("utf-8") for path in found)


def animation_figure() -> bool:
    figure = matplotlib.figure.Figure()
    FigureCanvasAgg(figure)
    animation = FuncAnimation(figure, lambda frame: [], frames=1, cache_frame_data=False)
    animation._draw_was_started = True  # no warning that it was never shown
    return animation._fig is figure


def animation_frames() -> bool:
    figure, drawn = matplotlib.figure.Figure(), []
    FigureCanvasAgg(figure)
    animation = FuncAnimation(figure, lambda frame: drawn.append(frame) or [], frames=3, cache_frame_data=False)
    animation._draw_was_started = True  # no warning that it was never shown
    animation._func(2)
    return drawn == [2]


def renderer() -> bool:
    drawn = RendererAgg(10, 10, 100)
    own = {"draw_markers", "draw_path_collection"} <= set(vars(drawn))
    return own and "_update_methods" in source(RendererAgg.__init__) and hasattr(drawn._renderer, "draw_markers")


def canvas() -> bool:
    return FigureCanvasAgg(matplotlib.figure.Figure())._lastKey is None and "_lastKey" in source(
        FigureCanvasAgg.get_renderer
    )


def search() -> bool:
    return all(name in source(sphinx.search.IndexBuilder.feed) for name in ("self._titles[", "self._index_entries["))


def rst2md() -> bool:
    given = list(inspect.signature(sphinx_gallery.notebook.rst2md).parameters)
    called = "rst2md(" in source(sphinx_gallery.notebook.jupyter_notebook) + source(
        sphinx_gallery.notebook.fill_notebook
    )
    return called and given == ["text", "gallery_conf", "target_dir", "heading_levels"]


def app() -> bool:
    return hasattr(sphinx.environment.BuildEnvironment, "app") and "app" in source(sphinx.builders.Builder)


def mystnb_config() -> bool:
    fields = {field.name for field in dataclasses.fields(myst_nb.core.config.NbParserConfig)}
    return "output_folder" in fields and "mystnb_config" in source(myst_nb.sphinx_)


def backreferences() -> bool:
    reads = source(sphinx_gallery.directives)
    return '"backreferences_all.json"' in reads and "path[1], path[0]" in reads and "target_dir=path[2]" in reads


def label_of_downloads() -> bool:
    return ".. _sphx_glr_download_{0}:" in source(sphinx_gallery.gen_rst)


def thumbnails() -> bool:
    return 'f"sphx_glr_{base_image_name}_thumb.' in source(sphinx_gallery.gen_rst)


# What is taken, the file that takes it, and whether it is there still.
TAKEN: dict[str, tuple[str, Callable[[], bool]]] = {
    "Animation._fig is the figure": ("figures.py, videos.py", animation_figure),
    "FuncAnimation._func draws a frame": ("videos.py", animation_frames),
    "RendererAgg binds its C++ half in _update_methods, as _renderer": ("dark.py", renderer),
    "FigureCanvasAgg keeps a renderer by _lastKey": ("dark.py", canvas),
    "IndexBuilder keeps _titles and _index_entries": ("search.py", search),
    "sphinx-gallery calls rst2md(text, gallery_conf, target_dir, heading_levels)": ("notebooks.py", rst2md),
    "docutils keeps directives._directives": ("notebooks.py", lambda: isinstance(directives._directives, dict)),
    "docutils keeps roles._roles": ("notebooks.py", lambda: isinstance(roles._roles, dict)),
    "env.app and builder.app, until Sphinx 11": ("archives.py, downloads.py, play.py, quizzes.py", app),
    "env.mystnb_config.output_folder": ("archives.py, notebook_downloads.py", mystnb_config),
    "backreferences_all.json holds script, its folder and the page's by name": (
        "backlinks.py",
        backreferences,
    ),
    "sphinx-gallery labels a lesson's downloads": ("quizzes.py", label_of_downloads),
    "sphinx-gallery names thumbnails": ("course_map.py", thumbnails),
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_the_site_takes_is_there(what):
    files, there = TAKEN[what]
    assert there(), f"{what}: no longer so; mend docs/_ext/glassbox_site/{files}"


# HTML of others that is exchanged for another, and the code that writes it.
EXCHANGED = {
    'role="doc-biblioentry"': ("accessibility.py", lambda: source(docutils.writers._html_base)),
    "ROLE='heading'": ("accessibility.py", lambda: source(sphinx.writers.html5)),
    "output_subarea": ("accessibility.py", lambda: source(sphinx_gallery.gen_rst)),
    "table-wrapper": ("accessibility.py", theme),
    "katex-display": ("accessibility.py", lambda: (DOCS / "_static/katex/katex.min.js").read_text("utf-8")),
}
TEMPLATE = (DOCS / "_templates/page.html").read_text("utf-8")
EXCHANGED |= dict.fromkeys(re.findall(r"\| replace\('(.*?)',", TEMPLATE), ("../../_templates/page.html", theme))


@pytest.mark.parametrize("written", EXCHANGED)
def test_html_that_is_exchanged_is_written_still(written):
    file, code = EXCHANGED[written]
    assert written in code(), f"{written}: nobody writes this now; mend docs/_ext/glassbox_site/{file}"


def private_names(path: Path) -> set[str]:
    """Return the names behind an underscore that a file takes from something that is not its own."""
    tree = ast.parse(path.read_text("utf-8"))
    taken = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr)]
    return {node.attr for node in taken if not (isinstance(node.value, ast.Name) and node.value.id == "self")}


def test_every_private_name_stands_in_the_table():
    told = " ".join(TAKEN)
    for path in SITE.glob("*.py"):
        for name in private_names(path):
            assert name in told, f"{path.name} takes {name}: add it to TAKEN, with a check"
            assert any(path.name in files for what, (files, _) in TAKEN.items() if name in what), (path.name, name)
