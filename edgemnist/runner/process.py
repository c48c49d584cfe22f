"""A process that answers requests one at a time, so that what crashes or hangs in it takes nothing with it.

What is to answer is a module that calls :func:`edgemnist.runner.worker.serve`; both sides speak
``edgemnist.runner.protocol``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from edgemnist.runner.protocol import Message, receive, send
from edgemnist.support import errors, processes
from edgemnist.support.errors import EdgeMnistError
from edgemnist.support.memory import machine_bytes, resident_bytes_of

MEMORY_SHARE = 0.75
"""Of the memory that there is, what one such process may take."""

_SAID_BYTES = 1 << 20
_MOST_SAID_BYTES = 1 << 30
_WATCH_SECONDS = 0.1


class ProcessEndedError(Exception):
    """The process is gone without an answer.

    ``what`` says how, as the end of a sentence that begins with the process; ``signal_number`` is that which killed it,
    None otherwise; ``hung`` whether its time was up or it took too much of something else and was ended; ``said`` is
    what it printed since the request.
    """

    def __init__(self, what: str, *, signal_number: int | None, hung: bool, said: str) -> None:
        super().__init__(what)
        self.what, self.signal_number, self.hung, self.said = what, signal_number, hung, said


def raised_over_there(header: Mapping[str, Any], message: str) -> EdgeMnistError | None:
    """Return the error of edgemnist's own that an answer tells of, with ``message``; None where it was another one."""
    if "raised" not in header:
        return None
    if header["raised"] == errors.UnsupportedModelError.__name__:
        headline, *problems = message.split("\n  - ")
        return errors.UnsupportedModelError(headline, problems)
    kind: type[EdgeMnistError] = getattr(errors, header["raised"], errors.ModelError)
    return kind(message)


class AnsweringProcess:
    """A process that runs ``module`` with arguments, started at the first request and again after it ended.

    Not thread-safe.

    ``timeout`` is in seconds, per request; ``memory_limit`` in bytes of resident memory, by default
    :data:`MEMORY_SHARE` of what there is. ``environment`` is added to the process's environment variables.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        timeout: float,
        environment: Mapping[str, str] | None = None,
        memory_limit: int | None = None,
    ) -> None:
        self.timeout = timeout
        self.memory_limit = int(MEMORY_SHARE * machine_bytes()) if memory_limit is None else memory_limit
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._stderr_start = 0

    @property
    def pid(self) -> int | None:
        """The process's identifier, None while it does not run."""
        return None if self._process is None else self._process.pid

    @property
    def lives(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def exchange(self, message: Message) -> Message:
        """Send a request and return its answer.

        :raises ProcessEndedError: the process died, or gave no answer in time.
        """
        process = self._running()
        assert process.stdin is not None and process.stdout is not None  # both are pipes
        self._stderr_start = self._stderr_size()
        watch = _Watch(process, self.timeout, self.memory_limit, self._stderr)
        try:
            watch.start()
            send(process.stdin, message)  # type: ignore[arg-type]
            return receive(process.stdout)  # type: ignore[arg-type]
        except (EOFError, OSError) as error:
            raise self._ending(process, watch.ended_for) from error
        except (ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
            processes.end(process)
            raise self._ending(process, "answered what makes no sense and was ended") from error
        except BaseException:
            processes.end(process)  # with what it has started for the request
            self.close()  # the answer to an interrupted request must not be taken for that to the next one
            raise
        finally:
            watch.done.set()

    def said(self) -> str:
        """Return what the process printed since the last request, at most its last mebibyte."""
        if self._stderr is None:
            return ""
        start = max(self._stderr_start, self._stderr_size() - _SAID_BYTES)
        return os.pread(self._stderr.fileno(), _SAID_BYTES, start).decode(errors="replace").strip()

    def close(self) -> None:
        """End the process; the next request starts a new one."""
        if self._process is not None:
            processes.kill(self._process)
            processes.forget(self._process)
            self._process = None
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None
            self._stderr_start = 0

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
            self._process = processes.start(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                # `python -m` looks for modules in its working folder first: that must not be the user's.
                cwd=Path(__file__).parents[2],
                env={**os.environ, **self._environment},
            )
        return self._process

    def _ending(self, process: subprocess.Popen[bytes], ended_for: str) -> ProcessEndedError:
        """Return what became of the process; ``ended_for`` says why it was ended from here, "" if it was not."""
        code = process.wait()
        number = -code if code < 0 and not ended_for else None
        if ended_for:
            what = ended_for
        elif number is not None:
            hint = "; often out of memory" if number == signal.SIGKILL else ""
            what = f"was killed by signal {number} ({signal.strsignal(number)}{hint})"
        else:
            what = f"ended with code {code}"
        said = self.said()
        self.close()
        return ProcessEndedError(what, signal_number=number, hung=bool(ended_for), said=said)

    def _stderr_size(self) -> int:
        return 0 if self._stderr is None else os.fstat(self._stderr.fileno()).st_size


class _Watch(threading.Thread):
    """Ends a process that takes too long for a request, or too much memory, or prints without end.

    ``ended_for``: why it was ended, as the end of a sentence that begins with the process; "" if it was not.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], timeout: float, memory_limit: int, stderr: IO[bytes] | None
    ) -> None:
        super().__init__(daemon=True)
        self.done, self.ended_for = threading.Event(), ""
        self._process, self._timeout, self._memory_limit = process, timeout, memory_limit
        # Its own handle: the other may be closed while this thread looks at it.
        self._stderr = None if stderr is None else os.dup(stderr.fileno())

    def run(self) -> None:
        """Look every :data:`_WATCH_SECONDS` until the request is done."""
        deadline = time.monotonic() + self._timeout
        while not self.done.wait(min(_WATCH_SECONDS, max(0.0, deadline - time.monotonic()))):
            self.ended_for = self._reason(deadline)
            if self.ended_for:
                processes.end(self._process)
                break
        if self._stderr is not None:
            os.close(self._stderr)

    def _reason(self, deadline: float) -> str:
        if time.monotonic() >= deadline:
            return f"gave no answer within {self._timeout:g} s and was ended"
        if (resident_bytes_of(self._process.pid) or 0) > self._memory_limit:
            return f"took more than the {self._memory_limit / 2**20:,.0f} MiB of memory it may and was ended"
        if self._stderr is not None and os.fstat(self._stderr).st_size > _MOST_SAID_BYTES:
            return f"printed more than {_MOST_SAID_BYTES / 2**20:,.0f} MiB and was ended"
        return ""
