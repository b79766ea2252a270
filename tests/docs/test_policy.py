"""The policy of a page allows the scripts and styles that stand in it, by their hash, and no other."""

from __future__ import annotations

import base64
import hashlib

import pytest
from bs4 import BeautifulSoup
from glassbox_site.policy import with_policy

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><style>p { color: red }</style></head>
<body><script>let x = "é";
</script><script src="a.js"></script><script defer src="b.js"></script></body></html>"""


def directives(page: str) -> dict[str, list[str]]:
    (meta,) = BeautifulSoup(page, "html.parser").select("meta[http-equiv=Content-Security-Policy]")
    return {name: sources for name, *sources in map(str.split, meta["content"].split(";"))}


def digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def test_what_stands_in_the_page_is_allowed_by_its_hash_and_files_from_itself_alone():
    found = directives(with_policy(PAGE))
    assert found["script-src"] == ["'self'", digest('let x = "é";\n')]
    assert found["style-src-elem"] == ["'self'", digest("p { color: red }")]
    assert found["worker-src"] == ["blob:"]
    assert found["default-src"] == found["form-action"] == ["'self'"]
    assert found["object-src"] == found["base-uri"] == ["'none'"]
    sources = {source for allowed in found.values() for source in allowed if not source.startswith("'sha256-")}
    assert sources == {"'self'", "'none'", "'unsafe-inline'", "data:", "blob:"}
    assert [name for name, allowed in found.items() if "'unsafe-inline'" in allowed] == ["style-src"]


def test_styles_of_pages_that_this_one_takes_apart_are_allowed_too():
    found = directives(with_policy(PAGE, parsed=["td { margin: 0 }"]))
    assert found["style-src-elem"] == ["'self'", digest("p { color: red }"), digest("td { margin: 0 }")]
    assert found["script-src"] == directives(with_policy(PAGE))["script-src"]


def test_the_policy_stands_before_what_it_governs_and_once():
    page = with_policy(PAGE)
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert with_policy(page) == page


def test_a_page_without_the_place_for_it_is_refused():
    with pytest.raises(ValueError, match="opens with <head> and its charset"):
        with_policy("<p>no head</p>")
