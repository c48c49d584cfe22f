"""The image reduced to its edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.corruptions.base import Draws, Pixels, corruption, enlargement
from edgemnist.data.corruptions.blur import blurred

_DEVIATION = 1.0
_LOW, _HIGH = 0.1, 0.2
_DECIMALS = 9
"""Gradients are rounded to so many decimals: equal ones must compare equal whatever the order of a sum was."""

_LUMA = (0.2125, 0.7154, 0.0721)
"""ITU-R BT.709."""

Planes = NDArray[np.float64]
"""Grey images, (count, height, width)."""


@corruption("nothing but the edges, one pixel wide", ((),), published=1)
def canny_edges(images: Pixels, draws: Draws) -> Pixels:
    """Return white edges on black (Canny 1986): Gaussian, Sobel gradient, ridges only, hysteresis from 0.2 to 0.1."""
    scale = enlargement(images)
    grey = images if images.shape[3] == 1 else images @ np.array(_LUMA)[:, np.newaxis]
    down, right = _sobel(blurred(grey, _DEVIATION * scale, border="none")[..., 0] * scale)
    size = np.round(np.hypot(down, right), _DECIMALS)
    ridge = _is_ridge(size, down, right)
    edges = _connected(ridge & (size >= _HIGH), ridge & (size >= _LOW))
    return np.repeat(edges[..., np.newaxis], images.shape[3], axis=3).astype(np.float64)


def _sobel(planes: Planes) -> tuple[Planes, Planes]:
    """Return the gradient downwards and to the right, (1 2 1) across and (-1 0 1) along; the border's pixel repeats."""
    framed = np.pad(planes, ((0, 0), (1, 1), (1, 1)), mode="edge")
    height, width = planes.shape[1:]
    across = framed[:, :, :-2] + 2 * framed[:, :, 1:-1] + framed[:, :, 2:]
    along = framed[:, :-2] + 2 * framed[:, 1:-1] + framed[:, 2:]
    down = across[:, 2 : height + 2] - across[:, :height]
    right = along[:, :, 2 : width + 2] - along[:, :, :width]
    return np.round(down, _DECIMALS), np.round(right, _DECIMALS)


def _is_ridge(size: Planes, down: Planes, right: Planes) -> NDArray[np.bool_]:
    """Return where the gradient is no smaller than one step further in its own direction, both ways; border excluded.

    One step further lies between a direct and a diagonal neighbour; the value there is interpolated.
    """
    framed = np.pad(size, ((0, 0), (1, 1), (1, 1)))
    height, width = size.shape[1:]

    def neighbour(rows: int, columns: int) -> Planes:
        return framed[:, 1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    steep, same_sign = np.abs(down) >= np.abs(right), (down >= 0) == (right >= 0)
    larger = np.maximum(np.abs(down), np.abs(right))
    share = np.minimum(np.abs(down), np.abs(right)) / np.where(larger > 0, larger, 1.0)
    ridge = np.zeros(size.shape, dtype=bool)
    ridge[:, 1:-1, 1:-1] = True
    for way in (-1, 1):
        direct = np.where(steep, neighbour(way, 0), neighbour(0, way))
        falling, rising = neighbour(way, way), np.where(steep, neighbour(way, -way), neighbour(-way, way))
        diagonal = np.where(same_sign, falling, rising)
        ridge &= np.round(direct * (1.0 - share) + diagonal * share, _DECIMALS) <= size
    return ridge


def _connected(strong: NDArray[np.bool_], weak: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the weak pixels that a path of weak pixels connects to a strong one, diagonals included."""
    found = strong
    while True:
        framed = np.pad(found, ((0, 0), (1, 1), (1, 1)))
        wider = framed[:, :-2] | framed[:, 1:-1] | framed[:, 2:]
        grown = (wider[:, :, :-2] | wider[:, :, 1:-1] | wider[:, :, 2:]) & weak
        if np.array_equal(grown, found):
            return found
        found = grown
