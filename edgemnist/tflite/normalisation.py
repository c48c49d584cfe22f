"""How a pixel becomes the number that a net sees, and the usual ranges; light, for help texts name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Normalisation:
    """How a pixel becomes the model's real-valued input: ``real = pixel * scale + offset``, pixel in 0..255.

    The default maps 0..255 to [0, 1]; int8 input then has scale 1/255 and zero point -128: ``q = pixel - 128``.
    """

    scale: float = 1.0 / 255.0
    offset: float = 0.0

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the images as float32 model input of the same shape."""
        import numpy as np

        return (images.astype(np.float32) * np.float32(self.scale) + np.float32(self.offset)).astype(np.float32)


NORMALISATIONS: Mapping[str, Normalisation] = MappingProxyType(
    {
        "0..1": Normalisation(),
        "0..255": Normalisation(scale=1.0, offset=0.0),
        "-1..1": Normalisation(scale=2.0 / 255.0, offset=-1.0),
    }
)
"""The usual ranges that image models are trained on, by the name that ``--normalisation`` takes."""
