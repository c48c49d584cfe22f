"""A ``.tflite`` file as a C array, with what TFLM needs beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.settings import (
    STAGE,
    ConversionSettings,
)
from edgemnist.csource import array as carray
from edgemnist.harness.feeding import understood
from edgemnist.runner.run import LoadedModel
from edgemnist.support.files import write_together
from edgemnist.tflite.file import TfliteModel, read_tflite
from edgemnist.tflite.kinds import model_kind
from edgemnist.tflite.preprocessing import Preprocessing
from edgemnist.tflm.project import TflmProject, TflmSummary, tflm_project


@dataclass(frozen=True)
class CArrayResult:
    """The C array of a ``.tflite`` file in ``folder``: ``files`` are its names, ``tflm`` is what lies beside it.

    ``left_out``: what the files lack, and why, in words.
    """

    source: Path
    sha256: str
    folder: Path
    name: str
    style: str
    files: tuple[str, ...]
    tflm: TflmSummary
    left_out: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "source": str(self.source),
            "sha256": self.sha256,
            "folder": str(self.folder),
            "name": self.name,
            "style": self.style,
            "files": list(self.files),
            "tflm": asdict(self.tflm),
            "left_out": list(self.left_out),
        }


def write_c_array(path: Path, settings: ConversionSettings, work: WorkFolder) -> CArrayResult:
    """Write the C array of any ``.tflite`` file, with labels if the work folder's record knows the file.

    :raises ModelError: it is no TFLite file, or corrupt.
    :raises StorageError: the folder cannot be written.
    """
    model, out = read_tflite(path), settings.out or work.root
    context = _context_of(model, work)
    preprocessing = _preprocessing(path, model, settings, context)
    files, tflm = c_files(model, settings, preprocessing=preprocessing, stem=path.stem)
    texts = {**files, **tflm.texts}
    with WorkFolder(out).changing():
        write_together({out / name: text.encode() for name, text in texts.items()})
    missing = tuple(carray.left_out(model, preprocessing))
    return CArrayResult(path, model.sha256, out, settings.name, settings.style, tuple(files), tflm.facts, missing)


def c_files(
    model: TfliteModel,
    settings: ConversionSettings,
    *,
    preprocessing: Preprocessing | None,
    stem: str,
) -> tuple[dict[str, str], TflmProject]:
    """Return the C array's files, and what goes with them for TFLM."""
    name, style = settings.name, settings.style
    array = carray.generate(model, name=name, style=style, preprocessing=preprocessing, stem=stem)
    tflm = tflm_project(model, name=name, style=style, preprocessing=preprocessing, stem=stem)
    return array, tflm


def _preprocessing(
    path: Path, model: TfliteModel, settings: ConversionSettings, context: ModelContext | None
) -> Preprocessing | None:
    """Return what is recorded of how the model is fed, with what was asked for; None where that is nothing."""
    if context is None and not settings.feeding.given():
        return None
    return understood(LoadedModel(path, model_kind(model), model), context, settings.feeding).preprocessing


def _context_of(model: TfliteModel, work: WorkFolder) -> ModelContext | None:
    record = work.find(STAGE)
    if record is None or model.sha256 not in record.outputs.values():
        return None
    return ModelContext.from_json(record.settings)
