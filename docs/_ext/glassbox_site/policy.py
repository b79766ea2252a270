"""In each page a Content-Security-Policy: the scripts that the build wrote run, and nothing comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx

from glassbox.explain._policy import policy

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_INLINE = re.compile(r"<(script|style)\b(?![^>]*\ssrc=)[^>]*>(.*?)</\1>", re.DOTALL)
_HEAD = re.compile(r"<head>\s*<meta charset=\"utf-8\"\s*/?>", re.IGNORECASE)


def inline(kind: str, page: str) -> list[str]:
    """Return what stands inside each script, or each style element, of a page."""
    return [content for tag, content in _INLINE.findall(page) if tag == kind]


def with_policy(page: str, *, parsed: Iterable[str] = ()) -> str:
    """Return the page with the policy at its head, before anything that it governs; a page that has one keeps it.

    ``parsed`` are style elements of other pages that this one takes apart: a browser holds them to this policy too.
    """
    if _POLICY.search(page):
        return page
    allowed = policy(inline("script", page), [*inline("style", page), *parsed], beside=True)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'
    strict, places = _HEAD.subn(lambda head: head[0] + meta, page, count=1)
    if not places:
        raise ValueError("expects a page that opens with <head> and its charset")
    return strict


def _add_policies(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        pages = {path: path.read_text("utf-8") for path in sorted(Path(app.outdir).rglob("*.html"))}
        styles = [style for page in pages.values() for style in inline("style", page)]
        for path, page in pages.items():
            # The search quotes from the pages that it finds.
            if (strict := with_policy(page, parsed=styles if path.name == "search.html" else ())) != page:
                path.write_text(strict, encoding="utf-8")


def setup(app: Sphinx) -> None:
    # After the pages are settled, and before they are packed.
    app.connect("build-finished", _add_policies, priority=900)
