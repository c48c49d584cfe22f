"""A Raspberry Pi's interpreter on a Raspberry Pi's instruction set, emulated: real Debian packages, real wheels.

The bytes are those of the board; the times are the emulator's and tell nothing about it. A guest process runs the
target's own Python under qemu and is asked through a pipe (``edgemnist.deploy.guest``). Nothing is fetched here:
``edgemnist deploy emulator`` does that.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.deploy import guest
from edgemnist.deploy.emulator import Emulator, emulator_problem, find_emulator
from edgemnist.deploy.targets import LITERT, TARGETS, TFLITE_RUNTIME
from edgemnist.errors import UnsupportedModelError
from edgemnist.runtimes import protocol
from edgemnist.runtimes.base import TFLITE_KINDS, Runtime, Session, model_bytes, operator_outputs
from edgemnist.runtimes.interpreter import with_outputs
from edgemnist.tflite_file import parse_tflite

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_EXIT_CRASHED = 70  # EX_SOFTWARE of sysexits.h


class GuestProcess:
    """The emulated process; it ends with this one."""

    def __init__(self, emulator: Emulator, package: str) -> None:
        interpreter = emulator.sysroot.target.interpreter(package)
        files = [str(Path(module.__file__ or "")) for module in (guest, protocol)]
        self._process = subprocess.Popen(
            emulator.command(interpreter, "-B", *files, package),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=_end_with_parent,
        )

    def ask(self, header: Mapping[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> protocol.Message:
        """Send a request and return the answer.

        A guest that dies takes this process with it, as an engine that crashes in it would: that is reported as such.

        :raises UnsupportedModelError: the interpreter refused; the reason is its own.
        """
        assert self._process.stdin is not None and self._process.stdout is not None  # both are pipes
        try:
            protocol.send(self._process.stdin, protocol.Message(header, arrays))  # type: ignore[arg-type]
            answer = protocol.receive(self._process.stdout)  # type: ignore[arg-type]
        except (EOFError, OSError):
            sys.stderr.write(f"the emulated process ended with code {self._process.wait()}\n")
            sys.stderr.flush()
            os._exit(_EXIT_CRASHED)
        if "error" in answer.header:
            raise UnsupportedModelError("the emulated interpreter refuses:", [str(answer.header["error"])])
        return answer

    def resident_bytes(self) -> int:
        """Return the memory of the emulated process, the emulator's own included."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self._process.pid}/status").read_text())
        return int(found[1]) * 1024 if found else 0


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)


@functools.cache
def _guest(target: str, package: str, board: str) -> GuestProcess:
    """Return the guest of a board, started at the first call: starting it takes seconds."""
    return GuestProcess(find_emulator(TARGETS[target], board), package)


class EmulatedSession(Session):
    """A model in an interpreter on an emulated board."""

    def __init__(self, process: GuestProcess, content: bytes, *, reference: bool, keep_tensors: bool) -> None:
        model = parse_tflite(content)
        if keep_tensors:
            content = with_outputs(content, [*model.outputs, *operator_outputs(model)])
        self._guest = process
        self.version = str(process.ask({"command": "version"}).header["version"])
        opened = process.ask({"command": "open", "reference": reference}, [np.frombuffer(content, dtype=np.uint8)])
        self._model = opened.header["model"]
        kernels = "XNNPACK delegate" if opened.header["delegated"] else "built-in, optimised"
        self.kernels = f"{'reference' if reference else kernels}, emulated"
        self._inputs, self._outputs = list(model.inputs), list(model.outputs)

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once (see :meth:`Session.invoke`)."""
        header = {"command": "invoke", "model": self._model, "inputs": self._inputs, "outputs": self._outputs}
        return list(self._guest.ask(header, inputs).arrays)

    def tensor(self, index: int) -> NDArray[Any]:
        """Return a copy of an operator's output tensor (see :meth:`Session.tensor`)."""
        return self._guest.ask({"command": "tensor", "model": self._model, "tensor": index}).arrays[0]

    def resident_bytes(self) -> int:
        """Return the emulated process's memory (see :meth:`Session.resident_bytes`)."""
        return self._guest.resident_bytes()


class PiEmulatedRuntime(Runtime):
    """A target's interpreter on an emulated board, with reference kernels or the default ones."""

    takes = TFLITE_KINDS
    emulated = True

    def __init__(self, name: str, target: str, package: str, board: str, *, reference: bool) -> None:
        self.name = name
        self.process = f"pi-emulated-{package}-{board}"
        self.install = f"edgemnist deploy emulator {target}"
        self._target, self._package, self._board, self._reference = target, package, board, reference

    def available(self) -> str | None:
        """Return None, or why the board can't be emulated here (see :meth:`Runtime.available`)."""
        return emulator_problem(TARGETS[self._target])

    def version(self) -> str:
        """Start the guest and return the version of its interpreter."""
        return str(self._process().ask({"command": "version"}).header["version"])

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> EmulatedSession:
        """Open a ``.tflite`` model (see :meth:`Runtime.open`)."""
        content = model_bytes(model)
        return EmulatedSession(self._process(), content, reference=self._reference, keep_tensors=keep_tensors)

    def _process(self) -> GuestProcess:
        return _guest(self._target, self._package, self._board)


def _runtimes() -> Iterator[PiEmulatedRuntime]:
    for target, board in (("bookworm-aarch64", "pi4"), ("bookworm-armv7", "pi2")):
        for reference in (True, False):
            name = f"pi-emulated-{target.split('-')[1]}-{'reference' if reference else 'default'}"
            yield PiEmulatedRuntime(name, target, TFLITE_RUNTIME, board, reference=reference)
    # LiteRT's default kernels depend on what the processor can do, so each board may give other bytes.
    for board in ("pi3", "pi4", "pi5"):
        yield PiEmulatedRuntime(f"pi-emulated-litert-{board}", "bookworm-aarch64", LITERT, board, reference=False)


RUNTIMES = tuple(_runtimes())
