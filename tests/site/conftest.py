"""The built site, parsed once and opened in a real browser.

``site`` holds its pages as parsed HTML. ``visit`` opens one in Chromium:

    def test_something(visit):
        page = visit("map.html", scheme="dark", width=360)  # a Page of playwright
        page.get_by_role("button", name="Check").click()
"""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

ROOT = Path(__file__).parents[2]
HTML = Path(os.environ.get("GLASSBOX_HTML", ROOT / "docs/_build/html")).resolve()
PATIENCE = 120_000  # ms for what takes less than one: the machine may have other work
NO_BROWSER = (
    "no browser was found, so that nothing was checked in one: install Chromium or Chrome, "
    "or run `.venv/bin/playwright install chromium`"
)


class Site(Mapping[str, BeautifulSoup]):
    """Pages by their path below `root`, as in ``api/nn.html``; each is parsed when it is first asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.html"))
        self.parsed: dict[str, BeautifulSoup] = {}

    def __getitem__(self, name: str) -> BeautifulSoup:
        if name not in self.parsed:
            self.parsed[name] = BeautifulSoup((self.root / name).read_text("utf-8"), "html.parser")
        return self.parsed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def elements(self, selector: str) -> Iterator[tuple[str, object]]:
        for name, page in self.items():
            for element in page.select(selector):
                yield name, element


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built site."""
    if not (HTML / "index.html").exists() or not (HTML / "wheels").exists():
        pytest.fail(f"there is no finished site in {HTML}: run `make site` first", pytrace=False)
    return HTML


@pytest.fixture(scope="session")
def site(html) -> Site:
    gc.set_threshold(100_000)  # each page is many objects, which all stay
    return Site(html)


class Handler(SimpleHTTPRequestHandler):
    """Serve a folder as GitHub Pages does: what is missing gets the site's own page 404."""

    protocol_version = "HTTP/1.1"
    home = "/"  # the path below which the folder is served

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix(self.home.rstrip("/")))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        page = Path(self.directory, "404.html")
        body = page.read_bytes() if code == 404 and page.exists() else str(code).encode()
        self.send_response(code, message)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A browser may hang up at any time."""


@contextmanager
def serve(folder: Path, handler: type[Handler] = Handler) -> Iterator[str]:
    """Serve the folder on a free port, within the block: its address."""
    with Server(("127.0.0.1", 0), partial(handler, directory=folder)) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def served(html) -> Iterator[str]:
    """The address of the built site on a server of this machine, below the path where it will be published."""
    page = BeautifulSoup((html / "index.html").read_text("utf-8"), "html.parser")
    published = page.select_one("link[rel=canonical]")
    home = urlsplit(published["href"]).path.removesuffix("index.html") if published else "/"
    with serve(html, type("HandlerBelow", (Handler,), {"home": home})) as address:
        yield urljoin(address, home)


@pytest.fixture(scope="session")
def unpacked(html, tmp_path_factory) -> Path:
    """The site's own archive, unpacked in an empty folder."""
    folder = tmp_path_factory.mktemp("disk")
    with zipfile.ZipFile(html / "downloads/glassbox-site.zip") as packed:
        packed.extractall(folder)
    return folder / "glassbox-site"


SMUGGLED_INTO = ("index.html", "play/digit.html", "_static/play/small-cnn.html")
# What an attacker would smuggle into the text of a page.
SMUGGLED = """<script>document.documentElement.dataset.script = "ran"</script>
<img src="data:," alt="" onerror="document.documentElement.dataset.attribute = 'ran'"></body>"""
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture(scope="session")
def smuggled(unpacked, tmp_path_factory) -> Path:
    """The site with some pages twice more: with smuggled code, and with it but without the policy."""
    folder = tmp_path_factory.mktemp("smuggled") / "site"
    shutil.copytree(unpacked, folder)
    for name in SMUGGLED_INTO:
        page = folder / name
        strict = page.read_text("utf-8").replace("</body>", SMUGGLED)
        page.with_name(f"strict-{page.name}").write_text(strict, encoding="utf-8")
        page.with_name(f"open-{page.name}").write_text(POLICY.sub("", strict), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window and without a network; the test is skipped where there is none.

    Its headless shell does the same in half the time, since it draws no window that nobody sees.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    on_path = (shutil.which(name) for name in names)
    with sync_playwright() as playwright:
        found = next(filter(None, on_path), None)
        if found is None and Path(playwright.chromium.executable_path).exists():
            found = playwright.chromium.executable_path
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        try:
            which = {"executable_path": found} if found else {"channel": "chrome"}
            browser = playwright.chromium.launch(args=arguments, **which)
        except Error as error:
            if found:
                raise
            pytest.skip(f"{NO_BROWSER} ({error.message.splitlines()[0]})")
        yield browser
        browser.close()


@contextmanager
def watched(page: Page, address: str, status: int = 200) -> Iterator[list[str]]:
    """Within the block, collect what goes wrong in the page: a list that grows.

    The console tells of a request that fails, and one to a third party does: no name but this machine's is known. To
    listen to each request as well takes a sixth of the tests' time.
    """
    troubles: list[str] = []

    def on_console(message) -> None:
        if message.type == "error" and message.location["url"] != address:
            troubles.append(f"console: {message.text} ({message.location['url']})")
        elif message.type == "error" and f"status of {status}" not in message.text:
            troubles.append(f"console: {message.text}")

    def on_error(error) -> None:
        troubles.append(f"script: {error}")

    def on_frame(frame) -> None:
        if frame.url.startswith("chrome-error:"):
            troubles.append("a frame could not be loaded")

    listeners = {"console": on_console, "pageerror": on_error, "framenavigated": on_frame}
    for event, listener in listeners.items():
        page.on(event, listener)
    try:
        yield troubles
    finally:
        for event, listener in listeners.items():
            page.remove_listener(event, listener)


def until(page: Page, condition: str, it: object = None) -> None:
    """Wait until an expression of JavaScript holds, in which `it` may stand for a value or an element.

    It is compiled once. Playwright's `wait_for_function` compiles it at each frame, which the pages' policy refuses.
    """
    page.evaluate(
        f"""async (it) => {{
            const start = performance.now();
            while (!({condition})) {{
                if (performance.now() - start > {PATIENCE}) throw new Error("it does not come to hold");
                await new Promise((done) => setTimeout(done, 20));
            }}
        }}""",
        it,
    )


# Has a test open its pages from disk as well: for what a browser does otherwise there.
both_ways = pytest.mark.parametrize("way", ["served", "from disk"], indirect=True)


@pytest.fixture
def way(request) -> str:
    """How the pages of the site are opened, ``"served"`` or ``"from disk"``."""
    return getattr(request, "param", "served")


@pytest.fixture
def home(request, way) -> str:
    """The address below which the pages of the site are opened."""
    return request.getfixturevalue("served") if way == "served" else f"{request.getfixturevalue('html').as_uri()}/"


# A span colors a piece of a line. One of each kind says what a thousand say, and axe looks at each for long.
ONE_OF_EACH_KIND = """() => {
    document.querySelectorAll(".katex-html").forEach(equation => equation.textContent = "x");
    document.querySelectorAll(".katex-mathml").forEach(equation => equation.remove());
    const seen = new Set();
    for (const span of document.querySelectorAll("article :is(span, em):not([id], [role], [tabindex], [aria-label])")) {
        const language = span.closest("[class*=highlight-]")?.className;
        const kind = [span.className, span.parentElement.className, language].join();
        seen.has(kind) ? span.replaceWith(...span.childNodes) : seen.add(kind);
    }
}"""
# Colors are looked at on one element of each kind that has words of its own, unless the kind is known.
COLORS = """async (known) => {
    const kinds = new Map();
    const grounds = new Map([[null, ["", 1]]]);  // what lies behind an element, and how opaque it is
    const ground = (element) => {
        if (!grounds.has(element)) {
            const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
            const [behind, opaque] = ground(element.parentElement);
            const own = `${backgroundColor} ${backgroundImage}`;
            grounds.set(element, [own === "rgba(0, 0, 0, 0) none" ? behind : own, opaque * opacity]);
        }
        return grounds.get(element);
    };
    for (const element of document.querySelectorAll("body *")) {
        const says = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (!says || !element.checkVisibility()) continue;
        const { color, fontSize, fontWeight, textDecorationLine } = getComputedStyle(element);
        const look = [color, fontSize, fontWeight, textDecorationLine, ...ground(element)];
        const around = element.parentElement;
        const place = [element.tagName, element.className, around.tagName, around.className];
        kinds.set([...look, ...place, getComputedStyle(around).color].join(), element);
    }
    known.forEach((kind) => kinds.delete(kind));
    if (kinds.size === 0) return [[], []];
    const runOnly = ["color-contrast", "link-in-text-block"];
    const options = { runOnly, resultTypes: ["violations"], preload: false };
    const { violations } = await axe.run({ include: [...kinds.values()] }, options);
    return [violations, [...kinds.keys()]];
}"""
# Colors fade over, from each element on to those within it. What scrolling moves, and what a closed fold holds, never
# comes to an end.
FINISH = """async () => {
    const runs = ({ timeline, effect }) => timeline === document.timeline && effect.target.checkVisibility();
    let still = 0;
    for (let frames = 0; still < 3 && frames < 300; frames += 1) {
        await new Promise(requestAnimationFrame);
        const running = document.getAnimations().filter(runs);
        running.forEach((animation) => animation.finish());
        still = running.length === 0 ? still + 1 : 0;
    }
}"""


def load_all(page: Page) -> None:
    """Fetch what a reader who scrolls to the end would."""
    page.evaluate("document.querySelectorAll('[loading=lazy]').forEach(image => { image.loading = 'eager'; })")
    until(page, "[...document.images].every((image) => image.complete)")


def violations(page: Page, known: set[str] | None = None) -> list[str]:
    """Return what axe finds, each with the first element at fault: by every rule, then once more by those of colors
    in the dark.

    It takes what repeats out of the page. Of the kinds of words in `known` the colors are not looked at again; those
    of this page are added.
    """
    known = set() if known is None else known
    page.evaluate(ONE_OF_EACH_KIND)
    options = {
        "resultTypes": ["violations"],
        "preload": False,
        "iframes": False,
        "rules": {"color-contrast": {"enabled": False}, "link-in-text-block": {"enabled": False}},
    }
    found = Axe().run(page, options=options).response["violations"]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        page.evaluate(FINISH)
        flaws, kinds = page.evaluate(COLORS, [*known])
        found += flaws
        known.update(kinds)
    return [f"{flaw['id']} ({len(flaw['nodes'])}): {json.dumps(flaw['nodes'][0]['target'])}" for flaw in found]


class Tabs:
    """The browser's tabs, which tests use one after another: a new one takes as long as many a test.

    Those with the same options share a context, so that they fetch once what their pages share.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.contexts: dict[str, BrowserContext] = {}
        self.idle: dict[BrowserContext, list[Page]] = {}

    def take(self, *, viewport: dict[str, int], color_scheme: str, **options: object) -> Page:
        """Return a tab that shows nothing."""
        key = repr(sorted(options.items()))
        if key not in self.contexts:
            self.contexts[key] = self.browser.new_context(**options)
            self.idle[self.contexts[key]] = []
        idle = self.idle[self.contexts[key]]
        page = idle.pop() if idle else self.contexts[key].new_page()
        page.set_viewport_size(viewport)
        page.emulate_media(media="null", color_scheme=color_scheme)
        return page

    def give_back(self, page: Page) -> None:
        """Take from a tab what a test left in it."""
        page.evaluate("sessionStorage.clear()")
        page.unroute_all()
        page.mouse.move(-1, -1)
        page.goto("about:blank")
        self.idle[page.context].append(page)


@pytest.fixture(scope="session")
def tabs(browser) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def visit(browser, tabs, way, request) -> Iterator[Callable[..., Page]]:
    """Open a page that finds nothing kept: ``visit(where, **options) -> playwright.sync_api.Page``.

    The test fails if, until its end, a page that it opened logs an error, raises one, misses a file or asks a third
    party for anything.

    Parameters
    ----------
    where
        A path below the site, as in ``"map.html#part2"``, opened as `way` says; or a whole address, as in
        ``(folder / "index.html").as_uri()``.
    scheme
        ``"light"`` or ``"dark"``.
    width, height
        Of the window, in CSS pixels. Zoom of 200 % is half the width with ``device_scale_factor=2``.
    status
        The answer that is expected for the page itself: 404 for an address that does not exist.
    setup
        JavaScript that runs before the page's own.
    options
        Of playwright's ``Browser.new_context``, as in ``reduced_motion="reduce"``, ``has_touch=True``,
        ``java_script_enabled=False``, ``permissions=["clipboard-read"]``.
    """
    end, seen = ExitStack(), []

    def open_page(where="index.html", *, scheme="light", width=1280, height=800, status=200, setup="", **options):
        home = request.getfixturevalue("home")
        address = urljoin(home, where)
        options |= {"color_scheme": scheme, "viewport": {"width": width, "height": height}}
        shared = address.startswith(home) and not setup
        if shared:
            page = tabs.take(**options)
        else:
            context = end.enter_context(browser.new_context(**options))
            if setup:
                context.add_init_script(setup)
            page = context.new_page()
        page.set_default_timeout(PATIENCE)
        seen.append((where, end.enter_context(watched(page, address, status))))
        if shared:
            end.callback(tabs.give_back, page)
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
            storage = {"origin": origin, "storageTypes": "local_storage"}
            session = page.context.new_cdp_session(page)
            session.send("Storage.clearDataForOrigin", storage)
            session.detach()
        page.goto(address)
        return page

    with end:
        yield open_page
    assert [f"{where}: {trouble}" for where, troubles in seen for trouble in troubles] == []
