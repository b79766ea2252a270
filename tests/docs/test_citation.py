"""The entry to cite the course by: whole, and with an address where there is one."""

from __future__ import annotations

import pytest
from glassbox_site.citation import as_bibtex
from pybtex.database import parse_string

CITATION = {
    "title": "Glassbox",
    "version": "1.0",
    "authors": [{"name": "The A"}, {"family-names": "B", "given-names": "C"}],
}


@pytest.mark.parametrize(("address", "fields"), [("", {}), ("https://example.org/", {"url": "https://example.org/"})])
def test_the_entry_is_one_that_bibtex_reads(address, fields):
    entry = parse_string(as_bibtex(CITATION, "2026", address), "bibtex").entries["glassbox"]
    assert dict(entry.fields) == {"title": "Glassbox", "version": "1.0", "year": "2026", **fields}
    assert [str(person) for person in entry.persons["author"]] == ["{The A}", "B, C"]
