"""A headless Chromium that a test looks at pages with, over DevTools' pipe: no port, no network, no package.

Source of the protocol: Chromium's DevTools protocol; on the pipe each message is JSON, ended by a zero byte.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMANDS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars", "--mute-audio",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
)  # fmt: skip
_SECONDS = 60.0


def find_browser() -> str | None:
    """Return the path of an installed Chromium, None where there is none."""
    return next((path for name in COMMANDS if (path := shutil.which(name))), None)


@dataclass
class Browser:
    """A browser's page. ``events``: what it told of console, requests and errors since the last page was opened."""

    commands: int
    answers: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def open(self, address: str) -> None:
        """Open a page and wait until it is complete."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait_for("Page.loadEventFired")

    def wait_for(self, method: str) -> None:
        """Wait for an event."""
        while not self.told(method):
            self.events.append(self._read())

    def told(self, method: str) -> list[dict[str, Any]]:
        """Return what events of a kind said."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def becomes(self, expression: str, value: Any, seconds: float = 10.0) -> bool:
        """Whether an expression has a value within some seconds: what is laid out anew is so in the next frame."""
        deadline = time.monotonic() + seconds
        while self.evaluate(expression) != value:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def show(self, width: int, *, dark: bool = False, scripts: bool = True) -> None:
        """Make the page so many pixels wide, light or dark; without scripts from the next page on."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)

    def screenshot(self, path: Path) -> bytes:
        """Write the whole page, however long, as a PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        content = base64.b64decode(shot["data"])
        path.write_bytes(content)
        return content

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + _SECONDS
        while b"\0" not in self._rest:
            assert time.monotonic() < deadline, "the browser does not answer"
            part = os.read(self.answers, 1 << 20)
            assert part, "the browser has ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@contextmanager
def open_browser(folder: Path) -> Iterator[Browser]:
    """Start a browser with a page; ``folder`` is for its profile. Nothing of it is left in the end."""
    executable = find_browser()
    assert executable is not None
    to_read, commands = os.pipe()
    answers, to_write = os.pipe()
    # It reads commands from descriptor 3 and answers on 4.
    script = f'exec 3<&{to_read} 4>&{to_write}; exec "$@"'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", executable, *_FLAGS, f"--user-data-dir={folder}", "about:blank"],
        pass_fds=(to_read, to_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_write)
    browser = Browser(commands, answers)
    try:
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            browser.call(f"{domain}.enable")
        yield browser
    finally:
        with suppress(AssertionError, OSError):
            browser.session = ""
            browser.call("Browser.close")
        os.close(commands)
        os.close(answers)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
