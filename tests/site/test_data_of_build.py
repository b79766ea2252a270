"""What the site says of its data is what it ran on."""

from __future__ import annotations

import re

import pytest

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("all pages")]  # parsed once

LESSON = "lessons/part1_representation/plot_13_small_cnn.html"


def source_printed(site) -> str:
    """What the quick start, run by its own kernel, printed."""
    return re.search(r"The digits come from (.+?)\.\n", site["quickstart.html"].get_text())[1]


def test_the_banner_is_on_every_page_exactly_with_the_stand_in(site):
    is_standin = source_printed(site) != "MNIST"
    pages = {name for name in site if not name.startswith("_static/")}  # there lie networks as `export` writes them
    assert {name for name, _ in site.elements(".announcement")} == (pages if is_standin else set())


def test_no_page_prints_what_the_build_was_told_of_its_data(site):
    """On the stand-in, each lesson once printed the failed downloads, with paths of the machine."""
    words = {name: re.sub("<[^>]*>", "", (site.root / name).read_text("utf-8")) for name in site}
    assert [name for name, said in words.items() if "could not be downloaded" in said] == []


def test_every_page_names_the_data_that_the_notebook_ran_on(site):
    named = {tag["content"] for _, tag in site.elements('meta[name="glassbox:data"]')}
    assert named == {source_printed(site)}


def test_the_small_cnn_reads_mnist_better_than_the_slides(site):
    if source_printed(site) != "MNIST":
        pytest.skip("the site was built on the stand-in")
    outputs = " ".join(tag.get_text() for tag in site[LESSON].select(".sphx-glr-script-out"))
    accuracy, total = re.search(r"([\d.]+)\s?% of ([\d,]+) test images are read correctly", outputs).groups()
    assert float(accuracy) > 96.0
    assert total == "10,000"
