"""The page of a report in a real browser: nothing is asked for, nothing complained of, nothing too wide or on top."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.commands.report.html.page import render
from tests.browser import Browser, find_browser, open_browser
from tests.commands.report.sample import sample_report

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed; run scripts/test")

COLLIDING = """
[...document.querySelectorAll("svg.picture")].flatMap((svg) => {
  const texts = [...svg.querySelectorAll("text")].map((one) => [one.textContent, one.getBoundingClientRect()]);
  const frame = svg.getBoundingClientRect();
  const name = svg.querySelector("title").textContent;
  const out = texts.filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1
    || box.top < frame.top - 1 || box.bottom > frame.bottom + 1).map(([text]) => `${name}: ${text} is cut off`);
  const on = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
  texts.forEach(([text, box], place) => texts.slice(place + 1).forEach(([other, over]) => {
    if (on(box, over)) out.push(`${name}: ${text} and ${other} lie on each other`);
  }));
  return out;
})
"""
"""JavaScript: the pictures' texts that are cut off or lie on others."""

VISIBLE = "document.querySelector('main').innerText.replaceAll(/[↕↑↓]/g, '').split(/\\s+/).join(' ')"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("browser") / "profile"
    profile.mkdir()
    with open_browser(profile) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a page of plain names and one of names that try to be markup."""
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name, hostile in (("plain", False), ("hostile", True)):
        found[name] = folder / f"{name}.html"
        found[name].write_text(render(sample_report(hostile=hostile)), encoding="utf-8")
    return found


def complaints(browser: Browser, page: Path) -> list[str]:
    """Return what the open page said on the console, what went wrong, and what it asked for beside itself."""
    said = [str(one) for kind in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown") for one in browser.told(kind)]
    said += [one["entry"]["text"] for one in browser.told("Log.entryAdded")]
    asked = [one["request"]["url"] for one in browser.told("Network.requestWillBeSent")]
    return said + [address for address in asked if address != page.as_uri() and not address.startswith("data:")]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_the_page_asks_for_nothing_and_fits(
    browser: Browser, pages: dict[str, Path], tmp_path: Path, name: str, width: int, dark: bool
) -> None:
    browser.show(width, dark=dark)
    browser.open(pages[name].as_uri())
    assert complaints(browser, pages[name]) == []
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate(COLLIDING) == []
    side = "document.querySelector('rect.cell').getBoundingClientRect().width"
    figures = "[...document.querySelectorAll('text.count')].map((one) => one.getBoundingClientRect().width)"
    assert browser.evaluate(f"Math.max(...{figures}) < {side} && {figures}.length > 20")
    with Image.open(io.BytesIO(browser.screenshot(tmp_path / "page.png"))) as shot:
        pixels = np.asarray(shot.convert("L"))
    assert pixels.shape[1] == width
    assert (np.median(pixels) < 60) == dark
    # No stretch of a screen's height is blank.
    assert all(len(np.unique(pixels[top : top + 900])) > 8 for top in range(0, len(pixels) - 900, 900))


def test_the_checks_would_notice(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<!DOCTYPE html><p style='width: 500px'>wide</p><img src='http://elsewhere.invalid/x.png'>"
        "<svg class='picture' viewBox='0 0 100 20'><title>t</title><text x='5' y='15'>one</text>"
        "<text x='8' y='15'>two</text><text x='95' y='15'>out</text></svg><script>console.error('oh')</script>"
    )
    browser.show(375)
    browser.open(page.as_uri())
    found = " ".join(complaints(browser, page))
    assert "http://elsewhere.invalid/x.png" in found
    assert "oh" in found
    assert browser.evaluate("document.documentElement.scrollWidth") > 375
    assert browser.evaluate(COLLIDING) == ["t: out is cut off", "t: one and two lie on each other"]


def test_the_policy_lets_no_other_script_run(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "injected.html"
    text = render(sample_report(hostile=False))
    injected = "<script>document.title = 'taken'</script><img src='http://elsewhere.invalid/x.png' onerror='1'>"
    page.write_text(text.replace("</main>", f"{injected}</main>"), encoding="utf-8")
    browser.show(1280)
    browser.open(page.as_uri())
    assert browser.evaluate("document.title") != "taken"
    refusals = " ".join(one["entry"]["text"] for one in browser.told("Log.entryAdded"))
    assert "Content Security Policy" in refusals
    assert "elsewhere.invalid" in refusals


def test_without_scripts_the_same_is_to_be_read(browser: Browser, pages: dict[str, Path]) -> None:
    texts = []
    for scripts in (True, False):
        browser.show(1280, scripts=scripts)
        browser.open(pages["plain"].as_uri())
        texts.append(browser.evaluate(VISIBLE))
    browser.show(1280)
    assert len(texts[0]) > 3000
    assert texts[0] == texts[1]


def test_a_heading_sorts_its_table(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(1280)
    browser.open(pages["plain"].as_uri())
    table = "[...document.querySelectorAll('#runtimes table')][0]"
    heading = f"[...{table}.tHead.rows[0].cells].find((one) => one.textContent.startsWith('median'))"
    figures = f"[...{table}.tBodies[0].rows].map((row) => Number(row.cells[{heading}.cellIndex].dataset.value))"
    assert browser.evaluate(figures) == [60, 40, 20]
    for order, expected in (("ascending", [20, 40, 60]), ("descending", [60, 40, 20])):
        browser.evaluate(f"{heading}.querySelector('button').click()")
        assert browser.evaluate(f"{heading}.getAttribute('aria-sort')") == order
        assert browser.evaluate(figures) == expected


def test_what_is_folded_away_is_printed(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(700)
    browser.open(pages["plain"].as_uri())
    shown = "(one) => one.checkVisibility({contentVisibilityAuto: true}) && one.offsetHeight > 20"
    tables = "[...document.querySelectorAll('details table')]"
    assert browser.evaluate(f"{tables}.length") > 3
    assert browser.evaluate(f"{tables}.some({shown})") is False
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert browser.becomes(f"{tables}.every({shown})", True)
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    # Paper is no telephone: its tables are tables.
    assert browser.evaluate("getComputedStyle(document.querySelector('td')).display") == "table-cell"


def test_a_screen_reader_is_told_of_tables_and_pictures(browser: Browser, pages: dict[str, Path]) -> None:
    """Also on a telephone, where rows are laid out as blocks."""
    browser.show(375)
    browser.open(pages["plain"].as_uri())
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    names: dict[str, list[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            names.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert "Checks" in names["table"]
    assert {"columnheader", "rowheader", "cell"} <= set(names)
    drawn = names["image"] + names.get("img", [])
    assert any(one.startswith("Confusion matrix of") for one in drawn)
    assert all(drawn)
    assert "Sections" in names["navigation"]
