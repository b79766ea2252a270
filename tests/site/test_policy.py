"""What a page did not bring is not run: the policy of the built pages, tried in the browser, served and from disk."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.site

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
# What an attacker would smuggle into the text of a page.
SMUGGLED = """<script>document.documentElement.dataset.script = "ran"</script>
<img src="data:," alt="" onerror="document.documentElement.dataset.attribute = 'ran'">
<link rel="icon" href="data:,"></body>"""
PAGES = ("index.html", "play/digit.html", "_static/play/small-cnn.html")


def test_every_page_has_a_policy(site):
    assert [
        name for name, page in site.items() if len(page.select("meta[http-equiv=Content-Security-Policy]")) != 1
    ] == []


@pytest.mark.parametrize("way", ["served", "from disk"])
@pytest.mark.parametrize("name", PAGES)
def test_smuggled_code_does_not_run_and_would_without_the_policy(browser, html, served, name, way):
    address = served + name if way == "served" else (html / name).as_uri()
    page_as_built = (html / name).read_text("utf-8")
    strict = page_as_built.replace("</body>", SMUGGLED)
    ran = {}
    for which, body in (("strict", strict), ("open", POLICY.sub("", strict))):
        page = browser.new_page()
        blocked = []
        page.on("console", lambda message, blocked=blocked: blocked.append(message.text))
        page.route(address, lambda route, body=body: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
        page.goto(address)
        page.wait_for_load_state("networkidle")
        ran[which] = page.evaluate("({...document.documentElement.dataset})")
        page.close()
        assert ("Content Security Policy" in " ".join(blocked)) == (which == "strict")
    assert {"script", "attribute"} & set(ran["strict"]) == set()
    assert (ran["open"]["script"], ran["open"]["attribute"]) == ("ran", "ran")
