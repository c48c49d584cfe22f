"""The convert stage: a Keras model to ``.tflite`` files, checked, to C arrays, and to what TFLM needs beside them.

Everything is made and verified in memory first; only then are files put in place, each atomically, and last the
manifest's record. A command that fails or is killed on the way leaves the earlier files as they were.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder, digests_of
from edgemnist.commands.convert import verification
from edgemnist.commands.convert.c_array import CArrayResult, c_files, write_c_array
from edgemnist.commands.convert.calibration import check_input_scale
from edgemnist.commands.convert.exports import Exports, check_exportable, export
from edgemnist.commands.convert.preparing import Conversion, prepare
from edgemnist.commands.convert.settings import (
    CALIBRATED,
    STAGE,
    ConversionResult,
    ConversionSettings,
    ConvertedModel,
    TensorDescription,
    operator_versions,
)
from edgemnist.commands.convert.source import opening
from edgemnist.compiler.generate import CodegenSettings
from edgemnist.compiler.targets import ANY
from edgemnist.compiler.written import write_code
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.generating import with_preprocessing
from edgemnist.harness.models import COMPILED, find_subject, model_file
from edgemnist.runner.registry import default_runtimes, find_runtime
from edgemnist.support.errors import InputError, ModelError, UnsupportedModelError
from edgemnist.support.files import check_writable, package_versions, sha256_of, write_together
from edgemnist.support.progress import progress_task
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflm.least_arena import measure_arena
from edgemnist.tflm.project import TflmProject

NO_INT8_MODEL = "--c needs an int8 or int16x8 model; add --int8, or use `edgemnist codegen MODEL.tflite`"
PACKAGES = ("tensorflow", "tf-keras", "keras", "numpy", "edgemnist")
QUANTISER_PACKAGES = ("ai-edge-quantizer", "ai-edge-litert", "numpy", "edgemnist")


@dataclass(frozen=True, eq=False)
class _InMemory:
    """One converted model in memory, with everything that goes to disk for it."""

    facts: ConvertedModel
    content: bytes
    c_files: Mapping[str, str]


def convert(settings: ConversionSettings, work: WorkFolder) -> ConversionResult | CArrayResult | Exports:
    """Convert a model in every mode asked for, or write the C array of a ``.tflite``, which is converted already.

    The files and the record of stage ``convert`` go to ``settings.out``, by default the work folder. Files of other
    modes that an earlier call made of the same model stay in the record.

    :raises StageOrderError: no model given and nothing trained in the work folder.
    :raises FolderInUseError: the main job goes on from the folder's models in another process.
    :raises InputError: no mode; a model from elsewhere without a dataset to calibrate with; or a mode, or no C array,
        is asked of a ``.tflite``.
    :raises ModelError: the model is corrupt, does not fit the dataset, or its conversion does not classify any more.
    :raises StorageError: the folder cannot be written.
    """
    if settings.exports:
        check_exportable(settings)
        if not settings.ordered_modes():
            return export(settings, work)
    if settings.model is not None and settings.model.suffix == ".tflite" and settings.modes is None:
        return _write_c_array(settings.model, settings, work)
    if settings.c_code and not set(COMPILED) & set(settings.ordered_modes()):
        raise InputError(NO_INT8_MODEL)
    if settings.ram is not None and not settings.c_code:
        raise InputError(f"--ram {settings.ram} is of the C code, and none is asked for; add --c, or leave it out")
    result = run_conversion(settings, work)
    if settings.exports:
        result = replace(result, exports=export(replace(settings, modes=()), work).models)
    return _with_c_code(result, settings.ram) if settings.c_code else result


def _write_c_array(model: Path, settings: ConversionSettings, work: WorkFolder) -> CArrayResult:
    if settings.c_array is False:
        raise InputError(
            f"nothing is left to do for {str(model)!r}: leave --no-c-array out for its C array, or name what to make "
            "of it, such as --int8"
        )
    if settings.c_code:
        raise InputError(NO_INT8_MODEL)
    return write_c_array(model, settings, work)


def _with_c_code(result: ConversionResult, ram: int | None) -> ConversionResult:
    """Generate the C code of the int8 model that was just made, or else of the int16x8 one, in ``c/`` beside it.

    :raises UnsupportedModelError: it cannot be compiled; says that its ``.tflite`` is there all the same.
    """
    work = WorkFolder(result.folder)
    subject = find_subject(None, work, COMPILED)
    if subject.tflite.sha256 not in {model.sha256 for model in result.models}:
        raise InputError(f"{str(subject.path)!r} was replaced by another command; run `edgemnist convert` again")
    settings = with_preprocessing(CodegenSettings(target=ANY, ram=ram), subject, FeedingSettings())
    try:
        written = write_code(subject.tflite, settings, work.path("c"), source_name=subject.path.name)
    except ModelError as error:
        there = f"{str(subject.path)!r} was written and verified, but C code cannot be generated from it (--c):"
        problems = error.problems if isinstance(error, UnsupportedModelError) else (str(error),)
        raise UnsupportedModelError(there, problems) from error
    return replace(result, c=replace(written, tflm_arena_bytes=measure_arena(subject.tflite)))


def run_conversion(settings: ConversionSettings, work: WorkFolder) -> ConversionResult:
    """Convert a Keras model; see :func:`convert`."""
    if not settings.ordered_modes():
        raise InputError("nothing to convert to; choose at least one of --int8, --float32, --float16, ...")
    out = WorkFolder(settings.out) if settings.out else work
    out.check_no_run(STAGE)
    with progress_task("Converting", total=len(settings.ordered_modes()) + 2) as task:
        model = settings.model
        path, record = (model, None) if model is not None else work.latest_model(needed_by="convert")
        with opening(path) as load:
            _check_not_overwritten(path, settings, out)
            check_writable(out.root)
            read = digests_of(load.files) if record is None else {path: record.outputs[path.name]}
            conversion = prepare(settings, path, record, load)
            task.update(advance=1)
            made, warnings = [], list(conversion.warnings)
            with verification.Verifier(conversion.trial) as verifier:
                for mode in settings.ordered_modes():
                    task.update(description=f"Converting to {mode.value}")
                    one, notes = _make(conversion, mode, verifier)
                    made.append(one)
                    warnings += notes
                    task.update(advance=1)
        with out.leaving(STAGE, read):
            out.check_no_run(STAGE)
            return _install(conversion, made, warnings, out, read, named=record is None)


def _check_not_overwritten(path: Path, settings: ConversionSettings, out: WorkFolder) -> None:
    for mode in settings.ordered_modes():
        if path.resolve() == out.path(model_file(mode)).resolve():
            raise InputError(f"the {mode.value} model would overwrite its source, {str(path)!r}; name another --out")


# --- one mode --------------------------------------------------------------------------------------------------------


def _make(conversion: Conversion, mode: ModelKind, verifier: verification.Verifier) -> tuple[_InMemory, list[str]]:
    calibration = conversion.calibration if mode in CALIBRATED else None
    images = None
    if calibration is not None:
        images = verification.source_input(conversion.source, calibration.images, conversion.context.preprocessing)
    io = conversion.settings.io_of(mode)
    converted = conversion.source.convert(mode, io=io, calibration=images)
    content = converted.content
    model = parse_tflite(content, name=model_file(mode))
    warnings = (
        check_input_scale(model, conversion.context.preprocessing.normalisation) if calibration is not None else []
    )
    verified, refused, notes = verifier.verify(model, model_file(mode))
    c_name = conversion.settings.c_name(mode)
    c_files, tflm = (
        _c_array(conversion, model, mode, c_name) if conversion.settings.writes_c_array(mode) else ({}, None)
    )
    facts = ConvertedModel(
        mode=mode.value,
        file=model_file(mode),
        size=len(content),
        gzip_size=len(gzip.compress(content, 9, mtime=0)),
        sha256=model.sha256,
        input=TensorDescription.of(model.input()),
        output=TensorDescription.of(model.output()),
        operator_versions=operator_versions(model),
        calibration=None if calibration is None else calibration.as_json(),
        recipe=converted.recipe,
        verification=verified,
        runtimes=tuple(n for n in default_runtimes() if mode in find_runtime(n).takes and n not in refused),
        refused=refused,
        c_array=tuple(c_files),
        c_name=c_name if c_files else None,
        tflm=tflm.facts if tflm else None,
    )
    return _InMemory(facts, content, {**c_files, **(tflm.texts if tflm else {})}), [*warnings, *notes]


def _c_array(
    conversion: Conversion, model: TfliteModel, mode: ModelKind, name: str
) -> tuple[dict[str, str], TflmProject]:
    return c_files(
        model,
        replace(conversion.settings, name=name),
        preprocessing=conversion.context.preprocessing,
        stem=f"model_{mode.value}",
    )


# --- files and record ------------------------------------------------------------------------------------------------


def _install(
    conversion: Conversion,
    made: list[_InMemory],
    warnings: list[str],
    out: WorkFolder,
    read: Mapping[Path, str],
    *,
    named: bool,
) -> ConversionResult:
    earlier, stale = _earlier_models(read, made, out)
    contents = {out.path(one.facts.file): one.content for one in made}
    contents |= {out.path(name): text.encode() for one in made for name, text in one.c_files.items()}
    write_together(contents)
    models = {**earlier, **{one.facts.mode: one.facts.as_json() for one in made}}
    outputs = [out.path(name) for facts in models.values() for name in _file_names(facts)]
    settings = {
        **conversion.context.as_json(),
        "source": _source_name(conversion.source.path, out),
        "source_named": named,
        "modes": list(models),
        "io": conversion.settings.io,
        "calibration": len(conversion.calibration.images) if conversion.calibration else None,
        "seed": conversion.settings.seed,
    }
    out.record(
        STAGE,
        settings=settings,
        results={"models": models, "warnings": warnings, "assumed": list(conversion.assumed)},
        inputs=read,
        outputs=outputs,
        versions=package_versions(*(QUANTISER_PACKAGES if conversion.source.path.suffix == ".tflite" else PACKAGES)),
    )
    return ConversionResult(
        source=conversion.source.path,
        folder=out.root,
        models=tuple(one.facts for one in made),
        warnings=(*warnings, *stale),
        preprocessing=conversion.context.preprocessing.in_words(),
        assumed=conversion.assumed,
    )


def _file_names(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a recorded model's files."""
    tflm = facts.get("tflm") or {"files": ()}
    return facts["file"], *facts["c_array"], *tflm["files"]


def _source_name(path: Path, out: WorkFolder) -> str:
    """Return the name of a file in the folder itself, so that the folder can be moved; else the absolute path."""
    return path.name if path.resolve().parent == out.root.resolve() else str(path.resolve())


def _earlier_models(
    read: Mapping[Path, str], made: list[_InMemory], out: WorkFolder
) -> tuple[dict[str, Any], list[str]]:
    """Return the record's models of other modes that were made of the same source, and warnings about others."""
    record = out.find(STAGE)
    if record is None:
        return {}, []
    same_source = sorted(record.inputs.values()) == sorted(read.values())
    renewed = {one.facts.mode for one in made}
    kept, stale = {}, []
    for mode, facts in record.results.get("models", {}).items():
        path = out.path(facts["file"])
        if mode in renewed or not path.exists():
            continue
        if same_source and sha256_of(path) == facts["sha256"]:
            kept[mode] = facts
        else:
            stale.append(f"{facts['file']} was made of an earlier model; convert it again or delete it")
    return kept, stale
