"""The page and a board: firmware in QEMU, its UART behind a pseudo-terminal, and the page that talks to it.

Chromium asks its user for a port, which nobody here can answer: only that port is a stand-in, which hands bytes on
between the page and the pseudo-terminal.
"""

from __future__ import annotations

import base64
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import FirmwareImage, build_firmware
from edgemnist.tflite.file import TfliteModel, read_tflite
from tests.browser import Browser, find_browser, open_browser
from tests.mcu.firmware import model as another_model
from tests.mcu.test_uart import UART, plugged_in
from tests.oracles import needs
from tests.page.hands import draw, settle
from tests.page.javascript import NEEDS_NODE

pytestmark = [
    needs("tflm"), NEEDS_NODE,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed; run scripts/test"),
]  # fmt: skip

BOARD = "mps2-an385"
PORT = """
(() => {
  let incoming;
  globalThis.fromBoard = (text) => incoming.enqueue(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)));
  const port = {
    async open(settings) {
      globalThis.opened = settings;
      this.readable = new ReadableStream({ start(controller) { incoming = controller; } });
      this.writable = new WritableStream({ write(bytes) { toBoard(btoa(String.fromCharCode(...bytes))); } });
    },
    async close() { globalThis.letGo = !this.readable.locked && !this.writable.locked; },
  };
  Object.defineProperty(navigator, "serial", { value: { async requestPort() { return port; } } });
})();
"""
STATE = "document.getElementById('board-state').textContent"
SHOWN = "document.getElementById('raw').textContent"
THERE = "document.getElementById('there-output').textContent"
COMPARED = "document.getElementById('compared').textContent"


@dataclass
class Wire:
    """Bytes on their way between an open page and a pseudo-terminal; ``spoilt``: one is to be lost on the way there."""

    browser: Browser
    near: int
    spoilt: bool = False
    _seen: set[int] = field(default_factory=set)

    def until(self, expression: str, seconds: float = 20.0) -> None:
        """Hand bytes on until an expression is true."""
        deadline = time.monotonic() + seconds
        while not self.browser.evaluate(expression):
            assert time.monotonic() < deadline, f"{expression}: {self.browser.evaluate(STATE)}"
            self._hand_on()

    def _hand_on(self) -> None:
        for event in self.browser.told("Runtime.bindingCalled"):
            if id(event) not in self._seen:
                self._seen.add(id(event))
                message = base64.b64decode(event["payload"])
                os.write(self.near, message[:20] + message[21:] if self.spoilt else message)
                self.spoilt = False
        if select.select([self.near], [], [], 0.02)[0]:
            text = base64.b64encode(os.read(self.near, 4096)).decode()
            self.browser.evaluate(f"fromBoard('{text}')")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, real_models: Path, real_data: Path) -> Path:
    found = tmp_path_factory.mktemp("board") / "page.html"
    model = str(real_models / "compact_int8.tflite")
    assert cli.run(["page", model, "--out", str(found), "--engine", "node", "--images", "10"]) == 0
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("browser") / "profile"
    profile.mkdir()
    with open_browser(profile) as opened:
        yield opened


@contextmanager
def connected(browser: Browser, page: Path, image: FirmwareImage) -> Iterator[Wire]:
    """Open the page with a board that is plugged in, and press the button."""
    script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=PORT)["identifier"]
    browser.call("Runtime.addBinding", name="toBoard")
    try:
        browser.show(1280)
        browser.open(page.as_uri())
        assert browser.becomes("document.documentElement.dataset.ready !== undefined", True)
        with plugged_in(image) as port:
            near = os.open(port, os.O_RDWR | os.O_NOCTTY)
            try:
                browser.evaluate("document.getElementById('connect').click()")
                yield Wire(browser, near)
            finally:
                os.close(near)
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        browser.call("Runtime.removeBinding", name="toBoard")


def image_of(model: TfliteModel, folder: Path) -> FirmwareImage:
    return build_firmware(model, find_board(BOARD), UART, folder)


def test_board_and_page_give_the_same_bytes(browser: Browser, page: Path, real_models: Path, tmp_path: Path) -> None:
    image = image_of(read_tflite(real_models / "compact_int8.tflite"), tmp_path)
    with connected(browser, page, image) as wire:
        wire.until(f"{COMPARED}.includes('So far 1 inputs, 0 different')")
        assert browser.evaluate(STATE).startswith(f"{BOARD}, arena of ")
        assert browser.evaluate("opened") == {"baudRate": 115200}
        draw(browser, [(60, 60), (210, 60), (190, 110), (150, 170), (120, 240)])
        settle(browser)
        wire.until(f"{THERE} === {SHOWN}")
        # A byte is lost: the request is sent again.
        wire.spoilt = True
        browser.evaluate("document.querySelectorAll('#examples button')[3].click()")
        settle(browser)
        wire.until(f"{THERE} === {SHOWN}")
        assert not wire.spoilt
        found = browser.evaluate(COMPARED)
        assert found.startswith("✓ all 10 bytes are equal, ")
        assert found.endswith("inputs, 0 different.")
        assert " ms there" in found
        assert browser.evaluate("document.getElementById('here-output').textContent") == browser.evaluate(SHOWN)
        assert browser.evaluate("document.getElementById('connect').textContent") == "Disconnect"
        browser.evaluate("document.getElementById('connect').click()")
        wire.until("globalThis.letGo === true")
        assert browser.evaluate(STATE) == "Not connected: disconnected."


def test_a_board_with_another_model_is_refused(browser: Browser, page: Path, tmp_path: Path) -> None:
    with connected(browser, page, image_of(another_model(), tmp_path)) as wire:
        wire.until(f"{STATE}.startsWith('Not connected')")
        message = f"Not connected: {BOARD} runs another model; flash the firmware of this one."
        assert browser.evaluate(STATE) == message
        assert browser.evaluate("document.getElementById('board-table').hidden") is True


def test_a_browser_with_serial_ports_shows_the_board(browser: Browser, page: Path) -> None:
    """The real thing, without a user: no port is chosen."""
    browser.show(375)
    browser.open(page.as_uri())
    assert browser.becomes("document.documentElement.dataset.ready !== undefined", True)
    assert browser.evaluate("document.getElementById('on-board').hidden") is False
    browser.evaluate("document.getElementById('connect').click()")
    assert browser.becomes(f"{STATE}.startsWith('Not connected: ')", True)
    assert browser.evaluate("document.documentElement.scrollWidth") == 375
