"""Cortex-M cores in Unicorn: the board's memories, semihosting, and every executed basic block on request.

Unicorn counts a block's instructions when it enters the block, those included whose IT condition then fails, as QEMU
does. It has no peripherals: SysTick and a board's own timer can be read and written, but tell no time; everything else
that an image touches outside of its memories is reported as a fault.
"""

from __future__ import annotations

import struct
import time
from collections import Counter
from importlib import util
from typing import Any

from edgemnist.mcu.boards import Board
from edgemnist.mcu.elf import INSTALL, ElfImage
from edgemnist.mcu.emulators.base import DEFAULT_TIMEOUT, Emulation, Emulator
from edgemnist.mcu.emulators.semihosting import APPLICATION_EXIT, Host
from edgemnist.mcu.profile import ENTRY, ExecutionProfile, InferenceProfile
from edgemnist.support.errors import RuntimeCrashedError

_PAGE = 0x1000
_SYSTEM_CONTROL_SPACE = 0xE000E000
_SYSTICK_RELOAD, _SYSTICK_VALUE = 0x14, 0x18
_BREAKPOINT = b"\xab\xbe"  # bkpt 0xab
_BELOW_STACK = 0x10000
"""A stray access at most this many bytes below the stack is taken for the stack's overflow."""
_NO_RETURN = -1
_EXCEPTIONS = {
    1: "an undefined instruction",
    17: "an instruction of a coprocessor that is switched off",
    18: "an invalid execution state: a jump to an even address?",
    19: "the stack overflowed its limit: give it more with --stack",
}
"""What Unicorn, as QEMU inside, calls an exception that the firmware has not asked for."""
_RECORDING_SECONDS = 5.0
"""After that the present inference is the last one to be recorded: a block costs a call of Python."""
_NEVER = 0xFFFFFFFE
"""An address that is not executed, where Unicorn would stop."""


class _Recorder:
    """Counts the blocks between the entry of ``net_run_in`` and its return, for a number of inferences."""

    def __init__(self, core: Any, elf: ElfImage, link_register: int, block_hook: int, wanted: int) -> None:
        self._elf, self._link_register, self._wanted = elf, link_register, wanted
        self._entry = elf.symbols["net_run_in"].address
        self._layer_entries = elf.layer_entries()
        self._sizes: dict[int, int] = {}
        self._begin()
        self._deadline = time.monotonic() + _RECORDING_SECONDS
        self.profiles: list[InferenceProfile] = []
        self._hook = core.hook_add(block_hook, self._block) if wanted else None

    def _begin(self) -> None:
        self._return = _NO_RETURN
        self._previous = ENTRY
        self._layers: list[Counter[tuple[int, int]]] = [Counter() for _ in range(len(self._layer_entries) + 1)]
        self._edges = self._layers[-1]

    def _block(self, core: Any, address: int, size: int, _: Any) -> None:
        if self._return == _NO_RETURN:
            if address != self._entry:
                return
            self._return = core.reg_read(self._link_register) & ~1
        elif address == self._return:
            self._finish(core)
            return
        elif address in self._layer_entries:
            self._edges = self._layers[self._layer_entries[address]]
        self._edges[self._previous, address] += 1
        self._sizes[address] = size
        self._previous = address

    def _finish(self, core: Any) -> None:
        sizes, code = dict(self._sizes), self._elf.code
        *layers, outside = (ExecutionProfile(edges, sizes, code) for edges in self._layers)
        self.profiles.append(InferenceProfile(tuple(layers), outside))
        self._begin()
        if len(self.profiles) == self._wanted or time.monotonic() > self._deadline:
            core.hook_del(self._hook)


class _Machine:
    """One core with its memories; used for one run."""

    def __init__(self, elf: ElfImage, board: Board, requests: bytes) -> None:
        import unicorn
        from unicorn import arm_const

        self._unicorn, self._registers, self._elf = unicorn, arm_const, elf
        self._core: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self._core.ctl_set_cpu_model(getattr(arm_const, str(board.core.unicorn)))
        self._map(board)
        self.host = Host(requests, self._read, self._core.mem_write)
        self._ticks = 0
        self._stray: str | None = None
        self._stray_address = -1
        self._core.hook_add(unicorn.UC_HOOK_INTR, self._interrupt)
        self._core.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._invalid)

    def _map(self, board: Board) -> None:
        unicorn = self._unicorn
        readable = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        self._core.mem_map(board.flash.origin, _pages(board.flash.bytes), readable)
        self._core.mem_map(board.ram.origin, _pages(board.ram.bytes), unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        if board.ticks.address:
            self._core.mem_map(board.ticks.address, _PAGE, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        self._core.mmio_map(_SYSTEM_CONTROL_SPACE, _PAGE, self._system_read, None, self._system_write, None)
        for address, content in self._elf.segments:
            self._core.mem_write(address, content)

    def _system_read(self, core: Any, offset: int, size: int, _: Any) -> int:
        self._ticks += 1
        return 0xFFFFFF - self._ticks % 0xFFFFFF if offset == _SYSTICK_VALUE else 0

    def _system_write(self, core: Any, offset: int, size: int, value: int, _: Any) -> None:
        """Take what the firmware sets up; only SysTick's value is ever read back."""

    def _read(self, address: int, size: int) -> bytes:
        return bytes(self._core.mem_read(address, size))

    def _register(self, name: str) -> int:
        return int(self._core.reg_read(getattr(self._registers, f"UC_ARM_REG_{name}")))

    def _interrupt(self, core: Any, number: int, _: Any) -> None:
        address = self._register("PC")
        if self._elf.code(address, 2) != _BREAKPOINT:
            self._stray = _EXCEPTIONS.get(number, f"exception {number}")
            core.emu_stop()
            return
        result = self.host.call(self._register("R0"), self._register("R1"))
        if self.host.exit_reason is not None or self.host.starved:
            core.emu_stop()  # starved, it stays at the breakpoint and asks again
            return
        core.reg_write(self._registers.UC_ARM_REG_R0, result)
        core.reg_write(self._registers.UC_ARM_REG_PC, (address + 2) | 1)

    def _invalid(self, core: Any, access: int, address: int, size: int, value: int, _: Any) -> bool:
        kinds = {
            self._unicorn.UC_MEM_WRITE_UNMAPPED: "wrote to", self._unicorn.UC_MEM_WRITE_PROT: "wrote to the read-only",
            self._unicorn.UC_MEM_FETCH_UNMAPPED: "jumped to", self._unicorn.UC_MEM_FETCH_PROT: "jumped to the data at",
        }  # fmt: skip
        self._stray_address = address
        self._stray = f"it {kinds.get(access, 'read from')} address 0x{address:08x}, where the board has no such memory"
        return False

    def run(self, profiled: int, timeout: float) -> Emulation:
        """Run from reset until the firmware exits."""
        recorder = _Recorder(
            self._core, self._elf, self._registers.UC_ARM_REG_LR, self._unicorn.UC_HOOK_BLOCK, profiled
        )
        self.reset()
        self.resume(timeout)
        return Emulation(bytes(self.host.answers), tuple(recorder.profiles), self.host.exit_reason == APPLICATION_EXIT)

    def reset(self) -> None:
        """Take stack pointer and program counter from the vector table."""
        vectors = min(address for address, _ in self._elf.segments)
        stack, entry = struct.unpack("<II", self._read(vectors, 8))
        self._core.reg_write(self._registers.UC_ARM_REG_SP, stack)
        self._core.reg_write(self._registers.UC_ARM_REG_PC, entry)

    def resume(self, timeout: float) -> None:
        """Go on until the firmware exits or waits for a request that is not there yet.

        :raises RuntimeCrashedError: it faulted, or does neither within ``timeout`` seconds.
        """
        try:
            self._core.emu_start(self._register("PC") | 1, _NEVER, timeout=int(timeout * 1e6))
        except self._unicorn.UcError as error:
            raise self._crash(str(error)) from error
        if self._stray is not None:
            raise self._crash("")
        if self.host.exit_reason is None and not self.host.starved:
            where = self._elf.place(self._register("PC"))
            raise RuntimeCrashedError(f"the firmware did not end within {timeout:g} s; it is at {where}")

    def _crash(self, reason: str) -> RuntimeCrashedError:
        limit = self._elf.symbols["stack_limit"].address
        overflow = ""
        if limit - _BELOW_STACK <= self._stray_address < limit:
            overflow = f"; that is below the stack's end 0x{limit:08x}: it overflowed, give it more with --stack"
        return RuntimeCrashedError(
            f"the firmware faulted at {self._elf.place(self._register('PC'))}: {self._stray or reason}{overflow}; "
            f"last call from {self._elf.place(self._register('LR') & ~1)}"
        )


def _pages(size: int) -> int:
    return (size + _PAGE - 1) // _PAGE * _PAGE


class UnicornEmulator(Emulator):
    """Cortex-M0 to M33 in this process; needs only PyPI packages."""

    name = "unicorn"
    exact = True

    def refusal(self, board: Board) -> str | None:
        """Return None where Unicorn has the board's core (see :meth:`Emulator.refusal`)."""
        return f"it has no {board.core.title}" if board.core.unicorn is None else None

    def missing(self, board: Board) -> str | None:
        """Return None, or how to install Unicorn (see :meth:`Emulator.missing`)."""
        return None if util.find_spec("unicorn") else f"unicorn is not installed; install it with: {INSTALL}"

    def version(self) -> str:
        """Return Unicorn's version."""
        from importlib import metadata

        return f"unicorn {metadata.version('unicorn')}"

    def run(
        self, elf: ElfImage, board: Board, requests: bytes, *, profiled: int = 0, timeout: float = DEFAULT_TIMEOUT
    ) -> Emulation:
        """Run an image (see :meth:`Emulator.run`)."""
        return _Machine(elf, board, requests).run(profiled, timeout)


class UnicornDevice:
    """A board that stays on: requests in, answers out, as often as wanted."""

    def __init__(self, elf: ElfImage, board: Board) -> None:
        """Load the image and start it."""
        self._machine = _Machine(elf, board, b"")
        self._machine.host.more_to_come = True
        self._machine.reset()
        self.ask(b"")

    def ask(self, requests: bytes, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Send requests and return what the firmware answers until it waits for the next one.

        :raises RuntimeCrashedError: it crashed, or does not come back within ``timeout`` seconds.
        """
        host = self._machine.host
        host.feed(requests)
        self._machine.resume(timeout)
        answers = bytes(host.answers)
        host.answers.clear()
        return answers


EMULATORS = (UnicornEmulator(),)
