"""The list of boards for people."""

from __future__ import annotations

from edgemnist.commands.boards.stage import BoardList
from edgemnist.mcu.emulators.base import emulators_of
from edgemnist.support.progress import print_table


def show(found: BoardList) -> None:
    """Print the boards, and whether the model fits each."""
    rows = [
        [fit.board.name, fit.board.core.title, f"{fit.board.clock_hz / 1e6:g}", f"{fit.board.flash.bytes // 1024:,}",
         f"{fit.board.ram.bytes // 1024:,}", ", ".join(emulators_of(fit.board)), fit.verdict]
        for fit in found.boards
    ]  # fmt: skip
    headings = ["board", "core", "MHz", "flash KiB", "RAM KiB", "emulators", found.model or "no model given"]
    print_table(headings, rows)
