"""Photographs by name and by path, of every kind that a reader may bring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from glassbox.datasets import PHOTO_CREDITS, photo


@pytest.mark.parametrize("name", ["china", "flower"])
def test_named_photos_are_those_of_scikit_learn(name: str) -> None:
    pixels = load_sample_image(f"{name}.jpg").astype(np.float64) / 255
    color = photo(name, gray=False)
    assert color.dtype == torch.float32
    np.testing.assert_allclose(color[0].permute(1, 2, 0), pixels, atol=1e-7)
    np.testing.assert_allclose(photo(name)[0, 0], pixels @ [0.299, 0.587, 0.114], atol=1e-6)
    assert "CC BY 2.0" in PHOTO_CREDITS[name]


@pytest.mark.parametrize("as_text", [True, False])
def test_reads_a_file_of_the_reader(tmp_path: Path, as_text: bool) -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    loaded = photo(str(tmp_path / "mine.png") if as_text else tmp_path / "mine.png", gray=False)
    np.testing.assert_allclose(loaded[0].permute(1, 2, 0), pixels / 255, atol=1e-7)


def test_white_is_one_and_never_more(tmp_path: Path) -> None:
    Image.new("L", (4, 2), 255).save(tmp_path / "white.png")
    image = photo(tmp_path / "white.png")
    assert image.shape == (1, 1, 2, 4)
    assert image.max() <= 1
    torch.testing.assert_close(image, torch.ones(1, 1, 2, 4))


def test_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (1, 1), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    torch.testing.assert_close(photo(tmp_path / "clear.png"), torch.ones(1, 1, 1, 1))


def test_sixteen_bits_of_gray_keep_their_shades(tmp_path: Path) -> None:
    shades = np.array([[0, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(shades).save(tmp_path / "deep.png")
    np.testing.assert_allclose(photo(tmp_path / "deep.png")[0, 0], shades / 65535, atol=1e-6)


def test_a_photo_taken_sideways_is_turned_upright(tmp_path: Path) -> None:
    orientation = Image.Exif()
    orientation[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    Image.new("RGB", (4, 2)).save(tmp_path / "sideways.jpg", exif=orientation)
    assert photo(tmp_path / "sideways.jpg").shape == (1, 1, 4, 2)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file 'chian'; give the path of an image, or 'china' or 'flower'"):
        photo("chian")
    with pytest.raises(FileNotFoundError, match="give the path of an image"):
        photo(tmp_path)


def test_what_is_not_an_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("not an image")
    with pytest.raises(ValueError, match=r"notes\.png is not an image that Pillow can read; try a PNG"):
        photo(tmp_path / "notes.png")


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_truncated_image_is_named(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"half.{ending}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=rf"half\.{ending} cannot be read as an image .* damaged or not wholly copied"):
        photo(path)


@pytest.mark.parametrize("width", [8_000, 10_000, 13_400])  # Pillow itself warns from 89 and refuses from 179 million
def test_a_huge_image_is_refused(tmp_path: Path, width: int) -> None:
    Image.new("1", (width, width)).save(tmp_path / "huge.png")
    with pytest.raises(ValueError, match=r"huge\.png has more than 50 million pixels; make it smaller"):
        photo(tmp_path / "huge.png")
