"""The Keras model itself, in float32: what every converted model is measured against."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgemnist.errors import ModelError
from edgemnist.runtimes.base import ModelKind, Runtime, Session, missing_package
from edgemnist.runtimes.tensorflow_lite import TENSORFLOW_INSTALL, TENSORFLOW_PROCESS, tensorflow_on_one_thread


class KerasSession(Session):
    """A Keras model, called directly; takes any batch size."""

    kernels = "float32, eager"

    def __init__(self, path: Path) -> None:
        tensorflow, keras = tensorflow_on_one_thread()
        self.version = str(tensorflow.__version__)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras comments on its own older file formats
            self._model = keras.models.load_model(path, compile=False)
        self._shape = tuple(self._model.input_shape[1:])

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model on a batch of any size (see :meth:`Session.invoke`)."""
        images = inputs[0].reshape(len(inputs[0]), *self._shape)
        return [self._model(images, training=False).numpy()]


class KerasRuntime(Runtime):
    """The ``keras`` runtime."""

    name = "keras"
    process = TENSORFLOW_PROCESS
    takes = frozenset({ModelKind.KERAS})
    install = TENSORFLOW_INSTALL
    batched = True

    def available(self) -> str | None:
        """Return None, or why Keras can't run here (see :meth:`Runtime.available`)."""
        return missing_package("tensorflow", self.install) or missing_package("tf_keras", self.install)

    def version(self) -> str:
        """Import TensorFlow and return its version."""
        return str(tensorflow_on_one_thread()[0].__version__)

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> KerasSession:
        """Open a ``.keras`` or ``.h5`` file or a SavedModel folder (see :meth:`Runtime.open`)."""
        if isinstance(model, bytes):
            raise ModelError("the runtime 'keras' takes the path of a Keras model, not the bytes of a .tflite file")
        return KerasSession(model)


RUNTIMES = (KerasRuntime(),)
