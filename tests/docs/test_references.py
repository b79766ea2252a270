"""What is cited is in the bibliography, with an address that stays."""

from __future__ import annotations

import re
from pathlib import Path

from pybtex.database import parse_file

ROOT = Path(__file__).parents[2]
WORKS = parse_file(ROOT / "docs/references.bib").entries


def test_every_work_has_a_doi_or_an_address():
    assert [key for key, work in WORKS.items() if not {"doi", "url"} & set(work.fields)] == []
    assert all(re.fullmatch(r"10\.\d{4,5}/\S+", work.fields["doi"]) for work in WORKS.values() if "doi" in work.fields)


def test_every_work_that_a_lesson_cites_is_there():
    texts = "".join(path.read_text("utf-8") for path in ROOT.glob("gallery/part*/*.py"))
    cited = {key for keys in re.findall(r":cite(?::\w)?:`([^`]+)`", texts) for key in keys.split(",")}
    assert len(cited) >= 8
    assert cited <= set(WORKS)
