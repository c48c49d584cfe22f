"""Which boards a model fits: built for each with the toolchain that is here, or told from the memory plan."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.mcu.boards import Board, boards
from edgemnist.mcu.build import BuildSettings, link_firmware
from edgemnist.mcu.elf import Sizes
from edgemnist.mcu.emulators.base import board_json
from edgemnist.mcu.network import make_network
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
    sizes = _sizes_by_core(model, known, settings)
    return [_fit(board, sizes[board.core.name]) for board in known]


def _sizes_by_core(model: TfliteModel, known: Sequence[Board], settings: BuildSettings) -> Mapping[str, Sizes | str]:
    """Return what a model takes on the first board of each core, as many built at once as there are processors."""
    first = {board.core.name: board for board in reversed(known)}
    machines = {board.core.elf_machine for board in known}
    networks = {machine: make_network(model, settings.network, machine) for machine in machines}

    def built(board: Board) -> Sizes | str:
        try:
            with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
                return link_firmware(model, networks[board.core.elf_machine], board, settings, Path(folder)).sizes
        except MissingDependencyError as error:
            return f"not known: {error}"

    with progress_task("Building for every core", len(first)) as task, ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {}
        for core, sizes in zip(first, pool.map(built, first.values()), strict=True):
            found[core] = sizes
            task.update(advance=1)
    return found


def _fit(board: Board, found: Sizes | str) -> BoardFit:
    return BoardFit(board, reason=found) if isinstance(found, str) else BoardFit(board, found)
