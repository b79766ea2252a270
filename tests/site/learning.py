"""What *Watch a network learn* reads after ten seconds of training, for each seed it offers: a part of ``make audit``.

``python -m tests.site.learning`` measures this alone. How far a run comes depends on the machine, so that no test holds
a bound.
"""

from __future__ import annotations

from playwright.sync_api import Browser, sync_playwright

from .conftest import HTML, serve, until

SECONDS = 10
OBSERVE = """
  window.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: "longtask" });
"""


def learned(browser: Browser, address: str, seed: int) -> tuple[float, int, float]:
    """Return the share of test digits read right, the steps made, and the longest task of the run in milliseconds."""
    page = browser.new_page()
    page.goto(f"{address}play/train.html#seed={seed}")
    page.get_by_role("button", name="Train", exact=True).click()
    until(page, "glassbox.step() >= 1")
    page.evaluate(OBSERVE)
    page.wait_for_timeout(1000 * SECONDS)
    page.get_by_role("button", name="Pause", exact=True).click()
    longest = page.evaluate("Math.max(0, ...longTasks)")
    until(page, "glassbox.share() !== null")
    found = page.evaluate("[glassbox.share(), glassbox.step()]")
    page.close()
    return (*found, longest)


def table(browser: Browser, address: str) -> list[str]:
    """Return the lines of a table, one for each seed."""
    lines = [
        f"| Watch a network learn, {SECONDS} s | test digits read right, % | steps | longest task, ms |",
        "| --- | ---: | ---: | ---: |",
    ]
    for seed in range(5):
        share, steps, longest = learned(browser, address, seed)
        lines.append(f"| seed {seed} | {100 * share:.1f} | {steps} | {longest:.0f} |")
    return lines


def main() -> None:
    from .audit import chromium

    with serve(HTML) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        print("\n".join(table(browser, address)))


if __name__ == "__main__":
    main()
