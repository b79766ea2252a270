"""What a page did not bring is not run: the policy of the built pages, tried in the browser, served and from disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import SMUGGLED_INTO, serve

pytestmark = pytest.mark.site


@pytest.mark.parametrize("way", ["served", "from disk"])
@pytest.mark.parametrize("name", SMUGGLED_INTO)
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
