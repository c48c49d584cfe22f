"""Talk to a runtime in a worker process of its own, so that a runtime that crashes or hangs takes nothing with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.base import Latency, RunResult
from edgemnist.runner.protocol import Message, receive, send
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import MissingDependencyError, RuntimeCrashedError, UnsupportedModelError
from edgemnist.tflite.file import parse_tflite, read_tflite
from edgemnist.tflite.kinds import operator_outputs

DEFAULT_TIMEOUT = 300.0
"""Seconds one request may take, the start of the runtime included."""

_TAIL_BYTES = 2000


class WorkerProcess:
    """One worker process, started at the first request and again after a crash. Not thread-safe.

    ``timeout`` is in seconds, per request. ``environment`` is added to the worker's environment variables.
    """

    def __init__(self, *, timeout: float = DEFAULT_TIMEOUT, environment: Mapping[str, str] | None = None) -> None:
        self.timeout = timeout
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._stderr_start = 0

    def request(self, runtime: str, header: Mapping[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> Message:
        """Send a request to a runtime and return its answer.

        :raises MissingDependencyError: the runtime is not installed, or its installation is broken.
        :raises UnsupportedModelError: the runtime refused the model; the reason is its own.
        :raises RuntimeCrashedError: the process died, or gave no answer in time.
        """
        found = find_runtime(runtime)
        reason = found.available()
        if reason is not None:
            raise MissingDependencyError(f"the runtime {runtime!r} cannot run here: {reason}")
        answer = self._exchange(runtime, Message({**header, "runtime": runtime}, arrays))
        if "missing" in answer.header:
            raise MissingDependencyError(
                f"the runtime {runtime!r} is installed but does not start ({answer.header['error']}); "
                f"install it again: {found.install}"
            )
        if "error" in answer.header:
            raise UnsupportedModelError(f"the runtime {runtime!r} refused the model:", self._refusal(answer))
        return answer

    @property
    def pid(self) -> int | None:
        """The process's identifier, None while it does not run."""
        return None if self._process is None else self._process.pid

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

    def _exchange(self, runtime: str, message: Message) -> Message:
        process = self._running()
        assert process.stdin is not None and process.stdout is not None  # both are pipes
        self._stderr_start = self._stderr_size()
        expired = threading.Event()
        timer = threading.Timer(self.timeout, _expire, (expired, process))
        timer.daemon = True
        timer.start()
        try:
            send(process.stdin, message)  # type: ignore[arg-type]
            return receive(process.stdout)  # type: ignore[arg-type]
        except (EOFError, OSError) as error:
            raise RuntimeCrashedError(self._post_mortem(runtime, process, hung=expired.is_set())) from error
        except BaseException:
            self.close()  # the answer to an interrupted request must not be taken for that to the next one
            raise
        finally:
            timer.cancel()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edgemnist.runner.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                # `python -m` looks for modules in its working folder first: that must not be the user's.
                cwd=Path(__file__).parents[2],
                env={**os.environ, "OMP_NUM_THREADS": "1", **self._environment},
            )
        return self._process

    def _post_mortem(self, runtime: str, process: subprocess.Popen[bytes], *, hung: bool) -> str:
        code = process.wait()
        if hung:
            what = f"gave no answer within {self.timeout:g} s and was ended"
        elif code < 0:
            hint = "; often out of memory" if -code == signal.SIGKILL else ""
            what = f"was killed by signal {-code} ({signal.strsignal(-code)}{hint})"
        else:
            what = f"ended with code {code}"
        tail = self._stderr_tail()
        self.close()
        return f"the process of the runtime {runtime!r} {what}" + (f"; its last words:\n{tail}" if tail else "")

    def _refusal(self, answer: Message) -> list[str]:
        tail = self._stderr_tail()
        return [str(answer.header["error"]), *([f"last words on stderr:\n{tail}"] if tail else [])]

    def _stderr_size(self) -> int:
        return 0 if self._stderr is None else os.fstat(self._stderr.fileno()).st_size

    def _stderr_tail(self) -> str:
        """Return the end of what the runtime printed during the present request."""
        if self._stderr is None:
            return ""
        start = max(self._stderr_start, self._stderr_size() - _TAIL_BYTES)
        return os.pread(self._stderr.fileno(), _TAIL_BYTES, start).decode(errors="replace").strip()


def _expire(expired: threading.Event, process: subprocess.Popen[bytes]) -> None:
    expired.set()
    process.kill()


class RuntimeWorker:
    """A runtime in a worker process that takes many requests; see :func:`runtime_worker`."""

    def __init__(self, runtime: str, process: WorkerProcess) -> None:
        self.runtime = runtime
        self.process = process

    def version(self) -> str:
        """Import the runtime and return its version."""
        return str(self.process.request(self.runtime, {"command": "version"}).header["version"])

    def trace(
        self, model: bytes | Path, inputs: Sequence[NDArray[Any]], tensors: Sequence[int] | None = None
    ) -> dict[int, NDArray[Any]]:
        """Run a ``.tflite`` model and return its operators' outputs by tensor index.

        :param model: the file's bytes, or its path.
        :param inputs: one array per model input, of shape (cases, *input shape), the batch in the input shape included.
        :param tensors: which operators' outputs; None for all.
        :returns: for each tensor an array of shape (cases, *tensor shape), in the tensor's dtype.
        """
        if tensors is None:
            tensors = operator_outputs(parse_tflite(model) if isinstance(model, bytes) else read_tflite(model))
        answer = self._request({"command": "trace", "tensors": list(tensors)}, model, inputs)
        return dict(zip(tensors, answer.arrays, strict=True))

    def invoke(self, model: bytes | Path, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run a model and return one array of shape (cases, *output shape) per model output.

        :param model: the bytes of a ``.tflite`` file, or the path of any model file that the runtime takes.
        :param inputs: as for :meth:`trace`.
        """
        return list(self._request({"command": "invoke"}, model, inputs).arrays)

    def run(self, model_path: Path, inputs: NDArray[Any], *, logits_tensor: int | None = None) -> RunResult:
        """Run an image classifier over inputs of shape (N, *image shape) in the model's input dtype, and time it.

        ``logits_tensor`` is the index of the tensor to return as logits.
        """
        answer = self._request({"command": "run", "logits_tensor": logits_tensor}, model_path, [inputs])
        return RunResult(
            runtime=self.runtime,
            version=answer.header["version"],
            kernels=answer.header["kernels"],
            outputs=answer.arrays[0],
            logits=answer.arrays[1] if len(answer.arrays) > 1 else None,
            latency=Latency(**answer.header["latency"]),
            rss_bytes=answer.header["rss_bytes"],
        )

    def _request(self, header: Mapping[str, Any], model: bytes | Path, inputs: Sequence[NDArray[Any]]) -> Message:
        """Send a request about a model; its path goes into the header, its bytes are the first array."""
        if isinstance(model, bytes):
            return self.process.request(self.runtime, header, [np.frombuffer(model, dtype=np.uint8), *inputs])
        return self.process.request(self.runtime, {**header, "path": str(model.resolve())}, inputs)


@contextmanager
def runtime_worker(runtime: str, *, timeout: float = DEFAULT_TIMEOUT) -> Iterator[RuntimeWorker]:
    """Keep a runtime in a worker process for as many requests as the ``with`` block makes; see :class:`WorkerProcess`.

    The process starts at the first request, and anew after a crash.

    :raises InputError: there is no runtime of that name.
    """
    find_runtime(runtime)
    process = WorkerProcess(timeout=timeout)
    try:
        yield RuntimeWorker(runtime, process)
    finally:
        process.close()
