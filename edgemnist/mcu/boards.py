"""Boards: one folder each in ``firmware/boards``, with what is known of the board in its ``board.toml``.

To add a board, add a folder; to use one of your own without that, give the folder's path as its name. Keys of
``board.toml``: ``title``, ``core`` (a name in ``cores.CORES``), ``fpu`` (true where the chip has that core's
floating-point unit), ``clock_hz``, ``flash`` and ``ram`` (origin, bytes; of flash also wait_states, line_bytes,
cache_bytes). A board that firmware is built for with a serial port has ``uart`` (driver: a
``firmware/platform/uart_*.c``; address). ``ticks`` is the tick counter, where it is not the core's own (driver: a
``firmware/platform/ticks_*.c``, or "core"; address; per_second). ``qemu`` names QEMU's machine.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgemnist.mcu.cores import Core, find_core
from edgemnist.support import toml
from edgemnist.support.choices import unknown_text
from edgemnist.support.errors import InputError
from edgemnist.support.resources import firmware_folder

BOARD_FILE = "board.toml"


@dataclass(frozen=True)
class Memory:
    """A memory's first address and size in bytes.

    Of flash: ``wait_states`` are extra cycles of a read at the board's clock, ``line_bytes`` what one read fetches,
    ``cache_bytes`` the instruction cache or flash accelerator before it, None if not known.
    """

    origin: int
    bytes: int
    wait_states: int = 0
    line_bytes: int = 16
    cache_bytes: int | None = None


@dataclass(frozen=True)
class Peripheral:
    """A driver in ``firmware/platform`` and what it has to know: a base address, or ticks per second."""

    driver: str
    address: int = 0
    per_second: int = 0


@dataclass(frozen=True)
class Board:
    """What is known of a board; ``clock_hz`` is the clock that time estimates are for."""

    name: str
    title: str
    core: Core
    clock_hz: int
    flash: Memory
    ram: Memory
    ticks: Peripheral
    uart: Peripheral | None
    qemu_machine: str | None

    def excess(self, flash: int, ram: int) -> dict[str, int]:
        """Return by how many bytes a need of flash and RAM is over what there is: "flash" and "RAM", those over."""
        over = {"flash": flash - self.flash.bytes, "RAM": ram - self.ram.bytes}
        return {memory: count for memory, count in over.items() if count > 0}

    def as_json(self) -> dict[str, Any]:
        """Return the board as JSON values."""
        return {
            "name": self.name,
            "title": self.title,
            "core": self.core.name,
            "clock_hz": self.clock_hz,
            "flash_bytes": self.flash.bytes,
            "ram_bytes": self.ram.bytes,
        }


def boards_folder() -> Path:
    """Return the folder of the known boards."""
    return firmware_folder() / "boards"


@functools.cache
def boards() -> Mapping[str, Board]:
    """Return every known board by name, sorted by name."""
    folders = sorted(path.parent for path in boards_folder().glob(f"*/{BOARD_FILE}"))
    return MappingProxyType({folder.name: read_board(folder) for folder in folders})


def find_board(name: str) -> Board:
    """Return a board by its name, or by the path of a folder with a ``board.toml``.

    :raises InputError: there is no such board, or its file is wrong.
    """
    if name in boards():
        return boards()[name]
    if (Path(name) / BOARD_FILE).is_file():
        return read_board(Path(name))
    cores = {board.name: board.core.title for board in boards().values()}
    folder = f"; or the path of a folder with a {BOARD_FILE}"
    raise InputError(unknown_text("board", name, boards(), otherwise=folder, meanings=cores))


def boards_with(core: Core) -> list[Board]:
    """Return the known boards whose core runs the same code, those with most RAM first."""
    found = (board for board in boards().values() if board.core.target == core.target)
    return sorted(found, key=lambda board: (-board.ram.bytes, board.name))


def read_board(folder: Path) -> Board:
    """Return the board that a folder describes.

    :raises InputError: the file is no TOML, or a key is missing, unknown or of the wrong type.
    """
    path = folder / BOARD_FILE
    try:
        content = toml.loads(path.read_text(encoding="utf-8"))
        core, clock_hz = find_core(content.pop("core")), int(content.pop("clock_hz"))
        core = core.with_fpu() if content.pop("fpu", False) else core
        board = Board(
            name=folder.resolve().name,
            title=str(content.pop("title")),
            core=core,
            clock_hz=clock_hz,
            flash=Memory(**content.pop("flash")),
            ram=Memory(**content.pop("ram")),
            ticks=Peripheral(**content.pop("ticks", _core_ticks(core, clock_hz))),
            uart=Peripheral(**content.pop("uart")) if "uart" in content else None,
            qemu_machine=content.pop("qemu", {}).get("machine"),
        )
    except (toml.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"cannot read the board {str(path)!r}: {error!r}; see the boards that come along") from error
    if content:
        raise InputError(f"{str(path)!r} has unknown keys: {', '.join(content)}")
    return board


def _core_ticks(core: Core, clock_hz: int) -> dict[str, Any]:
    """Return the counter that a core itself has: SysTick, or RISC-V's cycle counter."""
    return {"driver": "systick" if core.architecture == "arm" else "core", "per_second": clock_hz}
