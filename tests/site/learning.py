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
SEEDS = range(5)  # that the page offers
VISITS = {"as it begins": "", "with all digits in a batch": "batch=all&rate=0.01"}


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


def visit(browser: Browser, address: str, fragment: str) -> Page:
    page = browser.new_page()
    page.goto(f"{address}play/train.html#{fragment}")
    page.wait_for_selector(".train-figures strong")
    train(page)
    return page


def learned(browser: Browser, address: str, seed: int) -> tuple[float, int]:
    """Return the share of test digits read right, and the steps made."""
    page = visit(browser, address, f"seed={seed}")
    found = page.evaluate("[glassbox.share(), glassbox.step()]")
    page.close()
    return found


def tasks(browser: Browser, address: str, fragment: str) -> tuple[float, float]:
    """Return the longest task of a whole visit, from the first on; to record them takes time of its own."""
    browser.start_tracing(categories=["devtools.timeline", "disabled-by-default-devtools.timeline"])
    page = visit(browser, address, fragment)
    look_around(page)
    found = longest_tasks(browser.stop_tracing(), "play/train.js")
    page.close()
    return found


def table(browser: Browser, address: str) -> list[str]:
    """Return the lines of two tables: what each seed learns, and the longest tasks."""
    lines = [f"| Watch a network learn, {SECONDS} s | test digits read right, % | steps |", "| --- | ---: | ---: |"]
    for seed in SEEDS:
        share, steps = learned(browser, address, seed)
        lines.append(f"| seed {seed} | {100 * share:.1f} | {steps} |")
    lines += ["", "| longest task, ms | by the clock | CPU |", "| --- | ---: | ---: |"]
    for name, fragment in VISITS.items():
        clock, cpu = tasks(browser, address, fragment)
        lines.append(f"| {name} | {clock:.0f} | {cpu:.0f} |")
    return lines


if __name__ == "__main__":
    with opened() as where:
        print("\n".join(table(*where)))
