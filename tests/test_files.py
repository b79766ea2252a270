"""A file is written as a whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from glassbox.files import check_writable, write_whole


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "file"
    write_whole(path, "née\n")
    assert path.read_bytes() == b"n\xc3\xa9e\n"
    write_whole(str(path), b"\x00")
    assert path.read_bytes() == b"\x00"
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_was_there_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(descriptor: int) -> None:
        raise error

    path = tmp_path / "file"
    path.write_text("before")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)) as raised:
        write_whole(path, "after")
    if isinstance(error, OSError):
        assert str(raised.value) == f"[Errno {errno.ENOSPC}] No space left on device: '{path}'"
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_is_flushed_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, replace = [], os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append("fsync"))
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    write_whole(tmp_path / "file", "content")
    assert calls == ["fsync", "replace"]


@pytest.mark.skipif(os.name != "posix", reason="links ask for rights, and modes are other ones, on Windows")
def test_a_link_stays_a_link_and_a_mode_stays(tmp_path: Path) -> None:
    file, link = tmp_path / "elsewhere" / "file", tmp_path / "link"
    write_whole(file, "before")
    file.chmod(0o640)
    link.symlink_to(file)
    write_whole(link, "after")
    assert link.is_symlink()
    assert file.read_text() == "after"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert os.listdir(tmp_path / "elsewhere") == ["file"]


def test_a_new_file_has_the_mode_that_others_have(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_whole(tmp_path / "file", "")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs /dev/null")
def test_what_is_no_file_is_written_to_and_not_replaced() -> None:
    write_whole("/dev/null", "content")
    check_writable("/dev/null", 10)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "file", 1000)
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("before")
    check_writable(tmp_path / "file", 1000)
    assert (tmp_path / "file").read_text() == "before"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("function", [check_writable, lambda path: write_whole(path, "")])
def test_what_cannot_be_written_is_named(tmp_path: Path, function: object) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IsADirectoryError, match=re.escape(f"this is a folder; name a file in it: {str(tmp_path)!r}")):
        function(tmp_path)  # type: ignore[operator]
    under = tmp_path / "file" / "under" / "it"
    with pytest.raises(OSError, match=re.escape(repr(str(under)))):
        function(under)  # type: ignore[operator]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs a limit on the size of files")
def test_a_limit_on_size_is_met_before_the_file_is_written(tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "from glassbox.files import check_writable\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "check_writable(sys.argv[1], 1000)\n"
        "try:\n    check_writable(sys.argv[1], 1001)\n"
        "except OSError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "file"], capture_output=True, text=True, check=True)
    assert done.stdout == f"[Errno {errno.EFBIG}] File too large: '{tmp_path}/file'\n"
    assert os.listdir(tmp_path) == []
