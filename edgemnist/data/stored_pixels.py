"""What an opened image file holds as numbers, a part after the other: a large one is never held several times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.values import Scales, ValueKind, scale_of

if TYPE_CHECKING:
    from PIL.Image import Image

_PART_PIXELS = 1 << 18


def values_of(image: Image) -> ValueKind:
    """Return how an opened image, not yet loaded, holds its values."""
    if image.mode.startswith("I"):
        return "integers"
    if image.mode == "F":
        return "floats"
    # Pillow has no mode for 16-bit colours: it reads them as 8 bits and says so only in what its decoder is told.
    return "wide colour" if any(";16" in str(tile) for tile in getattr(image, "tile", ())) else "bytes"


def _parts(image: Image) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Yield an image in parts of some rows, as :func:`_to_array` gives them: the whole would be held several times."""
    rows = max(1, _PART_PIXELS // max(1, image.width))
    image.load()
    for top in range(0, image.height, rows):
        part = slice(top, min(top + rows, image.height))
        yield part, _to_array(image.crop((0, part.start, image.width, part.stop)))


def _to_array(image: Image) -> NDArray[Any]:
    """Return (height, width[, 3, or 4 with transparency]) of any Pillow mode: numbers as stored, else uint8."""
    if image.mode.startswith("I") or image.mode == "F":
        return np.asarray(image)
    if _is_transparent(image):
        return np.asarray(image if image.mode == "RGBA" else image.convert("RGBA"))
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"), dtype=np.uint8)


def _is_transparent(image: Image) -> bool:
    return image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info


def range_of(image: Image) -> tuple[float, float]:
    """Return the (lowest, highest) value, at most and at least 0."""
    flatten = _flattener(image)
    low, high = 0.0, 0.0
    for _, values in _parts(image):
        numbers = np.nan_to_num(flatten(values))
        low, high = float(numbers.min(initial=low)), float(numbers.max(initial=high))
    return low, high


def to_bytes(image: Image, kind: ValueKind, scales: Scales | None) -> NDArray[np.uint8]:
    """Return an image as uint8, 0..255, shape (height, width) or (height, width, 3); see ``images.read_image``."""
    if scales is not None:
        scale = scales.get(kind)
    elif kind == "bytes":
        scale = None
    else:
        # What lies outside is cut off, not spread: a single image is no set.
        most = {"floats": 255.0, "integers": 65535.0, "wide colour": 255.0}[kind]
        scale = scale_of(kind, 0, min(range_of(image)[1], most))
    flatten = _flattener(image)
    pixels = None
    for part, values in _parts(image):
        flat = flatten(values)
        if pixels is None:
            pixels = np.empty((image.height, *flat.shape[1:]), dtype=np.uint8)
        pixels[part] = flat if scale is None else scale.to_bytes(flat)
    assert pixels is not None  # an image of no rows is refused when it is opened
    return pixels


def _flattener(image: Image) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return what lays a part's pixels over white, or over black when the visible part is brighter than middle grey."""
    if image.mode.startswith("I") or image.mode == "F" or not _is_transparent(image):
        return lambda values: values
    visible, brightness, least = 0, 0, 255
    for _, rgba in _parts(image):
        alpha = rgba[..., 3].astype(np.int64)
        visible += 3 * int(alpha.sum())
        brightness += int((rgba[..., :3].sum(axis=2, dtype=np.int64) * alpha).sum())
        least = min(least, int(alpha.min(initial=255)))
    background = 0.0 if least < 255 and brightness > 127 * visible else 255.0
    # One table of what each colour becomes with each alpha: the arithmetic is done once for each of the pairs.
    share = np.arange(256, dtype=np.float64)[:, None] / 255
    table = np.rint(np.arange(256.0) * share + background * (1 - share)).astype(np.uint8)
    return lambda rgba: table[rgba[..., 3:], rgba[..., :3]]


def without_colour_if_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (height, width) of colours that are all grey."""
    if pixels.ndim == 3 and all((row == row[:, :1]).all() for row in pixels):
        return np.ascontiguousarray(pixels[..., 0])
    return pixels
