"""What a visitor of a page does: draws, touches, types, chooses files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.browser import Browser

READY = "document.documentElement.dataset.ready !== undefined"
KEYS = {"ArrowRight": 39, "ArrowDown": 40, "ArrowLeft": 37, "ArrowUp": 38, " ": 32, "Delete": 46, "Tab": 9, "z": 90}


def place_of(browser: Browser, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return places on the screen of places on the pad, of which the longer side has 280 pixels."""
    box = browser.evaluate(
        "(() => { const pad = document.getElementById('pad'); pad.scrollIntoView({block: 'center'});"
        "const { left, top, width } = pad.getBoundingClientRect(); return [left, top, width / pad.width]; })()"
    )
    return [(box[0] + x * box[2], box[1] + y * box[2]) for x, y in points]


def draw(browser: Browser, points: Sequence[tuple[float, float]], **details: Any) -> None:
    places = place_of(browser, points)
    for index, (x, y) in enumerate(places):
        kind = "mousePressed" if index == 0 else "mouseMoved"
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1, **details)
    x, y = places[-1]
    browser.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1, **details)


def touch(browser: Browser, points: Sequence[tuple[float, float]]) -> None:
    for index, (x, y) in enumerate(place_of(browser, points)):
        kind = "touchStart" if index == 0 else "touchMove"
        browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


def press(browser: Browser, *keys: str, modifiers: int = 0) -> None:
    for key in keys:
        details = {"key": key, "windowsVirtualKeyCode": KEYS[key], "modifiers": modifiers}
        browser.call("Input.dispatchKeyEvent", type="rawKeyDown", **details)
        browser.call("Input.dispatchKeyEvent", type="keyUp", **details)


def choose(browser: Browser, *files: Path) -> None:
    """Choose files as with the button."""
    node = browser.call("DOM.getDocument")["root"]["nodeId"]
    found = browser.call("DOM.querySelector", nodeId=node, selector="#file")["nodeId"]
    browser.call("DOM.setFileInputFiles", nodeId=found, files=[str(file) for file in files])


def settle(browser: Browser) -> None:
    """Wait until what was done is shown."""
    browser.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
