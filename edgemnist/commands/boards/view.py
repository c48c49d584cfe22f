"""The list of boards for people."""

from __future__ import annotations

from edgemnist.commands.boards.stage import BoardList
from edgemnist.mcu.emulators.base import emulators_of
from edgemnist.support.tables import Column, numbers, print_table


def show(found: BoardList) -> None:
    """Print the boards, and whether the model fits each."""
    rows = [
        [fit.board.name, fit.board.core.title, f"{fit.board.clock_hz / 1e6:g}", f"{fit.board.flash.bytes // 1024:,}",
         f"{fit.board.ram.bytes // 1024:,}", ", ".join(emulators_of(fit.board)), fit.verdict]
        for fit in found.boards
    ]  # fmt: skip
    columns = [
        Column("board"), Column("core", rank=2), *numbers("MHz", rank=4), *numbers("flash KiB", "RAM KiB", rank=3),
        Column("emulators", rank=5), Column(found.model or "no model given", rank=0 if found.model else 1),
    ]  # fmt: skip
    print_table(columns, rows)
