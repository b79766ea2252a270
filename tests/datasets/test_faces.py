"""Faces drawn by the package, and CelebA read from a tiny folder of its layout."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from glassbox import datasets

ALL = ("glasses", "smile", "hat", "beard", "hair")
CELEBA_HEADER = ("Bald", "Eyeglasses", "No_Beard", "Smiling", "Wearing_Hat", "Young")


@pytest.fixture(autouse=True)
def no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSBOX_DATA", raising=False)


# Drawn faces


@pytest.mark.parametrize(("split", "count"), [("train", 4000), ("test", 1000)])
def test_what_is_returned(split: str, count: int) -> None:
    data = datasets.faces(split, size=16)
    assert (data.images.shape, data.images.dtype) == ((count, 3, 16, 16), torch.float32)
    assert (data.labels.shape, data.labels.dtype) == ((count, 2), torch.float32)
    assert data.class_names == ("glasses", "smile")
    assert (data.source, data.is_standin) == ("drawn faces", True)
    assert data.images.min() >= 0
    assert data.images.max() <= 1


def test_attributes_are_balanced_and_independent() -> None:
    labels = datasets.faces("train", ALL, n=320, size=8).labels
    combinations, counts = labels.unique(dim=0, return_counts=True)
    assert combinations.tolist() == [list(row) for row in product([0, 1], repeat=5)]
    assert counts.tolist() == [10] * 32


def test_the_seed_decides_the_faces() -> None:
    state = torch.get_rng_state()
    first, again = datasets.faces("train", n=40, seed=3), datasets.faces("train", n=40, seed=3)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.images, datasets.faces("train", n=40, seed=4).images)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_smaller_set_begins_a_larger_one() -> None:
    larger, smaller = datasets.faces("test", n=130), datasets.faces("test", n=70)
    assert torch.equal(larger.images[:70], smaller.images)
    assert torch.equal(larger.labels[:70], smaller.labels)


def test_no_face_is_in_both_splits() -> None:
    train = [datasets.faces("train", n=32, size=8, seed=seed).images for seed in range(3)]
    test = [datasets.faces("test", n=32, size=8, seed=seed).images for seed in range(3)]
    assert all(not torch.equal(one, other) for one, other in product(train, test))


def test_a_larger_picture_shows_the_same_face() -> None:
    small, large = datasets.faces("train", n=80, size=24), datasets.faces("train", n=80, size=96)
    assert torch.equal(small.labels, large.labels)
    shrunk = torch.nn.functional.avg_pool2d(large.images, 4)
    assert (small.images - shrunk).abs().mean() < 0.05


def test_attributes_come_in_the_order_asked_for() -> None:
    everything = datasets.faces("train", ALL, n=32, size=8)
    some = datasets.faces("train", ["hat", "glasses"], n=32, size=8)
    assert some.class_names == ("hat", "glasses")
    assert torch.equal(some.labels, everything.labels[:, [2, 0]])
    assert torch.equal(some.images, everything.images)
    assert datasets.faces("train", "hat", n=32, size=8).labels.shape == (32, 1)


@pytest.mark.parametrize("attribute", ALL)
def test_an_attribute_shows_in_the_picture(attribute: str) -> None:
    """Faces with it differ on average from faces without it by more than two random halves do."""
    data = datasets.faces("train", attribute, n=2048, size=16)
    has = data.labels[:, 0] == 1
    difference = (data.images[has].mean(dim=0) - data.images[~has].mean(dim=0)).abs().max()
    by_chance = (data.images[::2].mean(dim=0) - data.images[1::2].mean(dim=0)).abs().max()
    assert difference > 1.5 * by_chance


def test_a_linear_model_is_better_than_chance_and_far_from_good() -> None:
    """Lesson 3.6 needs faces in which an answer has to be looked for: no pixel alone gives it away."""
    train, test = datasets.faces("train", ALL, n=1024, size=32), datasets.faces("test", ALL, n=1024, size=32)
    pixels = train.images.flatten(1)
    mean = pixels.mean(dim=0)
    # Ridge regression of the answers on the pixels, solved in the space of the 1,024 faces.
    gram = (pixels - mean) @ (pixels - mean).T
    penalty = 100 * torch.eye(len(gram))
    weights = (pixels - mean).T @ torch.linalg.solve(gram + penalty, train.labels - 0.5)
    answers = (test.images.flatten(1) - mean) @ weights > 0
    accuracy = (answers == test.labels.bool()).double().mean(dim=0)
    assert accuracy.min() > 0.53
    assert accuracy.max() < 0.8


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["validation"], {}, "split must be 'train' or 'test', not 'validation'"),
        (
            ["train", ("glasses", "nose")],
            {},
            "'nose' is not an attribute of a drawn face; choose from glasses, smile, hat",
        ),
        (["train", ("Eyeglasses",)], {}, "'Eyeglasses' is not an attribute of a drawn face"),
        (["train", ()], {}, "attributes is empty"),
        (["train"], {"n": 0}, "n must be at least 1 and size at least 8 pixels, not 0 and 48"),
        (["train"], {"n": 1, "size": 4}, "not 1 and 4"),
        (["train"], {"n": 1, "seed": -1}, r"seed must be 0 or more and less than 2\*\*63, not -1"),
        (["train"], {"n": 1, "seed": 2**63}, "less than"),
    ],
)
def test_what_does_not_exist_is_named(arguments: list[object], options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        datasets.faces(*arguments, **options)


@pytest.mark.parametrize("options", [{"n": "5"}, {"n": 2.0}, {"n": True}, {"size": 48.0}, {"seed": None}])
def test_what_is_no_whole_number_is_named(options: dict[str, object]) -> None:
    (name,) = options
    with pytest.raises(TypeError, match=f"{name} must be a whole number, not "):
        datasets.faces("train", **options)  # type: ignore[arg-type]


def test_the_largest_seed_draws_other_faces() -> None:
    first, other = (datasets.faces("test", n=1, size=8, seed=seed).images for seed in (0, 2**63 - 1))
    assert not torch.equal(first, other)


# CelebA


@pytest.fixture
def celeba(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a CelebA of ten faces: six to train on, one to validate, three to test on. Face k is a gray of 20 k."""
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path))
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    rows, partition = [], []
    for k in range(10):
        name = f"{k + 1:06}.jpg"
        Image.new("RGB", (178, 218), (20 * k,) * 3).save(folder / "img_align_celeba" / name)
        values = [1 if k >> bit & 1 else -1 for bit in range(4)] + [-1, 1]
        rows.append(f"{name} " + " ".join(f"{value:2}" for value in values))
        partition.append(f"{name} {0 if k < 6 else 1 if k == 6 else 2}")
    (folder / "list_attr_celeba.txt").write_text("\n".join(["10", " ".join(CELEBA_HEADER) + " ", *rows, ""]))
    (folder / "list_eval_partition.txt").write_text("\n".join([*partition, ""]))
    return folder


def grays(data: datasets.LabelledImages) -> list[int]:
    """Tell which face each image shows."""
    return [round(float(image.mean()) * 255 / 20) for image in data.images]


@pytest.mark.parametrize(("split", "members"), [("train", {0, 1, 2, 3, 4, 5}), ("test", {7, 8, 9})])
def test_celeba_is_read_in_its_own_layout(celeba: Path, split: str, members: set[int]) -> None:
    data = datasets.faces(split, (*ALL, "Young"), n=len(members), size=32)
    assert (data.source, data.is_standin) == ("CelebA", False)
    assert (data.images.shape, data.labels.dtype) == ((len(members), 3, 32, 32), torch.float32)
    shown = grays(data)
    assert set(shown) == members
    for k, labels in zip(shown, data.labels.tolist(), strict=True):
        bald, eyeglasses, no_beard, smiling = (bool(k >> bit & 1) for bit in range(4))
        assert labels == [eyeglasses, smiling, False, not no_beard, not bald, True]


def test_celeba_faces_are_drawn_by_the_seed(celeba: Path) -> None:
    assert grays(datasets.faces("train", n=4, seed=1)) == grays(datasets.faces("train", n=4, seed=1))
    assert len({tuple(grays(datasets.faces("train", n=4, seed=seed))) for seed in range(6)}) > 1


def test_celeba_faces_are_cut_to_their_middle_square(celeba: Path) -> None:
    pixels = np.zeros((218, 178, 3), dtype=np.uint8)
    pixels[18:200] = 255
    for path in (celeba / "img_align_celeba").iterdir():
        Image.fromarray(pixels).save(path, quality=100)
    assert datasets.faces("train", n=1).images.min() > 0.95


def test_celeba_has_no_more_faces_than_it_has(celeba: Path) -> None:
    with pytest.raises(ValueError, match=r"has 6 faces in split 'train'; ask for no more than that, not n=4000"):
        datasets.faces("train")


@pytest.mark.parametrize("missing", ["list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba/000001.jpg"])
def test_a_part_of_celeba_that_is_missing_is_named(celeba: Path, missing: str) -> None:
    (celeba / missing).unlink()
    with pytest.raises(FileNotFoundError, match=rf"CelebA is incomplete: .*{Path(missing).name} is missing"):
        datasets.faces("train", n=6)


def test_an_image_of_celeba_that_is_damaged_is_named(celeba: Path) -> None:
    (celeba / "img_align_celeba" / "000002.jpg").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"000002\.jpg cannot be read as an image"):
        datasets.faces("train", n=6)


def line(number: int, new: str) -> Callable[[str], str]:
    """Put another line in the place of one; the first is 1."""

    def change(text: str) -> str:
        lines = text.splitlines()
        lines[number - 1] = new
        return "\n".join(lines)

    return change


NO_BEGINNING = "it does not begin with the number of rows and a line of attributes"
A_ROW = "is not the name of a file and 6 values, each 1 or -1"
ATTRIBUTE_DAMAGES: list[tuple[Callable[[str], str], str]] = [
    (lambda text: "", NO_BEGINNING),
    (lambda text: "10\n", NO_BEGINNING),
    (lambda text: "\n\n", NO_BEGINNING),
    (lambda text: text.partition("\n")[2], NO_BEGINNING),
    (line(1, "ten"), NO_BEGINNING),
    (line(1, "-10"), NO_BEGINNING),
    (line(1, "9"), "it has 10 rows, where its first line promises 9"),
    (lambda text: "\n".join(text.splitlines()[:6]), "it has 4 rows, where its first line promises 10"),
    (line(2, "Smiling Smiling Male Young Bald Eyeglasses"), "an attribute stands twice in its second line"),
    (lambda text: text[:-8], f"line 12 {A_ROW}"),
    (line(3, "000001.jpg"), f"line 3 {A_ROW}"),
    (line(3, "000001.jpg 1 1 1 1 1 1 1"), f"line 3 {A_ROW}"),
    (line(3, "000001.jpg 1 1 1 1 1 yes"), f"line 3 {A_ROW}"),
    (line(3, "000001.jpg 1 1 1 1 1 0"), f"line 3 {A_ROW}"),
    (line(3, "000001.jpg 1 1 1 1 1 1.0"), f"line 3 {A_ROW}"),
    (line(3, "000002.jpg 1 1 1 1 1 1"), "line 4 names 000002.jpg a second time"),
    (line(3, "../secret.jpg 1 1 1 1 1 1"), "line 3 names '../secret.jpg', which is no plain name of a file"),
    (line(3, "/secret.jpg 1 1 1 1 1 1"), "line 3 names '/secret.jpg', which is no plain name of a file"),
    (line(3, ".. 1 1 1 1 1 1"), "line 3 names '..', which is no plain name of a file"),
    (line(3, "a\\b.jpg 1 1 1 1 1 1"), r"line 3 names 'a\\b.jpg', which is no plain name of a file"),
    (lambda text: text + "<html>é</html>", "it is no plain text"),
    (lambda text: "<html>not found</html>", NO_BEGINNING),
]
PARTITION_DAMAGES: list[tuple[Callable[[str], str], str]] = [
    (line(1, "000001.jpg"), "line 1 is not the name of a file and 0, 1 or 2"),
    (line(1, "000001.jpg 0 0"), "line 1 is not the name of a file and 0, 1 or 2"),
    (line(2, "000002.jpg 3"), "line 2 is not the name of a file and 0, 1 or 2"),
    (line(2, "000002.jpg train"), "line 2 is not the name of a file and 0, 1 or 2"),
    (line(2, "000001.jpg 0"), "line 2 names 000001.jpg a second time"),
    (line(2, "../../x.jpg 0"), "line 2 names '../../x.jpg', which is no plain name of a file"),
    (lambda text: text + "é", "it is no plain text"),
    (lambda text: "<html>", "line 1 is not the name of a file and 0, 1 or 2"),
]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [("list_attr_celeba.txt", *damage) for damage in ATTRIBUTE_DAMAGES]
    + [("list_eval_partition.txt", *damage) for damage in PARTITION_DAMAGES],
)
def test_a_damaged_table_of_celeba_is_named(
    celeba: Path, name: str, change: Callable[[str], str], message: str
) -> None:
    (celeba / name).write_text(change((celeba / name).read_text()), encoding="utf-8")
    with pytest.raises(ValueError, match=f"{name} is damaged: {re.escape(message)}; put the published file there"):
        datasets.faces("train", n=6)


def test_blank_lines_in_a_table_of_celeba_do_no_harm(celeba: Path) -> None:
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        (celeba / name).write_text((celeba / name).read_text().replace("\n000004", "\n\n000004"))
    assert set(grays(datasets.faces("train", n=6))) == {0, 1, 2, 3, 4, 5}


def test_attributes_that_celeba_lacks_are_named(celeba: Path) -> None:
    with pytest.raises(ValueError, match=r"'nose' is not an attribute of CelebA; choose from glasses, .*, Young"):
        datasets.faces("train", ("nose",), n=2)


def test_a_data_folder_without_celeba_gives_drawn_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path))
    assert datasets.faces("train", n=2).source == "drawn faces"
