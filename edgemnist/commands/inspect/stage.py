"""Find the file that ``edgemnist inspect`` shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.support.errors import StageOrderError
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.inspection import Inspection, inspect

INT8_MODEL = "model_int8.tflite"


@dataclass(frozen=True, eq=False)
class InspectedFile:
    """A file and what is in it."""

    path: Path
    inspection: Inspection

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist inspect --json``."""
        return {"file": str(self.path), **self.inspection.as_json()}


def inspect_file(path: Path | None, work: Path) -> InspectedFile:
    """Read and inspect a file, or the work folder's int8 model when ``path`` is None.

    :raises StageOrderError: no path given and nothing has been converted to int8 in the work folder.
    """
    if path is None:
        folder = WorkFolder(work)
        folder.require("convert", needed_by="inspect")
        path = folder.path(INT8_MODEL)
        if not path.exists():
            raise StageOrderError(
                f"{str(work)!r} holds no {INT8_MODEL}: name a .tflite file, or run `edgemnist convert --int8` first"
            )
    return InspectedFile(path, inspect(read_tflite(path)))
