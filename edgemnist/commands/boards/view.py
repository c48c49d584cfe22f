"""The list of boards for people."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.commands.boards.stage import BoardList
from edgemnist.mcu.emulators.base import emulators_of
from edgemnist.mcu.fit import BoardFit
from edgemnist.support.tables import Column, numbers, print_table, print_text

_NEEDS = ("fits", "flash\nneeded", "flash\nto spare", "RAM\nneeded", "RAM\nto spare")


def show(found: BoardList) -> None:
    """Print the boards, and whether the model fits each."""
    columns = [
        Column("board"), Column("core", rank=2), *numbers("MHz", rank=4), *numbers("flash\nKiB", "RAM\nKiB", rank=5),
        Column("emulators", rank=6),
    ]  # fmt: skip
    if found.model:
        columns += [*numbers(*_NEEDS[:1]), *numbers(*_NEEDS[1:], rank=1)]
    print_table(columns, [[*_board(fit), *(_needs(fit) if found.model else [])] for fit in found.boards])
    print_text(*_notes(found))


def _board(fit: BoardFit) -> list[str]:
    board = fit.board
    memories = (f"{memory.bytes // 1024:,}" for memory in (board.flash, board.ram))
    return [board.name, board.core.title, f"{board.clock_hz / 1e6:g}", *memories, ", ".join(emulators_of(board))]


def _needs(fit: BoardFit) -> list[str]:
    if fit.sizes is None:
        return ["?", *[""] * (len(_NEEDS) - 1)]
    pairs = ((fit.sizes.flash, fit.board.flash), (fit.sizes.ram, fit.board.ram))
    figures = (f"{figure:,}" for need, memory in pairs for figure in (need, memory.bytes - need))
    return ["no" if fit.over else "yes", *figures]


def _notes(found: BoardList) -> Iterator[str]:
    """Yield the verdict in a sentence, and why it is not known where it is not."""
    if not found.model:
        yield "name a .tflite file, and each board is asked whether it fits"
        return
    built = [fit for fit in found.boards if fit.sizes is not None]
    fitting = sum(not fit.over for fit in built)
    yield (
        f"{found.model} fits {fitting} of {len(built)} boards; bytes of its firmware for each core, the "
        "stack's reserve included, and those to spare"
    )
    for reason in dict.fromkeys(fit.reason for fit in found.boards if fit.sizes is None):
        yield f"? {reason}"
