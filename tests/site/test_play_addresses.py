"""Addresses are typed and cut short by people: no page that computes stumbles over one."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect
from torch.nn import Conv2d, Flatten, Linear, Sequential

from glassbox import explain
from glassbox.explain._bundle import JS, join
from tests.explain.node import node
from tests.play.modules import SCRIPTS

from .conftest import until

pytestmark = pytest.mark.site

OF_A_NETWORK = ("open", "direction", "true")
COUNT = 110  # of each page, 880 in all
MALFORMED = (
    *("", "length", "toString", "__proto__", "constructor", "hasOwnProperty", "null", "undefined", "NaN", "Infinity"),
    *("-1", "2.5", "0.5", "1.5", "7", "1e308", "-1e308", "1e400", "1e300", "1e-400", "0x10", "٣", "+1", " 1", "1 "),
    *("99999999999", "9" * 400, "1,2", ",,,", "1e308,1,1,1", "0,0,0,0", "NaN,1,1,1", "-1,0,1,-1,0,1,-1,0", "1,1,1,1"),
    *("%", "%%%", "%E0%A4%A", "<b>x</b>", "a&b", "🙂", "true", "forward", "backward", "up"),
    *("conv1:0.5", "conv1:0.99.1", "conv1:-1.0.0", "conv1:0.0.0", "conv9:1.2", "conv1", ":", ":::", "loss", "loss:1"),
    *("probability:11", "probability:3", "input:0.0.0.0", "fc1.weight:1e1.2", "__proto__:0", "toString:0", "length:0"),
    *("AAAA", "AP8A_wD_ABM", "A", "----", "____", "AP8A_wD_ABM=" * 9),
)
PLAY = """async (fragments) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const wrong = [];
  document.querySelector("[data-play]").style.contentVisibility = "hidden";  // it is written, and not painted
  for (const fragment of fragments) {
    location.hash = fragment;
    await frame();
    await frame();
    const { outerHTML } = document.querySelector("[data-play]");
    const found = outerHTML.match(/NaN|undefined|not a number|\\[object/);
    if (found) {
      wrong.push([fragment, outerHTML.slice(found.index - 60, found.index + 60)]);
    }
  }
  return wrong;
}"""


def keys_of(name: str, folder: Path) -> list[str]:
    """The keys that a page reads, as its script names them."""
    script = folder / "keys.mjs"
    code = f"{join(SCRIPTS / f'{name}.js', [JS])}\nconsole.log(JSON.stringify(Object.keys({name.upper()}_KEYS)));"
    script.write_text(code, encoding="utf-8")
    run = node(script)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def addresses(keys: list[str], seed: int) -> list[str]:
    """Every key with everything malformed in turn, then several keys at once."""
    generator = random.Random(seed)
    single = [f"{key}={value}" for key in keys for value in MALFORMED]
    some = generator.sample(single, min(len(single), COUNT // 2))
    for key in keys:
        some.append(f"{key}={generator.choice(MALFORMED)}")
    while len(some) < COUNT:
        chosen = generator.sample([*keys, "unknown"], generator.randint(1, len(keys)))
        some.append("&".join(f"{key}={generator.choice(MALFORMED)}" for key in chosen))
    return some


@pytest.mark.parametrize("name", ["digit", "train", "weights", "filter", "descent", "race", "backprop"])
def test_a_page_takes_any_address(visit, tmp_path, name):
    keys = ["digit", "pixels"] if name == "digit" else keys_of(name, tmp_path)
    if name in ("digit", "train"):
        keys += OF_A_NETWORK
    page = visit(f"play/{name}.html")
    page.wait_for_selector(f".play-{name} button")
    assert page.evaluate(PLAY, addresses(keys, seed=len(name))) == []


def test_an_exported_page_takes_any_address(visit, tmp_path):
    torch.manual_seed(0)
    model = Sequential(Conv2d(1, 2, 3), Flatten(), Linear(72, 3))
    path = explain.export(model, torch.rand(4, 1, 8, 8), tmp_path / "model.html", labels=[0, 1, 2, 0])
    page = visit(path.as_uri())
    assert page.evaluate(PLAY, addresses(["sample", *OF_A_NETWORK], seed=0)) == []


@pytest.mark.parametrize("name", ["digit", "train", "weights", "filter", "descent", "race", "backprop"])
def test_the_worst_addresses_open_a_page_at_once(visit, name):
    worst = {
        "digit": "#digit=__proto__&true=length&open=toString:0",
        "weights": "#w1=1e308,1,1,1,1,1,1&b2=-1e308&output=3&pupil=99&relu=2",
        "train": "#seed=1e300&rate=__proto__&rule=toString&batch=0&digit=length&open=toString:0",
        "filter": "#row=2.5&kernel=1e308,1e308,1e308,1e308&relu=7&divisor=0",
        "descent": "#data=0.5&first=1.5&start=1e308,1e308,1e308,1e308&seed=-4",
        "race": "#some=1&step=1e308&price=-1&seed=2.5",
        "backprop": "#seed=1e300&at=-1",
    }
    page = visit(f"play/{name}.html{worst[name]}")
    page.wait_for_selector(f".play-{name} button")
    assert "NaN" not in page.locator("[data-play]").inner_html()


@pytest.mark.parametrize("refused", ["probability:", "probability:1.5", "conv1:0.99.1", "toString:0"])
def test_an_address_that_is_refused_gives_way_to_what_is_shown(visit, refused):
    page = visit("play/digit.html#open=conv2:1.4.5")
    page.wait_for_selector(".digit-answer")
    page.evaluate("it => (location.hash = 'open=' + it)", refused)
    until(page, "location.hash.includes('open=conv2:1.4.5')")
    assert page.locator(".tracer-title code").inner_text() == "conv2[1, 4, 5]"


@pytest.mark.parametrize("name", ["digit", "train", "weights", "filter", "descent", "race", "backprop"])
def test_what_is_not_understood_in_an_address_is_said(visit, name):
    known = {"digit": "digit", "weights": "pupil", "filter": "row", "backprop": "at"}.get(name, "seed")
    page = visit(f"play/{name}.html#{known}=2.5&nonsense={'9' * 60}")
    notice = page.locator("[role=status]:has(+ [data-play])")
    expect(notice).to_have_text(f"Not understood in the address, and left out: {known}=2.5, nonsense={'9' * 15} ….")
    page.evaluate("it => (location.hash = it)", f"{known}=1")
    expect(notice).to_be_hidden()
    page.evaluate("it => (location.hash = it)", f"{known}=__proto__")
    expect(notice).to_have_text(f"Not understood in the address, and left out: {known}=__proto__.")


# The address is rewritten a quarter of a second after a change: here at once.
AT_ONCE = "window.later = setTimeout; window.setTimeout = (act) => later(act);"


def test_a_link_to_a_part_of_the_page_stays_until_something_changes(visit):
    page = visit("play/digit.html#what-to-try", setup=AT_ONCE)
    page.wait_for_selector(".digit-answer")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => later(done))))")
    assert page.evaluate("location.hash") == "#what-to-try"
    page.get_by_label("True class").select_option("2")
    until(page, "location.hash.includes('true=2')")
