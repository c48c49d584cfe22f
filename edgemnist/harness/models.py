"""Which model a command works on: the named one, or the work folder's; and the one refusal where there is none."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemnist.artifacts.context import ModelContext, context_beside
from edgemnist.artifacts.folder import QAT_MODEL, StageRecord, WorkFolder
from edgemnist.keras_io.formats import KERAS_SUFFIXES
from edgemnist.runner.run import LoadedModel, load_model
from edgemnist.support.errors import InputError, StageOrderError
from edgemnist.support.files import sha256_of
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import NORMALISATIONS, normalisation_name

ANY_TFLITE = (ModelKind.INT8, ModelKind.FLOAT32, ModelKind.FLOAT16, ModelKind.DYNAMIC, ModelKind.INT16X8)
"""The order in which a work folder's models are preferred where none is named.

int8 first, since that is what runs on a microcontroller; then the float ones, the nearest to what was trained first;
last int16x8, which the fewest runtimes take.
"""

ONLY_INT8 = (ModelKind.INT8,)
"""For what takes no other kind."""

COMPILED = (ModelKind.INT8, ModelKind.INT16X8)
"""For generated C and firmware: the order in which a work folder's models are preferred where none is named."""

FLOAT_REFERENCES = (ModelKind.KERAS, ModelKind.FLOAT32)
"""The kinds that compute what was trained: what conversion costs is measured against one of these."""

MODEL_SUFFIXES = (".tflite", *KERAS_SUFFIXES)
"""What model files are called."""

_QAT_KINDS = (ModelKind.INT8, ModelKind.FLOAT32)
"""What a model that was trained for int8 can be converted to."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A model and what has been recorded of it.

    ``context``: what it was trained on, from the manifest of its folder; None where nobody has recorded it.
    ``record``: that of its conversion, for a work folder's model; None for one that was named.
    """

    model: LoadedModel
    context: ModelContext | None
    record: StageRecord | None = None

    @property
    def path(self) -> Path:
        """Its file, or the folder of a SavedModel."""
        return self.model.path

    @property
    def kind(self) -> ModelKind:
        """Its arithmetic."""
        return self.model.kind

    @property
    def tflite(self) -> TfliteModel:
        """What its ``.tflite`` file holds.

        :raises InputError: it is a Keras model.
        """
        if self.model.tflite is None:
            raise _not_converted(self.path)
        return self.model.tflite


def model_file(kind: ModelKind) -> str:
    """Return the file name of a converted model in a work folder: ``model_int8.tflite``."""
    return f"model_{kind.value}.tflite"


def find_subject(
    path: Path | None,
    work: WorkFolder,
    kinds: Sequence[ModelKind] = ANY_TFLITE,
    *,
    keras: bool = False,
    output: str | None = None,
    any_ends: bool = False,
) -> Subject:
    """Return the named model, or the one of the work folder that comes first in ``kinds``.

    ``kinds`` says what is taken from a work folder; whether a named ``.tflite`` will do is for the command to say.
    ``keras``: whether a named model may be a Keras one. ``output``: which one of a named model's several. ``any_ends``:
    whether a named model may have several inputs and outputs.

    :raises InputError: the named model is not there, or is a Keras model that has to be converted first.
    :raises ModelError: it is corrupt, or has not exactly one input and one output where it has to.
    :raises StageOrderError: no model is named, and the work folder has none to take; names the command that makes it.
    """
    if path is not None:
        return named_subject(path, keras=keras, output=output, any_ends=any_ends)
    converted = work_subjects(work, kinds)
    found = [one for one in converted if one.kind in kinds]
    if not found:
        others = " and ".join(f"{one.path.name!r} ({one.kind.value})" for one in converted)
        raise _refusal(work, kinds, f"all that has been converted there is {others}", kinds[:1])
    # A small net has nothing that float16 or dynamic would change: then two files are of one kind.
    return min(found, key=lambda one: (kinds.index(one.kind), one.path.name != model_file(one.kind)))


def find_model(path: Path | None, work: WorkFolder, kinds: Sequence[ModelKind] = ANY_TFLITE) -> Path:
    """Return the path of a ``.tflite`` as :func:`find_subject` does, without looking into a named one.

    :raises InputError: the named model is a Keras model.
    :raises StageOrderError: as :func:`find_subject`.
    """
    if path is None:
        return find_subject(None, work, kinds).path
    if path.exists() and _is_keras(path):
        raise _not_converted(path)
    return path


def is_model(path: Path) -> bool:
    """Whether a path that may be a picture's is a model's: by its suffix, or as a folder, which no picture is."""
    return path.suffix.lower() in MODEL_SUFFIXES or path.is_dir()


def apart(paths: Sequence[Path]) -> tuple[Path | None, tuple[Path, ...]]:
    """Return the one model among paths, None without one, and the others.

    :raises InputError: there are several models.
    """
    models = [path for path in paths if is_model(path)]
    if len(models) > 1:
        names = " and ".join(repr(str(path)) for path in models)
        raise InputError(f"{names} are {len(models)} models; name one of them, and pictures")
    return (models[0] if models else None), tuple(path for path in paths if not is_model(path))


def named_subject(path: Path, *, keras: bool = True, output: str | None = None, any_ends: bool = False) -> Subject:
    """Return a model that was named; what it was trained on is what the manifest beside it tells, if that knows it.

    :raises InputError: it is not there, or is a Keras model where only a ``.tflite`` will do.
    :raises ModelError: it is corrupt, or has not exactly one input and one output, unless it may have ``any_ends``.
    """
    model = load_model(path, output, any_ends=any_ends)
    if model.tflite is None and not keras:
        raise _not_converted(path)
    return Subject(model, context_beside(path))


def named_subjects(paths: Sequence[Path], output: str | None = None) -> tuple[Subject, ...]:
    """Return models that were named, each once.

    :raises InputError, ModelError: as :func:`named_subject`.
    """
    return tuple(named_subject(path, output=output) for path in dict.fromkeys(paths))


def work_subjects(
    work: WorkFolder, kinds: Sequence[ModelKind] = ANY_TFLITE, *, keras: bool = False
) -> tuple[Subject, ...]:
    """Return every model that the work folder has converted, as recorded; with ``keras`` also what they were made from.

    ``kinds`` is only for the refusal: what is asked for.

    :raises StageOrderError: nothing was converted here, a model is gone or another one, or they are older than the
        newest Keras model.
    """
    found = _work_subjects(work, kinds, keras=keras)
    if _others(found):  # another conversion may just put its files in place
        work.wait_for_writers()
        found = _work_subjects(work, kinds, keras=keras)
    others = _others(found)
    if others:
        raise _refusal(work, kinds, f"{others[0]!r} is not the one that was converted there", _recorded_kinds(others))
    return found


def _others(found: Sequence[Subject]) -> list[str]:
    """Return the names of models that are not what the record of their conversion says."""
    digests = [(one.path.name, one.model.tflite.sha256, one.record) for one in found if one.model.tflite]
    return [name for name, digest, record in digests if record and record.outputs[name] != digest]


def _work_subjects(work: WorkFolder, kinds: Sequence[ModelKind], *, keras: bool) -> tuple[Subject, ...]:
    record = work.find("convert")
    names = [name for name in record.outputs if name.endswith(".tflite")] if record else []
    if record is None or not names:
        raise _refusal(work, kinds, "nothing has been converted there", kinds[:1])
    source = _keras_source(work, record)
    newest = _newest(work, record, source)
    if newest is not None:
        why = f"its models were not made from the newest {newest.name!r}"
        raise _refusal(work, kinds, why, _recorded_kinds(names, qat=newest.name == QAT_MODEL))
    gone = [name for name in names if not work.path(name).is_file()]
    if gone:
        raise _refusal(work, kinds, f"{gone[0]!r}, which was converted there, is gone", _recorded_kinds(gone))
    context = ModelContext.from_json(record.settings)
    paths = [*([source] if keras and source else []), *map(work.path, names)]
    return tuple(Subject(load_model(path), context, record) for path in paths)


def size_of(path: Path) -> int:
    """Return the bytes of a model's file, or of the files of a SavedModel's folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a model's file; "" for a SavedModel, which is a folder."""
    return sha256_of(path) if path.is_file() else ""


# --- the Keras model that was converted ------------------------------------------------------------------------------


def _keras_source(work: WorkFolder, record: StageRecord) -> Path | None:
    """Return the Keras model that was converted, if it is still there."""
    path = work.root / str(record.settings.get("source", ""))
    return path if path.exists() and path != work.root else None


def _newest(work: WorkFolder, record: StageRecord, source: Path | None) -> Path | None:
    """Return the Keras model that should have been converted, None if the one that was is still the newest."""
    if source is None:
        return None
    newest = work.latest_model(needed_by="convert")[0] if _is_the_folders(work, record, source) else source
    changed = source.is_file() and sha256_of(source) not in record.inputs.values()
    return newest if newest != source or changed else None


def _is_the_folders(work: WorkFolder, record: StageRecord, source: Path) -> bool:
    """Whether the folder's newest Keras model was converted; one that was named may be older on purpose."""
    return not _was_named(record) and source.parent == work.root and work.find("train") is not None


def _was_named(record: StageRecord) -> bool:
    return bool(record.settings.get("source_named", False))


def _recorded_kinds(names: Sequence[str], *, qat: bool = False) -> list[ModelKind]:
    """Return the kinds of converted models by their file names, for the command that makes them anew."""
    possible = _QAT_KINDS if qat else ANY_TFLITE
    return [kind for kind in possible if model_file(kind) in names] or [ModelKind.INT8]


# --- the refusal -----------------------------------------------------------------------------------------------------


def _refusal(work: WorkFolder, kinds: Sequence[ModelKind], why: str, missing: Sequence[ModelKind]) -> StageOrderError:
    """Return the refusal of every command that finds no model; ``missing`` are the kinds that have to be converted."""
    what = "int8 model" if tuple(kinds) in (ONLY_INT8, COMPILED) else "converted model"
    remedy = f"name a model file, or run `{_convert_command(work, missing)}` first"
    return StageOrderError(f"there is no {what} to take from {str(work.root)!r}: {why}; {remedy}")


def _convert_command(work: WorkFolder, kinds: Sequence[ModelKind]) -> str:
    """Return the command that converts the work folder's Keras model, or the named one that was converted before."""
    root, modes = shlex.quote(str(work.root)), " ".join(f"--{kind.value}" for kind in kinds)
    record = work.find("convert")
    source = _keras_source(work, record) if record else None
    if record is not None and (_was_named(record) if source is None else not _is_the_folders(work, record, source)):
        model = "MODEL.keras" if source is None else shlex.quote(str(source))
        return f"edgemnist convert {model} {modes}{_named_options(record, kinds)} --out {root}"
    convert = f"edgemnist convert {modes} --work {root}"
    try:
        work.latest_model(needed_by="convert")
    except StageOrderError:
        return f"edgemnist train --work {root} && {convert}"
    return convert


def _named_options(record: StageRecord, kinds: Sequence[ModelKind]) -> str:
    """Return the dataset and the pixels that a named model is converted with; integers need a dataset to calibrate."""
    context = ModelContext.from_json(record.settings)
    calibrated = not {ModelKind.INT8, ModelKind.INT16X8}.isdisjoint(kinds)
    name = shlex.quote(context.dataset) if context.dataset else "NAME"
    dataset = f" --dataset {name}" if context.dataset or calibrated else ""
    pixels = normalisation_name(context.preprocessing.normalisation)
    return dataset + (f" --normalisation={pixels}" if pixels in NORMALISATIONS and pixels != "0..1" else "")


def _is_keras(path: Path) -> bool:
    return path.suffix in KERAS_SUFFIXES or path.is_dir()


def _not_converted(path: Path) -> InputError:
    dataset = "" if context_beside(path) else " --dataset NAME"
    command = f"edgemnist convert {shlex.quote(str(path))} --int8{dataset}"
    return InputError(f"{str(path)!r} is a Keras model; convert it first, with `{command}`, and name the .tflite")
