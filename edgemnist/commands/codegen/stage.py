"""From a ``.tflite`` file to a folder of C99: the stage behind ``edgemnist codegen``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import util
from pathlib import Path
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.compiler import memory_map
from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.compiler.passes import FUSIONS
from edgemnist.support.errors import InputError
from edgemnist.support.files import atomic_path, write_json, write_text
from edgemnist.tflite.file import read_tflite


@dataclass(frozen=True, eq=False)
class CodegenResult:
    """A generated model on disk."""

    generated: GeneratedModel
    folder: Path
    files: Sequence[str]
    tflm_arena_bytes: int | None
    """What TFLM's interpreter uses for the same model, measured; None where TFLM is not installed."""

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist codegen --json``."""
        return {
            **self.generated.as_json(),
            "tflm_arena_bytes": self.tflm_arena_bytes,
            "folder": str(self.folder),
            "files": list(self.files),
        }


def run_codegen(
    model_path: Path | None, out: Path | None, settings: CodegenSettings, work: WorkFolder, *, measure_tflm: bool = True
) -> CodegenResult:
    """Generate the C of a ``.tflite``, the work folder's int8 model when none is given, and write it to ``out``.

    Labels and normalisation come from the work folder for its own model. The PNG map needs matplotlib.

    :raises EdgeMnistError: as for :func:`generate`; or the folder can't be written.
    """
    path, settings = _source(model_path, settings, work)
    model = read_tflite(path)
    generated = generate(model, settings, source_name=path.name)
    folder = out or work.path("c")
    for name, text in generated.files.items():
        write_text(folder / name, text)
    written = list(generated.files)
    if util.find_spec("matplotlib") is not None:
        picture = f"{settings.name}_memory.png"
        with atomic_path(folder / picture) as temporary:
            memory_map.draw(generated.program, generated.plan, settings.name, temporary)
        written.append(picture)
    arena = _tflm_arena(path) if measure_tflm else None
    result = CodegenResult(generated, folder, sorted([*written, f"{settings.name}_manifest.json"]), arena)
    write_json(folder / f"{settings.name}_manifest.json", _manifest(result, path, settings))
    return result


def _manifest(result: CodegenResult, path: Path, settings: CodegenSettings) -> dict[str, Any]:
    return {"command": settings.command(path.name), **result.generated.as_json(), "files": list(result.files)}


def _source(model_path: Path | None, settings: CodegenSettings, work: WorkFolder) -> tuple[Path, CodegenSettings]:
    if model_path is not None:
        return model_path, settings
    record = work.require("convert", needed_by="codegen")
    path = work.path("model_int8.tflite")
    if not path.exists():
        raise InputError(f"there is no int8 model in {str(work.root)!r}; run `edgemnist convert --int8` first")
    context = ModelContext.from_json(record.settings)
    labels = settings.labels or context.class_names
    return path, replace(settings, normalisation=context.normalisation, labels=labels)


def _tflm_arena(path: Path) -> int | None:
    """Return the arena that TFLM uses for a model, or None where it is not installed or refuses the model."""
    from edgemnist.tflm.least_arena import measure_arena

    return measure_arena(path)


def settings_from(
    *, name: str, target: str, rounding: str, without: Sequence[str], labels: str | None, sparse: str = "auto"
) -> CodegenSettings:
    """Return the settings that the flags ask for; ``labels`` is a comma-separated list or a JSON array.

    :raises InputError: a fusion's name is unknown, or the labels are no JSON array.
    """
    unknown = [fusion for fusion in without if fusion not in FUSIONS]
    if unknown:
        raise InputError(f"unknown fusion {unknown[0]!r}; choose from {', '.join(FUSIONS)}")
    fusions = tuple(fusion for fusion in FUSIONS if fusion not in without)
    return CodegenSettings(name, target, rounding, fusions, _parse_labels(labels or ""), sparse=sparse)


def _parse_labels(text: str) -> tuple[str, ...]:
    if text.lstrip().startswith("["):
        try:
            return tuple(str(label) for label in json.loads(text))
        except ValueError as error:
            raise InputError(f"labels {text!r} are no JSON array: {error}; give a,b,c") from error
    return tuple(label.strip() for label in text.split(",") if label.strip())
