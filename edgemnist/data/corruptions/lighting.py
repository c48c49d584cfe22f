"""Lighting, weather and dirt: what lies between the digit and the camera."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.corruptions.base import Draws, Pixels, corruption, enlargement
from edgemnist.data.corruptions.blur import blurred

_FOG_SIDE = 256
"""Side of a fog map for images of 28 x 28; a power of two."""
_LARGEST_FOG_SIDE = 2048
_FOG_MAPS = 64

_SPATTER_OPACITY = 0.8
_MUD = 63 / 255
_SPATTER_LEVELS = (
    (0.65, 0.3, 4, 0.69, 0.6),
    (0.65, 0.3, 3, 0.68, 0.6),
    (0.65, 0.3, 2, 0.68, 0.5),
    (0.65, 0.3, 1, 0.65, 1.5),
    (0.67, 0.4, 1, 0.65, 1.5),
)


@corruption("brighter by so much of 0..1", ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,)), published=5)
def brightness(images: Pixels, draws: Draws, added: float) -> Pixels:
    """Return the images with the value of hue, saturation, value raised and clipped; a grey pixel gains that much."""
    value = images.max(axis=3, keepdims=True)
    raised = np.minimum(value + added, 1.0)
    # Hue and saturation stay when all channels grow by one factor; black has neither and becomes grey.
    return np.where(value > 0.0, images * (raised / np.where(value > 0.0, value, 1.0)), raised)


@corruption("contrast reduced to so much", ((0.4,), (0.3,), (0.2,), (0.1,), (0.05,)))
def contrast(images: Pixels, draws: Draws, factor: float) -> Pixels:
    """Return the images drawn towards their mean. The strengths are of MNIST-C's generator; the dataset has it not."""
    means = images.mean(axis=(1, 2), keepdims=True)
    return np.asarray((images - means) * factor + means)


@corruption("fog: thickness and smoothness", ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)), published=5)
def fog(images: Pixels, draws: Draws, thickness: float, decay: float) -> Pixels:
    """Return the images under a plasma fractal, then darkened so that the brightest possible pixel stays as bright.

    MNIST-C makes a fractal for every image and takes its corner; this takes a window at random of one of 64 fractals.
    """
    height, width = images.shape[1:3]
    octaves = round(math.log2(max(enlargement(images), 1.0)))
    side = min(_FOG_SIDE << octaves, _LARGEST_FOG_SIDE)
    maps = max(1, _FOG_MAPS * _FOG_SIDE**2 // side**2)
    corners = draws.whole(0, side, 2)
    brightest = images.max(axis=(1, 2, 3))
    foggy = np.empty_like(images)
    for row, index in enumerate(draws.indices):
        rows, columns = (corners[row, 0] + np.arange(height)) % side, (corners[row, 1] + np.arange(width)) % side
        window = _plasma(draws.seed, index % maps, side, decay)[np.ix_(rows, columns)]
        foggy[row] = images[row] + thickness * window[:, :, np.newaxis]
    return np.asarray(foggy * (brightest / (brightest + thickness))[:, np.newaxis, np.newaxis, np.newaxis])


@corruption(
    "mud: mean and deviation of the wetness, drop size in pixels, threshold, edge blur in pixels",
    _SPATTER_LEVELS,
    published=4,
)
def spatter(
    images: Pixels, draws: Draws, mean: float, deviation: float, size: float, threshold: float, edge: float
) -> Pixels:
    """Return the images with dark grey drops: where blurred normal noise exceeds the threshold.

    The drops of severities 4 and 5 are smaller than those of 3: MNIST-C's strengths, which do not only get worse.
    """
    scale = enlargement(images)
    # Blurring spreads noise over more pixels in a larger image, so there its deviation starts larger.
    wetness = mean + deviation * scale * draws.normal(*images.shape[1:3], 1)
    wet = blurred(wetness, size * scale) > threshold
    cover = blurred(wet.astype(np.float64), edge * scale)
    cover[cover < _SPATTER_OPACITY] = 0.0
    return np.asarray(images * (1.0 - cover) + _MUD * cover)


@functools.lru_cache(maxsize=_FOG_MAPS)
def _plasma(seed: int, index: int, side: int, decay: float) -> NDArray[np.float64]:
    """Return a plasma fractal, (side, side), 0..1, whose opposite borders fit together.

    The diamond-square algorithm (Fournier, Fussell, Carpenter 1982): the middle of every square, then of every diamond,
    is the mean of its four corners and a random part, which shrinks by decay^2 from one grid to the next finer one.
    """
    random = np.random.RandomState([seed, side, index])
    heights = np.zeros((side, side))
    step, amplitude = side, 1.0
    while step >= 2:
        half = step // 2
        corners = heights[::step, ::step]
        below = corners + np.roll(corners, -1, axis=0)
        squares = (below + np.roll(below, -1, axis=1)) / 4 + amplitude * random.uniform(-1, 1, corners.shape)
        heights[half::step, half::step] = squares
        across = corners + np.roll(corners, -1, axis=1) + squares + np.roll(squares, 1, axis=0)
        heights[::step, half::step] = across / 4 + amplitude * random.uniform(-1, 1, corners.shape)
        along = corners + np.roll(corners, -1, axis=0) + squares + np.roll(squares, 1, axis=1)
        heights[half::step, ::step] = along / 4 + amplitude * random.uniform(-1, 1, corners.shape)
        step, amplitude = half, amplitude / decay**2
    heights -= heights.min()
    return np.asarray(heights / heights.max())
