"""Which model a command works on."""

from __future__ import annotations

from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.support.errors import StageOrderError


def find_model(path: Path | None, work: WorkFolder) -> Path:
    """Return the given model, or the work folder's int8 one.

    :raises StageOrderError: none given and none converted.
    """
    if path is not None:
        return path
    work.require("convert", needed_by="firmware")
    found = work.path("model_int8.tflite")
    if not found.exists():
        raise StageOrderError(f"there is no int8 model in {str(work.root)!r}; run `edgemnist convert --int8` first")
    return found
