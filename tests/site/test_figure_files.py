"""Below each figure of a lesson stand its files to take along, and one archive holds them all."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.site


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
        files = {Path(name).name: packed.read(name) for name in packed.namelist()}
    assert b"CC BY 4.0" in files.pop("README.txt")
    table = list(csv.DictReader(files.pop("figures.csv").decode("utf-8-sig").splitlines()))
    assert {f"{row['figure']}.{suffix}" for row in table for suffix in ("png", "svg", "pdf")} == set(own)
    assert all(row["title"] and row["description"] for row in table)
    assert files == own
