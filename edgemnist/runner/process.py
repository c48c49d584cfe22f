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
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from edgemnist.runner.protocol import Message, receive, send

_SAID_BYTES = 1 << 20


class ProcessEndedError(Exception):
    """The process is gone without an answer.

    ``what`` says how, as the end of a sentence that begins with the process; ``signal_number`` is that which killed it,
    None otherwise; ``hung`` whether its time was up; ``said`` is what it printed since the request.
    """

    def __init__(self, what: str, *, signal_number: int | None, hung: bool, said: str) -> None:
        super().__init__(what)
        self.what, self.signal_number, self.hung, self.said = what, signal_number, hung, said


class AnsweringProcess:
    """A process that runs ``module`` with arguments, started at the first request and again after it ended.

    Not thread-safe.

    ``timeout`` is in seconds, per request. ``environment`` is added to the process's environment variables.
    """

    def __init__(
        self, module: str, *arguments: str, timeout: float, environment: Mapping[str, str] | None = None
    ) -> None:
        self.timeout = timeout
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._stderr_start = 0

    @property
    def pid(self) -> int | None:
        """The process's identifier, None while it does not run."""
        return None if self._process is None else self._process.pid

    def exchange(self, message: Message) -> Message:
        """Send a request and return its answer.

        :raises ProcessEndedError: the process died, or gave no answer in time.
        """
        process = self._running()
        assert process.stdin is not None and process.stdout is not None  # both are pipes
        self._stderr_start = self._stderr_size()
        expired = threading.Event()
        timer = threading.Timer(self.timeout, _expire, (expired, process))
        timer.daemon = True
        try:
            timer.start()
            send(process.stdin, message)  # type: ignore[arg-type]
            return receive(process.stdout)  # type: ignore[arg-type]
        except (EOFError, OSError) as error:
            raise self._ending(process, hung=expired.is_set()) from error
        except BaseException:
            self.close()  # the answer to an interrupted request must not be taken for that to the next one
            raise
        finally:
            timer.cancel()

    def said(self) -> str:
        """Return what the process printed since the last request, at most its last mebibyte."""
        if self._stderr is None:
            return ""
        start = max(self._stderr_start, self._stderr_size() - _SAID_BYTES)
        return os.pread(self._stderr.fileno(), _SAID_BYTES, start).decode(errors="replace").strip()

    def close(self) -> None:
        """End the process; the next request starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None
            self._stderr_start = 0

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                # `python -m` looks for modules in its working folder first: that must not be the user's.
                cwd=Path(__file__).parents[2],
                env={**os.environ, **self._environment},
            )
        return self._process

    def _ending(self, process: subprocess.Popen[bytes], *, hung: bool) -> ProcessEndedError:
        code = process.wait()
        number = -code if code < 0 and not hung else None
        if hung:
            what = f"gave no answer within {self.timeout:g} s and was ended"
        elif number is not None:
            hint = "; often out of memory" if number == signal.SIGKILL else ""
            what = f"was killed by signal {number} ({signal.strsignal(number)}{hint})"
        else:
            what = f"ended with code {code}"
        said = self.said()
        self.close()
        return ProcessEndedError(what, signal_number=number, hung=hung, said=said)

    def _stderr_size(self) -> int:
        return 0 if self._stderr is None else os.fstat(self._stderr.fileno()).st_size


def _expire(expired: threading.Event, process: subprocess.Popen[bytes]) -> None:
    expired.set()
    process.kill()
