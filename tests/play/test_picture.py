"""The page that filters an image reads a file's size before it opens it, and refuses what is no picture."""

from __future__ import annotations

import base64
import io

import PIL.Image
import pytest

from tests.play.modules import run_checks

SIZES = [(300, 200), (1, 1), (5000, 17)]
FORMATS = {
    "PNG": {},
    "GIF": {},
    "JPEG": {},
    "JPEG progressive": {"progressive": True},
    "JPEG with EXIF": {"exif": bytes.fromhex("457869660000") + bytes(3000)},
    "WEBP": {},
    "WEBP lossless": {"lossless": True},
    "WEBP extended": {"exif": bytes.fromhex("457869660000")},
}
NO_PICTURES = {
    "empty": b"",
    "text": b"This is a text and not a picture, however long it may be.",
    "SVG with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a JPEG that ends in its head": bytes.fromhex("ffd8ffe00010") + bytes(40),
    "a BMP": b"BM" + bytes(100),
}


def row(name, content, size):
    return {"name": name, "bytes": base64.b64encode(content).decode(), "size": size}


@pytest.fixture(scope="module")
def reference():
    rows = [row(name, content, None) for name, content in NO_PICTURES.items()]
    for name, options in FORMATS.items():
        for size in SIZES:
            file = io.BytesIO()
            PIL.Image.new("RGB", size, "orange").save(file, name.split()[0], **options)
            rows.append(row(f"{name} {size}", file.getvalue(), list(size)))
    return rows


def test_the_page_reads_the_size_of_a_picture(tmp_path, reference):
    status, written = run_checks(tmp_path, "picture", "pictureSize", reference)
    assert status == 0, written
    assert f"# pass {len(FORMATS) * len(SIZES) + len(NO_PICTURES)}\n" in written


def test_a_planted_error_is_caught(tmp_path, reference):
    wrong = ("[view.getUint16(at + 7), view.getUint16(at + 5)]", "[view.getUint16(at + 5), view.getUint16(at + 7)]")
    status, written = run_checks(tmp_path, "picture", "pictureSize", reference, wrong=wrong)
    assert status == 1
    assert "not ok" in written
