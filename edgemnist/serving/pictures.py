"""Pictures to what the net sees of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.framing import FramedImage
from edgemnist.harness.single import seen
from edgemnist.http.pictures import Then
from edgemnist.serving.models import ServedModel


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the net sees of a picture, and the input of shape (1, ...) that comes of it."""

    image: FramedImage
    inputs: NDArray[Any]


def prepared_for(model: ServedModel, invert: str = "auto") -> Then[Prepared]:
    """Return what a model needs to be made of a picture."""

    def then(picture: NDArray[np.uint8]) -> Prepared:
        framed = seen(picture, model.context, invert)
        return Prepared(framed, model.inputs(framed.pixels[np.newaxis]))

    return then
