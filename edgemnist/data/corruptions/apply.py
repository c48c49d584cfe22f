"""Corrupt images: uint8 in, uint8 out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.corruptions.base import Draws, Pixels
from edgemnist.data.corruptions.registry import find_corruption
from edgemnist.support.errors import InputError

_BATCH_VALUES = 1_000_000
"""Pixel values in a batch: bounds the memory that a large test set takes."""

_TIE = 1e-6
"""Results this close below a half count as one, so that the last bit of a sum, which may differ between processors,
decides nothing."""


def corrupt(images: NDArray[np.uint8], name: str, severity: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return the images with a corruption at a severity; severity 0 gives them back as they are.

    What is drawn for an image depends on ``seed``, the corruption and the image's index alone: neither on the images
    around it nor on the severity, so a higher severity is more of the same.

    :param images: uint8, shape (count, height, width, 1 or 3), 0..255.
    :param name: a name of :func:`~edgemnist.data.corruptions.registry.corruptions`.
    :returns: a new array of the same shape and type.
    :raises InputError: no such corruption or severity, or the images are not of that type and shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape[1:]:
        raise InputError(
            "images to corrupt must be uint8 of shape (count, height, width, channels) with 1 or 3 channels, "
            f"got {images.dtype} {images.shape}"
        )
    corruption = find_corruption(name)
    changed = images.copy()
    if severity == 0:
        return changed
    level = corruption.level(severity)
    size = max(1, _BATCH_VALUES // int(np.prod(images.shape[1:])))
    for first in range(0, len(images), size):
        batch = images[first : first + size]
        draws = Draws(seed, corruption.name, first, len(batch))
        changed[first : first + size] = _to_bytes(corruption.effect(batch / 255.0, draws, *level))
    return changed


def _to_bytes(values: Pixels) -> NDArray[np.uint8]:
    return np.asarray(np.floor(np.clip(values, 0.0, 1.0) * 255.0 + (0.5 + _TIE)), dtype=np.uint8)
