"""Below each figure of a lesson stand its files to take along, and one archive holds them all."""

from __future__ import annotations

import csv
import zipfile

import pytest

from glassbox.plots.style import DARK, INK

from .conftest import both_ways

pytestmark = pytest.mark.site

LESSON = "lessons/part1_representation/plot_12_convolution.html"


def test_each_figure_offers_a_picture_a_drawing_and_a_page(site):
    lessons = [name for name in site if "/plot_" in name]
    assert lessons
    for name in lessons:
        page = site[name]
        rows = page.select(".figure-frame + .figure-files")
        assert len(rows) == len(page.select(".figure-frame")) > 0, name
        for row in rows:
            links = [(site.root / name).parent / link["href"] for link in row.select("a[download]")]
            assert [link.suffix for link in links] == [".png", ".svg", ".pdf"], name
            assert all(link.resolve().stat().st_size > 1000 for link in links), name


def test_the_archive_holds_the_files_of_all_figures(site):
    own = {path.name: path.read_bytes() for path in (site.root / "downloads/figures").iterdir()}
    with zipfile.ZipFile(site.root / "downloads/glassbox-figures.zip") as packed:
        files = {name.partition("/")[2]: packed.read(name) for name in packed.namelist()}
    assert b"CC BY 4.0" in files.pop("README.txt")
    dark = {name: files.pop(name) for name in list(files) if name.startswith("dark/")}
    assert {name.removeprefix("dark/") for name in dark} == {name for name in own if name.endswith(".svg")}
    for name, drawing in dark.items():
        light = own[name.removeprefix("dark/")]
        assert INK.encode() not in drawing, name
        assert drawing.count(DARK[INK].encode()) == light.count(INK.encode()), name
    assert any(DARK[INK].encode() in drawing for drawing in dark.values())
    table = list(csv.DictReader(files.pop("figures.csv").decode("utf-8-sig").splitlines()))
    assert {f"{row['figure']}.{suffix}" for row in table for suffix in ("png", "svg", "pdf")} == set(own)
    assert all(row["title"] and row["description"] for row in table)
    assert files == own


@both_ways
def test_the_description_of_a_figure_is_copied(visit):
    page = visit(LESSON, permissions=["clipboard-read", "clipboard-write"])
    figure = page.locator(".figure-frame:has(img)").first
    row = figure.locator("+ .figure-files")
    button = row.get_by_role("button", name="Figure 1: copy its description")
    button.click()
    described = figure.locator("img").first.get_attribute("alt")
    row.get_by_text("Copied: ").wait_for()
    assert described in row.inner_text()
    assert page.evaluate("navigator.clipboard.readText()") == described
    button.click()
    assert described not in row.inner_text()


def test_the_description_of_a_film_is_offered_where_the_browser_does_not_copy(visit):
    refuse = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
    page = visit(LESSON, setup=refuse)
    film = page.locator(".figure-frame:has(video)").first
    film.locator("+ .figure-files button").click()
    film.locator("+ .figure-files").get_by_text("Copy it with the keys: ").wait_for()
    described = film.locator("video").first.get_attribute("aria-label")
    assert page.evaluate("getSelection().toString()") == described
