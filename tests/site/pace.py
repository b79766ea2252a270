"""How long *Draw a digit* takes from a change of the drawing to the new page, a part of ``make audit``.

A change is read, forward and backward, all that shows it is drawn and laid out. ``python -m tests.site.pace`` measures
this alone; what it takes depends on the machine, so that no test holds a bound.
"""

from __future__ import annotations

import statistics

from playwright.sync_api import Browser, sync_playwright

from .conftest import HTML, serve

CHANGES = 200
SLOWER = (1, 4)  # times slower than this machine
PAGES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
DRAW = """(count) => {
  const start = glassbox.pixels();
  const times = [];
  for (let change = 0; change < count + 20; change += 1) {
    const pixels = start.map((x, place) => (place * 7 + change) % 97 ? x : Math.min(1, x + 0.1));
    const begin = performance.now();
    glassbox.read(pixels);
    document.body.offsetHeight; // the layout of what was written belongs to it
    times.push(performance.now() - begin);
  }
  return times.slice(20);
}"""


def times_of(browser: Browser, address: str, viewport: dict[str, int], slower: int) -> list[float]:
    """Return the milliseconds of each change."""
    page = browser.new_page(viewport=viewport)
    page.goto(f"{address}play/digit.html#digit=3&open=conv3:2.3.4&direction=backward")
    page.wait_for_selector(".tracer-title")
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    times = page.evaluate(DRAW, CHANGES)
    page.close()
    return times


def table(browser: Browser, address: str) -> list[str]:
    """Return the lines of a table: the median and the 95th percentile for each page and speed."""
    lines = ["| Draw a digit, ms a change | median | 95th percentile |", "| --- | ---: | ---: |"]
    for name, viewport in PAGES.items():
        for slower in SLOWER:
            times = times_of(browser, address, viewport, slower)
            speed = "" if slower == 1 else f", at 1/{slower} of the speed"
            lines.append(
                f"| {name}{speed} | {statistics.median(times):.1f} | {statistics.quantiles(times, n=20)[-1]:.1f} |"
            )
    return lines


def main() -> None:
    from .audit import chromium

    with serve(HTML) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        print("\n".join(table(browser, address)))


if __name__ == "__main__":
    main()
