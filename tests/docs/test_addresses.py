"""What a published site says of its address, and that a build without one says nothing wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from glassbox_site import addresses, feedback
from PIL import Image

ROOT = Path(__file__).parents[2]
ADDRESS = "https://someone.example/course"
# The site's own configuration, without the extensions that run lessons.
EXTENSIONS = (
    "myst_parser,sphinx.ext.mathjax,sphinxext.opengraph,sphinx_sitemap,"
    "glassbox_site.addresses,glassbox_site.download_table,glassbox_site.feedback"
)
REPOSITORY = "someone/course"
PAGES = {
    "index.md": "# Home\n\nWhat the home page says.\n\n```{toctree}\ndeep/page\n```\n",
    "deep/page.md": "# Deep\n\nWhat the deep page says.\n",
    "404.md": "---\norphan: true\n---\n\n# Not here\n\nGo [home](index), or to [a page](deep/page).\n",
}


def build(folder: Path, address: str) -> Path:
    for name, text in PAGES.items():
        (folder / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "docs" / name).write_text(text)
    html = folder / "html"
    options = ["-D", f"extensions={EXTENSIONS}", "-D", "html_math_renderer=mathjax"]
    if not address:
        options[1] = options[1].replace("sphinx_sitemap,", "")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-c", ROOT / "docs", *options, folder / "docs", html]
    known = {"GLASSBOX_SITE_URL": address, "GLASSBOX_REPOSITORY": REPOSITORY if address else ""}
    run = subprocess.run(command, env=os.environ | known, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return html


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("published"), ADDRESS)


@pytest.fixture(scope="module")
def private(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("private"), "")


def page(html: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((html / name).read_text("utf-8"), "html.parser")


def tag(html: Path, name: str, selector: str, attribute: str = "content") -> str:
    (found,) = page(html, name).select(selector)
    return found[attribute]


def test_a_page_names_its_canonical_address(published):
    assert tag(published, "deep/page.html", "link[rel=canonical]", "href") == f"{ADDRESS}/deep/page.html"
    assert tag(published, "deep/page.html", "meta[property='og:url']") == f"{ADDRESS}/deep/page.html"


def test_a_shared_link_shows_a_card_with_an_absolute_address(published):
    image = tag(published, "deep/page.html", "meta[property='og:image']")
    assert image == f"{ADDRESS}/{addresses.CARD}"
    assert tag(published, "index.html", "meta[property='og:image:alt']") == addresses.CARD_IN_WORDS
    with Image.open(published / image.removeprefix(f"{ADDRESS}/")) as card:
        assert card.size == (1200, 630)


def test_the_sitemap_holds_the_pages_and_no_other(published):
    found = set(re.findall(r"<loc>(.*?)</loc>", (published / "sitemap.xml").read_text("utf-8")))
    assert found == {f"{ADDRESS}/index.html", f"{ADDRESS}/deep/page.html"}
    assert f"Sitemap: {ADDRESS}/sitemap.xml" in (published / "robots.txt").read_text("utf-8")


def test_the_page_404_works_at_any_depth(published):
    lost = page(published, "404.html")
    for selector in ("a[href]", "link[href]", "script[src]", "img[src]", "form[action]", "html[data-content_root]"):
        for found in lost.select(selector):
            target = found[selector.partition("[")[2].rstrip("]")]
            assert target.startswith(("/course/", "#", "https://")), found
    assert lost.select_one("article a[href='/course/deep/page.html']")
    assert not lost.select("link[rel=canonical]")


def test_without_an_address_nothing_names_one(private):
    assert not (private / "sitemap.xml").exists()
    assert "Sitemap" not in (private / "robots.txt").read_text("utf-8")
    for selector in ("link[rel=canonical]", "meta[property='og:url']", "meta[property='og:image']"):
        assert not page(private, "deep/page.html").select(selector), selector


@pytest.mark.parametrize("name", ["index.html", "deep/page.html", "search.html", "genindex.html"])
def test_every_page_says_what_it_holds(published, name):
    assert len(tag(published, name, "meta[name=description]")) > 15


def test_a_page_is_reported_and_edited_where_the_repository_is_known(published, private):
    report, edit = page(published, "deep/page.html").select(".improve-page a")
    assert urlsplit(report["href"]).path == "/someone/course/issues/new"
    asked = parse_qs(urlsplit(report["href"]).query)
    assert asked["title"] == ["deep/page: "]
    assert asked["body"][0].startswith("Page: deep/page\nVersion: ")
    assert edit["href"] == "https://github.com/someone/course/edit/main/docs/deep/page.md"
    assert len(page(published, "search.html").select(".improve-page a")) == 1  # it has no source
    assert page(private, "deep/page.html").select(".improve-page") == []


@pytest.mark.parametrize(
    ("document", "source"),
    [
        ("lessons/part1_representation/plot_11_dense_layer.rst", "gallery/part1_representation/plot_11_dense_layer.py"),
        ("lessons/part1_representation/index.rst", "gallery/part1_representation/GALLERY_HEADER.rst"),
        ("lessons/index.rst", "gallery/GALLERY_HEADER.rst"),
        ("exercises/part1.md", "docs/exercises/part1.md"),
        ("index.md", "docs/index.md"),
    ],
)
def test_the_source_of_a_page_is_a_file_of_the_repository(document, source):
    assert feedback.source_of(document) == source
    assert (ROOT / source).is_file()
