"""Programs that a command runs, and processes that end with the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_CHILD = """
import os, sys, time
from functools import partial
from pathlib import Path
from edgemnist.support.processes import when_orphaned
when_orphaned(os.getppid(), partial(os._exit, 3))
Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(120)
"""
_PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1], sys.argv[2]])"


def _lives(process: int) -> bool:
    """Whether a process runs; one that has ended may wait for somebody to ask how."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_process_ends_with_the_one_that_started_it_even_if_that_is_killed(tmp_path: Path) -> None:
    told, end = tmp_path / "child", time.monotonic() + 60
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, _CHILD, str(told)])
    while not (told.exists() and told.read_text()):
        assert time.monotonic() < end
        time.sleep(0.05)
    child = int(told.read_text())
    assert _lives(child)

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    while _lives(child):
        assert time.monotonic() < end, "it lives on without the one that started it"
        time.sleep(0.05)
