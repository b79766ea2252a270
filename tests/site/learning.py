"""What *Watch a network learn* reads after ten seconds of training, and its longest task: a part of ``make audit``.

``python -m tests.site.learning`` measures this alone. How far a run comes depends on the machine, so that no test holds
a bound. A task is all that the page does between two chances to answer its reader; while other programs run, the clock
counts their time, too, and the CPU's own time tells what the page itself needs.
"""

from __future__ import annotations

import json

from playwright.sync_api import Browser, Page

from .conftest import until
from .measuring import opened

SECONDS = 10
RUNS = {
    **{f"seed {seed}": f"seed={seed}" for seed in range(5)},
    "all digits in a batch": "batch=all&rate=0.01",
}


def train(page: Page) -> None:
    """Train for so many seconds, and read the test digits."""
    button = page.locator(".train-buttons .is-main")
    button.click()
    until(page, "glassbox.step() >= 1")
    page.wait_for_timeout(1000 * SECONDS)
    until(page, "glassbox.step() >= 3")  # for a landscape
    button.click()
    until(page, "glassbox.share() !== null")


def look_around(page: Page) -> None:
    """Go back in the run, open a step, draw the landscape."""
    page.locator(".terrain > button").click()
    until(page, "document.querySelector('.terrain-map svg') !== null")
    page.locator(".film > input").press("Home")
    page.locator(".filters button").last.click()
    until(page, "document.querySelector('.update-move') !== null")


def longest_tasks(trace: bytes, script: str) -> tuple[float, float]:
    """Return how long the longest task took of the page that ran a script, by the clock and of the CPU, in ms."""
    events = json.loads(trace)["traceEvents"]
    ran = next(each for each in events if each["name"] == "EvaluateScript" and script in each["args"]["data"]["url"])
    thread = (ran["pid"], ran["tid"])
    tasks = [each for each in events if each["name"] == "RunTask" and (each["pid"], each["tid"]) == thread]
    return tuple(max(each.get(time, 0) for each in tasks) / 1000 for time in ("dur", "tdur"))


def measure(browser: Browser, address: str, fragment: str) -> tuple[float, int, float, float]:
    """Return the share of test digits read right, the steps made, and the longest tasks, from the first on."""
    page = browser.new_page()
    browser.start_tracing(page=page, categories=["devtools.timeline", "disabled-by-default-devtools.timeline"])
    page.goto(f"{address}play/train.html#{fragment}")
    page.wait_for_selector(".train-figures strong")
    train(page)
    found = page.evaluate("[glassbox.share(), glassbox.step()]")
    look_around(page)
    tasks = longest_tasks(browser.stop_tracing(), "play/train.js")
    page.close()
    return (*found, *tasks)


def table(browser: Browser, address: str) -> list[str]:
    """Return the lines of a table, one for each run."""
    lines = [
        f"| Watch a network learn, {SECONDS} s | test digits read right, % | steps | longest task, ms | CPU, ms |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, fragment in RUNS.items():
        share, steps, *tasks = measure(browser, address, fragment)
        lines.append(f"| {name} | {100 * share:.1f} | {steps} | {tasks[0]:.0f} | {tasks[1]:.0f} |")
    return lines


if __name__ == "__main__":
    with opened() as where:
        print("\n".join(table(*where)))
