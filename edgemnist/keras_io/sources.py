"""Keras and TensorFlow models of every file format as one function of one image, with the batch fixed to 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.keras_io.formats import source_files
from edgemnist.keras_io.keras_files import KerasModel, has_wrappers, is_keras_folder, load_keras_file, load_keras_folder
from edgemnist.keras_io.pixels import own_pixels
from edgemnist.keras_io.rebuild import unwrapped
from edgemnist.keras_io.saved_model import open_saved_model
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.keras_io.tracing import outputs_of, require_float32, shape_words, trace, trace_any_number, why
from edgemnist.keras_io.walk import is_graph
from edgemnist.support.errors import ModelError

_BATCH = 100

BYTES = "0..255"
"""The pixels of a model that takes whole numbers, or brings them to its range itself, as ``--normalisation`` says."""

_LEAST_SIDE = 5
"""An input of 1 or 3 rows of pixels is none: those are its channels, and they come first."""

Shape = tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class SourceModel:
    """A loaded model.

    ``function``: TensorFlow concrete function, float32 (1, *``input_shape``) -> (1, ``outputs``); ``batched`` the same
    for any number of images, None where the model takes no other number than one. ``owner`` holds their variables.
    ``files`` is what it was read from. ``layout`` is "nchw" where the input's shape has channels first. ``image``:
    (height, width, channels) of what it is fed, None where that was not said. ``pixels``: the range of its pixels as
    ``--normalisation`` names it, where the file tells; ``notes`` say, a line each, what was found and changed.
    """

    path: Path
    files: tuple[Path, ...]
    function: Any
    batched: Any
    owner: Any
    input_shape: tuple[int, ...]
    outputs: int
    layout: str = "nhwc"
    image: tuple[int, int, int] | None = None
    pixels: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        """How many classes it tells apart: two where its one output is the probability, or score, of the second."""
        return 2 if self.outputs == 1 else self.outputs

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that it is fed, or that the input's shape suggests.

        :raises ModelError: the input has more than three dimensions.
        """
        if self.image is not None:
            return self.image
        if len(self.input_shape) > 3:
            raise ModelError(
                f"{str(self.path)!r} takes inputs of shape {self.input_shape}; an image has at most 3 sizes"
            )
        height, width, channels = (*self.input_shape, 1, 1)[:3]
        return (width, channels, height) if self.layout == "nchw" else (height, width, channels)

    def arrange(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return images (count, height, width, channels) as inputs of shape (count, *``input_shape``)."""
        if self.layout == "nchw" and images.ndim == 4:
            images = images.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(images.reshape(len(images), *self.input_shape))

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs, shape (count, ``outputs``), for inputs of shape (count, *``input_shape``).

        :raises ModelError: TensorFlow cannot run it on this machine.
        """
        tensorflow, _ = load_tensorflow()
        step = 1 if self.batched is None else _BATCH
        run = self.function if self.batched is None else self.batched
        try:
            parts = [
                np.asarray(run(tensorflow.constant(inputs[start : start + step])))
                for start in range(0, len(inputs), step)
            ]
        except tensorflow.errors.OpError as error:
            raise ModelError(f"TensorFlow cannot run {str(self.path)!r} here: {why(error)}") from error
        return np.concatenate([np.zeros((0, self.outputs), np.float32), *parts])


@dataclass(frozen=True, eq=False)
class OpenedSource:
    """A model file that was read, before it is known which images it gets.

    ``shape`` is its input's without the batch, None where a size is free; ``batch`` the number of images that it takes
    at a time, None if that is free. ``keras`` is the live Keras model, None for a SavedModel that is none, ``chosen``
    the index of the output that counts. ``call`` gives that output, ``as_saved`` the same with wrappers of training
    still on. ``pixels`` and ``notes`` as in :class:`SourceModel`.
    """

    path: Path
    files: tuple[Path, ...]
    shape: Shape
    batch: int | None
    call: Callable[[Any], Any]
    as_saved: Callable[[Any], Any]
    owner: Any
    keras: KerasModel | None
    chosen: int
    pixels: str | None
    notes: tuple[str, ...]

    @property
    def layout(self) -> str:
        """Return "nchw" where the shape has 1 or 3 channels before height and width, else "nhwc"; "" of a flat one."""
        if len(self.shape) == 1:
            return ""
        return "nchw" if _channels_first(self.shape) else "nhwc"

    @property
    def sizes(self) -> tuple[int | None, int | None, int | None]:
        """(height, width, channels) that its images have to have, None where the model leaves it to them."""
        if len(self.shape) == 3:
            one, two, three = self.shape
            return (two, three, one) if self.layout == "nchw" else (one, two, three)
        return (self.shape[0], self.shape[1], 1) if len(self.shape) == 2 else (None, None, None)

    def bind(self, image_shape: Sequence[int] | None, *, as_saved: bool = False) -> SourceModel:
        """Return the model for images of (height, width, channels), None for those that it takes by itself.

        With ``as_saved`` what training wrapped around the layers is not taken off.

        :raises ModelError: it takes others, cannot be called on them, or is no classifier.
        """
        call = self.as_saved if as_saved else self.call
        input_shape = _input_shape(self, image_shape)
        function = trace(call, [1, *input_shape], self.path)
        outputs, flat = outputs_of(self.path, function)
        if flat is not None:
            function, call = trace(flat(call), [1, *input_shape], self.path), flat(call)
        # A reshape to a fixed number of images, as JAX writes it, would fail only when it is run.
        batched = trace_any_number(call, input_shape) if self.batch is None else None
        require_float32(self.path, function)
        image = None if image_shape is None else _upright(image_shape)
        source = SourceModel(self.path, self.files, function, batched, self.owner, input_shape, outputs)
        return replace(source, layout=self.layout, image=image, pixels=self.pixels, notes=self.notes)


def load_source(path: Path, image_shape: Sequence[int] | None, output: str | None = None) -> SourceModel:
    """Load a ``.keras`` or ``.h5`` file (of Keras 2 or 3) or a SavedModel folder.

    ``image_shape`` (height, width, channels) is what it is going to be fed, None if that is not known; a model may
    take such an image without its single channel, flat, or with its channels first. ``output`` names one of several
    outputs, or gives its index; for a SavedModel also SIGNATURE or SIGNATURE:OUTPUT.

    :raises InputError: there is no such file, or it is none of these formats.
    :raises ModelError: it is corrupt, has several inputs or outputs, or takes images of another shape.
    """
    return open_source(path, output).bind(image_shape)


def open_source(path: Path, output: str | None = None, *, as_keras: bool = False) -> OpenedSource:
    """Read a model as :func:`load_source` does, without deciding yet which images it gets.

    With ``as_keras`` a SavedModel has to be one that Keras can load as its own.

    :raises InputError: there is no such file, or it is none of these formats.
    :raises ModelError: it is corrupt, has several inputs or outputs of which none is named, or is not Keras's.
    """
    files = source_files(path)
    if not path.is_dir():
        return _of_keras(path, files, load_keras_file(path), output)
    if as_keras and not is_keras_folder(path):
        raise ModelError(
            f"the SavedModel {str(path)!r} holds a graph without Keras's layers, so it can be neither pruned nor "
            f"trained; edgemnist convert {path} takes it as it is, or save the model itself: model.save('net.keras')"
        )
    if as_keras or has_wrappers(path):
        return _of_keras(path, files, load_keras_folder(path), output)
    return _of_signature(path, files, output)


def _of_keras(path: Path, files: tuple[Path, ...], loaded: KerasModel, output: str | None) -> OpenedSource:
    inputs, outputs = getattr(loaded.model, "inputs", None), getattr(loaded.model, "outputs", None)
    if path.is_dir() and not is_graph(loaded.model):
        raise ModelError(
            f"{str(path)!r} is a model of a class of its own, not a graph of layers, so it can be neither pruned nor "
            f"trained here; edgemnist convert {path} takes it as it is"
        )
    if not inputs or not outputs:
        raise ModelError(
            f"{str(path)!r} was saved before it knew its input shape; call it once on an image, or give it an "
            "Input layer, and save it again"
        )
    if len(inputs) != 1:
        raise ModelError(f"{str(path)!r} has {len(inputs)} inputs; edgemnist takes image classifiers with exactly one")
    names = [str(name) for name in getattr(loaded.model, "output_names", range(len(outputs)))]
    chosen = _choose(path, dict(zip(names, (tuple(tensor.shape) for tensor in outputs), strict=True)), output)
    plain, taken_off = unwrapped(loaded.model, path)
    pixels, found = (BYTES, ()) if loaded.takes_bytes else own_pixels(plain)
    batch, *shape = tuple(inputs[0].shape)
    return OpenedSource(
        path=path,
        files=files,
        shape=tuple(shape),
        batch=batch,
        call=_called(plain, chosen),
        as_saved=_called(loaded.model, chosen),
        owner=_owner_of(plain),
        keras=loaded,
        chosen=chosen,
        pixels=pixels,
        notes=(*loaded.notes, *taken_off, *found),
    )


def _called(model: Any, chosen: int) -> Callable[[Any], Any]:
    tensorflow, _ = load_tensorflow()
    return lambda image: tensorflow.nest.flatten(model(image, training=False))[chosen]


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


def _of_signature(path: Path, files: tuple[Path, ...], output: str | None) -> OpenedSource:
    tensorflow, _ = load_tensorflow()
    signature, rest = open_saved_model(path, output)
    names = list(signature.outputs)
    chosen = _choose(path, signature.outputs, rest)
    whole = tensorflow.as_dtype(signature.dtype).is_integer
    note = (
        f"its signature {signature.name!r} takes {signature.input_name!r} as {signature.dtype}: a cast is put in front"
    )
    cast = signature.dtype != "float32"

    def call(image: Any) -> Any:
        return signature.call(image)[names[chosen]]

    return OpenedSource(
        path=path,
        files=files,
        shape=signature.shape[1:],
        batch=signature.shape[0] if signature.shape else None,
        call=call,
        as_saved=call,
        owner=signature.owner,
        keras=None,
        chosen=chosen,
        pixels=BYTES if whole else None,
        notes=(f"{note}; pixels {BYTES}" if whole else note,) if cast else (),
    )


def _choose(path: Path, outputs: dict[str, Shape], output: str | None) -> int:
    """Return the index of the output that counts.

    :raises ModelError: there are several and none is named, or there is none of that name.
    """
    names = list(outputs)
    if output is None and len(names) == 1:
        return 0
    if output in names:
        return names.index(output)
    if output is not None and output.isdecimal() and int(output) < len(names):
        return int(output)
    listed = ", ".join(f"{name} ({shape_words(shape)})" for name, shape in outputs.items())
    if output is not None:
        raise ModelError(f"{str(path)!r} has no output {output!r}; give --output one of {listed}")
    widest = max(names, key=lambda name: outputs[name][-1] or 0 if outputs[name] else 0)
    raise ModelError(
        f"{str(path)!r} has {len(names)} outputs: {listed}; name the one with the classes, such as --output {widest}"
    )


def _channels_first(shape: Shape) -> bool:
    if len(shape) != 3:
        return False
    channels, *sides = shape
    large = all(side is None or side >= _LEAST_SIDE for side in sides)
    return channels in (1, 3) and large


def _upright(image_shape: Sequence[int]) -> tuple[int, int, int]:
    """Return (height, width, channels) of a shape that may have its channels first."""
    height, width, channels = image_shape
    return (width, channels, height) if _channels_first((height, width, channels)) else (height, width, channels)


def _input_shape(opened: OpenedSource, image_shape: Sequence[int] | None) -> tuple[int, ...]:
    """Return the input shape without its batch, checked against the images' shape."""
    wanted = opened.shape
    if image_shape is None:
        if not wanted or any(size is None for size in wanted):
            raise ModelError(
                f"{str(opened.path)!r} takes images of any size ({shape_words(wanted)}); name a --dataset to fix it"
            )
        return tuple(int(size) for size in wanted if size is not None)
    height, width, channels = _upright(image_shape)
    forms: list[tuple[int, ...]] = [(channels, height, width) if opened.layout == "nchw" else (height, width, channels)]
    forms.append((math.prod(image_shape),))
    if channels == 1:
        forms.append((height, width))
    for form in forms:
        if len(form) == len(wanted) and all(size in (None, have) for size, have in zip(wanted, form, strict=True)):
            return form
    raise ModelError(
        f"{str(opened.path)!r} takes images of shape {shape_words(wanted)}, the dataset has "
        f"{shape_words(image_shape)}; name the dataset that the model was trained on"
    )
