"""Keras and TensorFlow models of every file format as one function of one image, with the batch fixed to 1."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import InputError, ModelError

_BATCH = 100
H5_SUFFIXES = (".h5", ".hdf5")


@dataclass(frozen=True, eq=False)
class SourceModel:
    """A loaded model.

    ``function``: TensorFlow concrete function, float32 (1, *``input_shape``) -> (1, ``classes``); ``batched`` the same
    for any number of images, None where the model takes no other number than one. ``owner`` holds their variables.
    ``files`` is what it was read from.
    """

    path: Path
    files: tuple[Path, ...]
    function: Any
    batched: Any
    owner: Any
    input_shape: tuple[int, ...]
    classes: int

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that the input's shape suggests.

        :raises ModelError: the input has more than three dimensions.
        """
        if len(self.input_shape) > 3:
            raise ModelError(
                f"{str(self.path)!r} takes inputs of shape {self.input_shape}; an image has at most 3 sizes"
            )
        height, width, channels = (*self.input_shape, 1, 1)[:3]
        return height, width, channels

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs, shape (count, classes), for inputs of shape (count, *``input_shape``)."""
        tensorflow, _ = load_tensorflow()
        step = 1 if self.batched is None else _BATCH
        run = self.function if self.batched is None else self.batched
        parts = [run(tensorflow.constant(inputs[start : start + step])) for start in range(0, len(inputs), step)]
        return np.concatenate([np.zeros((0, self.classes), np.float32), *map(np.asarray, parts)])


def load_source(path: Path, image_shape: Sequence[int] | None) -> SourceModel:
    """Load a ``.keras`` or ``.h5`` file (of Keras 2 or 3) or a SavedModel folder.

    ``image_shape`` (height, width, channels) is what it is going to be fed, None if that is not known; a model may
    take such an image without its single channel, or flat.

    :raises InputError: there is no such file, or it is none of these formats.
    :raises ModelError: it is corrupt, has several inputs or outputs, or takes images of another shape.
    """
    files = source_files(path)
    if path.is_dir():
        call, owner, shapes, outputs = _open_saved_model(path)
    else:
        call, owner, shapes, outputs = _open_keras(path)
    if len(shapes) != 1 or outputs != 1:
        raise ModelError(
            f"{str(path)!r} has {len(shapes)} inputs and {outputs} outputs; "
            "edgemnist takes image classifiers with exactly one of each"
        )
    input_shape = _input_shape(path, shapes[0], image_shape)
    function = _trace(call, [1, *input_shape], path)
    # A reshape to a fixed number of images, as JAX writes it, would fail only when it is run.
    batched = _trace_any_number(call, input_shape) if shapes[0][0] is None else None
    return SourceModel(path, files, function, batched, owner, input_shape, _classes(path, function))


def source_files(path: Path) -> tuple[Path, ...]:
    """Return the files that a model consists of; reads nothing but the folder.

    :raises InputError: there is no such file, or it is none of the known formats.
    """
    if not path.exists():
        raise InputError(f"there is no model {str(path)!r}; give a .keras, .h5 or .tflite file or a SavedModel folder")
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise InputError(f"the folder {str(path)!r} holds no saved_model.pb; it is not a SavedModel")
        return tuple(sorted(file for file in path.rglob("*") if file.is_file()))
    if path.suffix in (".onnx", ".pt2"):
        raise InputError(f"{str(path)!r} is of another framework; take it over first: edgemnist import {path}")
    if path.suffix not in (".keras", *H5_SUFFIXES):
        raise InputError(
            f"{str(path)!r} is no known model format; give a .keras, .h5 or .tflite file or a SavedModel folder"
        )
    return (path,)


Opened = tuple[Callable[[Any], Any], Any, list[list[int | None]], int]
"""(call, owner of the variables, shape of each input with its batch, number of outputs)."""


def _open_keras(path: Path) -> Opened:
    keras = _keras_for(path)
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:
        # Keras raises whatever its layers, h5py and zipfile raise: there is no common class to catch.
        raise ModelError(
            f"cannot load {str(path)!r} with Keras {keras.__version__}: {first_line(error)}; "
            "the file is corrupt, or it has layers of its own: export it as a SavedModel and convert that"
        ) from error
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise ModelError(
            f"{str(path)!r} was saved before it knew its input shape; call it once on an image, or give it an "
            "Input layer, and save it again"
        )
    shapes = [list(tensor.shape) for tensor in inputs]
    return (lambda image: model(image, training=False)), _owner_of(model), shapes, len(outputs)


def _owner_of(model: Any) -> Any:
    """Return a bare object that holds the variables, which is all that the converter's SavedModel needs.

    A Keras 2 model would save its layers as well, which takes seconds; Keras 3 hides its variables from TensorFlow.
    """
    tensorflow, _ = load_tensorflow()
    owner = tensorflow.Module()
    owner.kept = [
        variable if isinstance(variable, tensorflow.Variable) else variable.value for variable in model.variables
    ]
    return owner


def _keras_for(path: Path) -> Any:
    """Return the Keras that wrote the file: tf_keras for version 2, Keras 3 for version 3."""
    _, legacy = load_tensorflow()
    if not _keras_version(path).startswith("3"):
        return legacy
    # The formats differ in small ways; only Keras 3 reads its own, and only on TensorFlow can it be converted.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras  # type: ignore[import-untyped]

    if keras.backend.backend() != "tensorflow":
        raise ModelError(f"{str(path)!r} was saved by Keras 3 and needs KERAS_BACKEND=tensorflow in the environment")
    return keras


def _keras_version(path: Path) -> str:
    """Return the version of Keras that wrote the file.

    :raises ModelError: it is neither a zip archive with metadata nor HDF5, so it is corrupt.
    """
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                return str(json.loads(archive.read("metadata.json"))["keras_version"])
        import h5py  # type: ignore[import-untyped]

        with h5py.File(path, "r") as file:
            version = file.attrs.get("keras_version", "2")
            return version.decode() if isinstance(version, bytes) else str(version)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ModelError(
            f"{str(path)!r} is not a readable {path.suffix} file ({first_line(error)}); "
            "it is corrupt or truncated: copy or train it again"
        ) from error


def _open_saved_model(path: Path) -> Opened:
    tensorflow, _ = load_tensorflow()
    try:
        loaded = tensorflow.saved_model.load(str(path))
    except Exception as error:
        # TensorFlow raises errors of several unrelated classes for damaged files.
        raise ModelError(f"cannot load the SavedModel {str(path)!r}: {first_line(error)}; it is corrupt") from error
    signatures = dict(loaded.signatures)
    signature = signatures.get("serving_default") or next(iter(signatures.values()), None)
    if signature is None:
        raise ModelError(f"the SavedModel {str(path)!r} has no signature; export it with model.export or with one")
    arguments = signature.structured_input_signature[1]
    outputs = signature.structured_outputs
    shapes = [list(spec.shape) for spec in arguments.values()]
    name, output = next(iter(arguments), ""), next(iter(outputs), "")
    return (lambda image: signature(**{name: image})[output]), loaded, shapes, len(outputs)


def _input_shape(path: Path, shape: list[int | None], image_shape: Sequence[int] | None) -> tuple[int, ...]:
    """Return the input shape without its batch, checked against the images' shape."""
    wanted = shape[1:]
    if image_shape is None:
        if not wanted or any(size is None for size in wanted):
            raise ModelError(
                f"{str(path)!r} takes images of any size ({_shape_words(wanted)}); name a --dataset to fix it"
            )
        return tuple(int(size) for size in wanted if size is not None)
    height, width, channels = image_shape
    forms = [(height, width, channels), (height * width * channels,)]
    if channels == 1:
        forms.append((height, width))
    for form in forms:
        if len(form) == len(wanted) and all(size in (None, have) for size, have in zip(wanted, form, strict=True)):
            return form
    raise ModelError(
        f"{str(path)!r} takes images of shape {_shape_words(wanted)}, the dataset has {_shape_words(image_shape)}; "
        "name the dataset that the model was trained on"
    )


def _shape_words(shape: Sequence[int | None]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape) or "none at all"


def _trace(call: Callable[[Any], Any], shape: Sequence[int | None], path: Path) -> Any:
    """Return a concrete function for inputs of one shape.

    The one that is converted has a batch of one: a free batch drags shape arithmetic into the ``.tflite``.
    """
    tensorflow, _ = load_tensorflow()

    def classify(image: Any) -> Any:
        return call(image)

    # Without autograph: it would parse this source, and there is no Python control flow to turn into graph.
    traced = tensorflow.function(classify, autograph=False)
    try:
        return traced.get_concrete_function(tensorflow.TensorSpec(shape, tensorflow.float32, name="image"))
    except (ValueError, TypeError, tensorflow.errors.OpError) as error:
        raise ModelError(
            f"{str(path)!r} cannot be called on float32 images of shape {_shape_words(shape)}: {first_line(error)}"
        ) from error


def _trace_any_number(call: Callable[[Any], Any], input_shape: tuple[int, ...]) -> Any:
    try:
        return _trace(call, [None, *input_shape], Path())
    except ModelError:
        return None


def _classes(path: Path, function: Any) -> int:
    output = function.structured_outputs
    shape = list(getattr(output, "shape", ()))
    if len(shape) != 2 or shape[1] is None:
        raise ModelError(
            f"{str(path)!r} has an output of shape {_shape_words(shape)}; a classifier's is 1 x number of classes"
        )
    return int(shape[1])


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its class if it has none."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
