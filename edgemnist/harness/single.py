"""A single picture, of any size: what a net is shown of it, and what its answer comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.framing import FramedImage
from edgemnist.data.images import frame_image


@dataclass(frozen=True)
class Candidate:
    """A class that the image may be of; ``probability`` in 0..1."""

    label: str
    index: int
    probability: float


def seen(picture: NDArray[np.uint8], context: ModelContext, invert: str) -> FramedImage:
    """Return what a net is shown of a picture.

    :param picture: uint8, shape (height, width) or (height, width, 3), 0..255.
    :param invert: as for :func:`~edgemnist.data.framing.frame`.
    :raises InputError: ``invert`` is none of ``INVERT_CHOICES``.
    """
    known = context.preprocessing
    return frame_image(picture, known.image_shape, context.dataset, invert, known.fit)


def best_first(row: NDArray[np.float64], names: Sequence[str], count: int) -> tuple[Candidate, ...]:
    """Return the ``count`` most probable classes; of equals the one with the lowest index is first.

    :param row: class probabilities, shape (classes,).
    """
    order = np.argsort(-row, kind="stable")[:count]
    return tuple(Candidate(names[index], int(index), float(row[index])) for index in order)
