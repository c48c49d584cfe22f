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


def _parts(image: Image) -> Iterator[tuple[slice, Image]]:
    """Yield an image in parts of some rows: as numbers, the whole would be held several times."""
    rows = max(1, _PART_PIXELS // max(1, image.width))
    image.load()
    for top in range(0, image.height, rows):
        part = slice(top, min(top + rows, image.height))
        yield part, image.crop((0, part.start, image.width, part.stop))


def _to_array(image: Image) -> NDArray[Any]:
    """Return (height, width[, 3]) of any Pillow mode without transparency: numbers as stored, else uint8."""
    if image.mode.startswith("I") or image.mode == "F":
        return np.asarray(image)
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"), dtype=np.uint8)


def _is_transparent(image: Image) -> bool:
    return image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info


def range_of(image: Image) -> tuple[float, float]:
    """Return the (lowest, highest) value, at most and at least 0."""
    flatten = _flattener(image)
    low, high = 0.0, 0.0
    for _, part in _parts(image):
        numbers = np.nan_to_num(flatten(part))
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
    for rows, part in _parts(image):
        flat = flatten(part)
        if pixels is None:
            pixels = np.empty((image.height, *flat.shape[1:]), dtype=np.uint8)
        pixels[rows] = flat if scale is None else scale.to_bytes(flat)
    assert pixels is not None  # an image of no rows is refused when it is opened
    return pixels


def _flattener(image: Image) -> Callable[[Image], NDArray[Any]]:
    """Return what lays a part's pixels over white, or over black when the visible part is brighter than middle grey."""
    if image.mode.startswith("I") or image.mode == "F" or not _is_transparent(image):
        return _to_array
    visible, brightness, least = 0, 0, 255
    for _, part in _parts(image):
        *colours, alpha = (np.asarray(band) for band in _rgba(part).split())
        visible += 3 * int(alpha.sum(dtype=np.uint64))
        for colour in colours:
            brightness += int(np.multiply(colour, alpha, dtype=np.uint16).sum(dtype=np.uint64))
        least = min(least, int(alpha.min(initial=255)))
    background = "black" if least < 255 and brightness > 127 * visible else "white"
    return lambda part: _laid_over(part, background)


def _rgba(image: Image) -> Image:
    return image if image.mode == "RGBA" else image.convert("RGBA")


def _laid_over(image: Image, background: str) -> NDArray[np.uint8]:
    """Return (height, width, 3) of pixels over a colour: (pixel alpha + colour (255 - alpha)) / 255, rounded."""
    from PIL.Image import new

    pixels, ground = _rgba(image), new("RGB", image.size, background)
    ground.paste(pixels.convert("RGB"), None, pixels.getchannel("A"))
    return np.asarray(ground, dtype=np.uint8)


def without_colour_if_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (height, width) of colours that are all grey."""
    if pixels.ndim == 3 and all((row[:, 0] == row[:, place]).all() for row in pixels for place in (1, 2)):
        return np.ascontiguousarray(pixels[..., 0])
    return pixels
