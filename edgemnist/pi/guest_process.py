"""A Python on a Raspberry Pi, real or emulated, asked through a pipe; for the runtimes in ``edgemnist.runtimes``."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.pi import guest
from edgemnist.runner import protocol, refusals
from edgemnist.runner.base import Session
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.support.memory import resident_bytes_of
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.kinds import operator_outputs
from edgemnist.tflite.lists import with_tensors

# Reads two programs from stdin, byte by byte counted so that nothing of what follows is swallowed, and runs them.
BOOT = """
import os, sys, types
def take(size):
    parts = b""
    while len(parts) < size:
        part = os.read(0, size - len(parts))
        if not part: sys.exit("the pipe was closed at the start")
        parts += part
    return parts
def module(name):
    made = sys.modules[name] = types.ModuleType(name)
    exec(compile(take(int(take(8), 16)), name, "exec"), made.__dict__)
    return made
protocol = module("guest_protocol")
module("guest").main(protocol, sys.argv[1])
"""
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_EXIT_CRASHED = 70  # EX_SOFTWARE of sysexits.h


class GuestProcess:
    """The process; it ends with this one.

    ``command`` starts a Python with the program :data:`BOOT` and the interpreter's package as its argument; ``name``
    says in messages what it is.
    """

    def __init__(self, command: Sequence[str], name: str) -> None:
        self._name = name
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=_end_with_parent
        )
        assert self._process.stdin is not None  # it is a pipe
        try:
            for module in (protocol, guest):
                source = Path(module.__file__ or "").read_bytes()
                self._process.stdin.write(f"{len(source):08x}".encode() + source)
            self._process.stdin.flush()
        except OSError:
            self._crash()

    def ask(self, header: Mapping[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> protocol.Message:
        """Send a request and return the answer.

        A guest that dies takes this process with it, as a runtime that crashes in it would: that is reported as such.

        :raises UnsupportedModelError: the interpreter refused; the reason is its own.
        """
        assert self._process.stdin is not None and self._process.stdout is not None  # both are pipes
        try:
            protocol.send(self._process.stdin, protocol.Message(header, arrays))  # type: ignore[arg-type]
            answer = protocol.receive(self._process.stdout)  # type: ignore[arg-type]
        except (EOFError, OSError):
            self._crash()
        if "error" in answer.header:
            error = str(answer.header["error"])
            why = refusals.reason(error, "") or refusals.in_one_line(error)
            raise UnsupportedModelError(f"the {self._name} interpreter refuses:", [why])
        return answer

    def resident_bytes(self) -> int:
        """Return the memory of the process on this machine: an emulated guest's, the emulator's own included."""
        return resident_bytes_of(self._process.pid) or 0

    def _crash(self) -> None:
        sys.stderr.write(f"the {self._name} process ended with code {self._process.wait()}\n")
        sys.stderr.flush()
        os._exit(_EXIT_CRASHED)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)


class GuestSession(Session):
    """A model in an interpreter on a Raspberry Pi; ``note`` is added to the name of the kernels."""

    def __init__(
        self, process: GuestProcess, content: bytes, *, reference: bool, keep_tensors: bool, note: str
    ) -> None:
        model = parse_tflite(content)
        if keep_tensors:
            content = with_tensors(content, outputs=[*model.outputs, *operator_outputs(model)])
        self._guest = process
        self.version = str(process.ask({"command": "version"}).header["version"])
        opened = process.ask({"command": "open", "reference": reference}, [np.frombuffer(content, dtype=np.uint8)])
        self._model = opened.header["model"]
        kernels = "XNNPACK delegate" if opened.header["delegated"] else "built-in, optimised"
        self.kernels = f"{'reference' if reference else kernels}, {note}"
        self._inputs, self._outputs = list(model.inputs), list(model.outputs)

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once (see :meth:`Session.invoke`)."""
        header = {"command": "invoke", "model": self._model, "inputs": self._inputs, "outputs": self._outputs}
        return list(self._guest.ask(header, inputs).arrays)

    def tensor(self, index: int) -> NDArray[Any]:
        """Return a copy of an operator's output tensor (see :meth:`Session.tensor`)."""
        return self._guest.ask({"command": "tensor", "model": self._model, "tensor": index}).arrays[0]

    def resident_bytes(self) -> int:
        """Return the process's memory (see :meth:`GuestProcess.resident_bytes`)."""
        return self._guest.resident_bytes()
