"""Every page: links that lead somewhere, nothing from elsewhere, pictures in words."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.test_api import FAMILIES, public

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("all pages")]  # parsed once

ADDRESSES = ("href", "src", "data-still")
REFERENCES = ("a", "link", "img", "script", "source", "video", "use")
FETCHED = (
    *("img", "script", "source", "video", "iframe"),
    *(f"link[rel~={what}]" for what in ("stylesheet", "icon", "preload", "prefetch", "preconnect")),
)


def addresses(site, selectors: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, tag in site.elements(", ".join(selectors)):
        yield from ((name, tag[attribute]) for attribute in ADDRESSES if attribute in tag.attrs)


def is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).scheme or urlsplit(address).netloc)


def root_of_published(site) -> str:
    """The path at which the page 404 begins its links where the site's address is known."""
    canonical = site["index.html"].select_one("link[rel=canonical]")
    return urlsplit(canonical["href"]).path.removesuffix("index.html") if canonical else "/"


def test_every_internal_link_and_anchor_resolves(site):
    root = root_of_published(site)
    anchors = {name: {tag["id"] for tag in page.select("[id]")} for name, page in site.items()}
    broken = []
    for name, address in addresses(site, REFERENCES):
        if is_elsewhere(address):
            continue
        if name == "404.html":
            address = address.removeprefix(root)
        path, fragment = (unquote(part) for part in (urlsplit(address).path, urlsplit(address).fragment))
        target = normpath(str(PurePosixPath(name).parent / path)) if path else name
        wrong_anchor = fragment and target in anchors and fragment not in anchors[target]
        if wrong_anchor or not (site.root / target).is_file():
            broken.append(f"{name}: {address}")
    assert sorted(set(broken)) == []


def test_no_page_fetches_anything_from_elsewhere(site):
    found = [
        f"{name}: {address}"
        for name, address in addresses(site, FETCHED)
        if is_elsewhere(address) and not address.startswith("data:")
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
    # A thumbnail stands beside its lesson's title, which says it all; the maps of the home page have one text together.
    pictures = site.elements("img:not(.lesson-card img, [role=img] img)")
    silent = [f"{name}: {tag.get('src')}" for name, tag in pictures if not tag.get("alt", "").strip()]
    silent += [f"{name}: video" for name, tag in site.elements("video") if not tag.get("aria-label", "").strip()]
    assert silent == []


def test_every_figure_keeps_its_place_and_has_both_variants(site):
    figures = list(site.elements("img.lesson-figure, video.lesson-video"))
    assert figures
    for name, tag in figures:
        assert int(tag["width"]) > 0, (name, tag)
        assert int(tag["height"]) > 0, (name, tag)
    by_class = {
        variant: {tag.get("src") or tag["data-still"] for _, tag in figures if variant in tag["class"]}
        for variant in ("only-light", "only-dark")
    }
    assert {re.sub(r"(\.\w+)$", r"-dark\1", source) for source in by_class["only-light"]} == by_class["only-dark"]


def test_every_page_has_one_title_and_a_language(site):
    for name, page in site.items():
        assert page.html.get("lang") == "en", name
        assert page.title.get_text(strip=True), name
        assert len(page.select("h1")) == 1, name


def test_every_page_has_one_policy(site):
    policies = {name: len(page.select("meta[http-equiv=Content-Security-Policy]")) for name, page in site.items()}
    assert {name: count for name, count in policies.items() if count != 1} == {}


def test_no_equation_is_left_unrendered(site):
    equations = list(site.elements(".math"))
    assert equations
    assert [name for name, tag in equations if not tag.select(".katex")] == []


def test_every_equation_is_whole(site):
    """A browser that meets a fraction without its denominator draws none, and says so in its console alone."""
    parts = dict.fromkeys(("mfrac", "mroot", "msub", "msup", "munder", "mover"), 2)
    parts |= {"msubsup": 3, "munderover": 3}
    found = list(site.elements(", ".join(parts)))
    assert len(found) > 1000
    assert [f"{page}: {tag}" for page, tag in found if len(tag.find_all(recursive=False)) != parts[tag.name]] == []


def test_reference_and_lessons_link_to_each_other(site):
    page = site["api/datasets.html"]
    entry = page.find(id="glassbox.datasets.load_grades").find_parent("dl")
    assert "plot_11_dense_layer.html" in str(entry)
    lesson = site["lessons/part1_representation/plot_11_dense_layer.html"]
    assert lesson.select('a[href*="api/datasets.html#glassbox.datasets.load_grades"]')


@pytest.fixture(scope="module")
def entries(site) -> set[str]:
    return {tag["id"] for _, tag in site.elements("dt[id]")}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_public_name_has_its_entry(entries, family):
    names = {f"glassbox.{family}.{name}" for name in public(importlib.import_module(f"glassbox.{family}"))}
    assert names
    assert names <= entries
