"""The archives: the site reads from disk without a server, and the lessons come with all they need."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from posixpath import join, normpath
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from .conftest import HTML, load_all

pytestmark = pytest.mark.site


def pages_that_load_every_file() -> list[str]:
    """Return a few pages that load, together, every script and every style sheet of the site.

    The pages to play with are left out, which `test_digit` and `test_play` play from disk, and the page 404, which is
    a server's answer.
    """
    loaded = {}
    for path in sorted(HTML.rglob("*.html")):
        name = path.relative_to(HTML).as_posix()
        files = re.findall(r'<(?:script|link)\b[^>]*?(?:src|href)="([^"?#]+\.(?:js|css))', path.read_text("utf-8"))
        if name != "404.html" and not name.startswith("play/"):
            loaded[name] = {normpath(join(Path(name).parent.as_posix(), file)) for file in files}
    chosen = ["index.html"]
    if "index.html" not in loaded:  # nothing is built yet: the fixture of the test says so
        return chosen
    missing = set().union(*loaded.values()) - loaded["index.html"]
    while missing:
        chosen.append(max(loaded, key=lambda name: len(loaded[name] & missing)))
        missing -= loaded[chosen[-1]]
    return sorted(chosen)


@pytest.mark.parametrize("name", pages_that_load_every_file())
def test_a_page_opens_from_disk(visit, unpacked, name):
    page = visit((unpacked / name).as_uri())
    load_all(page)
    images = "[...document.images].filter(image => image.offsetParent && !image.naturalWidth).map(image => image.src)"
    assert page.evaluate(images) == []
    sheets = page.evaluate("[...document.querySelectorAll('link[rel~=stylesheet]')].map(link => link.sheet !== null)")
    assert sheets
    assert all(sheets)


def test_a_video_plays_from_disk(visit, unpacked):
    page = visit((unpacked / "lessons/part1_representation/plot_12_convolution.html").as_uri())
    assert page.locator("video:visible").first.evaluate("video => video.play().then(() => video.duration)") > 0


def test_search_finds_from_disk(visit, unpacked):
    page = visit(f"{(unpacked / 'search.html').as_uri()}?q=convolution")
    page.locator("#search-results li a").first.wait_for()
    assert any("plot_12_convolution" in link.get_attribute("href") for link in page.locator("ul.search a").all())


def test_the_copy_is_the_site_and_none_of_its_links_is_dead(html, unpacked):
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*.*") if path.is_file()}
    own = {path.relative_to(html).as_posix() for path in html.rglob("*.*") if path.is_file()}
    assert own - files == {"downloads/glassbox-site.zip", ".buildinfo"}
    different = [name for name in sorted(files) if (unpacked / name).read_bytes() != (html / name).read_bytes()]
    assert different == ["downloads.html"]
    page = BeautifulSoup((unpacked / "downloads.html").read_text("utf-8"), "html.parser")
    inner = [link["href"] for link in page.select("a[href]") if not urlsplit(link["href"]).scheme]
    paths = [normpath(unquote(urlsplit(address).path or "downloads.html")) for address in inner]
    assert paths
    assert [path for path in paths if not (unpacked / path).is_file()] == []


def test_the_downloads_page_offers_every_lesson_and_both_archives(site, html):
    page = site["downloads.html"]
    lessons = [name for name in site if "/plot_" in name]
    assert lessons
    for lesson in lessons:
        (row,) = [row for row in page.select("table tr") if row.select(f'a[href="{lesson}"]')]
        endings = [Path(link["href"]).suffix for link in row.select("a.download")]
        assert endings == [".py", ".ipynb"]
    for archive in ("glassbox-lessons.zip", "glassbox-site.zip"):
        assert page.select(f'a[href="downloads/{archive}"]')
        assert zipfile.ZipFile(html / "downloads" / archive).testzip() is None


def test_the_lessons_come_with_the_package_and_are_the_files_of_their_pages(site, html):
    with zipfile.ZipFile(html / "downloads/glassbox-lessons.zip") as packed:
        files = {name.removeprefix("glassbox-lessons/"): packed.read(name) for name in packed.namelist()}
    (wheel,) = html.glob("wheels/*.whl")
    assert files[wheel.name] == wheel.read_bytes()
    for link in site["downloads.html"].select("a.download[href]"):
        (same,) = [content for name, content in files.items() if name.endswith(f"/{Path(link['href']).name}")]
        assert same == (html / link["href"]).read_bytes()
    pages = {name.removesuffix(".html") for name in site if name.startswith("exercises/part")}
    notebooks = {name.removesuffix(".ipynb").removesuffix("-class") for name in files if name.startswith("exercises/")}
    assert notebooks == pages
