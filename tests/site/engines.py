"""Firefox and WebKit, by the standard protocols that they speak themselves: no driver of a third party is needed.

Firefox speaks WebDriver BiDi over a socket, WebKit's own driver the classic WebDriver over HTTP. Both read the same
actions of the pointer: https://www.w3.org/TR/webdriver2/#actions.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PATIENCE = 120  # seconds until a browser that does not answer is given up
PREFERENCES = {
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


class Engine:
    """A browser with one window."""

    name: str

    def open(self, address: str) -> None:
        """Open a page, and wait until it is there."""
        raise NotImplementedError

    def run(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, awaited, as JSON holds it."""
        raise NotImplementedError

    def act(self, actions: list[dict[str, Any]]) -> None:
        """Move and press the mouse."""
        raise NotImplementedError

    def drag(self, points: list[tuple[float, float]]) -> None:
        """Press at the first point of the window, move through the others, let go."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "origin": "viewport"} for x, y in points]
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        self.act([moves[0], down, *moves[1:], up])

    def click(self, element: str) -> None:
        """Click on the element that an expression of JavaScript gives, once it lies still and uncovered."""
        script = """(async (element) => {
            if (!element?.checkVisibility()) throw new Error("there is nothing to click");
            for (let before = null; ; ) {
                element.scrollIntoView({block: "center", behavior: "instant"});
                await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)));
                const {x, y, width, height} = element.getBoundingClientRect();
                const place = [x + width / 2, y + height / 2];
                const lies = element.contains(document.elementFromPoint(...place));
                if (lies && String(place) === String(before)) return place;
                before = place;
            }
        })"""
        self.drag([self.run(f"{script}({element})")])

    def settled(self, expression: str, expected: Any) -> Any:
        """Return the value of an expression as soon as it is the expected one, or as it is after half a minute."""
        return self.run(f"""(async (expected) => {{
            for (const start = performance.now(); performance.now() - start < 30_000; ) {{
                if (JSON.stringify({expression}) === JSON.stringify(expected)) break;
                await new Promise((done) => setTimeout(done, 20));
            }}
            return {expression};
        }})({json.dumps(expected)})""")


# What Firefox says of an equation of which a part has not arrived yet; `test_pages` looks at whole ones.
HALF_AN_EQUATION = "Invalid markup: Incorrect number of children"


class Firefox(Engine):
    """Firefox, without a window, over WebDriver BiDi."""

    name = "firefox"

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.number = 0
        self.errors: list[str] = []
        self.send("session.new", capabilities={})
        self.context = self.send("browsingContext.getTree")["contexts"][0]["context"]
        self.send("session.subscribe", events=["log.entryAdded"])

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=PATIENCE))
            if message.get("method") == "log.entryAdded":
                level, text = message["params"]["level"], message["params"]["text"]
                if level == "error" and not text.startswith(HALF_AN_EQUATION):
                    self.errors.append(text)
            if message.get("id") == self.number:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['message']}")
                return message["result"]

    def open(self, address: str) -> None:
        self.errors.clear()
        self.send("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def run(self, expression: str) -> Any:
        script = f"(async () => JSON.stringify(await ({expression})) ?? null)()"
        answer = self.send("script.evaluate", expression=script, target={"context": self.context}, awaitPromise=True)
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value", "null"))

    def act(self, actions: list[dict[str, Any]]) -> None:
        mouse = {"type": "pointer", "id": "mouse", "actions": actions}
        self.send("input.performActions", context=self.context, actions=[mouse])


class WebKit(Engine):
    """WebKitGTK's small browser, by WebKit's own driver."""

    name = "webkit"

    def __init__(self, port: int, browser: Path) -> None:
        self.address = f"http://127.0.0.1:{port}/session"
        options = {"binary": str(browser), "args": ["--automation"]}
        capabilities = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        self.address += "/" + self.send("", capabilities=capabilities)["sessionId"]

    def send(self, path: str, **parameters: Any) -> Any:
        request = urllib.request.Request(self.address + path, json.dumps(parameters).encode())
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from error

    def open(self, address: str) -> None:
        self.send("/url", url=address)

    def run(self, expression: str) -> Any:
        script = f"return (async () => JSON.stringify(await ({expression})) ?? null)()"
        answer = self.send("/execute/sync", script=script, args=[])
        return None if answer is None else json.loads(answer)

    def act(self, actions: list[dict[str, Any]]) -> None:
        self.send("/actions", actions=[{"type": "pointer", "id": "mouse", "actions": actions}])


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox | str]:
    """Run Firefox with a new profile in the folder; or say why it cannot be had."""
    command = shutil.which("firefox-esr") or shutil.which("firefox")
    if command is None:
        yield "Firefox is not installed: apt-get install firefox-esr"
        return
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
    (folder / "user.js").write_text("".join(lines))
    arguments = ["--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port=0"]
    with _process([command, *arguments], env=os.environ | {"HOME": str(folder)}, stderr=subprocess.PIPE) as process:
        for line in process.stderr:
            if found := re.search(r"WebDriver BiDi listening on ws://127\.0\.0\.1:(\d+)", line):
                with connect(f"ws://127.0.0.1:{found[1]}/session", max_size=None) as socket:
                    yield Firefox(socket)
                return
        raise RuntimeError("Firefox ended before it listened")


@contextmanager
def webkit(folder: Path) -> Iterator[WebKit | str]:
    """Run WebKit, without a screen where there is none; or say why it cannot be had."""
    driver = shutil.which("WebKitWebDriver")
    browser = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)
    screen = [] if os.environ.get("DISPLAY") else [shutil.which("xvfb-run"), "-a"]
    if driver is None or browser is None or None in screen:
        yield "WebKit or a screen for it is not installed: apt-get install webkit2gtk-driver xvfb xauth"
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    with _process([*screen, driver, f"--port={port}"], env=home, stderr=subprocess.DEVNULL) as process:
        _await_port(port, process)
        engine = WebKit(port, browser)
        yield engine
        request = urllib.request.Request(engine.address, method="DELETE")
        urllib.request.urlopen(request, timeout=PATIENCE).close()


@contextmanager
def _process(command: list[str], **options: Any) -> Iterator[subprocess.Popen]:
    """Run a command and all that it starts, until the end of the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True, start_new_session=True, **options)
    try:
        yield process
    finally:
        os.killpg(process.pid, 15)
        process.communicate()


def _await_port(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise RuntimeError("WebKit's driver does not answer")
