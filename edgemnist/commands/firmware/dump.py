"""The tensors that a firmware has sent, as a file for ``edgemnist explain --dump``."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.firmware.subject import FirmwareInputs
from edgemnist.compiler.tensor_dump import TracedTensors
from edgemnist.mcu import DUMPED
from edgemnist.mcu.execution import Execution
from edgemnist.mismatch.dump_text import text_of
from edgemnist.support.errors import InputError
from edgemnist.support.files import write_bytes
from edgemnist.tflite.file import TfliteModel


def write_dump(path: Path, chosen: FirmwareInputs, execution: Execution, traced: TracedTensors) -> None:
    """Write the tensors of the first inputs; compressed where the file's name ends with ``.gz``.

    :raises InputError: the firmware sends no tensors.
    :raises StorageError: the file can't be written.
    """
    if not execution.tensors:
        raise InputError(
            f"the firmware on {execution.info.board} sends no tensors, so that there is nothing for {str(path)!r}; "
            "build it with `edgemnist firmware build --with-dump --transport uart` and flash it"
        )
    images = {
        number: _arrays(chosen.model, traced.by_index([one[number].tobytes() for one in chosen.inputs], contents))
        for number, contents in enumerate(execution.tensors[:DUMPED])
    }
    content = "".join(text_of(chosen.model.sha256, images)).encode()
    write_bytes(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _arrays(model: TfliteModel, contents: dict[int, bytes]) -> dict[int, NDArray[Any]]:
    return {index: np.frombuffer(content, np.dtype(model.tensors[index].dtype)) for index, content in contents.items()}
