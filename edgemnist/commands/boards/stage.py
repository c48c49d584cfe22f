"""Which boards there are, and whether a model fits each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.harness.models import COMPILED, find_subject
from edgemnist.mcu.build import BuildSettings
from edgemnist.mcu.fit import BoardFit, fit_boards
from edgemnist.support.errors import StageOrderError


@dataclass(frozen=True, kw_only=True)
class BoardsSettings:
    """What ``edgemnist boards`` takes. Without ``model`` it is the work folder's int8 one, if it has one."""

    model: Path | None = None
    build: BuildSettings = field(default_factory=BuildSettings)


@dataclass(frozen=True, eq=False)
class BoardList:
    """Every board with how the model fits it; without any model ``model`` is None and the boards are only listed."""

    model: str | None
    boards: Sequence[BoardFit]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist boards --json``."""
        return {"model": self.model, "boards": [fit.as_json() for fit in self.boards]}


def boards(settings: BoardsSettings, work: WorkFolder) -> BoardList:
    """Return every board with how the model fits; without any model only the boards."""
    try:
        subject = find_subject(settings.model, work, COMPILED)
    except StageOrderError:
        return BoardList(None, fit_boards(None, settings.build))
    return BoardList(subject.path.name, fit_boards(subject.tflite, settings.build))
