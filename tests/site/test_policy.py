"""What a page did not bring is not run: the policy of the built pages, tried in the browser, served and from disk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import serve

pytestmark = pytest.mark.site

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
# What an attacker would smuggle into the text of a page.
SMUGGLED = """<script>document.documentElement.dataset.script = "ran"</script>
<img src="data:," alt="" onerror="document.documentElement.dataset.attribute = 'ran'"></body>"""
PAGES = ("index.html", "play/digit.html", "_static/play/small-cnn.html")


@pytest.fixture(scope="module")
def smuggled(unpacked) -> Path:
    """The site with each page twice more: with smuggled code, and with it but without the policy."""
    for name in PAGES:
        page = unpacked / name
        strict = page.read_text("utf-8").replace("</body>", SMUGGLED)
        page.with_name(f"strict-{page.name}").write_text(strict, encoding="utf-8")
        page.with_name(f"open-{page.name}").write_text(POLICY.sub("", strict), encoding="utf-8")
    return unpacked


@pytest.mark.parametrize("way", ["served", "from disk"])
@pytest.mark.parametrize("name", PAGES)
def test_smuggled_code_does_not_run_and_would_without_the_policy(browser, smuggled, name, way):
    with serve(smuggled) as address:
        for which, expected in (("strict", {}), ("open", {"script": "ran", "attribute": "ran"})):
            path = (smuggled / name).with_name(f"{which}-{Path(name).name}")
            page = browser.new_page()
            said: list[str] = []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.goto(path.as_uri() if way == "from disk" else address + path.relative_to(smuggled).as_posix())
            page.wait_for_load_state("networkidle")
            ran = page.evaluate("({...document.documentElement.dataset})")
            page.close()
            assert {key: ran[key] for key in ("script", "attribute") if key in ran} == expected
            assert len([text for text in said if "Content Security Policy" in text]) == 2 - len(expected)
