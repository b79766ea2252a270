"""The site: Furo, lessons run by sphinx-gallery, notebooks run by myst-nb, equations rendered at build."""

from __future__ import annotations

import os
import sys
import warnings
from importlib.metadata import version as installed_version
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

# Notebooks draw SVG, and no file carries the date of its build.
os.environ["IPYTHONDIR"] = str(HERE / "_ext" / "ipython")
os.environ.setdefault("SOURCE_DATE_EPOCH", "1793491200")
# A child process, such as a notebook's kernel, shows no progress bar.
os.environ["TQDM_DISABLE"] = "1"
# Lessons run side by side, each on one thread: PyTorch's threads in several processes wait for each other. And pages
# are read by copies of this process, which would wait for ever for a pool of threads that it has used.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

# A process that a lesson made large is replaced by a new one, which is no reason to warn.
warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")

from glassbox_site.figures import Scraper  # noqa: E402

# -- Project ---------------------------------------------------------------------------------------------------------
project = "Glassbox"
author = "The Glassbox authors"
project_copyright = "2026, The Glassbox authors. Code: BSD-3-Clause. Lessons: CC BY 4.0"
version = release = installed_version("glassbox-course")
language = "en"
glassbox_wheel = wheel = f"glassbox_course-{release}-py3-none-any.whl"

# Where the site will be published; unknown in a local build. (`site_url` is a setting of sphinx-sitemap.)
published_at = os.environ.get("GLASSBOX_SITE_URL", "").rstrip("/")
html_baseurl = f"{published_at}/" if published_at else ""
# Where its source is published, as owner/name on GitHub; unknown too.
glassbox_repository = os.environ.get("GLASSBOX_REPOSITORY", "")

# -- Sources ---------------------------------------------------------------------------------------------------------
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinxcontrib.bibtex",
    "sphinxext.opengraph",
    "glassbox_site",
]
if html_baseurl:
    extensions.append("sphinx_sitemap")
exclude_patterns = [
    "_build",
    "_ext",
    # sphinx-gallery's downloads are not pages, and its list of the lessons is the course map.
    "lessons/index.rst",
    "lessons/**/*.ipynb",
    "lessons/**/*.py",
    "lessons/**/*.md5",
    # The build renders equations with it, and no page loads it.
    "katex/katex.min.js",
]
suppress_warnings = ["config.cache"]
nitpicky = True
# A name in single backticks is a link where the reference knows it, and code where it does not.
default_role = "py:obj"
nitpick_ignore_regex = [("py:obj", r".*")]
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "unsrt"
templates_path = ["_templates"]
locale_dirs = ["locales"]
gettext_compact = False  # a file for each page

# -- Pages and notebooks ---------------------------------------------------------------------------------------------
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / ".jupyter_cache")
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True
nb_code_prompt_show = "Show the solution"
nb_code_prompt_hide = "Hide the solution"

# -- Reference -------------------------------------------------------------------------------------------------------
autodoc_typehints = "none"  # numpydoc's sections give the types, in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False
# Links to other projects' references without a network: lists of the names that the course links to, as text.
intersphinx_mapping = {
    project: (site, f"_inventories/{project}.txt")
    for project, site in {
        "python": "https://docs.python.org/3/",
        "torch": "https://docs.pytorch.org/docs/stable/",
        "numpy": "https://numpy.org/doc/stable/",
        "pandas": "https://pandas.pydata.org/docs/",
        "matplotlib": "https://matplotlib.org/stable/",
    }.items()
}

# -- Lessons ---------------------------------------------------------------------------------------------------------
install_hint = f"# glassbox is not installed? Get {wheel} from the site's page Installation, then: %pip install {wheel}"
if published_at:
    install_hint = f"%pip install --quiet {published_at}/wheels/{wheel}"
sphinx_gallery_conf = {
    "examples_dirs": ["../gallery"],
    "gallery_dirs": ["lessons"],
    "filename_pattern": r"/plot_",
    "subsection_order": ["../gallery/part1_representation", "../gallery/part2_descent", "../gallery/part3_learning"],
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": (Scraper(site=html_baseurl),),
    "backreferences_dir": "lessons/backreferences",
    "doc_module": ("glassbox",),
    "inspect_global_variables": False,
    "ignore_repr_types": r"explain\._show\.Frame",  # a notebook shows it; the pages link to one, and stay light
    "abort_on_example_error": False,
    "parallel": min(os.cpu_count() or 1, 4),  # lessons at a time
    "plot_gallery": "True",
    "download_all_examples": False,
    "first_notebook_cell": install_hint,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1_000_000,
    "thumbnail_size": (400, 280),
    "nested_sections": False,
    "copyfile_regex": r"",
}

# -- HTML ------------------------------------------------------------------------------------------------------------
html_theme = "furo"
html_title = "Glassbox"
html_static_path = ["_static"]
html_css_files = ["katex/katex.min.css", "glassbox.css", "progress.css"]
html_js_files = [("progress.js", {"defer": "defer"})]
html_math_renderer = "katex"  # of glassbox_site.equations
html_favicon = "_static/favicon.svg"
html_context: dict[str, str] = {}
html_show_sourcelink = False
html_copy_source = False
copybutton_exclude = ".linenos, .gp, .go"
html_theme_options = {
    "light_logo": "logo-light.svg",
    "dark_logo": "logo-dark.svg",
    "sidebar_hide_name": True,
    "light_css_variables": {
        "color-brand-primary": "#155d9c",
        "color-brand-content": "#155d9c",
        "color-brand-visited": "#6a2485",
        "color-admonition-background": "transparent",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cbcf5",
        "color-brand-content": "#7cbcf5",
        "color-brand-visited": "#e2b8f5",
        "color-admonition-background": "transparent",
    },
}
ogp_site_url = html_baseurl
ogp_social_cards = {"enable": False}
ogp_enable_meta_description = True
sitemap_url_scheme = "{link}"
sitemap_show_lastmod = False
sitemap_excludes = ["404.html", "search.html", "genindex.html", "py-modindex.html"]

# -- Links to other sites: make check-links --------------------------------------------------------------------------
linkcheck_timeout = 30
linkcheck_retries = 3
linkcheck_anchors = False  # many pages write theirs by script
# A DOI stays, and the publishers behind it refuse robots; so do the services that open a notebook.
linkcheck_ignore = [r"https://doi\.org/", r"https://colab\.research\.google\.com/", r"https://mybinder\.org/"]
