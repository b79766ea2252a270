"""Every page: links that lead somewhere, nothing from elsewhere, pictures in words."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

pytestmark = pytest.mark.site

REFERENCES = ("a[href]", "link[href]", "img[src]", "script[src]", "source[src]", "video[poster]", "use[href]")
FETCHED = (
    "img[src]",
    "script[src]",
    "source[src]",
    "video[poster]",
    "iframe[src]",
    "link[rel~=stylesheet][href]",
    "link[rel~=icon][href]",
    "link[rel~=preload][href]",
    "link[rel~=prefetch][href]",
    "link[rel~=preconnect][href]",
)


def attribute(selector: str) -> str:
    return selector.rpartition("[")[2].rstrip("]")


def is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).scheme or urlsplit(address).netloc)


def test_every_internal_link_and_anchor_resolves(site):
    anchors = {
        name: {tag.get("id") or tag.get("name") for tag in page.select("[id], a[name]")} for name, page in site.items()
    }
    broken = []
    for selector in REFERENCES:
        for name, tag in site.elements(selector):
            address, fragment = urldefrag(tag[attribute(selector)])
            if is_elsewhere(tag[attribute(selector)]):
                continue
            target = normpath(str(PurePosixPath(name).parent / unquote(address))) if address else name
            if not (site.root / target).is_file():
                broken.append(f"{name}: {address}")
            elif fragment and target in anchors and unquote(fragment) not in anchors[target]:
                broken.append(f"{name}: {address}#{fragment}")
    assert sorted(set(broken)) == []


def test_no_page_fetches_anything_from_elsewhere(site):
    found = [
        f"{name}: {tag[attribute(selector)]}"
        for selector in FETCHED
        for name, tag in site.elements(selector)
        if is_elsewhere(tag[attribute(selector)]) and not tag[attribute(selector)].startswith("data:")
    ]
    assert found == []


def test_no_stylesheet_fetches_anything_from_elsewhere(site):
    sheets = {path.name: path.read_text("utf-8") for path in site.root.rglob("*.css")}
    sheets |= {name: "\n".join(tag.get_text() for tag in page.select("style")) for name, page in site.items()}
    elsewhere = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])(?:https?:)?//")
    assert [name for name, text in sheets.items() if elsewhere.search(text)] == []


def test_every_file_that_a_stylesheet_names_is_there(site):
    missing = [
        f"{sheet.name}: {address}"
        for sheet in site.root.rglob("*.css")
        for address in re.findall(r"url\(['\"]?([^'\")]+)", sheet.read_text("utf-8"))
        if not address.startswith(("data:", "#")) and not (sheet.parent / address.partition("?")[0]).is_file()
    ]
    assert missing == []


def test_every_image_says_what_it_shows(site):
    silent = [f"{name}: {tag.get('src')}" for name, tag in site.elements("img") if not tag.get("alt", "").strip()]
    silent += [f"{name}: video" for name, tag in site.elements("video") if not tag.get("aria-label", "").strip()]
    assert silent == []


def test_every_figure_keeps_its_place_and_has_both_variants(site):
    figures = list(site.elements("img.lesson-figure, video.lesson-video"))
    assert figures
    for name, tag in figures:
        assert int(tag["width"]) > 0, (name, tag)
        assert int(tag["height"]) > 0, (name, tag)
    by_class = {
        variant: {tag.get("src") or tag["poster"] for _, tag in figures if variant in tag["class"]}
        for variant in ("only-light", "only-dark")
    }
    assert {re.sub(r"(\.\w+)$", r"-dark\1", source) for source in by_class["only-light"]} == by_class["only-dark"]


def test_every_page_has_one_title_and_a_language(site):
    for name, page in site.items():
        assert page.html.get("lang") == "en", name
        assert page.title.get_text(strip=True), name
        assert len(page.select("h1")) == 1 or name in ("genindex.html", "search.html", "py-modindex.html"), name


def test_no_equation_is_left_unrendered(site):
    assert [name for name, tag in site.elements(".math") if not tag.select(".katex")] == []
    assert [name for name, _ in site.elements(".katex-error")] == []


def test_reference_and_lessons_link_to_each_other(site):
    page = site["api/datasets.html"]
    entry = page.find(id="glassbox.datasets.load_grades").find_parent("dl")
    assert "plot_11_dense_layer.html" in str(entry)
    lesson = site["lessons/part1_representation/plot_11_dense_layer.html"]
    assert lesson.select('a[href*="api/datasets.html#glassbox.datasets.load_grades"]')
