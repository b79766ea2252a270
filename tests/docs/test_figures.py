"""Figures reach the site in two variants, sized, described, and the same at each build."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from glassbox_site import dark, figure_files, figures, notebook_figures, videos
from matplotlib.animation import FuncAnimation
from matplotlib.colors import to_rgba
from PIL import Image
from sphinx.errors import ExtensionError

from glassbox.datasets import PHOTO_CREDITS
from glassbox.plots import style


@pytest.fixture
def figure():
    with plt.rc_context():
        style.use()
        figure, ax = plt.subplots(figsize=(2.0, 1.0))
        ax.plot([0, 1], [0, 1], color=style.BLUE, marker="o")
        ax.scatter([0.5, 0.7], [0.2, 0.1], c=[style.ORANGE, style.GREEN])
        figures.settle(figure)
        yield figure
    plt.close(figure)


def colors_of(image) -> set[tuple[int, ...]]:
    return set(map(tuple, np.asarray(image.convert("RGB")).reshape(-1, 3)))


def rendered(figure) -> set[tuple[int, ...]]:
    figure.canvas.draw()
    return colors_of(Image.fromarray(np.asarray(figure.canvas.buffer_rgba())))


def rgb(color: str) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in to_rgba(color)[:3])


@pytest.mark.parametrize("color", [style.PAPER, style.INK, style.BLUE, style.ORANGE])
def test_the_dark_renderer_exchanges_every_color(figure, color):
    plt.switch_backend("agg")
    light = rendered(figure)
    with dark.dark(figure):
        after = rendered(figure)
    assert rgb(color) in light
    assert rgb(color) not in after
    assert rgb(style.DARK[color]) in after
    assert rendered(figure) == light


def test_a_drawing_becomes_two_svg_files_that_differ_in_colors_alone(figure, tmp_path):
    assert figures.save_figure(figure, tmp_path / "f") == ".svg"
    light, darker = ((tmp_path / name).read_text() for name in ("f.svg", "f-dark.svg"))
    assert style.BLUE in light
    assert style.DARK[style.BLUE] in darker
    assert not any(color in darker for color in style.DARK)
    assert re.sub("#[0-9a-f]{6}", "", light) == re.sub("#[0-9a-f]{6}", "", darker)


def test_the_same_drawing_gives_the_same_bytes(figure, tmp_path):
    with plt.rc_context({"svg.hashsalt": None}):
        for name in ("a", "b"):
            figures.save_figure(figure, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_an_image_becomes_two_webp_files_at_twice_the_size(figure, tmp_path):
    figure.axes[0].imshow(np.eye(3))
    assert figures.save_figure(figure, tmp_path / "f") == ".webp"
    with Image.open(tmp_path / "f.webp") as light, Image.open(tmp_path / "f-dark.webp") as darker:
        assert light.size == darker.size == (400, 200)
        assert light.convert("L").getpixel((0, 0)) > 250
        assert darker.convert("L").getpixel((0, 0)) < 30


def test_a_heavy_image_is_less_sharp_rather_than_heavy(figure, tmp_path):
    figure.set_size_inches(5, 5)
    figure.axes[0].imshow(np.random.default_rng(0).random((400, 400)))
    figures.save_image(figure, tmp_path / "f")
    with Image.open(tmp_path / "f.webp") as image:
        assert image.size in [(750, 750), (500, 500)]


def test_flat_colors_lose_nothing(figure, tmp_path):
    figure.set_size_inches(4, 4)
    figure.axes[0].imshow(np.indices((16, 16)).sum(0) % 2)
    figures.save_image(figure, tmp_path / "f")
    drawing = io.BytesIO()
    figure.savefig(drawing, format="png", dpi=200)
    with Image.open(tmp_path / "f.webp") as image, Image.open(drawing) as expected:
        assert image.convert("RGB").tobytes() == expected.convert("RGB").tobytes()


def test_a_heavy_drawing_becomes_an_image(figure, tmp_path):
    rng = np.random.default_rng(0)
    figure.axes[0].scatter(*rng.normal(size=(2, 3000)))
    assert figures.save_figure(figure, tmp_path / "f") == ".webp"


def test_a_figure_without_alternative_text_is_refused_by_name(figure):
    with pytest.raises(ExtensionError, match=r"plot_11\.py, cell at line 7: .* fig\.alt_text"):
        figures._alternative_text(figure, "plot_11.py", 7)
    figure.alt_text = "A line\n  that rises."
    assert figures._alternative_text(figure, "plot_11.py", 7) == "A line that rises."


def test_a_video_is_the_same_twice_and_comes_in_two_variants(figure, tmp_path):
    (line,) = figure.axes[0].lines
    animation = FuncAnimation(figure, lambda step: line.set_data([0, 1], [0, step]), frames=3)
    assert videos.save_video(animation, tmp_path / "a") == (200, 100)
    videos.save_video(animation, tmp_path / "b")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert (tmp_path / "a.mp4").read_bytes() != (tmp_path / "a-dark.mp4").read_bytes()


@pytest.mark.parametrize(("still", "left"), [(None, 2), (1, 1)])
def test_a_video_leaves_the_figure_at_its_still(figure, tmp_path, still, left):
    (line,) = figure.axes[0].lines
    animation = FuncAnimation(figure, lambda step: line.set_data([0, 1], [0, step]), frames=3)
    if still is not None:
        animation.still = still
    videos.save_video(animation, tmp_path / "a")
    assert line.get_ydata()[1] == left


def test_a_frame_of_the_dark_video_is_drawn_dark(figure):
    frame = io.BytesIO()
    with dark.dark(figure):
        figure.savefig(frame, format="rgba", dpi=100)  # what a video's writer asks for
    pixels = np.frombuffer(frame.getvalue(), dtype=np.uint8).reshape(100, 200, 4)
    assert pixels[0, 0].tolist() == [round(255 * part) for part in to_rgba(style.DARK[style.PAPER])]
    assert (pixels != pixels[0, 0]).any()


def test_the_size_of_a_notebooks_drawing_is_read_from_it(figure, tmp_path):
    figures.save_figure(figure, tmp_path / "f")
    assert notebook_figures.size_of_svg((tmp_path / "f.svg").read_text()) == ("200", "100")


def test_a_figure_is_no_narrower_than_its_smallest_words_can_be_read(figure):
    ax = figure.axes[0]
    ax.text(0, 0, "small", fontsize=8)
    ax.text(0, 0, "smaller, not shown", fontsize=4, visible=False)
    # 8 points are 11.1 pixels at 200 pixels of width.
    assert figures.least_width(figure) == 162
    ax.text(0, 0, "too small", fontsize=6)
    with pytest.raises(ExtensionError, match=r"words of 6 points, 8\.3 pixels in the page: expects 9 .* 6\.5 points"):
        figures.least_width(figure)


def test_a_figure_without_words_may_be_as_narrow_as_the_window():
    figure = plt.figure(figsize=(2, 1))
    assert figures.least_width(figure) == 0
    plt.close(figure)


@pytest.fixture
def facts():
    return figure_files.Facts(
        '1.4 "Inside" & more, figure 2', "A <seven>", "Glassbox, lesson 1.4", "CC BY 4.0", "A line <rises> & ends."
    )


def test_a_figure_to_take_along_says_in_itself_what_it_is(figure, facts, tmp_path):
    figure.axes[0].set_title("Loss")
    figure_files.write(figure, tmp_path / "f.2", facts)
    with Image.open(tmp_path / "f.2.png") as image:
        assert image.size == (1920, 960)  # of a figure twice as wide as high
        assert image.convert("L").getpixel((0, 0)) > 250
        said = [image.text[key] for key in ("Title", "Section", "Description", "Source", "Copyright", "Author")]
    assert said == [facts.title, facts.section, facts.alt, facts.source, facts.license, figure_files.AUTHOR]
    root = ElementTree.parse(tmp_path / "f.2.svg").getroot()
    assert [root[0].text, root[1].text] == [facts.title, facts.alt]
    assert [root[0].tag, root[1].tag] == ["{http://www.w3.org/2000/svg}title", "{http://www.w3.org/2000/svg}desc"]
    described = "".join(root.find(".//{*}metadata").itertext())
    assert all(text in described for text in (facts.title, facts.alt, facts.source, facts.license, figure_files.AUTHOR))
    said = (tmp_path / "f.2.pdf").read_bytes().decode("latin-1")
    assert "/Subtype /Type3" not in said  # publishers refuse them, and their words cannot be edited
    for text in (facts.title, f"{facts.alt} Source: {facts.source}. License: {facts.license}.", figure_files.AUTHOR):
        assert f"({text})" in said


@pytest.mark.parametrize("size", [(9.2, 8), (4, 8), (7.2, 3), (12, 2)])
def test_the_longer_side_of_a_picture_for_slides_is_as_wide_as_a_screen(size, facts, tmp_path):
    figure = plt.figure(figsize=size)
    figure_files.write(figure, tmp_path / "f", facts)
    plt.close(figure)
    with Image.open(tmp_path / "f.png") as image:
        assert max(image.size) >= 1920
        assert image.width / image.height == pytest.approx(size[0] / size[1], rel=0.01)


def test_a_table_says_which_figure_is_what(figure, facts, tmp_path):
    figure_files.write(figure, tmp_path / "glassbox-1.4-figure-2", facts)
    text = figure_files.table_of(sorted(tmp_path.iterdir())).decode("utf-8-sig")
    expected = ["glassbox-1.4-figure-2", facts.section, facts.title, facts.alt, facts.source, facts.license]
    names = ["figure", "section", "title", "description", "source", "license"]
    assert list(csv.reader(text.splitlines())) == [names, expected]


def test_a_figure_is_of_the_section_in_which_it_is_drawn():
    (script,) = figure_files.GALLERY.glob("part1_*/plot_12_*.py")
    lines = script.read_text("utf-8").splitlines()
    heading = lines.index("# Nine weights")
    facts = figure_files.facts_of(script, heading + 10, 4, "A line.")
    assert (facts.section, facts.title) == (
        "Nine weights",
        "1.2 A convolution filters an image: Nine weights, figure 4",
    )
    facts = figure_files.facts_of(script, heading, 3, "A line.")
    assert facts.section == "A photograph in numbers"
    facts = figure_files.facts_of(script, 5, 1, "A line.")
    assert (facts.section, facts.title) == ("", "1.2 A convolution filters an image, figure 1")


def test_a_drawing_to_take_along_has_words_and_no_ground(figure, facts, tmp_path):
    figure.axes[0].set_title("Loss")
    figure_files.write(figure, tmp_path / "f", facts)
    text = (tmp_path / "f.svg").read_text()
    assert re.search(r"<text [^>]*>Loss</text>", text)
    assert style.PAPER not in text
    assert style.PAPER in figures_svg(figure, tmp_path)  # which the page's own has


def figures_svg(figure, folder) -> str:
    figures.save_figure(figure, folder / "page")
    return (folder / "page.svg").read_text()


def test_figures_to_take_along_are_the_same_twice(figure, facts, tmp_path):
    for name in ("a", "b"):
        figure_files.write(figure, tmp_path / name, facts)
    for suffix in figure_files.FORMATS:
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_the_last_digit_of_a_layout_names_nothing(figure, facts, tmp_path):
    figure_files.write(figure, tmp_path / "a", facts)
    box = figure.axes[0].get_position()
    figure.axes[0].set_position([np.nextafter(box.x0, 1), box.y0, box.width, box.height])
    figure_files.write(figure, tmp_path / "b", facts)
    assert 'clip-path="url(#clip0)"' in (tmp_path / "a.svg").read_text("utf-8")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_lesson_that_runs_again_leaves_no_old_figure(figure, tmp_path):
    (script,) = figure_files.GALLERY.glob("part1_*/plot_12_*.py")
    images = tmp_path / "images"
    images.mkdir()
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/glassbox-1.2-figure-3.pdf").touch()
    for number in (1, 2):
        name = figure_files.take(figure, images / f"sphx_glr_{script.stem}_00{number}", script, 5, "A line.")
    assert name == "glassbox-1.2-figure-2"
    taken = {path.name for path in (tmp_path / "figures").iterdir()}
    assert taken == {f"glassbox-1.2-figure-{number}.{suffix}" for number in (1, 2) for suffix in ("png", "svg", "pdf")}
    with Image.open(tmp_path / "figures/glassbox-1.2-figure-2.png") as image:
        assert image.text["Title"] == "1.2 A convolution filters an image, figure 2"
        assert image.text["Copyright"].endswith(f"; the photograph, where it is shown: {PHOTO_CREDITS['china']}")
