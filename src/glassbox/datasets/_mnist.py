"""MNIST: found, checked, fetched, read; or its stand-in."""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.datasets._download import retrieve
from glassbox.datasets._labelled import LabelledImages
from glassbox.datasets._standin import standin_digits
from glassbox.files import home_expanded, write_whole


class DataWarning(UserWarning):
    """The data is not what was asked for, or a damaged file was left aside."""


class MnistFile(NamedTuple):
    """One of MNIST's files, unpacked: its name, its size and the MD5 sum of what it holds."""

    name: str
    size: int
    md5: str


FILES = {
    "train": (
        MnistFile("train-images-idx3-ubyte", 47_040_016, "6bbc9ace898e44ae57da46a324031adb"),
        MnistFile("train-labels-idx1-ubyte", 60_008, "a25bea736e30d166cdddb491f175f624"),
    ),
    "test": (
        MnistFile("t10k-images-idx3-ubyte", 7_840_016, "2646ac647ad5339dbf082846283269ea"),
        MnistFile("t10k-labels-idx1-ubyte", 10_008, "27ae3e4e09519cfbb04c329615203637"),
    ),
}


@dataclass(frozen=True)
class FoundFile:
    """Where a file of MNIST is looked for, and what is there.

    Parameters
    ----------
    place : str
        ``"GLASSBOX_DATA"`` or ``"cache"``.
    path : Path
        The file.
    problem : str
        What is wrong with it, in words; empty for a file that is exactly as published.
    """

    place: str
    path: Path
    problem: str


def mnist(split: str = "train") -> LabelledImages:
    """Load the handwritten digits of MNIST: 60,000 to train on or 10,000 to test on.

    The files are looked for, in this order,

    1. in ``MNIST/raw`` under the folder that the environment variable ``GLASSBOX_DATA`` names, as published or packed
       with gzip. Once the variable is set no other place is tried: a missing or damaged file is an error;
    2. in ``MNIST/raw`` under the user's cache folder. A damaged file is named in a warning and fetched again;
    3. at the addresses that torchvision knows, from where they are put in the cache. ``GLASSBOX_OFFLINE=1`` leaves
       this step out. A download that failed is not tried again by the same process.

    The checksum of every file is compared with the published one before it is read; that of a file that has not changed
    since is not computed again by the same process. When no place has the files, or torchvision, which reads them,
    cannot be imported beside this torch, the 1,797 handwritten digits that ship with scikit-learn stand in:
    ``is_standin`` is true, ``source`` says so, and so does one warning.

    Parameters
    ----------
    split : {"train", "test"}
        Which images.

    Returns
    -------
    LabelledImages
        ``images`` of shape (N, 1, 28, 28), 0 for the paper and 1 for the ink; ``labels`` of shape (N,).

    Raises
    ------
    ValueError
        If ``split`` is neither of the two, or a file under ``GLASSBOX_DATA`` is damaged.
    FileNotFoundError
        If a file is missing under ``GLASSBOX_DATA``.

    Warns
    -----
    DataWarning
        If a file in the cache is damaged, and once per process if the stand-in is used.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE 86, 1998. https://doi.org/10.1109/5.726791

    Examples
    --------
    >>> digits = mnist("test")
    >>> digits.images.shape[1:], digits.labels.dtype
    (torch.Size([1, 28, 28]), torch.int64)
    >>> len(digits) == (297 if digits.is_standin else 10_000)
    True
    """
    _check_split(split)
    reader = _reader()
    if reader is None:
        return standin_digits(split)
    paths = _given_files(split) if os.environ.get("GLASSBOX_DATA") else _cached_files(split)
    if not paths:
        return standin_digits(split)
    images = _read(paths[0], reader.read_image_file)
    labels = _read(paths[1], reader.read_label_file)
    return LabelledImages(images[:, None].float().div_(255), labels, source="MNIST", class_names=tuple("0123456789"))


def find_mnist() -> list[FoundFile]:
    """Look for MNIST's four files wherever :func:`mnist` does, and check them; nothing is fetched.

    Returns
    -------
    list of FoundFile
        Four for each place: ``GLASSBOX_DATA`` if it is set, then the cache.

    Examples
    --------
    >>> cached = [file for file in find_mnist() if file.place == "cache"]
    >>> len(cached)
    4
    """
    places = {"cache": _cache_folder}
    if os.environ.get("GLASSBOX_DATA"):
        places = {"GLASSBOX_DATA": _given_folder, **places}
    found = []
    for place, folder in places.items():
        for file in (*FILES["train"], *FILES["test"]):
            try:
                path = _plain_or_packed(folder() / file.name)
            except FileNotFoundError as error:
                root = os.environ["GLASSBOX_DATA"] if place == "GLASSBOX_DATA" else "~"
                found.append(FoundFile(place, Path(root, "MNIST", "raw", file.name), str(error)))
                continue
            found.append(FoundFile(place, path, _problem(path, file)))
    return found


def fetch_mnist(splits: Iterable[str] = ("train", "test")) -> Path:
    """Download into the user's cache those files of MNIST that are missing or damaged there.

    Parameters
    ----------
    splits : iterable of {"train", "test"}
        Which images, each with their labels.

    Returns
    -------
    Path
        The folder that holds the files.

    Raises
    ------
    ConnectionError
        If a file could not be had from any address; the message says why for each.
    """
    folder = _cache_folder()
    for split in splits:
        _check_split(split)
        for file in FILES[split]:
            if _problem(_plain_or_packed(folder / file.name), file):
                _download(file, folder)
    return folder


def _check_split(split: str) -> None:
    if split not in FILES:
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")


def _reader() -> ModuleType | None:
    """Return what reads the files, or nothing, after a warning, where there is none."""
    try:
        return _torchvision_mnist()
    except ImportError as error:
        _warn_once(_standin_message(str(error), "do that first"))
        return None


def _torchvision_mnist() -> ModuleType:
    """Import torchvision's MNIST module, and say in words why it cannot be imported."""
    try:
        import torchvision.datasets.mnist as module
    except (ImportError, RuntimeError, OSError) as error:
        # A torchvision built for another torch raises RuntimeError: operator torchvision::nms does not exist.
        raise ImportError(
            f"torchvision cannot be imported beside torch {torch.__version__} ({error}): install both in one command, "
            "so that they match, with python -m pip install --upgrade --force-reinstall torch torchvision"
        ) from error
    return module


def _given_folder() -> Path:
    return home_expanded(os.environ["GLASSBOX_DATA"], "GLASSBOX_DATA") / "MNIST" / "raw"


def _cache_folder() -> Path:
    import pooch

    return home_expanded(pooch.os_cache("glassbox"), "the cache") / "MNIST" / "raw"


def _given_files(split: str) -> list[Path]:
    """Check the files under ``GLASSBOX_DATA``; the first that is not as published is an error."""
    paths = []
    for file in FILES[split]:
        path = _plain_or_packed(_given_folder() / file.name)
        problem = _problem(path, file)
        if problem:
            kind = FileNotFoundError if problem == MISSING else ValueError
            raise kind(
                f"{path}: {problem}. GLASSBOX_DATA is {os.environ['GLASSBOX_DATA']!r}; it must name a folder with the "
                "four files of MNIST in MNIST/raw, unpacked or as .gz. Put the published file there, or unset "
                "GLASSBOX_DATA and MNIST will be downloaded."
            )
        paths.append(path)
    return paths


_download_failure = ""  # why the download failed in this process: no second attempt is made


def _cached_files(split: str) -> list[Path]:
    """Return the files in the cache, downloaded there if need be; none, after a warning, if that fails."""
    global _download_failure
    try:
        folder = _cache_folder()
    except FileNotFoundError as error:
        _warn_once(_standin_message(str(error), "set GLASSBOX_DATA to a folder that holds MNIST/raw"))
        return []
    problems = {}
    for file in FILES[split]:
        path = _plain_or_packed(folder / file.name)
        if problem := _problem(path, file):
            problems[path] = problem
            if problem != MISSING:
                _warn_once(f"{path}: {problem}. The file is not used and will be fetched again.")
    if problems and not _download_failure:
        try:
            fetch_mnist([split])
            problems = {}
        except OSError as error:  # no connection, a full disk, a cache that cannot be written
            _download_failure = str(error)
    if problems:
        remedy = f"put its files in {folder}, or set GLASSBOX_DATA to a folder that holds MNIST/raw"
        _warn_once(_standin_message(_download_failure, remedy))
        return []
    return [_plain_or_packed(folder / file.name) for file in FILES[split]]


def _standin_message(reason: str, remedy: str) -> str:
    return (
        f"MNIST is not at hand ({reason}). The 1,797 smaller digits of scikit-learn stand in for it. "
        f"To use MNIST, {remedy}."
    )


@functools.cache
def _warn_once(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=4)


def _plain_or_packed(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.exists() and not path.exists() else path


MISSING = "this file is missing"
_published: set[tuple[object, ...]] = set()  # files that this process has found to be as published
TOO_NEW = 2_000_000_000
"""Nanoseconds within which a file may change a second time and keep its time."""


def _problem(path: Path, file: MnistFile) -> str:
    """Say what is wrong with a file, packed or not; an empty string for one that holds what was published."""
    try:
        state = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except OSError as error:
        return f"this file cannot be read ({error.strerror})"
    if not path.is_file():
        return "this cannot be read: it is no file"
    key = (path, file, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    if key in _published:
        return ""
    problem = _problem_of_content(path, file)
    if not problem and time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) > TOO_NEW:
        _published.add(key)
    return problem


def _problem_of_content(path: Path, file: MnistFile) -> str:
    """Read a file, packed or not, as far as it can be the published one, and say what is wrong with it."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    beginning = b""
    try:
        with path.open("rb") as stream:
            beginning = stream.read(64).lstrip()
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            while size <= file.size and (content := stream.read(1 << 20)):  # a small file may unpack to a huge one
                digest.update(content)
                size += len(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        return _web_page(beginning) or f"this file is truncated or damaged and cannot be unpacked ({error})"
    except OSError as error:
        return f"this file cannot be read ({error.strerror})"
    if digest.hexdigest() == file.md5:
        return ""
    if beginning.startswith(b"\x1f\x8b") and path.suffix != ".gz":
        return "this file is still packed: unpack it, or add .gz to its name"
    if size < file.size:
        return _web_page(beginning) or f"this file is truncated: it holds {size:,} bytes of {file.size:,}"
    if size > file.size:
        return _web_page(beginning) or f"this file is another one: it holds more than the {file.size:,} bytes of MNIST"
    return _web_page(beginning) or (
        f"this file is damaged, or another one: its MD5 sum is {digest.hexdigest()}, that of MNIST's is {file.md5}"
    )


def _web_page(beginning: bytes) -> str:
    if not beginning.startswith(b"<"):
        return ""
    return "this file is a web page, not data: a download met an error or a log-in page"


def _read(path: Path, reader: Callable[[str], Tensor]) -> Tensor:
    """Read a checked file with torchvision's reader, which takes unpacked files only."""
    if path.suffix != ".gz":
        return reader(str(path))
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, path.stem)
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        return reader(str(plain))


def _download(file: MnistFile, folder: Path) -> None:
    """Fetch one file from the first address that has it, check it, and only then put it in the cache."""
    if os.environ.get("GLASSBOX_OFFLINE", "0") not in ("", "0"):
        raise ConnectionError("GLASSBOX_OFFLINE is set")
    published = _torchvision_mnist().MNIST
    packed_name = f"{file.name}.gz"
    reasons = []
    with tempfile.TemporaryDirectory(prefix="glassbox-", ignore_cleanup_errors=True) as temporary:
        for mirror in published.mirrors:
            try:
                packed = retrieve(f"{mirror}{packed_name}", dict(published.resources)[packed_name], Path(temporary))
            except ConnectionError as error:
                reasons.append(f"{mirror}: {error}")
                continue
            write_whole(folder / file.name, gzip.decompress(packed.read_bytes()))
            return
    raise ConnectionError(f"{packed_name} could not be downloaded: {'; '.join(reasons)}")
