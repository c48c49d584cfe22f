"""A Raspberry Pi's interpreter on a Raspberry Pi's instruction set, emulated: real Debian packages, real wheels.

The bytes are those of the board; the times are the emulator's and tell nothing about it. A guest process runs the
target's own Python under qemu. Nothing is fetched here: ``edgemnist deploy emulator`` does that.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edgemnist.pi.targets import LITERT, TARGETS, TFLITE_RUNTIME
from edgemnist.runner.base import Runtime, Session, model_bytes
from edgemnist.tflite.kinds import TFLITE_KINDS

if TYPE_CHECKING:
    from edgemnist.pi.guest_process import GuestProcess


@functools.cache
def _guest(target: str, package: str, board: str) -> GuestProcess:
    """Return the guest of a board, started at the first call: starting it takes seconds."""
    from edgemnist.pi.emulator import find_emulator
    from edgemnist.pi.guest_process import BOOT, GuestProcess

    emulator = find_emulator(TARGETS[target], board)
    command = emulator.command(TARGETS[target].interpreter(package), "-B", "-c", BOOT, package)
    return GuestProcess(command, "emulated")


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
        from edgemnist.pi.emulator import emulator_problem

        return emulator_problem(TARGETS[self._target])

    def version(self) -> str:
        """Start the guest and return the version of its interpreter."""
        return str(self._process().ask({"command": "version"}).header["version"])

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> Session:
        """Open a ``.tflite`` model (see :meth:`Runtime.open`)."""
        from edgemnist.pi.guest_process import GuestSession

        return GuestSession(
            self._process(),
            model_bytes(model),
            reference=self._reference,
            keep_tensors=keep_tensors,
            note="emulated",
        )

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
