"""Files that are there as a whole or not at all: written under another name, flushed to the disk, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file so that no reader ever meets half of it, and so that what was there stays if the writing fails.

    Parameters
    ----------
    path : str or path
        The file. Folders that are missing are made; a link stays a link, and the file that it names is replaced.
    content : bytes or str
        What to write; text as UTF-8.

    Raises
    ------
    OSError
        If it cannot be written, for instance because ``path`` is a folder or the disk is full; the error names it.
    """
    content = content.encode() if isinstance(content, str) else content
    with _errors_name(path), _beside(path) as (file, target):
        file.write(content)
        file.flush()
        if target is not None:
            os.fsync(file.fileno())
            if target.exists():
                os.chmod(file.name, target.stat().st_mode & 0o7777)
            os.replace(file.name, target)


def check_writable(path: str | os.PathLike[str], size: int = 0) -> None:
    """Raise unless a file of so many bytes can be written: reserve them beside it, and give them back.

    Parameters
    ----------
    path : str or path
        The file that will be written later. Folders that are missing are made.
    size : int
        Its bytes.

    Raises
    ------
    OSError
        As `write_whole` would.
    """
    with _errors_name(path), _beside(path) as (file, target):
        if target is None or not size:
            return
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            for start in range(0, size, 1 << 20):
                file.write(bytes(min(size - start, 1 << 20)))
            file.flush()


def home_expanded(path: str | os.PathLike[str], name: str) -> Path:
    """Return a path with its ``~`` or ``~user`` replaced by that user's folder.

    Parameters
    ----------
    path : str or path
        The path.
    name : str
        What the caller calls it, for the message.

    Raises
    ------
    FileNotFoundError
        If the user is unknown or has no such folder.

    Examples
    --------
    >>> home_expanded("/data", "GLASSBOX_DATA").as_posix()
    '/data'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise FileNotFoundError(
            f"{name} is {os.fspath(path)!r}, and no home folder is known for it: set HOME, or give a path without ~"
        ) from None


@contextmanager
def _beside(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, Path | None]]:
    """Open a new file beside another one, and remove it at the end of the block if it is still there.

    What is neither a file nor missing, such as a pipe or a terminal, is opened itself, without a place to rename to.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "this is a folder; name a file in it", str(path))
    if target.exists() and not target.is_file():
        with open(target, "wb") as file:
            yield file, None
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "the folder that it would be in is a file", str(path)) from None
    beside = target.with_name(f".{target.name[:40]}-{secrets.token_hex(4)}")
    try:
        with open(beside, "xb") as file:
            yield file, target
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _errors_name(path: str | os.PathLike[str]) -> Iterator[None]:
    """Give an error of the disk the name of the file: that of a full disk has none."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
