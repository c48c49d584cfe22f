"""What a classifier's bundle makes of pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.framing import FramedImage, frame

from .opened import Opened
from .preprocessing import Preprocessing


class Candidate:
    """A class that a picture may be of; ``probability`` in 0..1."""

    def __init__(self, label: str, index: int, probability: float) -> None:
        self.label, self.index, self.probability = label, index, probability

    def as_json(self) -> dict[str, Any]:
        """Return the candidate as JSON values."""
        return {"label": self.label, "index": self.index, "probability": round(self.probability, 6)}


class Seen:
    """What came of a picture: what the net was shown, class probabilities of shape (classes,), the invoke's time."""

    def __init__(
        self, framed: FramedImage, names: Sequence[str], probabilities: NDArray[np.float64], microseconds: float
    ) -> None:
        self.framed, self.probabilities, self.microseconds = framed, probabilities, microseconds
        self._names = names

    def best(self, count: int) -> list[Candidate]:
        """Return the most probable classes, the best first; of equals the one with the lowest index."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [Candidate(self._names[index], int(index), float(self.probabilities[index])) for index in order]


class Classifier(Opened):
    """A bundle's classifier on one thread."""

    def __init__(self, folder: Path, *, kernels: str = "default", interpreter: str | None = None) -> None:
        super().__init__(folder, kernels=kernels, interpreter=interpreter)
        self.preprocessing = Preprocessing(self.manifest)

    def golden_inputs(self, arrays: Mapping[str, NDArray[Any]]) -> Iterator[Sequence[NDArray[Any]]]:
        """Yield what the model is fed with for each golden picture."""
        for image in arrays["images"]:
            yield [self._prepared(image)]

    def invoke(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Run the model on uint8 pixels in the net's frame and return its output as it is, shape (outputs,)."""
        return self._run(self._prepared(pixels))

    def look(self, picture: NDArray[np.uint8], invert: str = "auto") -> Seen:
        """Return what comes of a picture of any size, uint8 of shape (height, width) or (height, width, 3)."""
        from edgemnist.data.images import SCALING  # Pillow's, which a replay does not need

        known, dataset = self.preprocessing, self.manifest.get("framed_as", self.manifest["dataset"])
        framed = frame(picture, known.image_shape, dataset, invert, SCALING, known.fit)
        prepared = self._prepared(framed.pixels)
        start = time.perf_counter_ns()
        output = self._run(prepared)
        microseconds = (time.perf_counter_ns() - start) / 1000
        return Seen(framed, known.class_names, known.probabilities(output), microseconds)

    def _prepared(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        return self.preprocessing.input(pixels)

    def _run(self, prepared: NDArray[Any]) -> NDArray[Any]:
        output: NDArray[Any] = self.engine.invoke([prepared])[0]
        return output
