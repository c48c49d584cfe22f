"""Which boards there are, and whether a model fits each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.harness.models import find_model
from edgemnist.mcu.build import BuildSettings
from edgemnist.mcu.fit import BoardFit, fit_boards
from edgemnist.support.errors import StageOrderError
from edgemnist.tflite.file import read_tflite


@dataclass(frozen=True, eq=False)
class BoardList:
    """Every known board; ``model`` is the name of the model that was built for each, None without one."""

    boards: Sequence[BoardFit]
    model: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist boards --json``."""
        return {"model": self.model, "boards": [fit.as_json() for fit in self.boards]}


def boards(model: Path | None, settings: BuildSettings, work: Path) -> BoardList:
    """Return every board with how the model fits; without any model only the boards."""
    try:
        path = find_model(model, WorkFolder(work))
    except StageOrderError:
        return BoardList(fit_boards(None, settings), None)
    return BoardList(fit_boards(read_tflite(path), settings), path.name)
