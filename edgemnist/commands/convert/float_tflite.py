"""A float ``.tflite`` as the conversion's worker has it: run by LiteRT, quantised by ai-edge-quantizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.convert.quantiser import CALIBRATION_RUNTIME, Recipe, quantise, recipe_for
from edgemnist.runner.base import InputFacts
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import ModelError
from edgemnist.tflite.derived import derived_range, image_input_of
from edgemnist.tflite.file import TfliteModel, read_tflite
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import normalisation_name
from edgemnist.tflite.preprocessing import class_count


class OpenedTflite:
    """See :class:`edgemnist.commands.convert.worker.Openable`."""

    def __init__(self, path: Path) -> None:
        self._path, self._model = path, read_tflite(path)
        image = image_input_of(self._model.input().shape[1:], str(path))
        layout, found = image.layout if image.certain else "", derived_range(self._model)
        if found is None:
            self.facts = InputFacts(image.shape, layout)
        else:
            pixels = normalisation_name(found.normalisation)
            self.facts = InputFacts(image.shape, layout, pixels, (f"pixels {pixels}: {found.evidence}",))

    def bind(self, image_shape: Sequence[int] | None) -> FloatTflite:
        """Load the model for images of (height, width, channels), None for those that it takes by itself."""
        return FloatTflite(self._path, self._model, image_shape)


class FloatTflite:
    """See :class:`edgemnist.commands.convert.worker.Convertible`."""

    loops: tuple[str, ...] = ()

    def __init__(self, path: Path, model: TfliteModel, image_shape: Sequence[int] | None) -> None:
        self._path, self._model = path, model
        self.input_shape = self._model.input().shape[1:]
        self._outputs = self._model.output().elements
        self.classes = class_count(self._outputs)
        if image_shape is not None:
            self._check_images(tuple(image_shape))
        self._session = find_runtime(CALIBRATION_RUNTIME).open(self._model.content)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that the input's shape suggests."""
        return image_input_of(self.input_shape, str(self._path)).shape

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs, shape (count, classes), for inputs of shape (count, *``input_shape``)."""
        rows = [self._session.invoke([one[np.newaxis]])[0].reshape(-1) for one in inputs]
        return np.asarray(rows, np.float32).reshape(len(inputs), self._outputs)

    def convert(self, mode: ModelKind, io: str, calibration: NDArray[np.float32] | None) -> tuple[bytes, Recipe]:
        """Return the bytes of a ``.tflite`` file, and the recipe by which ai-edge-quantizer made them."""
        recipe = recipe_for(mode, io)
        return quantise(self._model, str(self._path), recipe, calibration), recipe

    def export(self, form: str) -> dict[str, bytes]:
        """Refuse other formats: they are made of the model before its conversion.

        :raises ModelError: always.
        """
        raise ModelError(f"{str(self._path)!r} is a .tflite and can't become {form}; name the model it was made of")

    def _check_images(self, wanted: tuple[int, ...]) -> None:
        """Refuse images that do not fit; one channel may be left out or come first, and an image may be flat."""
        height, width, channels = wanted
        forms = [wanted, (channels, height, width), (height * width * channels,)]
        if channels == 1:
            forms += [(height, width)]
        if self.input_shape not in forms:
            have, want = ("x".join(map(str, shape)) for shape in (self.input_shape, wanted))
            raise ModelError(
                f"{str(self._path)!r} takes images of shape {have}, the dataset has {want}; "
                "name the dataset that the model was trained on"
            )
