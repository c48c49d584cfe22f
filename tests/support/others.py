"""Other processes that do something in Python and wait at a known point, to be let go on or killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_WAITS = "\ndef wait():\n    print('here', flush=True)\n    input()\n"


@contextmanager
def another(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python code in a process until it calls ``wait()``; a line on its stdin lets it go on. Gone in the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WAITS + code, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "here\n":
            raise AssertionError(f"ended too early: {process.communicate()}")
        yield process
    finally:
        process.kill()
        process.communicate()


def go_on(process: subprocess.Popen[str]) -> None:
    """Let a waiting process go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
