"""Programs of a target's system run here, by qemu's user-mode emulation.

Which processor is emulated matters: the interpreters choose their kernels by what the processor can do, and the
library that LiteRT asks reads ``/proc/cpuinfo``, where it must not find this machine's. So each processor has its own
``/proc/cpuinfo``, in a folder that otherwise links to the sysroot. ``-cpu max`` is never used: it claims instructions
that no Raspberry Pi has, and LiteRT computes wrong results with them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgemnist.pi.sysroot import Sysroot, find_sysroot
from edgemnist.pi.targets import Interpreter, Target
from edgemnist.support.choices import unknown
from edgemnist.support.errors import MissingDependencyError, storage_errors
from edgemnist.support.files import write_text


@dataclass(frozen=True)
class Processor:
    """A processor of a Raspberry Pi: qemu's name of it; its part number and features as ``/proc/cpuinfo`` has them."""

    board: str
    qemu: str
    part: int
    features: str

    def cpuinfo(self, architecture: int) -> str:
        """Return ``/proc/cpuinfo`` of one core, as Linux writes it for 64-bit (8) or 32-bit (7) programs."""
        lines = {
            "processor": "0",
            "BogoMIPS": "108.00",
            "Features": self.features,
            "CPU implementer": "0x41",
            "CPU architecture": str(architecture),
            "CPU variant": "0x0",
            "CPU part": f"0x{self.part:03x}",
            "CPU revision": "3",
        }
        return "".join(f"{key}\t: {value}\n" for key, value in lines.items()) + "\n"


_ARMV8 = "fp asimd evtstrm crc32 cpuid"
_ARMV7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"
PROCESSORS: Mapping[str, Processor] = {
    one.board: one
    for one in (
        Processor("pi2", "cortex-a7", 0xC07, _ARMV7),
        Processor("pi3", "cortex-a53", 0xD03, _ARMV8),
        Processor("pi4", "cortex-a72", 0xD08, _ARMV8),
        Processor(
            "pi5",
            "cortex-a76",
            0xD0B,
            "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
        ),
    )
}
"""By board. Features: Linux's ``/proc/cpuinfo`` on these boards (the Pi 3's and 4's processors lack the AES unit)."""

DEFAULT_BOARDS = {"aarch64": "pi4", "armv7l": "pi2"}
QEMU_NAMES = {"aarch64": "aarch64", "armv7l": "arm"}
"""What qemu calls a machine."""

_OVERLAY_LINKS = ("usr", "lib", "lib64", "bin", "etc")
INSTALL_QEMU = "sudo apt install qemu-user-static"


@dataclass(frozen=True)
class Emulator:
    """An emulated Raspberry Pi that is ready to run programs."""

    qemu: str
    sysroot: Sysroot
    processor: Processor

    def command(self, interpreter: Interpreter, *arguments: str) -> list[str]:
        """Return the command that runs the target's Python with arguments."""
        root = self._overlay()
        guest = [str(self.sysroot.python), "-S", *arguments]
        # Two levels of environment: qemu's own is this machine's, what the guest gets is set by -E alone.
        settings = {
            "PYTHONPATH": ":".join(map(str, self.sysroot.packages(interpreter))),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "LC_ALL": "C.UTF-8",
        }
        unset = [part for name in os.environ if name.startswith(("LD_", "PYTHON", "QEMU_")) for part in ("-U", name)]
        given = [part for key, value in settings.items() for part in ("-E", f"{key}={value}")]
        return [self.qemu, "-L", str(root), "-cpu", self.processor.qemu, *unset, *given, *guest]

    def _overlay(self) -> Path:
        """Return the folder that is ``/`` for the guest: the sysroot's folders and this processor's cpuinfo."""
        overlay = self.sysroot.folder / "boards" / self.processor.board
        file, cpuinfo = overlay / "proc/cpuinfo", self.processor.cpuinfo(8 if self.sysroot.target.bits == 64 else 7)
        if not file.exists() or file.read_text(encoding="utf-8") != cpuinfo:
            with storage_errors(overlay):
                overlay.mkdir(parents=True, exist_ok=True)
                for name in _OVERLAY_LINKS:
                    if (self.sysroot.root / name).exists():
                        with suppress(FileExistsError):  # another process may make it at the same time
                            (overlay / name).symlink_to(self.sysroot.root / name)
            write_text(file, cpuinfo)
        return overlay


def qemu_problem(target: Target) -> str | None:
    """Return None when this machine has the qemu that a target needs, else what is wrong and what helps."""
    if target.machine not in QEMU_NAMES:
        return f"{target.name} is not a Raspberry Pi's system; only those are emulated"
    if _find_qemu(target) is None:
        return f"qemu-{QEMU_NAMES[target.machine]} is not installed; install it with: {INSTALL_QEMU}"
    return None


def emulator_problem(target: Target) -> str | None:
    """Return None when a target can be emulated here, else what is missing and the command that brings it."""
    problem = qemu_problem(target)
    if problem is None and find_sysroot(target) is None:
        return f"the system {target.name} has not been fetched; fetch it with: edgemnist deploy emulator {target.name}"
    return problem


def find_emulator(target: Target, board: str | None = None) -> Emulator:
    """Return an emulated board with a target's system, by default the oldest one that the system is usual on.

    :raises MissingDependencyError: qemu or the system is missing; says how to get it.
    :raises InputError: there is no such board.
    """
    problem = emulator_problem(target)
    if problem is not None:
        raise MissingDependencyError(problem)
    qemu, sysroot = _find_qemu(target), find_sysroot(target)
    assert qemu is not None and sysroot is not None  # there is no problem
    board = board or DEFAULT_BOARDS[target.machine]
    if board not in PROCESSORS:
        raise unknown("board", board, PROCESSORS)
    return Emulator(qemu, sysroot, PROCESSORS[board])


def _find_qemu(target: Target) -> str | None:
    name = f"qemu-{QEMU_NAMES[target.machine]}"
    return shutil.which(f"{name}-static") or shutil.which(name)
