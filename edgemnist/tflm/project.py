"""The files for TFLM of one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgemnist.compiler.emit import kernel_files
from edgemnist.compiler.tensor_dump import HEADER
from edgemnist.csource.array import array_names
from edgemnist.csource.outputs import known_output
from edgemnist.csource.pixels import pixel_code
from edgemnist.support.errors import MissingDependencyError, RuntimeCrashedError, UnsupportedModelError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import ModelKind, model_kind
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing
from edgemnist.tflm.arena import arena_margin
from edgemnist.tflm.measure import Measurement, measure
from edgemnist.tflm.operators import resolver_operators
from edgemnist.tflm.programs import main_program
from edgemnist.tflm.sources import MEASURE_REMEDY, TflmSource, header

_TAKEN = frozenset({"tflite", "tflite_micro", "flatbuffers", "gemmlowp", "ruy", "std"})
"""Namespaces of TFLM's headers; a C array of that name can't be in one program with them."""


@dataclass(frozen=True)
class TflmSummary:
    """What was written for TFLM. ``files`` are names, none where TFLM can't run the model; ``note`` says why.

    ``operators``: kinds in the resolver. ``arena_measured``: bytes, None where TFLM's interpreter is not installed.
    ``arena_margin`` and ``arena_margin_helium`` are bytes on top of it, the latter for Cortex-M55 and M85.
    ``version`` is the interpreter's.
    """

    files: tuple[str, ...] = ()
    operators: int = 0
    arena_measured: int | None = None
    arena_margin: int | None = None
    arena_margin_helium: int | None = None
    version: str | None = None
    note: str | None = None


@dataclass(frozen=True, eq=False)
class TflmProject:
    """The files by name, and the facts about them."""

    texts: Mapping[str, str]
    facts: TflmSummary


def tflm_project(
    model: TfliteModel,
    *,
    name: str,
    style: str = "default",
    preprocessing: Preprocessing | None = None,
    stem: str = "model",
) -> TflmProject:
    """Return ``<stem>_tflm.h``, ``<stem>_main.cc`` and its ``<stem>_dump.h`` of an int8 model.

    The parameters are those of the C array (:func:`edgemnist.csource.array.generate`), whose files they include. A
    model of another kind, or that TFLM can't run, has no files, and a note.
    """
    kind = model_kind(model)
    if kind is not ModelKind.INT8:
        return TflmProject(
            {}, TflmSummary(note=f"nothing was written: it is for int8 models, and this is {kind.value}")
        )
    try:
        source = describe(model, name=name, style=style, preprocessing=preprocessing, stem=stem)
    except UnsupportedModelError as error:
        return TflmProject({}, TflmSummary(note=f"nothing was written: {error}"))
    texts = {source.header_name: header(source)}
    notes = []
    if source.measurement is None:
        notes.append(f"the arena was not measured: {source.unmeasured}; {MEASURE_REMEDY}")
    if len(model.inputs) == len(model.outputs) == 1:
        texts[f"{source.stem}_main.cc"] = main_program(source)
        texts[source.dump_header] = kernel_files([HEADER])[HEADER]
    else:
        ends = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        notes.append(f"no main program was written: it takes one input and one output, and this model has {ends}")
    return TflmProject(texts, _facts(source, tuple(texts), "; ".join(notes) or None))


def _facts(source: TflmSource, files: tuple[str, ...], note: str | None) -> TflmSummary:
    measured = source.measurement
    return TflmSummary(
        files=files,
        operators=len(source.operators),
        arena_measured=measured.arena_bytes if measured else None,
        arena_margin=source.margin.general,
        arena_margin_helium=source.margin.helium,
        version=measured.version if measured else None,
        note=note,
    )


def describe(
    model: TfliteModel,
    *,
    name: str,
    style: str = "default",
    preprocessing: Preprocessing | None = None,
    stem: str = "model",
) -> TflmSource:
    """Measure a model and return all that the texts say; parameters as for :func:`tflm_project`.

    :raises InputError: the name can't stand in C.
    :raises UnsupportedModelError: TFLM lacks an operator, or its interpreter refuses the model.
    """
    if name in _TAKEN:
        raise UnsupportedModelError(f"the name {name!r} is a namespace of TFLM:", ["choose another one with --name"])
    operators = resolver_operators(model)
    names = array_names(name, style, stem)
    measurement, unmeasured = _measured(model)
    return TflmSource(
        model=model,
        names=names,
        operators=operators,
        margin=arena_margin(model),
        measurement=measurement,
        unmeasured=unmeasured,
        pixels=pixel_code(name, model, preprocessing, taken=names.array),
        labels=bool(preprocessing and preprocessing.class_names),
        output=known_output(model, preprocessing) if len(model.outputs) == 1 else OutputKind.UNKNOWN,
    )


def _measured(model: TfliteModel) -> tuple[Measurement | None, str]:
    try:
        return measure(model), ""
    except (MissingDependencyError, RuntimeCrashedError) as error:
        return None, str(error).splitlines()[0]
