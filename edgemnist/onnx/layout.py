"""How the original wants its images laid out, told from the shape of its input."""

from __future__ import annotations

import enum
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import ModelError

_CHANNELS = (1, 3)

Shape = tuple[int | None, ...]
"""Sizes, None where one is free."""


class Layout(enum.Enum):
    """The sizes of one image in the original's input; the value says it to people."""

    CHANNELS_FIRST = "channels first (NCHW)"
    CHANNELS_LAST = "channels last (NHWC)"
    WITHOUT_CHANNEL = "without its single channel (NHW)"
    FLAT = "flat, row by row"

    def sizes(self, image_shape: tuple[int, int, int]) -> tuple[int, ...]:
        """Return the sizes of one image of (height, width, channels) in this layout."""
        height, width, channels = image_shape
        if self is Layout.CHANNELS_FIRST:
            return channels, height, width
        if self is Layout.CHANNELS_LAST:
            return height, width, channels
        return (height, width) if self is Layout.WITHOUT_CHANNEL else (math.prod(image_shape),)

    def arrange(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return images of shape (count, height, width, channels) in this layout."""
        if self is Layout.CHANNELS_FIRST:
            return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        count, *sizes = images.shape
        return images.reshape(count, *self.sizes((sizes[0], sizes[1], sizes[2])))


def image_sizes(shape: Shape) -> tuple[int | None, int | None, int | None]:
    """Return (height, width, channels) that the images for an input of ``shape`` (batch first) have to have.

    None where that is free, or where the shape does not tell.
    """
    if len(shape) == 4 and shape[1] in _CHANNELS:
        return shape[2], shape[3], shape[1]
    if len(shape) == 4 and shape[3] in _CHANNELS:
        return shape[1], shape[2], shape[3]
    return (shape[1], shape[2], 1) if len(shape) == 3 else (None, None, None)


def layout_of(shape: Shape, image_shape: tuple[int, int, int], path: Path, dataset: str) -> Layout:
    """Return the layout in which an input of ``shape`` (batch first, None where free) takes the dataset's images.

    Where two would fit, as with 3x3 images of three channels, it is channels first, which ONNX's convolutions need.

    :raises ModelError: none fits.
    """
    candidates = [layout for layout in Layout if layout is not Layout.WITHOUT_CHANNEL or image_shape[2] == 1]
    for layout in candidates:
        sizes = layout.sizes(image_shape)
        if len(sizes) == len(shape) - 1 and all(a in (None, b) for a, b in zip(shape[1:], sizes, strict=True)):
            return layout
    taken = "x".join("?" if size is None else str(size) for size in shape) or "a single number"
    fitting = ", ".join("x".join(map(str, ("?", *layout.sizes(image_shape)))) for layout in candidates)
    raise ModelError(
        f"{str(path)!r} takes inputs of shape {taken}, which images of {dataset!r} do not fit "
        f"({'x'.join(map(str, image_shape))}, so {fitting}; the first size is the number of images); "
        "name the dataset that the model was trained on with --dataset"
    )
