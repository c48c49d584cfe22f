"""Which boards a model fits: built for each with the toolchain that is here, or told from the memory plan."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.mcu.boards import Board, boards
from edgemnist.mcu.build import BuildSettings, build_firmware
from edgemnist.mcu.elf import Sizes
from edgemnist.mcu.emulators.base import board_json
from edgemnist.support.errors import MissingDependencyError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.file import TfliteModel


@dataclass(frozen=True)
class BoardFit:
    """A board and, for a model, the firmware's sizes there; ``sizes`` None and ``reason`` where there are none."""

    board: Board
    sizes: Sizes | None = None
    reason: str = ""

    @property
    def over(self) -> dict[str, int]:
        """Bytes by which the firmware is too large, by memory."""
        return self.board.excess(self.sizes.flash, self.sizes.ram) if self.sizes else {}

    @property
    def verdict(self) -> str:
        """Whether it fits, for people."""
        if self.sizes is None:
            return self.reason
        if self.over:
            return "does not fit: " + ", ".join(f"{memory} over by {count:,} B" for memory, count in self.over.items())
        flash, ram = self.board.flash.bytes - self.sizes.flash, self.board.ram.bytes - self.sizes.ram
        return f"fits: {flash:,} B of flash and {ram:,} B of RAM to spare"

    def as_json(self) -> dict[str, Any]:
        """Return the board and its verdict as JSON values."""
        content = board_json(self.board)
        if self.sizes is None:
            return content | {"fits": None, "reason": self.reason}
        return content | {
            "fits": not self.over,
            "over_bytes": self.over,
            "firmware_flash_bytes": self.sizes.flash,
            "firmware_ram_bytes": self.sizes.ram,
        }


def fit_boards(model: TfliteModel | None, settings: BuildSettings) -> Sequence[BoardFit]:
    """Return every known board; with a model also whether its firmware fits, built once for each core.

    :raises ModelError: the model can't be compiled to C.
    """
    known = list(boards().values())
    if model is None:
        return [BoardFit(board) for board in known]
    sizes: dict[str, Sizes | str] = {}
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as temporary, progress_task("Building", len(known)) as task:
        for board in known:
            if board.core.name not in sizes:
                sizes[board.core.name] = _sizes(model, board, settings, Path(temporary))
            task.update(advance=1)
    return [_fit(board, sizes[board.core.name]) for board in known]


def _sizes(model: TfliteModel, board: Board, settings: BuildSettings, folder: Path) -> Sizes | str:
    try:
        return build_firmware(model, board, settings, folder / board.core.name).sizes
    except MissingDependencyError as error:
        return f"not known: {error}"


def _fit(board: Board, found: Sizes | str) -> BoardFit:
    return BoardFit(board, reason=found) if isinstance(found, str) else BoardFit(board, found)
