"""A headless Chromium that a test looks at pages with: what they say and ask for, and how they look."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgemnist.page.devtools import DevTools, find_browser, open_devtools

__all__ = ["Browser", "find_browser", "open_browser"]


class Browser:
    """A browser's page. ``events``: what it told of console, requests and errors since the last page was opened."""

    def __init__(self, devtools: DevTools) -> None:
        self._devtools = devtools

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it told beside its answers."""
        return self._devtools.events

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result."""
        return self._devtools.call(method, **parameters)

    def open(self, address: str) -> None:
        """Open a page and wait until it is complete."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait_for("Page.loadEventFired")

    def wait_for(self, method: str) -> None:
        """Wait for an event."""
        while not self.told(method):
            self.events.append(self._devtools.read())

    def told(self, method: str) -> list[dict[str, Any]]:
        """Return what events of a kind said."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        return self._devtools.evaluate(expression)

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


@contextmanager
def open_browser(folder: Path, host: str = "") -> Iterator[Browser]:
    """Start a browser with a page; ``folder`` is for its profile. Nothing of it is left in the end.

    ``host``: the only one that it reaches; by default it reaches none.
    """
    executable = find_browser()
    assert executable is not None
    with open_devtools(executable, folder, host) as devtools:
        for domain in ("Page", "Runtime", "Network", "Log"):
            devtools.call(f"{domain}.enable")
        yield Browser(devtools)
