"""The Keras model itself, in float32: what every converted model is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.base import InputFacts, Runtime, Session, missing_package
from edgemnist.runtimes.tensorflow_lite import TENSORFLOW_INSTALL, TENSORFLOW_PROCESS, tensorflow_on_one_thread
from edgemnist.support.errors import ModelError
from edgemnist.tflite.kinds import ModelKind


class KerasSession(Session):
    """A Keras model or SavedModel as one TensorFlow function of one image."""

    kernels = "float32"

    def __init__(self, path: Path) -> None:
        from edgemnist.keras_io.sources import load_source

        tensorflow, _ = tensorflow_on_one_thread()
        self.version = str(tensorflow.__version__)
        self._constant = tensorflow.constant
        self._source = load_source(path, None)

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once (see :meth:`Session.invoke`)."""
        image, shape = inputs[0], self._source.input_shape
        if image.size != np.prod(shape):
            raise ModelError(
                f"the model takes inputs of shape {shape}, the images are {image.shape[1:]}; "
                "name the dataset that it was trained on"
            )
        return [np.array(self._source.function(self._constant(image.reshape(1, *shape))))]

    def invoke_each(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model on many images at a time, which takes a fraction of the time (see :meth:`Session.invoke_each`).

        The results differ from those of one image at a time in the last bits, as any order of summation does.
        """
        images, shape = inputs[0], self._source.input_shape
        if len(images) == 0 or images[0].size != np.prod(shape):
            return super().invoke_each(inputs)
        return [self._source.predict(images.reshape(len(images), *shape))[:, np.newaxis]]


class KerasRuntime(Runtime):
    """The ``keras`` runtime.

    It keeps the model that it opened last: loading takes longer than running a few hundred images.
    """

    _last: tuple[tuple[Path, int, int], KerasSession] | None = None

    name = "keras"
    process = TENSORFLOW_PROCESS
    takes = frozenset({ModelKind.KERAS})
    install = TENSORFLOW_INSTALL
    shows_tensors = False

    def available(self) -> str | None:
        """Return None, or why Keras can't run here (see :meth:`Runtime.available`)."""
        return missing_package("tensorflow", self.install) or missing_package("tf_keras", self.install)

    def version(self) -> str:
        """Import TensorFlow and return its version."""
        return str(tensorflow_on_one_thread()[0].__version__)

    def look(self, model: Path) -> InputFacts:
        """Return what the file tells of its input (see :meth:`Runtime.look`)."""
        from edgemnist.keras_io.sources import open_source

        tensorflow_on_one_thread()
        opened = open_source(model)
        return InputFacts(opened.sizes, opened.layout, opened.pixels, opened.notes)

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> KerasSession:
        """Open a ``.keras`` or ``.h5`` file or a SavedModel folder (see :meth:`Runtime.open`)."""
        if isinstance(model, bytes):
            raise ModelError("the runtime 'keras' takes the path of a Keras model, not the bytes of a .tflite file")
        state = model.stat()
        key = model.resolve(), state.st_mtime_ns, state.st_size
        if self._last is None or self._last[0] != key:
            self._last = key, KerasSession(model)
        return self._last[1]


RUNTIMES = (KerasRuntime(),)
