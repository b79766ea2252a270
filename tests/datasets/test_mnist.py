"""MNIST from every place it may be in, whole and damaged: on tiny files whose checksums stand in for the published."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch
import torchvision.datasets

from glassbox import datasets
from glassbox.datasets import _download, _mnist

COUNTS = {"train": 6, "test": 3}


def tiny_contents() -> dict[str, bytes]:
    """Make the four files of a tiny MNIST in the IDX format: big-endian sizes, then bytes."""
    generator = np.random.default_rng(0)
    contents = {}
    for prefix, count in (("train", COUNTS["train"]), ("t10k", COUNTS["test"])):
        images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = generator.integers(0, 10, count, dtype=np.uint8)
        contents[f"{prefix}-images-idx3-ubyte"] = struct.pack(">IIII", 2051, *images.shape) + images.tobytes()
        contents[f"{prefix}-labels-idx1-ubyte"] = struct.pack(">II", 2049, count) + labels.tobytes()
    return contents


CONTENTS = tiny_contents()
PACKED = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}
IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "damaged": flipped,
    "web page": lambda content: b"<!DOCTYPE html><html><body>404</body></html>",
}


@pytest.fixture(autouse=True)
def tiny_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Publish the tiny files in place of MNIST's; start each test like a process that has no folder and no mirror."""
    for split, prefix in (("train", "train"), ("test", "t10k")):
        names = f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"
        files = tuple(
            _mnist.MnistFile(name, len(CONTENTS[name]), hashlib.md5(CONTENTS[name]).hexdigest()) for name in names
        )
        monkeypatch.setitem(_mnist.FILES, split, files)
    checksums = [(name, hashlib.md5(content).hexdigest()) for name, content in PACKED.items()]
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", checksums)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [])
    monkeypatch.setattr(_mnist, "_cache_folder", lambda: tmp_path / "cache" / "MNIST" / "raw")
    monkeypatch.setattr(_mnist, "_download_failure", "")
    monkeypatch.delenv("GLASSBOX_DATA", raising=False)
    monkeypatch.delenv("GLASSBOX_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    _mnist._warn_once.cache_clear()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return ``MNIST/raw`` under a folder that GLASSBOX_DATA names, holding the four files."""
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path / "given"))
    return write_all(tmp_path / "given" / "MNIST" / "raw")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "MNIST" / "raw"


def write_all(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    return folder


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the bytes that the server's ``pages`` hold for a path, or 404; counts the requests."""

    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        page = self.server.pages.get(self.path.lstrip("/"))
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Length", str(len(page or b"")))
        self.end_headers()
        self.wfile.write(page or b"")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.ThreadingHTTPServer]:
    """Serve the packed files from this machine, on a port that is free, as the only mirror."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.pages = dict(PACKED)
        running.requested = []
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address(running.server_port)])
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def check_is_tiny_mnist(data: datasets.LabelledImages, split: str) -> None:
    prefix = "train" if split == "train" else "t10k"
    pixels = np.frombuffer(CONTENTS[f"{prefix}-images-idx3-ubyte"], np.uint8, offset=16)
    labels = np.frombuffer(CONTENTS[f"{prefix}-labels-idx1-ubyte"], np.uint8, offset=8)
    expected = torch.tensor(pixels.astype(np.float32) / 255).reshape(-1, 1, 28, 28)
    torch.testing.assert_close(data.images, expected, rtol=0, atol=0)
    assert data.labels.tolist() == labels.tolist()
    assert data.labels.dtype == torch.int64
    assert (data.source, data.is_standin, data.class_names) == ("MNIST", False, tuple("0123456789"))


# Under GLASSBOX_DATA


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("packed", [False, True])
def test_reads_the_given_files_plain_or_packed(given: Path, split: str, packed: bool) -> None:
    if packed:
        for name in CONTENTS:
            (given / name).unlink()
            (given / f"{name}.gz").write_bytes(PACKED[f"{name}.gz"])
    check_is_tiny_mnist(datasets.mnist(split), split)


@pytest.mark.parametrize("name", [IMAGES, LABELS])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_names_a_damaged_given_file(given: Path, name: str, packed: bool, damage: str) -> None:
    path = given / name
    path.write_bytes(DAMAGES[damage](CONTENTS[name]))
    if packed:
        path.unlink()
        path = given / f"{name}.gz"
        path.write_bytes(DAMAGES[damage](PACKED[f"{name}.gz"]))
    with pytest.raises(ValueError, match=damage) as caught:
        datasets.mnist("test")
    assert str(path) in str(caught.value)
    assert "Put the published file there, or unset GLASSBOX_DATA" in str(caught.value)


def test_a_packed_file_without_its_ending_is_told_so(given: Path) -> None:
    (given / IMAGES).write_bytes(PACKED[f"{IMAGES}.gz"])
    with pytest.raises(ValueError, match=r"still packed: unpack it, or add \.gz to its name"):
        datasets.mnist("test")


def test_names_a_missing_given_file(given: Path) -> None:
    (given / LABELS).unlink()
    with pytest.raises(FileNotFoundError, match="this file is missing") as caught:
        datasets.mnist("test")
    assert str(given / LABELS) in str(caught.value)


def test_given_folder_comes_before_the_cache(given: Path, cache: Path) -> None:
    write_all(cache)
    (given / IMAGES).unlink()
    with pytest.raises(FileNotFoundError):
        datasets.mnist("test")


def test_a_folder_in_the_place_of_a_file_is_named(given: Path) -> None:
    (given / IMAGES).unlink()
    (given / IMAGES).mkdir()
    with pytest.raises(ValueError, match="cannot be read"):
        datasets.mnist("test")


@pytest.mark.parametrize("split", ["validation", "Train", None])
def test_names_a_split_that_does_not_exist(split: str) -> None:
    with pytest.raises(ValueError, match=f"split must be 'train' or 'test', not {split!r}"):
        datasets.mnist(split)
    with pytest.raises(ValueError, match="split must be"):
        datasets.fetch_mnist([split])


# In the cache, and downloaded


def test_reads_the_cache_without_a_request(cache: Path, server: http.server.ThreadingHTTPServer) -> None:
    write_all(cache)
    check_is_tiny_mnist(datasets.mnist("test"), "test")
    assert server.requested == []


def test_downloads_what_the_split_needs_and_keeps_it(cache: Path, server: http.server.ThreadingHTTPServer) -> None:
    check_is_tiny_mnist(datasets.mnist("test"), "test")
    assert server.requested == [f"/{IMAGES}.gz", f"/{LABELS}.gz"]
    check_is_tiny_mnist(datasets.mnist("test"), "test")
    assert len(server.requested) == 2
    assert sorted(os.listdir(cache)) == [IMAGES, LABELS]


@pytest.mark.parametrize("damage", DAMAGES)
def test_names_a_damaged_cached_file_and_fetches_it_again(
    cache: Path, server: http.server.ThreadingHTTPServer, damage: str
) -> None:
    write_all(cache)
    (cache / IMAGES).write_bytes(DAMAGES[damage](CONTENTS[IMAGES]))
    with pytest.warns(datasets.DataWarning, match=f"{IMAGES}: .*{damage}.*fetched again"):
        data = datasets.mnist("test")
    check_is_tiny_mnist(data, "test")
    assert server.requested == [f"/{IMAGES}.gz"]
    assert (cache / IMAGES).read_bytes() == CONTENTS[IMAGES]


def test_goes_on_to_the_next_mirror(
    cache: Path, server: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = address(server.server_port)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [f"{good}gone/", good])
    check_is_tiny_mnist(datasets.mnist("test"), "test")
    assert server.requested[:2] == [f"/gone/{IMAGES}.gz", f"/{IMAGES}.gz"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_download_never_enters_the_cache(
    cache: Path, server: http.server.ThreadingHTTPServer, damage: str
) -> None:
    server.pages[f"{LABELS}.gz"] = DAMAGES[damage](PACKED[f"{LABELS}.gz"])
    with pytest.warns(datasets.DataWarning, match="not the published file"):
        assert datasets.mnist("test").is_standin
    assert os.listdir(cache) == [IMAGES]


def test_a_failed_download_is_said_once_and_not_tried_again(server: http.server.ThreadingHTTPServer) -> None:
    server.pages.clear()
    with pytest.warns(datasets.DataWarning, match=r"the server answered 404.*stand in") as caught:
        data = datasets.mnist("test"), datasets.mnist("train"), datasets.mnist("test")
    assert all(part.is_standin for part in data)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert len(server.requested) == 1


@pytest.mark.parametrize("sends_a_byte_now_and_then", [False, True])
def test_gives_up_a_server_that_never_answers(
    cache: Path, monkeypatch: pytest.MonkeyPatch, sends_a_byte_now_and_then: bool
) -> None:
    monkeypatch.setattr(_download, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address(port)])
        finished = threading.Event()

        def serve() -> None:
            connection, _ = silent.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" * sends_a_byte_now_and_then)
                while not finished.wait(0.05) and sends_a_byte_now_and_then:
                    connection.sendall(b"x")
                finished.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.warns(datasets.DataWarning, match="stand in"):
            assert datasets.mnist("test").is_standin
        finished.set()
        thread.join()
    assert not cache.exists()


def test_nobody_listening_ends_in_words(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address(port)])
    with pytest.raises(ConnectionError, match=f"{IMAGES}.gz could not be downloaded: {address(port)}: no connection"):
        datasets.fetch_mnist(["test"])


def test_offline_asks_no_server(server: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSBOX_OFFLINE", "1")
    with pytest.warns(datasets.DataWarning, match="GLASSBOX_OFFLINE is set"):
        assert datasets.mnist("test").is_standin
    assert server.requested == []


def test_a_cache_that_cannot_be_written_ends_in_the_standin(
    cache: Path, server: http.server.ThreadingHTTPServer
) -> None:
    cache.parent.parent.write_text("a file where the folder should be")
    with pytest.warns(datasets.DataWarning, match="stand in"):
        assert datasets.mnist("test").is_standin


def test_several_at_once_leave_whole_files(cache: Path, server: http.server.ThreadingHTTPServer) -> None:
    with ThreadPoolExecutor(8) as pool:
        for result in [pool.submit(datasets.mnist, "test") for _ in range(16)]:
            check_is_tiny_mnist(result.result(), "test")
    assert sorted(os.listdir(cache)) == [IMAGES, LABELS]


def test_a_file_that_comes_while_it_is_looked_for_is_not_warned_of(
    cache: Path, server: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = _mnist._problem

    def look_and_be_overtaken(path: Path, file: _mnist.MnistFile) -> str:
        problem = look(path, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENTS[file.name])  # as another process that fetches it
        return problem

    monkeypatch.setattr(_mnist, "_problem", look_and_be_overtaken)
    check_is_tiny_mnist(datasets.mnist("test"), "test")


def test_find_mnist_reports_every_place(given: Path, cache: Path, server: http.server.ThreadingHTTPServer) -> None:
    (given / IMAGES).write_bytes(flipped(CONTENTS[IMAGES]))
    (given / LABELS).unlink()
    assert datasets.fetch_mnist() == cache
    found = {(file.place, file.path.name): file.problem for file in datasets.find_mnist()}
    assert [place for place, _ in found] == ["GLASSBOX_DATA"] * 4 + ["cache"] * 4
    assert "damaged" in found.pop(("GLASSBOX_DATA", IMAGES))
    assert "missing" in found.pop(("GLASSBOX_DATA", LABELS))
    assert not any(found.values())


# What else may be the matter


def test_a_torchvision_built_for_another_torch_is_said_in_words(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "other" / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path / "other")
    with pytest.warns(datasets.DataWarning, match=r"nms does not exist\): install both .* stand in.*do that") as told:
        data = datasets.mnist("test"), datasets.mnist("test")
    assert all(part.is_standin for part in data)
    assert [one.filename for one in told] == [__file__]


@pytest.mark.parametrize("packed", [False, True])
def test_no_more_is_read_than_mnist_holds(given: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    (given / IMAGES).rename(given / (f"{IMAGES}.gz" if packed else IMAGES))
    read = 0

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            nonlocal read
            content = super().read(size)
            read += len(content)
            return content

    for owner in (gzip, Path):
        monkeypatch.setattr(owner, "open", lambda *arguments: Counted(bytes(9 << 20)))
    with pytest.raises(ValueError, match="this file is another one: it holds more than the 2,368 bytes of MNIST"):
        datasets.mnist("test")
    assert read <= 64 + (1 << 20)


def test_a_file_that_did_not_change_is_checked_once(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    read = _mnist._problem_of_content

    def check(path: Path, file: _mnist.MnistFile) -> str:
        checked.append(path.name)
        return read(path, file)

    monkeypatch.setattr(_mnist, "_problem_of_content", check)
    monkeypatch.setattr(_mnist, "TOO_NEW", -(10**18))
    for _ in range(3):
        datasets.mnist("test")
    assert checked == [IMAGES, LABELS]
    os.utime(given / IMAGES, ns=(1, 1))
    datasets.mnist("test")
    assert checked == [IMAGES, LABELS, IMAGES]
    (given / LABELS).write_bytes(flipped(CONTENTS[LABELS]))
    for _ in range(2):
        with pytest.raises(ValueError, match="damaged"):
            datasets.mnist("test")
    assert checked == [IMAGES, LABELS, IMAGES, LABELS, LABELS]


def test_a_file_that_may_still_change_unseen_is_checked_again(given: Path) -> None:
    datasets.mnist("test")
    (given / LABELS).write_bytes(flipped(CONTENTS[LABELS]))  # perhaps within one tick of the disk's clock
    with pytest.raises(ValueError, match="damaged"):
        datasets.mnist("test")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe")
def test_a_pipe_is_no_file(given: Path) -> None:
    (given / LABELS).unlink()
    os.mkfifo(given / LABELS)
    with pytest.raises(ValueError, match="this cannot be read: it is no file"):
        datasets.mnist("test")


def test_a_given_folder_of_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSBOX_DATA", "~nobody-is-called-so/data")
    message = "GLASSBOX_DATA is '~nobody-is-called-so/data', and no home folder is known for it: set HOME"
    for load in (datasets.mnist, datasets.faces):
        with pytest.raises(FileNotFoundError, match=message):
            load("test")
    assert all(message in file.problem for file in datasets.find_mnist()[:4])
    with pytest.raises(FileNotFoundError, match="the photograph is '~nobody-is-called-so/photo', and no home"):
        datasets.photo("~nobody-is-called-so/photo")


def test_without_a_home_the_standin_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(pooch, "os_cache", lambda name: Path("~nobody-is-called-so/.cache", name))
    monkeypatch.delenv("GLASSBOX_DATA", raising=False)
    _mnist._warn_once.cache_clear()
    with pytest.warns(datasets.DataWarning, match=r"no home folder is known.* stand in.*set GLASSBOX_DATA"):
        assert datasets.mnist("test").is_standin
    assert "no home folder" in datasets.find_mnist()[0].problem
    with pytest.raises(FileNotFoundError, match="no home folder"):
        datasets.fetch_mnist()


@pytest.mark.parametrize(("split", "count"), [("train", 1500), ("test", 297)])
def test_the_standin_is_placed_as_mnist_places_its_own(split: str, count: int) -> None:
    from sklearn.datasets import load_digits

    with pytest.warns(datasets.DataWarning):
        data = datasets.mnist(split)
    assert data.images.shape == (count, 1, 28, 28)
    assert data.images.dtype == torch.float32
    assert data.images.min() == 0
    assert data.images.max() == 1
    assert data.is_standin
    assert "scikit-learn" in data.source
    rows = slice(0, 1500) if split == "train" else slice(1500, 1797)
    assert data.labels.tolist() == load_digits().target[rows].tolist()
    places = torch.arange(28.0)
    mass = data.images.sum(dim=(1, 2, 3))
    row = data.images.sum(dim=(1, 3)) @ places / mass
    column = data.images.sum(dim=(1, 2)) @ places / mass
    assert (row - 13.5).abs().max() <= 0.5 + 1e-4  # no box met the border
    assert (column - 13.5).abs().max() <= 0.5 + 1e-4
    ink = (data.images > 0).any(dim=0)[0]
    assert int(ink.any(dim=1).sum()) <= 28


def test_the_standin_looks_like_the_small_digits() -> None:
    from sklearn.datasets import load_digits

    with pytest.warns(datasets.DataWarning):
        data = datasets.mnist("train")
    shrunk = torch.nn.functional.adaptive_avg_pool2d(data.images[:200, :, 4:24, 4:24], 8).flatten(1)
    small = torch.tensor(load_digits().data[:200], dtype=torch.float32)
    similarity = torch.nn.functional.cosine_similarity(shrunk[:, None], small[None], dim=2)
    assert (data.labels[similarity.argmax(dim=1)] == data.labels[:200]).float().mean() > 0.9


@pytest.mark.skipif(not os.environ.get("GLASSBOX_DATA"), reason="GLASSBOX_DATA names no folder with the real MNIST")
def test_the_real_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    train, test = datasets.mnist("train"), datasets.mnist("test")
    assert (train.images.shape, test.images.shape) == ((60_000, 1, 28, 28), (10_000, 1, 28, 28))
    assert torch.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert float(train.images.mean()) == pytest.approx(0.1307, abs=1e-4)
    reference = torchvision.datasets.MNIST(os.environ["GLASSBOX_DATA"], train=False)
    assert torch.equal((test.images[:, 0] * 255).round().to(torch.uint8), reference.data)
