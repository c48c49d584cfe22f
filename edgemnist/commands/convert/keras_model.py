"""A Keras model or SavedModel as the conversion's worker has it: loaded once, converted in any mode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.convert.converter import loops_of, tflite_bytes
from edgemnist.keras_io.sources import SourceModel, open_source
from edgemnist.runner.base import InputFacts
from edgemnist.tflite.kinds import ModelKind

_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "RNN", "Bidirectional")


class OpenedKeras:
    """See :class:`edgemnist.commands.convert.worker.Openable`."""

    def __init__(self, path: Path, output: str | None) -> None:
        self._opened = open_source(path, output)
        opened = self._opened
        self.facts = InputFacts(opened.sizes, opened.layout, opened.pixels, opened.notes)

    def bind(self, image_shape: Sequence[int] | None) -> KerasModel:
        """Load the model for images of (height, width, channels), None for those that it takes by itself."""
        loaded = self._opened.keras
        layers = getattr(loaded.model, "layers", []) if loaded else []
        recurrent = tuple(layer.name for layer in layers if type(layer).__name__ in _RECURRENT)
        return KerasModel(self._opened.bind(image_shape), recurrent)


class KerasModel:
    """See :class:`edgemnist.commands.convert.worker.Convertible`."""

    def __init__(self, source: SourceModel, recurrent: tuple[str, ...] = ()) -> None:
        """``recurrent`` names the layers that become loops, where they are known; the graph may not tell of which."""
        self._source = source
        self.input_shape, self.classes = self._source.input_shape, self._source.classes
        found = loops_of(self._source)
        self.loops = recurrent or found if found else ()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that the input's shape suggests."""
        return self._source.image_shape

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs, shape (count, classes), for inputs of shape (count, *``input_shape``).

        :raises ModelError: TensorFlow cannot run it here, as a function of Python that is not in the file.
        """
        return self._source.predict(inputs)

    def convert(self, mode: ModelKind, io: str, calibration: NDArray[np.float32] | None) -> tuple[bytes, None]:
        """Return the bytes of a ``.tflite`` file; TensorFlow's converter has no recipe beyond mode and ``io``."""
        return tflite_bytes(self._source, mode, io=io, calibration=calibration), None

    def export(self, form: str) -> dict[str, bytes]:
        """Return a SavedModel's files by their paths, or the one of ONNX under the name "".

        :raises MissingDependencyError: what writes ONNX is not installed.
        :raises ModelError: the model can't be written so.
        """
        from edgemnist.keras_io.exporting import onnx_bytes, saved_model_files

        return {"": onnx_bytes(self._source)} if form == "onnx" else saved_model_files(self._source)
