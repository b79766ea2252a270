"""Faces with yes/no attributes: CelebA where its files are, faces drawn by the package elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from glassbox.datasets._labelled import LabelledImages
from glassbox.datasets._portraits import ATTRIBUTES, draw_faces
from glassbox.files import home_expanded

COUNTS = {"train": 4000, "test": 1000}
PARTITIONS = {"train": 0, "test": 2}  # as CelebA's file of partitions numbers them
# CelebA's name for an attribute of ours, and the value that means yes: it names what is missing for the last two.
CELEBA_NAMES = {
    "glasses": ("Eyeglasses", 1),
    "smile": ("Smiling", 1),
    "hat": ("Wearing_Hat", 1),
    "beard": ("No_Beard", -1),
    "hair": ("Bald", -1),
}


def faces(
    split: str = "train",
    attributes: Sequence[str] = ("glasses", "smile"),
    *,
    n: int | None = None,
    size: int = 48,
    seed: int = 0,
) -> LabelledImages:
    """Load faces, and for each the answers to some yes/no questions.

    Where ``GLASSBOX_DATA`` names a folder that holds CelebA as its authors publish it, n of its photographs are taken
    at random, cut to their middle and made smaller; what is read are ``celeba/img_align_celeba/*.jpg``,
    ``celeba/list_attr_celeba.txt`` and ``celeba/list_eval_partition.txt``. Elsewhere the package draws faces itself.
    They vary in pose, proportions, skin, clothes, light and background, and something may hide a part. Among the drawn
    ones each attribute is as often there as not, and tells nothing about the others.

    Parameters
    ----------
    split : {"train", "test"}
        Which faces. No face is in both.
    attributes : sequence of str, default ("glasses", "smile")
        The questions: any of glasses, smile, hat, beard and hair; with CelebA also its own 40 names.
    n : int, optional
        How many faces; 4,000 to train on and 1,000 to test on if not given.
    size : int, default 48
        Height and width in pixels.
    seed : int, default 0
        Which faces are drawn.

    Returns
    -------
    LabelledImages
        ``images`` of shape (n, 3, size, size) with values in [0, 1]; ``labels`` float32 of shape (n, K), 1 for yes;
        ``class_names`` the attributes; ``source`` either "CelebA" or "drawn faces"; ``is_standin`` true for the latter.

    Raises
    ------
    ValueError
        If the split or an attribute does not exist, n or size is out of range, or a file of CelebA is damaged.
    FileNotFoundError
        If a part of CelebA is missing.

    References
    ----------
    Z. Liu, P. Luo, X. Wang and X. Tang, "Deep learning face attributes in the wild", ICCV 2015.
    https://doi.org/10.1109/ICCV.2015.425

    Examples
    --------
    >>> people = faces("test", ("glasses", "hat"), n=32)
    >>> people.images.shape, people.labels.shape, people.class_names
    (torch.Size([32, 3, 48, 48]), torch.Size([32, 2]), ('glasses', 'hat'))
    """
    attributes = (attributes,) if isinstance(attributes, str) else tuple(attributes)
    if split not in COUNTS:
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    if not attributes:
        raise ValueError("attributes is empty; ask for one at least, such as ('glasses',)")
    n = COUNTS[split] if n is None else n
    for name, value in {"n": n, "size": size, "seed": seed}.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be a whole number, not {value!r}")
    if n < 1 or size < 8:
        raise ValueError(f"n must be at least 1 and size at least 8 pixels, not {n} and {size}")
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be 0 or more and less than 2**63, not {seed}")
    folder = _celeba_folder()
    if folder is not None:
        images, labels = _read_celeba(folder, split, attributes, n, size, seed)
        return LabelledImages(images, labels, source="CelebA", class_names=attributes)
    columns = [_column(name, ATTRIBUTES, "a drawn face") for name in attributes]
    images, labels = draw_faces(n, size, 2 * seed + (split == "test"))  # even seeds train, odd ones test
    return LabelledImages(images, labels[:, columns], "drawn faces", is_standin=True, class_names=attributes)


def _column(name: str, known: Sequence[str], whose: str) -> int:
    if name not in known:
        raise ValueError(f"{name!r} is not an attribute of {whose}; choose from {', '.join(known)}")
    return list(known).index(name)


def _celeba_folder() -> Path | None:
    root = os.environ.get("GLASSBOX_DATA")
    if not root:
        return None
    folder = home_expanded(root, "GLASSBOX_DATA") / "celeba"
    return folder if folder.is_dir() else None


def _read_celeba(
    folder: Path, split: str, attributes: tuple[str, ...], n: int, size: int, seed: int
) -> tuple[Tensor, Tensor]:
    names, table = _read_table(folder / "list_attr_celeba.txt")
    known = [*CELEBA_NAMES, *names]
    labels = []
    for attribute in attributes:
        _column(attribute, known, "CelebA")
        theirs, yes = CELEBA_NAMES.get(attribute, (attribute, 1))
        column = _column(theirs, names, "this file of attributes")
        labels.append([float(int(values[column]) == yes) for values in table.values()])
    partition = _read_partition(folder / "list_eval_partition.txt")
    rows = [row for row, name in enumerate(table) if partition.get(name) == PARTITIONS[split]]
    if len(rows) < n:
        raise ValueError(f"{folder} has {len(rows)} faces in split {split!r}; ask for no more than that, not n={n}")
    drawn = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:n]
    chosen = torch.tensor(rows)[drawn]
    files = list(table)
    images = torch.stack([_read_face(folder / "img_align_celeba" / files[row], size) for row in chosen.tolist()])
    return images, torch.tensor(labels).T[chosen].contiguous()


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"CelebA is incomplete: {path} is missing; put it there, or remove the folder celeba")
    try:
        return path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError:
        raise _damaged(path, "it is no plain text") from None


def _damaged(path: Path, why: str) -> ValueError:
    return ValueError(f"{path} is damaged: {why}; put the published file there, or remove the folder celeba")


def _read_table(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Read the names of the attributes and, for each file, its row of 1 and -1."""
    count, header, *lines = [*_lines(path), "", ""]
    names = header.split()
    table: dict[str, list[str]] = {}
    if not count.strip().isdecimal() or not names:
        raise _damaged(path, "it does not begin with the number of rows and a line of attributes")
    if len(set(names)) < len(names):
        raise _damaged(path, "an attribute stands twice in its second line")
    for number, line in enumerate(lines, start=3):
        file, *values = line.split() or [""]
        if not file:
            continue
        if len(values) != len(names) or not {"1", "-1"} >= set(values):
            raise _damaged(path, f"line {number} is not the name of a file and {len(names)} values, each 1 or -1")
        _check_name(path, number, file, table)
        table[file] = values
    if len(table) != int(count):
        raise _damaged(path, f"it has {len(table)} rows, where its first line promises {int(count)}")
    return names, table


def _read_partition(path: Path) -> dict[str, int]:
    """Read, for each file, the number of the part that it belongs to."""
    partition: dict[str, int] = {}
    for number, line in enumerate(_lines(path), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or words[1] not in ("0", "1", "2"):
            raise _damaged(path, f"line {number} is not the name of a file and 0, 1 or 2")
        _check_name(path, number, words[0], partition)
        partition[words[0]] = int(words[1])
    return partition


def _check_name(path: Path, number: int, file: str, before: Mapping[str, object]) -> None:
    """Raise if a listed file could lie outside the folder of images, or was listed before."""
    if file in before:
        raise _damaged(path, f"line {number} names {file} a second time")
    if not re.fullmatch(r"\w[\w.-]*", file):
        raise _damaged(path, f"line {number} names {file!r}, which is no plain name of a file")


def _read_face(path: Path, size: int) -> Tensor:
    """Read one photograph (178 x 218), cut its middle square and resize it."""
    import numpy as np
    import PIL.Image

    if not path.is_file():
        raise FileNotFoundError(f"CelebA is incomplete: {path} is missing")
    try:
        with PIL.Image.open(path) as image:
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.convert("RGB").resize((size, size), box=(left, top, left + side, top + side))
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:  # broken JPEGs and PNGs
        raise ValueError(f"{path} cannot be read as an image ({error})") from error
    return torch.tensor(np.asarray(square), dtype=torch.float32).permute(2, 0, 1) / 255
