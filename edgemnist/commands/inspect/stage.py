"""The stage behind ``edgemnist inspect``: find the file and look into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.harness.models import find_model
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.inspection import Inspection, inspect


@dataclass(frozen=True, kw_only=True)
class InspectSettings:
    """What ``edgemnist inspect`` takes: a ``.tflite``; without one it is the work folder's preferred model."""

    model: Path | None = None


@dataclass(frozen=True, eq=False)
class InspectedModel:
    """A file and what is in it."""

    path: Path
    inspection: Inspection

    def as_json(self) -> dict[str, Any]:
        """Return file and inspection as JSON values."""
        return {"file": str(self.path), **self.inspection.as_json()}


def inspect_model(settings: InspectSettings, work: WorkFolder) -> InspectedModel:
    """Read and inspect a model.

    :raises ModelError: it is no TFLite file, or corrupt.
    :raises StageOrderError: none is named, and none has been converted in the work folder.
    """
    path = find_model(settings.model, work)
    return InspectedModel(path, inspect(read_tflite(path)))
