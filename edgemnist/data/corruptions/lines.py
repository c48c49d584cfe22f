"""Lines and stripes drawn over the image, in the coordinates of a 28 x 28 image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.corruptions.base import REFERENCE_SIDE, Draws, Pixels, corruption

_ONE_STRENGTH = ((),)
_STRIPES = (7, 21)
_DOT = 2
_LINE_REACH = 2.3
"""Distance in pixels from a line's middle at which it has faded out."""

_ZIGZAG_ENDS = (2.0, 25.0)
_ZIGZAG_STEP = 2.0
"""Half the length of a tooth along the line, and its height."""


@corruption("the left and right quarter inverted", _ONE_STRENGTH, published=1)
def stripe(images: Pixels, draws: Draws) -> Pixels:
    """Return the images with the outer quarters of their columns inverted."""
    columns = _coordinates(images.shape[2])
    outside = (columns < _STRIPES[0]) | (columns >= _STRIPES[1])
    return np.where(outside[:, np.newaxis], 1.0 - images, images)


@corruption("a dotted line from left to right", _ONE_STRENGTH, published=1)
def dotted_line(images: Pixels, draws: Draws) -> Pixels:
    """Return the images with a line from a random row at the left to another at the right, two columns on, two off."""
    rows = draws.whole(0, REFERENCE_SIDE - 1, 2)
    variants, which = np.unique(rows, axis=0, return_inverse=True)
    starts, ends = variants.T.astype(np.float64)
    overlay = _segments(images, np.zeros_like(starts), starts, np.full_like(ends, REFERENCE_SIDE - 1.0), ends)
    overlay[:, :, _coordinates(images.shape[2]) // _DOT % 2 == 0] = 0.0
    return images + overlay[which.ravel(), :, :, np.newaxis]


@corruption("a zigzag line from left to right", _ONE_STRENGTH, published=1)
def zigzag(images: Pixels, draws: Draws) -> Pixels:
    """Return the images with a zigzag from a random row at the left to one -5 to 4 rows away at the right."""
    starts = draws.whole(0, REFERENCE_SIDE - 1)
    drawn = np.stack([starts, draws.whole(-5, 5)], axis=1)
    variants, which = np.unique(drawn, axis=0, return_inverse=True)
    overlay = np.stack([_zigzag(images, float(start), float(rise)) for start, rise in variants])
    return images + overlay[which.ravel(), :, :, np.newaxis]


def _zigzag(images: Pixels, start: float, rise: float) -> NDArray[np.float64]:
    """Return the brightness that a zigzag adds, (height, width): its corners, turned into the line's direction."""
    left, right = _ZIGZAG_ENDS
    angle = math.atan(rise / (right - left))
    length = (right - left) / math.cos(angle)
    teeth = int((length - _ZIGZAG_STEP) // (2 * _ZIGZAG_STEP)) + 1
    along = [0.0, *((2 * tooth + 1) * _ZIGZAG_STEP for tooth in range(teeth)), length]
    last = _ZIGZAG_STEP if teeth % 2 else -_ZIGZAG_STEP
    full_teeth = 2 * _ZIGZAG_STEP * (length // (2 * _ZIGZAG_STEP))
    aside = [0.0, *((-1) ** tooth * _ZIGZAG_STEP for tooth in range(teeth)), last / (2 * (length - full_teeth))]
    columns = left + np.cos(angle) * np.array(along) - np.sin(angle) * np.array(aside)
    rows = start + np.sin(angle) * np.array(along) + np.cos(angle) * np.array(aside)
    return np.asarray(_segments(images, columns[:-1], rows[:-1], columns[1:], rows[1:]).sum(axis=0))


def _segments(
    images: Pixels,
    left: NDArray[np.float64],
    start: NDArray[np.float64],
    right: NDArray[np.float64],
    end: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the brightness that lines add, (lines, height, width), 0..1.

    A line goes from column ``left`` and row ``start`` to column ``right`` and row ``end``, each of shape (lines,). At a
    vertical distance d it has the brightness 1 + log(1 - d / 2.3), where that is positive.
    """
    rows = _coordinates(images.shape[1])[np.newaxis, :, np.newaxis]
    columns = _coordinates(images.shape[2])[np.newaxis, np.newaxis, :]
    left, start, right, end = (values[:, np.newaxis, np.newaxis] for values in (left, start, right, end))
    middle = start + (end - start) / (right - left) * (columns - left)
    distance = np.minimum(np.abs(rows - middle), _LINE_REACH * (1 - 1e-9))
    bright = np.clip(1.0 + np.log(1.0 - distance / _LINE_REACH), 0.0, 1.0)
    return np.where((columns >= np.floor(left)) & (columns < np.ceil(right)), bright, 0.0)


def _coordinates(size: int) -> NDArray[np.float64]:
    """Return where the pixels of a side lie in an image of 28."""
    return np.arange(size) * (REFERENCE_SIDE / size)
