"""Pictures of another size are brought to the model's otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgemnist.mismatch.fed import Feeding, InputRule


def _arrange(feeding: Feeding) -> Iterator[tuple[str, Feeding]]:
    right = feeding.preprocessing.fit
    for fit, pixels in feeding.fits.items():
        if fit != right and not np.array_equal(pixels, feeding.pixels):
            yield f"{fit} instead of {right}", replace(feeding.fed(fit=fit), pixels=pixels)


RULE = InputRule(
    name="fit",
    says="brings pictures to the model's size in another way",
    remedy="scale and cut pictures as for training: see --fit",
    rank=1,
    arrange=_arrange,
)
