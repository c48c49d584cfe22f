"""The float model for servers: a SavedModel for TensorFlow Serving and an ONNX file, each loaded back and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.folder import WorkFolder, digests_of
from edgemnist.commands.convert.preparing import Conversion, prepare
from edgemnist.commands.convert.settings import ConversionSettings, ExportedModel
from edgemnist.commands.convert.source import Source, opening
from edgemnist.commands.convert.verification import source_input
from edgemnist.harness.outputs import real_scores
from edgemnist.keras_io.exporting import INPUT, OUTPUT
from edgemnist.support.errors import InputError, MissingDependencyError, ModelError
from edgemnist.support.files import check_writable, package_versions, write_together
from edgemnist.support.progress import progress_task

STAGE = "export"
SAVED_MODEL, ONNX = "saved-model", "onnx"
ONNX_FILE, SAVED_MODEL_FOLDER = "model.onnx", "saved_model"
MOST_DIFFERENCE = 1e-3
"""A probability that is further off than this is no rounding of another order of summation."""

_PACKAGES = {
    SAVED_MODEL: ("tensorflow", "tf-keras", "edgemnist"),
    ONNX: ("tensorflow", "tf-keras", "tf2onnx", "onnx", "onnxruntime", "edgemnist"),
}


@dataclass(frozen=True)
class Exports:
    """What was written; ``source`` is the model that it was made of."""

    source: Path
    models: tuple[ExportedModel, ...]
    preprocessing: str
    assumed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        models = {one.form: one.as_json() for one in self.models}
        return {
            "source": str(self.source),
            "exports": models,
            "preprocessing": self.preprocessing,
            "assumed": list(self.assumed),
        }


def check_exportable(settings: ConversionSettings) -> None:
    """Refuse what can't be exported, and what is asked of a ``.tflite`` where none is made.

    :raises InputError: says what to name or to leave out.
    """
    model = settings.model
    if model is not None and model.suffix == ".tflite":
        raise InputError(
            f"--saved-model and --onnx are made of a Keras model or SavedModel, and {str(model)!r} is a .tflite: name "
            "the model that it was converted from"
        )
    if not settings.ordered_modes() and (settings.c_code or settings.c_array):
        raise InputError(f"{'--c' if settings.c_code else '--c-array'} is of a .tflite; add --int8, or leave it out")


def export(settings: ConversionSettings, work: WorkFolder) -> Exports:
    """Write the Keras model or SavedModel in ``settings.exports``' formats; nothing is kept that answers otherwise.

    :raises InputError: its options contradict the model.
    :raises ModelError: the model can't be written so, or what was written answers otherwise than its source.
    :raises MissingDependencyError: tf2onnx or ONNX Runtime is not installed.
    :raises StorageError: the folder cannot be written.
    """
    model = settings.model
    out = WorkFolder(settings.out) if settings.out else work
    path, record = (model, None) if model is not None else work.latest_model(needed_by="convert")
    with opening(path) as load, progress_task("Exporting", total=len(settings.exports)) as task:
        check_writable(out.root)
        read = digests_of(load.files) if record is None else {path: record.outputs[path.name]}
        conversion = prepare(settings, path, record, load)
        made: list[tuple[ExportedModel, Mapping[Path, bytes]]] = []
        for form in settings.exports:
            task.update(description=f"Exporting to {form}")
            made.append(_make(conversion, form, out))
            task.update(advance=1)
    with out.leaving(STAGE, read):
        _install(conversion, made, out, read)
    models = tuple(one for one, _ in made)
    return Exports(path, models, conversion.context.preprocessing.in_words(), conversion.assumed)


def _make(conversion: Conversion, form: str, out: WorkFolder) -> tuple[ExportedModel, Mapping[Path, bytes]]:
    source = conversion.source
    files = source.export(form)
    images = source_input(source, conversion.trial.images, conversion.context.preprocessing)
    run = _run_onnx if form == ONNX else _run_saved_model
    by, outputs = run(files, images, source)
    expected = conversion.trial.expected
    difference = float(np.abs(outputs - expected).max(initial=0.0))
    if outputs.shape != expected.shape or not difference <= MOST_DIFFERENCE:
        raise ModelError(
            f"{str(source.path)!r} as {form} gives outputs that are up to {difference:g} off in {by}; it was not kept"
        )
    kind = conversion.context.preprocessing.output
    same = real_scores(outputs, kind).argmax(axis=1) == real_scores(expected, kind).argmax(axis=1)
    target, serve = _target(form, out)
    facts = ExportedModel(
        form, target, sum(map(len, files.values())), INPUT, OUTPUT, by, len(images), float(same.mean()),
        difference, serve,
    )  # fmt: skip
    return facts, {target / name if name else target: content for name, content in files.items()}


def _target(form: str, out: WorkFolder) -> tuple[Path, str]:
    """Return the file, or the folder of the next version, since a server takes the highest; and what serves it."""
    if form == ONNX:
        return out.path(ONNX_FILE), ""
    folder = out.path(SAVED_MODEL_FOLDER)
    versions = [int(one.name) for one in folder.glob("*") if one.name.isdecimal()] if folder.is_dir() else []
    name = "edgemnist"
    serve = f'docker run -p 8501:8501 -v "{folder.resolve()}:/models/{name}" -e MODEL_NAME={name} tensorflow/serving'
    return folder / str(max(versions, default=0) + 1), serve


def _run_saved_model(
    files: Mapping[str, bytes], images: NDArray[np.float32], source: Source
) -> tuple[str, NDArray[np.float32]]:
    """Load the folder in another process, as a server does, and ask its signature."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        with opening(Path(folder)) as load:
            outputs = load.bind(source.image_shape).predict(images)
    return f"TensorFlow {package_versions('tensorflow')['tensorflow']}", outputs


def _run_onnx(
    files: Mapping[str, bytes], images: NDArray[np.float32], source: Source
) -> tuple[str, NDArray[np.float32]]:
    """Run the file in ONNX Runtime, one image by itself and the others at once where it takes any number."""
    try:
        import onnxruntime
    except ImportError as error:
        remedy = "install it with: pip install 'edgemnist[onnx]'"
        raise MissingDependencyError(
            f"ONNX Runtime, which the file is compared in, is not installed; {remedy}"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(files[""], options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    parts = [images[:1], images[1:]] if isinstance(entry.shape[0], str) else np.split(images, len(images))
    outputs = [session.run(None, {entry.name: part})[0] for part in parts if len(part)]
    return f"ONNX Runtime {onnxruntime.__version__}", np.concatenate(outputs).reshape(len(images), -1)


def _install(
    conversion: Conversion,
    made: list[tuple[ExportedModel, Mapping[Path, bytes]]],
    out: WorkFolder,
    read: Mapping[Path, str],
) -> None:
    contents = {path: content for _, files in made for path, content in files.items()}
    write_together(contents)
    packages = dict.fromkeys(name for one, _ in made for name in _PACKAGES[one.form])
    out.record(
        STAGE,
        settings={**conversion.context.as_json(), "forms": [one.form for one, _ in made]},
        results={one.form: {**one.as_json(), "path": one.path.name} for one, _ in made},
        inputs=read,
        outputs=[*contents],
        versions=package_versions(*packages),
    )
