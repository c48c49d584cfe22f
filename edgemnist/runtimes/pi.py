"""A real Raspberry Pi, over ssh: the one that ``edgemnist deploy pi --to`` installed a bundle on last."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from edgemnist.runner.base import Runtime, Session, model_bytes
from edgemnist.support.errors import MissingDependencyError
from edgemnist.tflite.kinds import TFLITE_KINDS

if TYPE_CHECKING:
    from edgemnist.pi.guest_process import GuestProcess


@functools.cache
def _guest() -> GuestProcess:
    from edgemnist.pi.guest_process import BOOT, GuestProcess
    from edgemnist.pi.remote import read_installation

    installation = read_installation()
    if installation is None:
        raise MissingDependencyError("no Raspberry Pi has been set up")
    python = [f"{installation.folder}/.venv/bin/python", "-B", "-c", BOOT, installation.package]
    return GuestProcess(installation.connection.command(python), "Pi's")


class PiRuntime(Runtime):
    """The interpreter on the Pi, with reference kernels or the default ones."""

    takes = TFLITE_KINDS
    process = "pi"
    install = "edgemnist deploy pi MODEL --to USER@HOST"
    # It takes part only where it is named, and the times would be the network's.
    emulated = True

    def __init__(self, *, reference: bool) -> None:
        self.name = f"pi-{'reference' if reference else 'default'}"
        self._reference = reference

    def available(self) -> str | None:
        """Return None, or that no Pi has been set up (see :meth:`Runtime.available`)."""
        from edgemnist.pi.remote import read_installation

        return None if read_installation() else f"no Raspberry Pi has been set up; set one up with: {self.install}"

    def version(self) -> str:
        """Connect to the Pi and return the version of its interpreter."""
        return str(_guest().ask({"command": "version"}).header["version"])

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> Session:
        """Open a ``.tflite`` model (see :meth:`Runtime.open`)."""
        from edgemnist.pi.guest_process import GuestSession

        content = model_bytes(model)
        return GuestSession(_guest(), content, reference=self._reference, keep_tensors=keep_tensors, note="over ssh")


RUNTIMES = (PiRuntime(reference=True), PiRuntime(reference=False))
