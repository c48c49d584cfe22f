"""Scaling pictures without Pillow, to the bit what Pillow makes; for the framing that comes from edgemnist."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .framing import Scaling

_FRACTION_BITS = 22


def fit(picture: NDArray[np.uint8], size: tuple[int, int], channels: int, how: str = "pad") -> NDArray[np.uint8]:
    """Return a picture as uint8 of shape (size[0], size[1], channels).

    ``picture``: uint8, (height, width) or (height, width, 1 or 3). One that fits already comes back unchanged. ``how``:
    "pad" scales with the proportions kept, "centre" not at all; what is then left over gets the median colour of the
    border, what is too much is cut off evenly. "crop" cuts the largest middle part of the size's proportions out and
    scales it, "stretch" scales both sides on their own.
    """
    pixels = _with_channels(picture, channels)
    return pixels if pixels.shape[:2] == size else _FITTED[how](pixels, size)


def _smoothly(grey: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return resize(grey[..., np.newaxis], size, _bicubic, 2)[..., 0]


def _with_channels(picture: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Return (height, width, channels): colour becomes grey by ITU-R BT.601 luma, grey becomes colour by repetition."""
    pixels = picture.reshape(*picture.shape[:2], -1)
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    red, green, blue = (pixels[..., index].astype(np.uint32) for index in range(3))
    grey = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return np.asarray(grey[..., np.newaxis], dtype=np.uint8)


def _padded(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    factor = min(size[0] / height, size[1] / width)
    inner = max(1, round(height * factor)), max(1, round(width * factor))
    return _laid_into(_stretched(pixels, inner), size, _border_colour(pixels))


def _stretched(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return resize(pixels, size, _lanczos, 3)


def _cropped(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    height = min(pixels.shape[0], max(1, round(pixels.shape[1] * size[0] / size[1])))
    width = min(pixels.shape[1], max(1, round(pixels.shape[0] * size[1] / size[0])))
    return _stretched(_middle(pixels, (height, width)), size)


def _centred(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    cut = _middle(pixels, (min(pixels.shape[0], size[0]), min(pixels.shape[1], size[1])))
    return _laid_into(cut, size, _border_colour(pixels))


def _middle(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    top, left = (pixels.shape[0] - size[0]) // 2, (pixels.shape[1] - size[1]) // 2
    return pixels[top : top + size[0], left : left + size[1]]


def _laid_into(pixels: NDArray[np.uint8], size: tuple[int, int], colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width, channels = pixels.shape
    canvas = np.empty((*size, channels), dtype=np.uint8)
    canvas[:] = colour
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def _border_colour(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return np.asarray(np.median(border, axis=0).astype(np.uint8))


_FITTED = {"pad": _padded, "stretch": _stretched, "crop": _cropped, "centre": _centred}


def resize(
    pixels: NDArray[np.uint8], size: tuple[int, int], kernel: Callable[[float], float], support: int
) -> NDArray[np.uint8]:
    """Scale uint8 pixels, shape (height, width, channels), to ``size``, (height, width), with Pillow's arithmetic.

    Convolution in two passes with the kernel widened when shrinking; weights have 22 fractional bits and each pass
    rounds to 8 bits. The order is that of Pillow 13: the height first if it loses more than twice the pixels that the
    width does. Pillow 12 and older always begin with the width, which may change a pixel of such pictures slightly.
    """
    lost_height, lost_width = (pixels.shape[axis] - size[axis] for axis in (0, 1))
    for axis in (0, 1) if lost_height > max(0, 2 * lost_width) else (1, 0):
        if pixels.shape[axis] != size[axis]:
            moved = np.moveaxis(pixels, axis, 0)
            pixels = np.moveaxis(_one_pass(moved, size[axis], kernel, support), 0, axis)
    return pixels


def _one_pass(
    pixels: NDArray[np.uint8], length: int, kernel: Callable[[float], float], support: int
) -> NDArray[np.uint8]:
    scale = pixels.shape[0] / length
    stretch = max(scale, 1.0)
    out = np.empty((length, *pixels.shape[1:]), dtype=np.uint8)
    for index in range(length):
        centre = (index + 0.5) * scale
        first = max(0, int(centre - support * stretch + 0.5))
        last = min(pixels.shape[0], int(centre + support * stretch + 0.5))
        weights = [kernel((at - centre + 0.5) * (1.0 / stretch)) for at in range(first, last)]
        total = 0.0
        for weight in weights:  # in this order, as another sum may end in another last bit
            total += weight
        fixed = [int(weight / total * (1 << _FRACTION_BITS) + math.copysign(0.5, weight)) for weight in weights]
        products = np.tensordot(np.array(fixed, dtype=np.int64), pixels[first:last].astype(np.int64), axes=1)
        out[index] = np.clip((products + (1 << (_FRACTION_BITS - 1))) >> _FRACTION_BITS, 0, 255)
    return out


def _bicubic(x: float) -> float:
    """Cubic convolution with a = -0.5 (Keys 1981)."""
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * -0.5 if x < 2 else 0.0


def _lanczos(x: float) -> float:
    """Sinc in a window of sinc(x / 3)."""
    return _sinc(x) * _sinc(x / 3) if -3 <= x < 3 else 0.0


def _sinc(x: float) -> float:
    return math.sin(x * math.pi) / (x * math.pi) if x else 1.0


SCALING = Scaling(fit, _smoothly)
