"""How a picture in the net's frame becomes its input, and what its outputs mean: as the manifest records it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ONE_PROBABILITY, ONE_SCORE = "one probability", "one score"
_SEVERAL = {ONE_PROBABILITY: "probabilities", ONE_SCORE: "scores"}


class Preprocessing:
    """The manifest's words on input and output; where an older bundle lacks one, it is as it always was then.

    ``image_shape``: (height, width, channels) of a picture in the net's frame, upright, red first. ``fit``: how it is
    brought there. ``class_names``: in the order of the outputs.
    """

    def __init__(self, manifest: dict[str, Any]) -> None:
        known = manifest.get("preprocessing", {})
        height, width, channels = manifest["image_shape"]
        self.image_shape = (int(height), int(width), int(channels))
        self.class_names: list[str] = list(manifest["class_names"])
        self.fit: str = known.get("fit", "pad")
        self._blue_first = known.get("channels", "rgb") == "bgr"
        self._channels_first = known.get("layout", "nhwc") == "nchw"
        self._transposed = bool(known.get("transposed", False))
        # Inversion is in the table.
        self._table = np.array(manifest["input"]["pixel_table"], dtype=manifest["input"]["dtype"])
        self._output: str = known.get("output", "unknown")
        self._scale, self._zero_point = manifest["output"]["scale"], manifest["output"]["zero_point"]

    def input(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Return uint8 pixels of ``image_shape`` as the model's input, in its order, without its shape's batch."""
        arranged = pixels.transpose(1, 0, 2) if self._transposed else pixels
        arranged = arranged[..., ::-1] if self._blue_first else arranged
        by_channel = self._table.ndim == 2
        values = self._table[arranged, np.arange(self._table.shape[1])] if by_channel else self._table[arranged]
        return np.ascontiguousarray(values.transpose(2, 0, 1) if self._channels_first else values)

    def probabilities(self, output: NDArray[Any]) -> NDArray[np.float64]:
        """Return class probabilities: the output itself where it is such, else its softmax or, of one value, sigmoid.

        ``output``: as the interpreter gave it, shape (outputs,).
        """
        real = self._real(output)
        if len(real) == 1:
            second = real if self._is_probability(real) else 1 / (1 + np.exp(-real))
            return np.concatenate([1 - second, second])
        if self._output == "probabilities" or (self._output == "unknown" and _look_like_probabilities(real)):
            return real
        powers = np.exp(real - real.max())
        return np.asarray(powers / powers.sum(), dtype=np.float64)

    def classes(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """Return the class of each output, shape (N, outputs): the highest, of equals the first; one tells two."""
        if outputs.shape[1] != 1:
            return np.asarray(outputs.argmax(axis=1), dtype=np.int64)
        real = self._real(outputs[:, 0])
        return np.asarray(real > (0.5 if self._is_probability(real) else 0.0), dtype=np.int64)

    def _real(self, output: NDArray[Any]) -> NDArray[np.float64]:
        real = output.astype(np.float32)
        if self._scale is not None:
            real = (real - np.float32(self._zero_point)) * np.float32(self._scale)
        return real.astype(np.float64)

    def _is_probability(self, real: NDArray[np.float64]) -> bool:
        """Whether one value for two classes is a probability, all of ``real`` being such values."""
        kind = _SEVERAL.get(self._output, self._output)
        if kind in ("probabilities", "scores"):
            return kind == "probabilities"
        return bool(((real >= 0) & (real <= 1)).all())


def _look_like_probabilities(real: NDArray[np.float64]) -> bool:
    return bool((real >= 0).all()) and abs(float(real.sum()) - 1) < 0.002 * len(real) + 0.01
