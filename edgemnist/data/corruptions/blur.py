"""Blur: a pixel is spread over its neighbours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.corruptions.base import Draws, Pixels, corruption, enlargement

_TRUNCATION = 4.0
"""Where a Gaussian is cut off, in standard deviations."""


@corruption("out of focus: Gaussian, standard deviation in pixels given", ((1,), (2,), (3,), (4,), (6,)))
def gaussian_blur(images: Pixels, draws: Draws, deviation: float) -> Pixels:
    """Return the images blurred. The strengths are those of MNIST-C's generator, which the dataset leaves out."""
    return blurred(images, deviation * enlargement(images))


@corruption(
    "frosted glass: blur in pixels, reach in pixels, rounds of swaps",
    ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
    published=1,
)
def glass_blur(images: Pixels, draws: Draws, deviation: float, reach: float, rounds: float) -> Pixels:
    """Return the images blurred, with pixels swapped at random, blurred again.

    From the lower right to the upper left every second pixel, by chance, changes places with one that lies -reach to
    reach - 1 rows and columns away; this ``rounds`` times.
    """
    scale = enlargement(images)
    shuffled = blurred(images, deviation * scale)
    _swap_neighbours(shuffled, draws, max(1, round(reach * scale)), int(rounds))
    return blurred(shuffled, deviation * scale)


@corruption(
    "the camera moved: reach and standard deviation in pixels",
    ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
    published=1,
)
def motion_blur(images: Pixels, draws: Draws, reach: float, deviation: float) -> Pixels:
    """Return every pixel averaged with those behind it on a line at -45..45 degrees to the horizontal.

    The line has 2 reach + 1 steps of one pixel, each rounded to the nearest; its weights are one side of a Gaussian, as
    in ImageMagick's motion blur. Beyond the border the border's pixel repeats.
    """
    scale = enlargement(images)
    angles = np.radians(90.0 * draws.uniform() - 45.0)
    steps = np.arange(2 * math.ceil(reach * scale) + 1)
    weights = np.exp(-0.5 * (steps / (deviation * scale)) ** 2)
    weights /= weights.sum()
    order = np.argsort(angles, kind="stable")  # neighbouring angles share most of their steps
    changed = np.empty_like(images)
    changed[order] = _along_lines(images[order], angles[order], weights)
    return changed


def _along_lines(images: Pixels, angles: NDArray[np.float64], weights: NDArray[np.float64]) -> Pixels:
    """Return the weighted sum of each image moved along its line; ``angles`` ascend, so equal moves are contiguous."""
    height, width = images.shape[1:3]
    total = np.zeros_like(images)
    for step, weight in enumerate(weights):
        down, right = (np.ceil(step * part(angles) - 0.5).astype(np.int64) for part in (np.sin, np.cos))
        changes = np.flatnonzero((np.diff(down) != 0) | (np.diff(right) != 0)) + 1
        for start, stop in zip([0, *changes], [*changes, len(images)], strict=True):
            rows = np.clip(np.arange(height) + down[start], 0, height - 1)
            columns = np.clip(np.arange(width) + right[start], 0, width - 1)
            total[start:stop] += weight * images[start:stop][:, rows[:, np.newaxis], columns]
    return total


def blurred(images: Pixels, deviation: float, *, border: str = "nearest") -> Pixels:
    """Return images under a Gaussian blur, as two products with banded matrices.

    ``border``: beyond it the border's pixel repeats ("nearest"), or there is nothing and the weights within the image
    count for the whole ("none").
    """
    count, height, width, channels = images.shape
    planes = images.transpose(0, 3, 1, 2).reshape(count * channels, height, width)
    planes = _gaussian_matrix(height, deviation, border) @ planes @ _gaussian_matrix(width, deviation, border).T
    return np.asarray(planes.reshape(count, channels, height, width).transpose(0, 2, 3, 1))


def _gaussian_matrix(size: int, deviation: float, border: str) -> NDArray[np.float64]:
    """Return (size, size): row i holds the weights of the pixels that make pixel i."""
    reach = int(_TRUNCATION * deviation + 0.5)
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (steps / deviation) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((size, size))
    sources = np.arange(size)[:, np.newaxis] + steps
    inside = (sources >= 0) & (sources < size)
    kept = np.where(inside | (border == "nearest"), weights, 0.0)
    np.add.at(matrix, (np.arange(size)[:, np.newaxis], np.clip(sources, 0, size - 1)), kept)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def _swap_neighbours(images: Pixels, draws: Draws, reach: int, rounds: int) -> None:
    """Swap pixels in place, all images at once, position by position: a later swap may move an earlier one's pixel."""
    height, width = images.shape[1:3]
    positions = [
        (row, column) for row in range(height - reach, reach, -1) for column in range(width - reach, reach, -1)
    ]
    everyone = np.arange(len(images))
    for _ in range(rounds):
        chosen = draws.whole(0, 2, len(positions)).astype(bool)
        moves = draws.whole(-reach, reach, len(positions), 2)
        for place, (row, column) in enumerate(positions):
            who = everyone[chosen[:, place]]
            rows, columns = row + moves[who, place, 0], column + moves[who, place, 1]
            here = images[who, row, column]
            images[who, row, column] = images[who, rows, columns]
            images[who, rows, columns] = here
