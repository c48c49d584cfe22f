"""A headless Chromium: what a page's visitors have."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.page.devtools import DevTools, find_browser, open_devtools
from edgemnist.page.engines.base import Engine, Job, answering_script, as_rows
from edgemnist.support import processes
from edgemnist.support.errors import EnvironmentFailure

_CHUNK_BYTES = 8 << 20
"""Of rows in one message; the pipe takes 100 MB."""

_DECODE = "const decoded = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));"
_ENCODE = (
    "const encoded = (bytes) => { let text = ''; for (let at = 0; at < bytes.length; at += 32768) "
    "text += String.fromCharCode(...bytes.subarray(at, at + 32768)); return btoa(text); };"
)


class ChromiumEngine(Engine):
    """The ``chromium`` engine."""

    name = "chromium"

    def available(self) -> str | None:
        """Return None, or how to install it (see :meth:`Engine.available`)."""
        return None if find_browser() else "no Chromium is installed; install it with: sudo apt install chromium"

    def version(self) -> str:
        """Return the last words of what it says of itself (see :meth:`Engine.version`)."""
        words = processes.run([_executable(), "--version"], timeout=60).stdout.split()
        return next((word for word in words if word[0].isdigit()), "of unknown version")

    def run(self, job: Job) -> NDArray[np.uint8]:
        """Run it in an empty page (see :meth:`Engine.run`)."""
        with tempfile.TemporaryDirectory(prefix="edgemnist-", ignore_cleanup_errors=True) as profile:
            try:
                with open_devtools(_executable(), Path(profile)) as browser:
                    return as_rows(b"".join(_answers(browser, job)), job)
            except EnvironmentFailure as error:
                raise EnvironmentFailure(f"chromium could not run the network: {error}") from error


def _executable() -> str:
    found = find_browser()
    if found is None:
        raise EnvironmentFailure("there is no Chromium")
    return found


def _answers(browser: DevTools, job: Job) -> list[bytes]:
    browser.evaluate(f"{answering_script()}\n{_DECODE}\n{_ENCODE}\nlet network;")
    sizes = json.dumps([job.input_bytes, job.output_bytes, job.fed])
    browser.evaluate(f"Answering.of(decoded({_text(job.content)}), ...{sizes}).then((one) => {{ network = one; }})")
    step = max(1, _CHUNK_BYTES // job.rows.shape[1])
    found = []
    for first in range(0, len(job.rows), step):
        rows = job.rows[first : first + step]
        answers = browser.evaluate(f"encoded(network.answer(decoded({_text(rows.tobytes())}), {len(rows)}))")
        found.append(base64.b64decode(answers))
    return found


def _text(content: bytes) -> str:
    return f'"{base64.b64encode(content).decode("ascii")}"'
