"""Geometry: the image turned, sheared, shrunk or moved about its centre; black comes in from outside."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.corruptions.base import Draws, Pixels, corruption, enlargement

_RADIANS = ((0.2,), (0.4,), (0.6,), (0.8,), (1.0,))

Matrix = NDArray[np.float64]
"""(2, 3): the source (x, y) of a pixel is the matrix times (x, y, 1), with (0, 0) at the image's centre."""


@corruption("turned by so many radians, to either side", _RADIANS, published=2)
def rotate(images: Pixels, draws: Draws, angle: float) -> Pixels:
    """Return the images rotated."""
    return _by_sign(images, draws.signs(), lambda sign: _rotation(sign * angle))


@corruption("turned by so many degrees, to either side", ((5,), (10,), (20,), (30,), (45,)))
def rotation(images: Pixels, draws: Draws, degrees: float) -> Pixels:
    """Return the images rotated: the angles of a camera held askew, finer than those of ``rotate``."""
    return _by_sign(images, draws.signs(), lambda sign: _rotation(sign * math.radians(degrees)))


@corruption("sheared by so many radians, to either side", _RADIANS, published=2)
def shear(images: Pixels, draws: Draws, angle: float) -> Pixels:
    """Return the images with their vertical axis inclined by ``angle``: (x, y) comes from (x - y sin, y cos)."""
    return _by_sign(
        images,
        draws.signs(),
        lambda sign: np.array([[1.0, -math.sin(sign * angle), 0.0], [0.0, math.cos(sign * angle), 0.0]]),
    )


@corruption("shrunk to so much of the size", ((0.9,), (0.8,), (0.7,), (0.6,), (0.5,)), published=3)
def scale(images: Pixels, draws: Draws, factor: float) -> Pixels:
    """Return the images shrunk."""
    return _warped(images, np.array([[1.0 / factor, 0.0, 0.0], [0.0, 1.0 / factor, 0.0]]))


@corruption("moved by so many pixels along both axes", ((1,), (2,), (3,), (4,), (5,)), published=3)
def translate(images: Pixels, draws: Draws, distance: float) -> Pixels:
    """Return the images moved diagonally, in one of the four directions."""
    step = distance * enlargement(images)
    signs = draws.signs(2)
    changed = np.empty_like(images)
    for horizontal in (-1, 1):
        alike = signs[:, 0] == horizontal
        changed[alike] = _by_sign(
            images[alike],
            signs[alike, 1],
            functools.partial(_shift, horizontal * step, step),
        )
    return changed


def _shift(right: float, down: float, sign: int) -> Matrix:
    return np.array([[1.0, 0.0, right], [0.0, 1.0, sign * down]])


def _rotation(angle: float) -> Matrix:
    return np.array([[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]])


def _by_sign(images: Pixels, signs: NDArray[np.int64], matrix: Callable[[int], Matrix]) -> Pixels:
    """Warp the images whose sign is -1 by ``matrix(-1)`` and the others by ``matrix(1)``."""
    changed = np.empty_like(images)
    for sign in (-1, 1):
        alike = signs == sign
        changed[alike] = _warped(images[alike], matrix(sign))
    return changed


def _warped(images: Pixels, matrix: Matrix) -> Pixels:
    """Return the images with every pixel taken from its source, by bilinear interpolation; outside is 0."""
    count, height, width, channels = images.shape
    y, x = np.indices((height, width)).reshape(2, -1)
    centred = np.stack([x - (width - 1) / 2, y - (height - 1) / 2, np.ones(height * width)])
    source_x, source_y = matrix @ centred + np.array([[(width - 1) / 2], [(height - 1) / 2]])
    left, share_right = _cell(source_x, width)
    top, share_below = _cell(source_y, height)
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(count, (height + 2) * (width + 2), channels)
    total = np.zeros((count, height * width, channels))
    for below, row_weight in ((0, 1.0 - share_below), (1, share_below)):
        for right, column_weight in ((0, 1.0 - share_right), (1, share_right)):
            places = (top + below) * (width + 2) + left + right
            total += framed[:, places] * (row_weight * column_weight)[:, np.newaxis]
    return total.reshape(images.shape)


def _cell(position: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the index, in an image framed by one pixel, of the pixel at or before each position, and the rest."""
    bounded = np.clip(position, -1.0, size)
    before = np.minimum(np.floor(bounded), size - 1)
    return before.astype(np.int64) + 1, bounded - before
