"""Talk to a runtime in a worker process of its own, so that a runtime that crashes or hangs takes nothing with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner import refusals
from edgemnist.runner.base import InputFacts, Loading, RunResult, StepTime
from edgemnist.runner.process import AnsweringProcess, ProcessEndedError
from edgemnist.runner.protocol import Message
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import (
    InternalError,
    MissingDependencyError,
    RuntimeCrashedError,
    UnsafeModelError,
    UnsupportedModelError,
)
from edgemnist.support.logs import log_clause
from edgemnist.tflite.file import parse_tflite, read_tflite
from edgemnist.tflite.kinds import operator_outputs

DEFAULT_TIMEOUT = 300.0
"""Seconds one request may take, the start of the runtime included."""

_TOO_MUCH = "give it fewer images or a smaller model, or take another runtime"
_CRASHED = "a file that was damaged or made by hand does that: convert it again; if every model does, install it again"


class WorkerProcess(AnsweringProcess):
    """One process in which runtimes run, started at the first request and again after a crash. Not thread-safe.

    ``timeout`` is in seconds, per request; ``memory_limit`` as for :class:`AnsweringProcess`. ``environment`` is added
    to the worker's environment variables.
    """

    def __init__(
        self,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        environment: Mapping[str, str] | None = None,
        memory_limit: int | None = None,
    ) -> None:
        variables = {"OMP_NUM_THREADS": "1", **(environment or {})}
        super().__init__("edgemnist.runner.worker", timeout=timeout, environment=variables, memory_limit=memory_limit)
        self._found: set[str] = set()

    def request(self, runtime: str, header: Mapping[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> Message:
        """Send a request to a runtime and return its answer.

        :raises MissingDependencyError: the runtime is not installed, or its installation is broken.
        :raises UnsafeModelError: the model reads or writes memory that is none of its tensors.
        :raises UnsupportedModelError: the runtime refused the model; says why in one sentence, and where the details
            are if that is not all there is to say.
        :raises RuntimeCrashedError: the process died, or gave no answer in time.
        :raises InternalError: edgemnist's own code failed there.
        """
        found = find_runtime(runtime)
        reason = None if runtime in self._found else found.available()
        if reason is not None:
            raise MissingDependencyError(f"the runtime {runtime!r} cannot run here: {reason}")
        self._found.add(runtime)
        answer = self._ask(runtime, Message({**header, "runtime": runtime}, arrays))
        if "missing" in answer.header:
            raise MissingDependencyError(
                f"the runtime {runtime!r} is installed but does not start ({answer.header['error']}); "
                f"install it again: {found.install}"
            )
        if "fault" in answer.header:
            what = refusals.in_one_line(str(answer.header["error"]))
            details = log_clause("fault", self.said())
            raise InternalError(f"a fault of edgemnist's own beside {runtime!r}: {what}; please report it{details}")
        if answer.header.get("raised") == UnsafeModelError.__name__:
            raise UnsafeModelError(f"the model is not safe to run, as {runtime!r} shows: {answer.header['error']}")
        if "error" in answer.header:
            raise UnsupportedModelError(f"the runtime {runtime!r} refused the model:", [self._refusal(runtime, answer)])
        return answer

    def _ask(self, runtime: str, message: Message) -> Message:
        try:
            return self.exchange(message)
        except ProcessEndedError as error:
            remedy = _TOO_MUCH if error.hung else f"{_CRASHED}: {find_runtime(runtime).install}"
            ending = f"{error.what}{log_clause('worker', error.said)}"
            raise RuntimeCrashedError(f"the process of the runtime {runtime!r} {ending}; {remedy}") from error

    def _refusal(self, runtime: str, answer: Message) -> str:
        """Return why; an error of edgemnist's own says it already, and what nobody foresaw goes to a log file."""
        error, said = str(answer.header["error"]), self.said()
        if "unforeseen" not in answer.header:
            return error
        why = refusals.reason(error, said)
        if why is None:
            return refusals.in_one_line(error) + log_clause("worker", said)
        version = self._ask(runtime, Message({"command": "version", "runtime": runtime})).header.get("version", "")
        return f"{why} ({runtime} {version})" if version else why


class RuntimeWorker:
    """A runtime in a worker process that takes many requests; see :func:`runtime_worker`."""

    def __init__(self, runtime: str, process: WorkerProcess) -> None:
        self.runtime = runtime
        self.process = process

    def version(self) -> str:
        """Import the runtime and return its version."""
        return str(self.process.request(self.runtime, {"command": "version"}).header["version"])

    def look(self, model: Path) -> InputFacts:
        """Return what a model's file tells of its input, as far as only the runtime can read it."""
        request = {"command": "look", "path": str(model.resolve())}
        return InputFacts.from_header(self.process.request(self.runtime, request).header)

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

    def operators(
        self, model: bytes, operators: Sequence[tuple[int, Sequence[int]]], inputs: Sequence[NDArray[Any]]
    ) -> list[list[NDArray[Any]] | None]:
        """Run operators of a ``.tflite`` model alone, in one request.

        :param operators: each operator's place in the file and the tensors that it is given.
        :param inputs: the values of these, one after the other, as for :meth:`trace`.
        :returns: of each what :meth:`invoke` returns, None where it failed; asked for alone it says why.
        """
        answer = self._request({"command": "operators", "operators": operators}, model, inputs)
        arrays = iter(answer.arrays)
        counts = answer.header["outputs"]
        return [None if count is None else [next(arrays) for _ in range(count)] for count in counts]

    def load(self, model: bytes | Path, inputs: Sequence[NDArray[Any]]) -> Loading:
        """Open a model and run it once; ``inputs``: one array per model input, of the input's shape and dtype."""
        header = self._request({"command": "load"}, model, inputs).header
        return Loading(header["version"], header["kernels"], frozenset(header["delegated"]))

    def run(self, model: bytes | Path, inputs: NDArray[Any], *, logits_tensor: int | None = None) -> RunResult:
        """Run an image classifier over inputs of shape (N, *image shape) in the model's input dtype.

        ``logits_tensor`` is the index of the tensor to return as logits.
        """
        answer = self._request({"command": "run", "logits_tensor": logits_tensor}, model, [inputs])
        return RunResult(
            runtime=self.runtime,
            version=answer.header["version"],
            kernels=answer.header["kernels"],
            outputs=answer.arrays[0],
            logits=answer.arrays[1] if len(answer.arrays) > 1 else None,
            rss_bytes=answer.header["rss_bytes"],
        )

    def start_timing(self, name: str, model: bytes | Path, inputs: NDArray[Any]) -> float:
        """Open a model to be timed, and return the microseconds of its first invoke.

        :param name: what the other two methods call it by; one that is open under this name is closed.
        :param inputs: shape (N, *image shape), in the model's input dtype.
        """
        answer = self._request({"command": "start timing", "name": name}, model, [inputs])
        return float(answer.header["first_ns"]) / 1000

    def time_window(self, name: str, invokes: int, seconds: float) -> NDArray[np.float64]:
        """Return the microseconds of up to ``invokes`` invokes, at least one, that begin within ``seconds``."""
        request = {"command": "time window", "name": name, "invokes": invokes, "seconds": seconds}
        answer = self.process.request(self.runtime, request)
        return np.asarray(answer.header["samples_ns"], dtype=np.float64) / 1000

    def end_timing(self, name: str) -> None:
        """Close a model that was timed."""
        self.process.request(self.runtime, {"command": "end timing", "name": name})

    def open_session(self, name: str, model: bytes | Path, inputs: Sequence[NDArray[Any]]) -> tuple[str, str]:
        """Open a model to be asked again and again, run it once, and return the runtime's version and its kernels.

        :param name: what the other two methods call it by; one that is open under this name is closed. All are closed
            when the process ends, as it does after a crash.
        :param inputs: one array per model input, of the input's own shape and dtype.
        """
        header = self._request({"command": "open session", "name": name}, model, inputs).header
        return str(header["version"]), str(header["kernels"])

    def ask_session(self, name: str, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run a model that is open, and return one array of shape (cases, *output shape) per model output.

        :param inputs: as for :meth:`trace`.
        """
        return list(self.process.request(self.runtime, {"command": "ask session", "name": name}, inputs).arrays)

    def count_session(self, name: str, inputs: Sequence[NDArray[Any]]) -> tuple[list[NDArray[Any]], int | None]:
        """Run a model that is open once; and how many instructions that took, None where the runtime counts none.

        :param inputs: one array per model input, of the input's own shape and dtype.
        :returns: one array per model output, of the output's own shape, and the count.
        """
        answer = self.process.request(self.runtime, {"command": "count session", "name": name}, inputs)
        return list(answer.arrays), answer.header["instructions"]

    def close_session(self, name: str) -> None:
        """Close a model that was kept open."""
        self.process.request(self.runtime, {"command": "close session", "name": name})

    def profile(self, model: bytes | Path, inputs: NDArray[Any]) -> tuple[StepTime, ...] | None:
        """Return how long each step of an invoke takes; None where the runtime offers no profile.

        :param inputs: shape (N, *image shape), in the model's input dtype.
        """
        steps = self._request({"command": "profile"}, model, [inputs]).header["steps"]
        return None if steps is None else tuple(StepTime(**step) for step in steps)

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
