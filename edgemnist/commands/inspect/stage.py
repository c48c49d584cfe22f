"""Find the file that ``edgemnist inspect`` shows."""

from __future__ import annotations

from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.support.errors import StageOrderError
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.inspection import Inspection, inspect

INT8_MODEL = "model_int8.tflite"


def inspect_file(path: Path | None, work: Path) -> tuple[Path, Inspection]:
    """Read and inspect a file, or the work folder's int8 model when ``path`` is None; return its path as well.

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
    return path, inspect(read_tflite(path))
