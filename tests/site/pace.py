"""How long the pages to play with take from what a reader does to the new page, a part of ``make audit``.

A change of the drawing is read, forward and backward, and all that shows it is drawn and laid out; a pixel of the
filtered image that is pointed at is marked and written as its sum. ``python -m tests.site.pace`` measures this alone;
what it takes depends on the machine, so that no test holds a bound.
"""

from __future__ import annotations

import statistics

from playwright.sync_api import Browser

from .measuring import opened

CHANGES = 200
SLOWER = (1, 4)  # times slower than this machine
PAGES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
# For each page, its address, what shows that it is ready, and what happens at one change. The layout of what was
# written belongs to it.
ACTS = {
    "Draw a digit": (
        "play/digit.html#digit=3&open=conv3:2.3.4&direction=backward",
        ".tracer-title",
        """(change) => {
          window.start ??= glassbox.pixels();
          const pixels = start.map((x, place) => (place * 7 + change) % 97 ? x : Math.min(1, x + 0.1));
          return () => glassbox.read(pixels);
        }""",
    ),
    "Filter an image": (
        "play/filter.html",
        ".numbers",
        """(change) => {
          const canvas = document.querySelectorAll(".play-filter canvas")[1];
          const { left, top, width, height } = canvas.getBoundingClientRect();
          const [clientX, clientY] = [left + ((change * 7) % 97) * width / 97, top + ((change * 5) % 89) * height / 89];
          const moved = new PointerEvent("pointermove", { clientX, clientY, bubbles: true });
          return () => canvas.dispatchEvent(moved);
        }""",
    ),
}
MEASURE = """(count) => {
  const prepare = %s;
  const times = [];
  for (let change = 0; change < count + 20; change += 1) {
    const act = prepare(change);
    const begin = performance.now();
    act();
    document.body.offsetHeight;
    times.push(performance.now() - begin);
  }
  return times.slice(20);
}"""


def times_of(browser: Browser, address: str, act: str, viewport: dict[str, int], slower: int) -> list[float]:
    """Return the milliseconds of each change."""
    where, ready, prepare = ACTS[act]
    page = browser.new_page(viewport=viewport)
    page.goto(f"{address}{where}")
    page.wait_for_selector(ready)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    times = page.evaluate(MEASURE % prepare, CHANGES)
    page.close()
    return times


def table(browser: Browser, address: str) -> list[str]:
    """Return the lines of a table: the median and the 95th percentile for each page, window and speed."""
    lines = ["| ms a change | median | 95th percentile |", "| --- | ---: | ---: |"]
    for act in ACTS:
        for name, viewport in PAGES.items():
            for slower in SLOWER:
                times = times_of(browser, address, act, viewport, slower)
                speed = "" if slower == 1 else f", at 1/{slower} of the speed"
                last = statistics.quantiles(times, n=20)[-1]
                lines.append(f"| {act}, {name}{speed} | {statistics.median(times):.1f} | {last:.1f} |")
    return lines


if __name__ == "__main__":
    with opened() as where:
        print("\n".join(table(*where)))
