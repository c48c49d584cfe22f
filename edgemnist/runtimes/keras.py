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


class KerasRuntime(Runtime):
    """The ``keras`` runtime."""

    name = "keras"
    process = TENSORFLOW_PROCESS
    takes = frozenset({ModelKind.KERAS})
    install = TENSORFLOW_INSTALL

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
        layout = "" if len(opened.shape) == 1 else opened.layout
        return InputFacts(opened.sizes, layout, opened.pixels, opened.notes)

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> KerasSession:
        """Open a ``.keras`` or ``.h5`` file or a SavedModel folder (see :meth:`Runtime.open`)."""
        if isinstance(model, bytes):
            raise ModelError("the runtime 'keras' takes the path of a Keras model, not the bytes of a .tflite file")
        return KerasSession(model)


RUNTIMES = (KerasRuntime(),)
