"""From a ``.tflite`` file to a folder of C99: the stage behind ``edgemnist codegen``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import util
from pathlib import Path
from typing import Any

from edgemnist.artifacts import ModelContext, WorkFolder, atomic_path, write_json, write_text
from edgemnist.c_source import check_file_name, check_identifier
from edgemnist.compiler import memory_map
from edgemnist.compiler.emit import EmitSettings, emit
from edgemnist.compiler.lowering import Program, lower
from edgemnist.compiler.memory import Plan, plan
from edgemnist.compiler.ops.base import LoweringSettings, Sparsity
from edgemnist.compiler.passes import FUSIONS, optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.self_test import self_test_source
from edgemnist.compiler.sparsity import CHOICES as SPARSE_CHOICES
from edgemnist.compiler.targets import TARGETS
from edgemnist.data.base import Normalisation
from edgemnist.errors import InputError
from edgemnist.pixel_code import pixel_code
from edgemnist.pixels import infer_normalisation
from edgemnist.tflite_file import TfliteModel, read_tflite

ROUNDINGS = ("tflm", "tflite")
DEFAULT_NAME = "model"


@dataclass(frozen=True)
class CodegenSettings:
    """What to generate.

    ``name`` prefixes files and C names; ``rounding`` "tflm" equals TensorFlow Lite for Microcontrollers, "tflite"
    TensorFlow 2.21's reference kernels; ``fusions`` are names in ``passes.FUSIONS``; ``labels`` in class order;
    ``normalisation`` None takes the usual one that the input's quantisation fits; ``sparse`` is a name in
    ``SPARSE_CHOICES``: which layers store only their weights other than zero.
    """

    name: str = DEFAULT_NAME
    target: str = "portable"
    rounding: str = "tflm"
    fusions: tuple[str, ...] = tuple(FUSIONS)
    labels: tuple[str, ...] = ()
    normalisation: Normalisation | None = None
    sparse: str = "auto"

    def command(self, model: str) -> str:
        """Return the command line that gives the same files, without folders."""
        parts = [f"edgemnist codegen {model} --name {self.name} --target {self.target} --rounding {self.rounding}"]
        parts += [f"--sparse {self.sparse}"] if self.sparse != "auto" else []
        parts += [f"--no-fuse {name}" for name in FUSIONS if name not in self.fusions]
        return " ".join(parts)


@dataclass(frozen=True, eq=False)
class GeneratedModel:
    """The compiled program, its memory plan, the files by name, and the class names in order where they are known."""

    name: str
    program: Program
    plan: Plan
    files: Mapping[str, str]
    labels: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the figures that the manifest and ``--json`` show."""
        return {
            "name": self.name,
            "target": self.program.settings.target,
            "rounding": self.program.settings.rounding,
            "source_sha256": self.program.graph.source_sha256,
            "arena_bytes": self.plan.size,
            "largest_tensor_bytes": self.plan.largest_tensor,
            "largest_live_set_bytes": self.plan.largest_live_set,
            "constant_bytes": self.program.constant_bytes,
            "macs": self.program.macs,
            "steps": [
                {
                    "operator": step.node.label,
                    "kernel": step.function,
                    "macs": step.macs,
                    "constant_bytes": step.constant_bytes,
                    "scratch_bytes": step.scratch,
                    "sparse": _sparsity_json(step.sparsity),
                }
                for step in self.program.steps
            ],
        }


def _sparsity_json(sparsity: Sparsity | None) -> dict[str, int] | None:
    if sparsity is None:
        return None
    return {
        "weights": sparsity.weights,
        "zeros": sparsity.weights - sparsity.stored,
        "bytes": sparsity.bytes,
        "saved_bytes": sparsity.weights - sparsity.bytes,
    }


def compile_model(model: TfliteModel, settings: CodegenSettings) -> tuple[Program, Plan]:
    """Read, fuse, lower and lay out a model.

    :raises InputError: an unknown target, rounding, fusion or choice of sparse layers.
    :raises ModelError: the model can't be compiled; every reason is in the message.
    """
    for what, value, allowed in (
        ("target", settings.target, tuple(TARGETS)),
        ("rounding", settings.rounding, ROUNDINGS),
        ("choice of sparse layers", settings.sparse, SPARSE_CHOICES),
    ):
        if value not in allowed:
            raise InputError(f"unknown {what} {value!r}; choose one of {', '.join(allowed)}")
    graph = optimise(read_graph(model), settings.fusions)
    lowering = LoweringSettings(rounding=settings.rounding, target=settings.target, sparse=settings.sparse)
    program = lower(graph, lowering)
    return program, plan(program)


def generate(model: TfliteModel, settings: CodegenSettings, *, source_name: str = "model.tflite") -> GeneratedModel:
    """Return the C files of a model; the same model and settings give the same bytes.

    :raises InputError: the name or a label can't stand in C, or a setting is unknown.
    :raises ModelError: the model can't be compiled; every reason is in the message.
    """
    check_file_name(check_identifier(settings.name))
    if settings.labels and len(settings.labels) != model.output().shape[-1]:
        raise InputError(
            f"{len(settings.labels)} labels for {model.output().shape[-1]} classes; give one for each class"
        )
    program, layout = compile_model(model, settings)
    entry = model.input()
    normalisation = settings.normalisation or infer_normalisation(entry)
    emit_settings = EmitSettings(
        settings.name, settings.command(source_name), settings.labels, pixel_code(settings.name, entry, normalisation)
    )
    files = emit(program, layout, emit_settings)
    files[f"{settings.name}_test.c"] = self_test_source(program.graph, emit_settings, program.settings)
    files[f"{settings.name}_memory.txt"] = memory_map.as_text(program, layout, settings.name)
    return GeneratedModel(settings.name, program, layout, files, settings.labels)


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
    from edgemnist.runtimes.tflm_arena import measure_arena

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
