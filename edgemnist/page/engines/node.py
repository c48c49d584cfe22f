"""Node.js: the engine of Chromium without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.page.engines.base import Engine, Job, answering_script, as_rows
from edgemnist.support import processes
from edgemnist.support.errors import EnvironmentFailure

_TIMEOUT_SECONDS = 600.0
_MAIN = """
const { readFileSync, writeFileSync } = require("node:fs");
const job = JSON.parse(readFileSync("job.json", "utf8"));
const read = (name) => new Uint8Array(readFileSync(name));
Answering.of(read("network.wasm"), job.inputBytes, job.outputBytes, job.fed)
  .then((network) => writeFileSync("answers", network.answer(read("rows"), job.count)))
  .catch((error) => { console.error(String(error)); process.exit(1); });
"""


class NodeEngine(Engine):
    """The ``node`` engine."""

    name = "node"

    def available(self) -> str | None:
        """Return None, or how to install it (see :meth:`Engine.available`)."""
        return None if shutil.which("node") else "node is not installed; install it with: sudo apt install nodejs"

    def version(self) -> str:
        """Return what it says (see :meth:`Engine.version`)."""
        return processes.run(["node", "--version"], timeout=_TIMEOUT_SECONDS).stdout.strip().lstrip("v")

    def run(self, job: Job) -> NDArray[np.uint8]:
        """Run it once (see :meth:`Engine.run`)."""
        sizes = {"inputBytes": job.input_bytes, "outputBytes": job.output_bytes}
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as name:
            folder = Path(name)
            (folder / "network.wasm").write_bytes(job.content)
            (folder / "rows").write_bytes(job.rows.tobytes())
            (folder / "job.json").write_text(json.dumps({**sizes, "fed": job.fed, "count": len(job.rows)}))
            (folder / "main.cjs").write_text(answering_script() + _MAIN, encoding="utf-8")
            _run(folder)
            return as_rows((folder / "answers").read_bytes(), job)


def _run(folder: Path) -> None:
    try:
        done = processes.run(["node", "main.cjs"], cwd=folder, timeout=_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(f"node did not end within {_TIMEOUT_SECONDS:g} s; give fewer --images") from error
    if done.returncode:
        raise EnvironmentFailure(f"node failed with exit code {done.returncode}: {done.stderr.strip()[:2000]}")
