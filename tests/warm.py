"""Worker processes with TensorFlow, forked from one that has imported it.

The import alone takes 5 s of CPU, and hundreds of tests start such a process.

What runs in them, how they end and what watches them is the product's; only the start is another. That they start by
themselves is seen wherever a test runs the command as a program.
"""

from __future__ import annotations

import array
import ctypes
import json
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgemnist.runner.process import AnsweringProcess
from edgemnist.runner.protocol import Message
from edgemnist.runner.registry import find_runtime
from edgemnist.support import processes, stopping

_CONVERSIONS = "edgemnist.commands.convert.worker"
_TENSORFLOW_PROCESS = "tensorflow"
_PR_SET_CHILD_SUBREAPER = 36
_SECONDS, _MOST_BYTES = 300, 1 << 20
_LIMITS = [number for name, number in vars(resource).items() if name.startswith("RLIMIT_")]
_ROOM = 1000
"""Characters in the process's arguments that a child's take the place of."""
_KEPT = ("OPENBLAS_NUM_THREADS", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "TF_USE_LEGACY_KERAS")


class _Source:
    """The process that has TensorFlow, started when it is first asked."""

    def __init__(self) -> None:
        self._lock, self._environment = threading.Lock(), dict(os.environ)
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, request: dict[str, Any], descriptors: Sequence[int]) -> int:
        """Return the identifier of a child of this process that has the descriptors as stdin, stdout and stderr."""
        with self._lock, _adopting():
            if self._socket is None:
                self._start()
            assert self._socket is not None
            content = json.dumps(request).encode()
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
            self._socket.sendmsg([content], rights)
            return int(self._socket.recv(100))

    def close(self) -> None:
        """End the process."""
        if self._socket is not None and self._process is not None:
            self._socket.close()
            self._process.wait()

    def _start(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_SECONDS)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BYTES)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(theirs.fileno()), "-" * _ROOM],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=Path(__file__).parents[1],
                env={**self._environment, "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip


@contextmanager
def _adopting() -> Iterator[None]:
    """Become the parent of whatever loses its own; for a moment, because others watch what they started end."""
    _control(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        _control(_PR_SET_CHILD_SUBREAPER, 0)


def _control(option: int, value: int) -> None:
    assert ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0


_source = _Source()


class _Forked(subprocess.Popen[bytes]):
    """``python -m MODULE ...``, forked."""

    def _execute_child(self, args: Any, *others: Any) -> None:
        cwd, environment, pipes = others[4], others[5], others[9:15]
        assert args[1] == "-m" and -1 not in pipes[:4]
        limits = {number: resource.getrlimit(number) for number in _LIMITS}
        request = {"arguments": args[2:], "cwd": str(cwd), "environment": environment, "limits": list(limits.items())}
        self.pid = _source.fork(request, (pipes[0], pipes[3], pipes[5]))  # its ends of the pipes
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


@contextmanager
def warm_starts() -> Iterator[None]:
    """Fork every worker that is for TensorFlow, as :mod:`tests.warm` says."""
    wanted = threading.local()
    exchange, start = AnsweringProcess.exchange, processes.start

    def exchanged(self: AnsweringProcess, message: Message) -> Message:
        runtime = message.header.get("runtime")
        wanted.it = self._command[2] == _CONVERSIONS or (
            runtime is not None and find_runtime(str(runtime)).process == _TENSORFLOW_PROCESS
        )
        try:
            return exchange(self, message)
        finally:
            wanted.it = False

    def started(command: Sequence[str | os.PathLike[str]], **settings: Any) -> subprocess.Popen[Any]:
        if not getattr(wanted, "it", False):
            return start(command, **settings)
        with stopping.held():
            process = _Forked(command, start_new_session=True, **settings)
            processes._running.add(process)
        return process

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AnsweringProcess, "exchange", exchanged)
        patch.setattr(processes, "start", started)
        yield
    _source.close()


# In the process with TensorFlow


def _serve(descriptor: int) -> None:
    from edgemnist.keras_io.tensorflow import load_tensorflow

    load_tensorflow()
    import edgemnist.commands.convert.converter
    import edgemnist.commands.convert.keras_model
    import edgemnist.runtimes.keras  # noqa: F401

    assert threading.active_count() == 1 and len([*Path("/proc/self/task").iterdir()]) == 1, (
        "threads do not survive a fork"
    )
    with socket.socket(fileno=descriptor) as requests:
        while True:
            content, given, _, _ = socket.recv_fds(requests, _MOST_BYTES, 3)
            if not content:
                return
            middle = os.fork()
            if middle == 0:
                _fork_again(requests, json.loads(content), given)
            for one in given:
                os.close(one)
            os.waitpid(middle, 0)


def _fork_again(requests: socket.socket, request: dict[str, Any], given: Sequence[int]) -> None:
    """Leave a child that the tests' process adopts, and tell it which."""
    middle = os.getpid()
    child = os.fork()
    if child != 0:
        os._exit(0)
    while os.getppid() == middle:
        os.sched_yield()
    requests.send(str(os.getpid()).encode())
    requests.close()
    os.setsid()
    for place, one in enumerate(given):
        os.dup2(one, place)
        os.close(one)
    _become(request)


def _become(request: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update({**kept, **request["environment"]})
    os.chdir(request["cwd"])
    for number, limits in request["limits"]:
        resource.setrlimit(number, tuple(limits))
    module, *arguments = request["arguments"]
    sys.argv = [module, *arguments]
    _call_myself([sys.executable, "-m", module, *arguments])
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stderr.flush()
    os._exit(code)


def _call_myself(command: Sequence[str]) -> None:
    """Be listed with other arguments: tests look for processes by them."""
    first, last = (int(number) for number in Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[45:47])
    content = b"".join(os.fsencode(one) + b"\0" for one in command)[: last - first]
    ctypes.memmove(first, content.ljust(last - first, b"\0"), last - first)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
