"""A headless Chromium, spoken to over DevTools' pipe: no port, no network, no package.

Source of the protocol: Chromium's DevTools protocol; on the pipe each message is JSON, ended by a zero byte.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgemnist.support import processes
from edgemnist.support.errors import EnvironmentFailure

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars", "--mute-audio",
    "--remote-debugging-pipe",
)  # fmt: skip
_SECONDS = 300.0
_GRACE_SECONDS = 20.0


def find_browser() -> str | None:
    """Return the path of an installed Chromium, None where there is none, or none that has such a pipe."""
    return next((path for name in COMMANDS if (path := shutil.which(name))), None) if os.name == "posix" else None


@dataclass
class DevTools:
    """A browser's page. ``events``: what it told beside its answers."""

    commands: int
    answers: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result.

        :raises EnvironmentFailure: the browser refuses it, does not answer, or has ended.
        """
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self._write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise EnvironmentFailure(f"the browser refuses {method}: {answer['error'].get('message')}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or of the promise that it is.

        :raises EnvironmentFailure: it throws.
        """
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise EnvironmentFailure(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def read(self) -> dict[str, Any]:
        """Return the next message, an answer or an event."""
        deadline = time.monotonic() + _SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.answers], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise EnvironmentFailure(f"the browser gave no answer within {_SECONDS:g} s")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise EnvironmentFailure("the browser has ended")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _write(self, content: bytes) -> None:
        try:
            while content:
                content = content[os.write(self.commands, content) :]
        except OSError as error:
            raise EnvironmentFailure(f"the browser has ended: {error.strerror}") from error


@contextmanager
def open_devtools(executable: str, profile: Path, host: str = "") -> Iterator[DevTools]:
    """Start a browser with an empty page; ``profile`` is a folder of its own. Nothing of it is left in the end.

    ``host``: the only one that it reaches; by default it reaches none.

    :raises EnvironmentFailure: it does not start.
    """
    to_read, commands = os.pipe()
    answers, to_write = os.pipe()
    # It reads commands from descriptor 3 and answers on 4.
    script = f'exec 3<&{to_read} 4>&{to_write}; exec "$@"'
    rules = f"--host-resolver-rules=MAP * ~NOTFOUND{f', EXCLUDE {host}' if host else ''}"
    flags = [*_FLAGS, rules, *(["--no-sandbox"] if os.geteuid() == 0 else [])]  # as root it has none
    process = processes.start(
        ["bash", "-c", script, "bash", executable, *flags, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(to_read, to_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_write)
    browser = DevTools(commands, answers)
    try:
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        yield browser
    finally:
        with suppress(EnvironmentFailure):
            browser.session = ""
            browser.call("Browser.close")
        os.close(commands)
        os.close(answers)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_GRACE_SECONDS)
        processes.end(process)
        processes.forget(process)
