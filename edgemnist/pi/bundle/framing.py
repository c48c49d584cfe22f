"""Any picture to the frame that the net was trained on: to the bit what ``edgemnist predict`` does, without Pillow.

Drawings for nets of the MNIST kind are laid out as MNIST's were: the ink in a box of 20 x 20 pixels, its centre of mass
at the centre of 28 x 28 (LeCun, Cortes, Burges: The MNIST database of handwritten digits); EMNIST centred the box.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

INVERT_CHOICES = ("auto", "yes", "no")

_MNIST_STYLE, _EMNIST_STYLE = (20, True), (24, False)  # the box's side; centred by mass or by the box
_STYLES = {"mnist": _MNIST_STYLE, "mnist-5k": _MNIST_STYLE, "qmnist": _MNIST_STYLE, "emnist": _EMNIST_STYLE}
_BRIGHT_ON_DARK = ("mnist", "mnist-5k", "qmnist", "emnist", "fashion-mnist", "kmnist")
_FRAME = (28, 28, 1)
_BRIGHT, _BLANK_CONTRAST = 127, 16  # grey levels
_INK_SHARE, _NOISE_CEILING = 0.25, 0.4
_FRACTION_BITS = 22


def frame(
    picture: NDArray[np.uint8], image_shape: tuple[int, int, int], dataset: str, invert: str
) -> NDArray[np.uint8]:
    """Return uint8 pixels of ``image_shape``, (height, width, channels), of a picture of any size.

    :param picture: uint8, shape (height, width) or (height, width, 3), 0..255.
    :param invert: ``yes``, ``no``, or ``auto``: for datasets with bright ink on dark ground, if the border is bright.
    """
    height, width, channels = image_shape
    family = dataset.split("-")[0] if dataset.startswith("emnist") else dataset
    if family in _BRIGHT_ON_DARK and image_shape != _FRAME:
        return _with_channels(_fitted(frame(picture, _FRAME, dataset, invert), height, width), channels)
    same_channels = _with_channels(picture, channels)
    bright_ground = family in _BRIGHT_ON_DARK and float(np.median(_border(same_channels))) > _BRIGHT
    inverted = invert == "yes" or (invert == "auto" and bright_ground)
    right_way = np.invert(same_channels) if inverted else same_channels
    if right_way.shape[:2] == (height, width):
        return right_way
    style = _STYLES.get(family)
    if style is None:
        return _fitted(right_way, height, width)
    return _drawing(right_way[..., 0], *style)


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


def _fitted(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Scale to a size, keeping proportions; what is left over gets the median colour of the border."""
    factor = min(height / pixels.shape[0], width / pixels.shape[1])
    inner = max(1, round(pixels.shape[0] * factor)), max(1, round(pixels.shape[1] * factor))
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    canvas = np.empty((height, width, pixels.shape[2]), dtype=np.uint8)
    canvas[:] = np.median(border, axis=0).astype(np.uint8)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    canvas[top : top + inner[0], left : left + inner[1]] = resize(pixels, inner, _lanczos, 3)
    return canvas


def _drawing(grey: NDArray[np.uint8], side: int, by_mass: bool) -> NDArray[np.uint8]:
    """Lay bright ink on dark ground, shape (height, width), into 28 x 28 the way the dataset did."""
    canvas = np.zeros(_FRAME, dtype=np.uint8)
    ink = _ink(grey)
    if ink is not None:
        scaled = _scaled_to_box(ink, side)
        top, left = (_start(scaled, axis, by_mass) for axis in (0, 1))
        canvas[top : top + scaled.shape[0], left : left + scaled.shape[1], 0] = scaled
    return canvas


def _ink(grey: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Return ink as 0..255 above a background of 0, or None where there is none.

    The background is the border's median, and what the border's own brightest pixels exceed it by is noise.
    """
    border = _border(grey)
    ground = float(np.median(border))
    contrast = float(grey.max()) - ground
    if contrast < _BLANK_CONTRAST:
        return None
    noise = min(float(np.percentile(border, 98)) - ground, _NOISE_CEILING * contrast)
    above = grey.astype(np.float64) - (ground + noise)
    return np.asarray(np.clip(above / (contrast - noise), 0, 1) * 255, dtype=np.float64)


def _scaled_to_box(ink: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    rows, columns = (np.flatnonzero((ink >= _INK_SHARE * ink.max()).any(axis=axis)) for axis in (1, 0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = side / max(cut.shape)
    size = max(1, round(cut.shape[0] * factor)), max(1, round(cut.shape[1] * factor))
    return resize(np.rint(cut).astype(np.uint8)[..., np.newaxis], size, _bicubic, 2)[..., 0]


def _start(scaled: NDArray[np.uint8], axis: int, by_mass: bool) -> int:
    """Return where a scaled drawing begins along an axis of the frame; it never leaves the frame."""
    size, whole = scaled.shape[axis], _FRAME[axis]
    if not by_mass:
        return (whole - size) // 2
    weights = scaled.sum(axis=1 - axis, dtype=np.float64)
    centre = float((weights * np.arange(size)).sum() / weights.sum()) if weights.any() else size / 2
    return min(max(0, round(whole / 2 - centre)), whole - size)


def _border(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([part.ravel() for part in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])])


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
