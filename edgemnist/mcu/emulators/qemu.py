"""QEMU's boards: ``-icount shift=0`` makes an instruction one virtual nanosecond, so that timers count instructions."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from edgemnist.mcu.boards import Board
from edgemnist.mcu.elf import ElfImage
from edgemnist.mcu.emulators.base import DEFAULT_TIMEOUT, Emulation, Emulator
from edgemnist.support import processes
from edgemnist.support.errors import RuntimeCrashedError

INSTRUCTIONS_PER_SECOND = 1_000_000_000
"""Of virtual time, with shift=0."""

_PROGRAMS = {
    "arm": ("qemu-system-arm", "qemu-system-arm"),
    "riscv": ("qemu-system-riscv32", "qemu-system-misc"),
}


def program(board: Board) -> str:
    """Return the QEMU program that emulates a board."""
    return _PROGRAMS[board.core.architecture][0]


def machine_command(board: Board, elf: Path) -> list[str]:
    """Return QEMU's command line for an image, without how the image talks to the outside."""
    firmware = ["-bios", "none"] if board.core.architecture == "riscv" else []
    return [
        program(board), "-M", str(board.qemu_machine), *firmware, "-icount", "shift=0", "-display", "none",
        "-monitor", "none", "-kernel", str(elf),
    ]  # fmt: skip


class QemuEmulator(Emulator):
    """QEMU as the system's packages bring it; counts to within one tick of the board's timer."""

    name = "qemu"
    exact = False

    def refusal(self, board: Board) -> str | None:
        """Return None where QEMU has the board's machine (see :meth:`Emulator.refusal`)."""
        return "QEMU has no such machine" if board.qemu_machine is None else None

    def missing(self, board: Board) -> str | None:
        """Return None, or how to install QEMU (see :meth:`Emulator.missing`)."""
        command, package = _PROGRAMS[board.core.architecture]
        return None if shutil.which(command) else f"{command} not found; install it with: sudo apt install {package}"

    def version(self) -> str:
        """Return QEMU's version."""
        for command, _ in _PROGRAMS.values():
            if shutil.which(command):
                run = processes.run([command, "--version"])
                return run.stdout.splitlines()[0]
        return "QEMU missing"

    def run(
        self, elf: ElfImage, board: Board, requests: bytes, *, profiled: int = 0, timeout: float = DEFAULT_TIMEOUT
    ) -> Emulation:
        """Run an image (see :meth:`Emulator.run`); nothing is profiled."""
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as temporary:
            folder = Path(temporary)
            (folder / "requests.bin").write_bytes(requests)
            command = [*machine_command(board, elf.path.resolve()), "-serial", "none", "-semihosting"]
            try:
                run = processes.run(command, cwd=folder, timeout=timeout)
            except subprocess.TimeoutExpired as error:
                raise RuntimeCrashedError(f"the firmware did not end within {timeout:g} s") from error
            answers = folder / "answers.bin"
            if not answers.exists() or (run.returncode < 0 or "Lockup" in run.stderr):
                raise RuntimeCrashedError(_last_words(run))
            return Emulation(answers.read_bytes(), (), run.returncode == 0)


def _last_words(run: subprocess.CompletedProcess[str]) -> str:
    what = f"was ended by signal {-run.returncode}" if run.returncode < 0 else f"ended with code {run.returncode}"
    lockup = " (the core locked up: a fault while it handled a fault)" if "Lockup" in run.stderr else ""
    return f"QEMU {what}{lockup}; its last words:\n{run.stderr[:1000]}"


EMULATORS = (QemuEmulator(),)
