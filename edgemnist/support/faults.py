"""What is said of an exception, whatever it is: a report for an error, for a signal, for a fault of ours."""

from __future__ import annotations

import platform
import re
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from edgemnist.support import stopping
from edgemnist.support.errors import EXIT_INTERNAL, EXIT_SIGNAL, EdgeMnistError, ErrorReport
from edgemnist.support.files import package_versions
from edgemnist.support.logs import keep_log
from edgemnist.support.version import VERSION

_LONGEST = 200
_in_threads: list[ErrorReport] = []


def report_of(error: BaseException) -> ErrorReport:
    """Return what is said of any exception, and the exit code that it means."""
    if isinstance(error, EdgeMnistError):
        return error.report()
    if isinstance(error, KeyboardInterrupt):
        return _stopped(stopping.sent())
    return fault_report(error)


def fault_report(error: BaseException) -> ErrorReport:
    """Return what is said of an exception that nobody foresaw; its traceback goes to a log file that is named.

    Where no log can be written, the line says so, and where the exception came from.
    """
    try:
        traceback.clear_frames(error.__traceback__)  # what they hold is freed before memory is needed here
        details = "".join(_details(error))
    except Exception:
        details = _in_words(error) + _place(error)
    try:
        log = keep_log("fault", details)
        place, remedy = "", f"please report it with the details in {log}"
    except Exception as unwritten:
        place, remedy = _place(error), f"please report it; no log of it can be written ({_in_words(unwritten)})"
    return ErrorReport(
        "internal", f"a fault of edgemnist's own: {_in_words(error)}{place}; {remedy}", remedy, EXIT_INTERNAL
    )


def watch_threads(say: Callable[[ErrorReport], object]) -> None:
    """Have an exception that ends a thread said as any other is; :func:`in_threads` then knows of it."""

    def ended(what: threading.ExceptHookArgs) -> None:
        if what.exc_value is not None and not issubclass(what.exc_type, (SystemExit, KeyboardInterrupt)):
            _in_threads.append(fault_report(what.exc_value))
            say(_in_threads[-1])

    threading.excepthook = ended


def in_threads() -> int:
    """Return the exit code that what happened in other threads means: 0, or that of a fault."""
    return EXIT_INTERNAL if _in_threads else 0


def _stopped(number: int) -> ErrorReport:
    how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    return ErrorReport("interrupted", f"{how}; what was complete before is still there", None, EXIT_SIGNAL + number)


def _in_words(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = "(its message cannot be had)"
    return " ".join(f"{type(error).__name__}: {text}".split())[:_LONGEST].removesuffix(":")


def _place(error: BaseException) -> str:
    """Return in brackets where an exception was raised, if that is known."""
    try:
        frames = traceback.extract_tb(error.__traceback__, limit=-1)
    except Exception:
        return ""
    return "".join(f" ({Path(frame.filename).name}:{frame.lineno})" for frame in frames)


def _details(error: BaseException) -> Iterator[str]:
    yield from traceback.format_exception(error)
    yield f"\nedgemnist {VERSION}, Python {sys.version.split()[0]}, {platform.platform()}\n"
    yield f"command: {shlex.join(sys.argv)}\n"
    for name, version in sorted(package_versions(*_packages()).items()):
        yield f"{name} {version}\n"


def _packages() -> list[str]:
    """Return the names of the packages that edgemnist can use."""
    from importlib import metadata

    try:
        required = metadata.requires("edgemnist") or []
    except metadata.PackageNotFoundError:
        return []
    return sorted({match[0] for one in required if (match := re.match(r"[\w.-]+", one))})
