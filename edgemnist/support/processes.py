"""Programs that a command runs: they end with it, and so does what they started themselves.

Each leads a process group of its own: a compiler's driver does not end what it started when it is ended. First a group
gets SIGTERM, by which compilers remove their temporary files, and SIGKILL a little later.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from edgemnist.support import stopping

_GRACE_SECONDS = 1.0
_ORPHAN_SECONDS = 0.5

_running: set[subprocess.Popen[Any]] = set()
_ending = threading.Event()


def start(command: Sequence[str | os.PathLike[str]], **settings: Any) -> subprocess.Popen[Any]:
    """Start a program; ``settings`` are those of :class:`subprocess.Popen`. It is to be given to :func:`forget`.

    :raises OSError: it can't be started.
    :raises KeyboardInterrupt: the command is being ended.
    """
    with stopping.held():
        if _ending.is_set():
            raise KeyboardInterrupt
        process: subprocess.Popen[Any] = subprocess.Popen(command, start_new_session=True, **settings)
        _running.add(process)
    return process


def run(
    command: Sequence[str | os.PathLike[str]], *, timeout: float | None = None, data: bytes = b"", **settings: Any
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, ``data`` as its stdin, and return its exit code and what it printed, read as UTF-8.

    ``settings`` are those of :class:`subprocess.Popen`.

    :raises subprocess.TimeoutExpired: it took longer than ``timeout`` seconds; it is ended.
    :raises OSError: it can't be started.
    """
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = start(command, **pipes, **settings)
    try:
        printed = process.communicate(data, timeout)
    finally:
        end(process)
        forget(process)
    output, errors = (part.decode("utf-8", "replace") for part in printed)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def when_orphaned(parent: int, then: Callable[[], None]) -> None:
    """Have a thread call ``then`` once the process that started this one, ``parent``, is gone, even by SIGKILL."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_ORPHAN_SECONDS)
        then()

    threading.Thread(target=watch, daemon=True).start()


def end(process: subprocess.Popen[Any]) -> None:
    """End a program, unless it has left already, and what is left of all that it started.

    It has a moment to put things in order.
    """
    if process.poll() is None:
        _tell(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    kill(process)


def kill(process: subprocess.Popen[Any]) -> None:
    """End a program that has nothing to put in order, with all that it started."""
    _tell(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()


def forget(process: subprocess.Popen[Any]) -> None:
    """Close the pipes to a program that has ended."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):  # what nobody reads any more
                pipe.close()
    _running.discard(process)


def tell_all() -> None:
    """Tell every program to end, those that other threads wait for too; no other is started."""
    _ending.set()
    for process in list(_running):
        if process.returncode is None:
            _tell(process, signal.SIGTERM)


stopping.do_first(tell_all)


def _tell(process: subprocess.Popen[Any], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
