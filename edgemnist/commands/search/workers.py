"""A study's workers on this machine: started together, and none is left when the command ends, however it does."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgemnist.support import processes

_GRACE_SECONDS = 5.0
"""For a worker that is told to end, to free what it tries; one that is in the middle of TensorFlow's work takes longer,
and whoever looks next finds that it is dead."""

Workers = Sequence["subprocess.Popen[bytes]"]


@contextlib.contextmanager
def workers(options: Sequence[str], jobs: int, folder: Path) -> Iterator[Workers]:
    """Run workers in processes of their own, each with its share of the cores.

    ``options``: which study, as ``edgemnist search worker`` takes it; ``folder`` gets their logs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    command = [sys.executable, "-m", "edgemnist", "search", "worker", *options, "--parent", str(os.getpid())]
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads}
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(1, jobs + 1):
            with log_of(folder, number).open("wb") as log:
                started.append(
                    processes.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
                )
        yield started
    finally:
        _end(started)


def log_of(folder: Path, number: int) -> Path:
    """Return where a worker's messages are."""
    return folder / f"worker-{number}.log"


def last_line(path: Path) -> str:
    """Return the last that a worker said."""
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing"


def _end(started: Workers) -> None:
    """End the workers and all that they started; another Ctrl-C meanwhile leaves none either."""
    deadline = time.monotonic() + _GRACE_SECONDS
    try:
        for one in started:
            one.terminate()
        for one in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(max(0.0, deadline - time.monotonic()))
    finally:
        for one in started:
            processes.kill(one)
            processes.forget(one)
