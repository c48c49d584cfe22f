"""The standard streams, made safe to print to: closed or full, whatever the locale, whatever a name is made of."""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from typing import Any, TextIO

from edgemnist.support.environment import PYTHON_UTF8
from edgemnist.support.errors import EXIT_ENVIRONMENT, storage_remedy

_UNPRINTABLE = "edgemnist.unprintable"
_CLOSED = "it is closed; lead it to a file, or to /dev/null"


class _Lenient(io.FileIO):
    """A descriptor to which writing never fails: the first failure is kept, and what comes after it is dropped."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        while self.failure is None:
            try:
                written = super().write(data)
            except OSError as error:
                self.failure = error
                break
            if written is not None:
                return written
            select.select([], [self], [])  # whoever is at the other end made it a pipe that does not wait
        return size


def use_utf8() -> None:
    """Start this process anew in Python's UTF-8 mode where the locale's encoding for the names of files is another.

    Names, and files whose encoding nobody says, are then the same in every locale, as from Python 3.15 on anyway.
    """
    if sys.getfilesystemencoding() == "utf-8" or not sys.executable:
        return
    os.environ[PYTHON_UTF8] = "1"  # for the processes that this one starts
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def guard() -> None:
    """Make the standard streams ones to which printing never fails; :func:`verdict` says later how it went."""
    codecs.register_error(_UNPRINTABLE, _unprintable)
    # A file opened later must not become one of them. Where nothing can be read, writing to the second fails.
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open for as long as the process
    sys.stdout, sys.stderr = _guarded(sys.stdout, 1), _guarded(sys.stderr, 2)


def verdict(code: int) -> int:
    """Return the exit code: the command's ``code``, or 3 where all went well but its result could not be written.

    A reader that wants no more of it, as ``head`` does, is none of the command's business.
    """
    sys.stdout.flush()
    failure = getattr(getattr(sys.stdout.buffer, "raw", None), "failure", None)
    if failure is None or failure.errno == errno.EPIPE:
        return code
    why = _CLOSED if failure.errno == errno.EBADF else storage_remedy(failure) or failure.strerror
    sys.stderr.write(f"edgemnist: cannot write the result to stdout: {why}\n")
    return code or EXIT_ENVIRONMENT


def _guarded(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is not None:
        stream.flush()
        if not isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):  # a console of Windows
            return stream
    buffer = io.BufferedWriter(_Lenient(descriptor, "w", closefd=False))
    encoding = stream.encoding if stream is not None else "utf-8"
    live = descriptor == 2 or buffer.isatty()
    return io.TextIOWrapper(buffer, encoding, errors=_UNPRINTABLE, line_buffering=live)


def _unprintable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Encode the bytes of a file's name as they were, and any other character as Python escapes it."""
    for handler in ("surrogateescape", "backslashreplace"):
        try:
            return codecs.lookup_error(handler)(error)
        except UnicodeError:
            continue
    raise error
