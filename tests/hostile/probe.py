"""Reads hostile files, one after the other, in this process, and says what each cost. Prints JSON, a line a file.

Run as a program: ``python -m tests.hostile.probe FOLDER NAME...`` with names of cases; without names all of them.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What reading a file came to: CPU seconds, bytes of memory beyond what was taken before, and what was said."""

    name: str
    seconds: float
    memory: int
    error: str
    said: str
    refused: bool


def _dataset(path: Path) -> Any:
    from edgemnist.data.loading import load_dataset

    return load_dataset(str(path), fetch=False)


def _folder(path: Path) -> Any:
    return _dataset(path.parent)


def _picture(path: Path) -> Any:
    from edgemnist.data.images import fit_image, read_header, read_image

    read_header(path)
    return fit_image(read_image(path), (28, 28), 1)


def _bundle(path: Path) -> Any:
    from edgemnist.data.images import decode_image
    from edgemnist.pi.bundle.command import _content
    from edgemnist.support.limits import PI_MAX_PIXELS

    return decode_image(_content(path), str(path), PI_MAX_PIXELS)


def _keras(path: Path) -> Any:
    from edgemnist.keras_io import formats, keras_files

    formats.source_files(path)
    return keras_files._read_config(path)


def _onnx(path: Path) -> Any:
    from edgemnist.onnx.onnx_file import load_model

    return load_model(path)


def _tflite(path: Path) -> Any:
    from edgemnist.tflite.file import read_tflite

    return read_tflite(path)


READERS: dict[str, Callable[[Path], Any]] = {
    "dataset": _dataset, "folder": _folder, "picture": _picture, "bundle": _bundle,
    "keras": _keras, "onnx": _onnx, "tflite": _tflite,
}  # fmt: skip


def _peak() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(name: str, reader: str, path: Path) -> Cost:
    """Read one file; the peak of memory is set back before."""
    from edgemnist.support.errors import EdgeMnistError

    Path("/proc/self/clear_refs").write_text("5")
    memory, seconds = _peak(), _cpu()
    error, said, refused = "", "", False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            READERS[reader](path)
    except EdgeMnistError as problem:
        error, said, refused = type(problem).__name__, str(problem), problem.exit_code == 2
    except BaseException as problem:
        error, said = type(problem).__name__, str(problem)[:300]
    return Cost(name, _cpu() - seconds, _peak() - memory, error, said, refused)


def costs(names: list[str]) -> Iterator[Cost]:
    """Make and read each case in a folder of its own."""
    from tests.hostile import all_cases

    known = {case.name: case for case in all_cases()}
    for name in names or known:
        case = known[name]
        with TemporaryDirectory() as folder:
            yield measure(name, case.reader, case.make(Path(folder)))


if __name__ == "__main__":
    os.environ["HOME"] = "/nonexistent"
    for cost in costs(sys.argv[1:]):
        sys.stdout.write(json.dumps(asdict(cost)) + "\n")
        sys.stdout.flush()
