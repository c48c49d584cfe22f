"""boards.md, raspberry-pi.md and package-formats.md."""

from __future__ import annotations

from edgemnist.mcu.boards import Board, Memory, boards
from edgemnist.mcu.cores import CORES
from edgemnist.mcu.emulators.base import emulators_of
from edgemnist.mcu.packages.registry import platforms
from edgemnist.pi.targets import TARGETS, UNSUPPORTED
from reference_pages.text import Page, code, codes, mark, prose, size, table


def boards_page() -> Page:
    """Return the page of boards and cores."""
    every = boards().values()
    body = [
        table(
            ("Board", "Title", "Core", "Clock", "Flash", "RAM", "Serial port", "Emulators"),
            [
                (
                    code(one.name), prose(one.title), code(one.core.name), f"{one.clock_hz / 1e6:g} MHz",
                    size(one.flash.bytes), size(one.ram.bytes), one.uart.driver if one.uart else "", _emulators(one),
                )
                for one in every
            ],
        ),
        "The clock is the one that time estimates are for. With a serial port, firmware for a real board can be built "
        "that answers over it.\n",
        "## Memory\n",
        table(
            ("Board", "Flash at", "Wait states", "Bytes a read", "Cache", "RAM at", "Tick counter"),
            [
                (
                    code(one.name), f"{one.flash.origin:#010x}", one.flash.wait_states, one.flash.line_bytes,
                    _cache(one.flash), f"{one.ram.origin:#010x}",
                    f"{one.ticks.driver}, {one.ticks.per_second / 1e6:g} million a second",
                )
                for one in every
            ],
        ),
        "## Cores\n",
        table(
            ("Core", "Title", "Compiler's target", "GNU flags", "In Unicorn"),
            [
                (code(one.name), one.title, code(one.target), code(" ".join(one.gnu)), mark(one.unicorn is not None))
                for one in CORES.values()
            ],
        ),
    ]  # fmt: skip
    summary = "The microcontroller boards that firmware is built for; one folder each in `firmware/boards`."
    return Page("boards.md", "Boards", summary, "\n".join(body))


def _emulators(board: Board) -> str:
    machine = f" ({code(board.qemu_machine)})" if board.qemu_machine else ""
    return ", ".join(f"{name}{machine if name == 'qemu' else ''}" for name in emulators_of(board))


def _cache(flash: Memory) -> str:
    if flash.cache_bytes is None:
        return "not known"
    return size(flash.cache_bytes) if flash.cache_bytes else "none"


def raspberry_pi_page() -> Page:
    """Return the page of a bundle's targets."""
    rows = [
        (
            code(name), f"{one.release.name}, {one.bits} bits", code(one.machine),
            ".".join(map(str, one.release.python)),
            "; or ".join(codes(choice.requirements) for choice in one.interpreters), codes(one.debian_packages),
        )
        for name, one in TARGETS.items()
    ]  # fmt: skip
    body = [
        table(("Target", "System", "Machine", "Python", "Interpreter, the default first", "From Debian"), rows),
        "## Not to be had\n",
        table(("Target", "Why"), [(code(name), prose(reason)) for name, reason in UNSUPPORTED.items()]),
    ]
    summary = "The systems that `edgemnist deploy pi` makes a bundle for."
    return Page("raspberry-pi.md", "Raspberry Pi", summary, "\n".join(body))


def package_formats_page() -> Page:
    """Return the page of package formats."""
    rows = [
        (
            code(name), one.description, code(one.file_name.replace("@{", "{")), mark(one.desktop),
            codes(sorted(one.taken)),
        )
        for name, one in platforms().items()
    ]  # fmt: skip
    headings = ("Format", "For", "File", "Builds for the desktop", "Names that a model may not have")
    summary = "What `edgemnist firmware package` packs a model for."
    return Page("package-formats.md", "Package formats", summary, table(headings, rows))
