"""How a pixel becomes the number that a net sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Normalisation:
    """How a pixel becomes the model's real-valued input: ``real = pixel * scale + offset``, pixel in 0..255.

    The house default maps 0..255 to [0, 1]; int8 input then has scale 1/255 and zero point -128: ``q = pixel - 128``.
    """

    scale: float = 1.0 / 255.0
    offset: float = 0.0

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the images as float32 model input of the same shape."""
        return (images.astype(np.float32) * np.float32(self.scale) + np.float32(self.offset)).astype(np.float32)
