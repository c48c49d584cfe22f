"""Any picture of a digit, letter or thing -> the frame that the net was trained on.

This file needs numpy alone: a bundle for a Raspberry Pi holds it as it is. What scales pictures is given to it: Pillow
here (``data.images``), the bundle's own arithmetic there.

MNIST's digits were scaled into a box of 20 x 20 pixels, keeping their proportions, and laid into 28 x 28 so that the
centre of mass of the ink is at the centre (LeCun, Cortes, Burges: The MNIST database of handwritten digits); in its
test images the longer side of the ink is 20 pixels in 9,997 of 10,000 and the centre of mass at index 14, within half a
pixel. EMNIST centred the bounding box instead and left 2 pixels at each side (Cohen et al. 2017, section II).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

INVERT_CHOICES = ("auto", "yes", "no")

FIT_WORDS = {"pad": "scaled", "stretch": "stretched", "crop": "cropped and scaled", "centre": "cut or padded"}
"""Ways in which a picture is brought to a net's size, each as it is told to people."""

_FRAME = (28, 28, 1)
_BRIGHT = 127
_INK_SHARE = 0.25  # of the brightest ink: what counts as ink when the box is drawn
_NOISE_CEILING = 0.4  # of the ink's contrast: the most that is taken for noise of the background
_BLANK_CONTRAST = 16  # grey levels


@dataclass(frozen=True)
class Scaling:
    """How pictures are scaled; uint8 in and out.

    ``fit``: a picture, shape (height, width) or (height, width, 1 or 3), to a size (height, width) and 1 or 3 channels
    in a way of :data:`FIT_WORDS`. ``resize``: one of shape (height, width) to a size, smoothly.
    """

    fit: Callable[[NDArray[np.uint8], tuple[int, int], int, str], NDArray[np.uint8]]
    resize: Callable[[NDArray[np.uint8], tuple[int, int]], NDArray[np.uint8]]


@dataclass(frozen=True)
class FrameStyle:
    """How a dataset laid its drawings into 28 x 28: the box's side in pixels; centred by mass or by the box."""

    box: int
    by_mass: bool


_MNIST = FrameStyle(box=20, by_mass=True)
_STYLES = {"mnist": _MNIST, "mnist-5k": _MNIST, "qmnist": _MNIST, "emnist": FrameStyle(box=24, by_mass=False)}
_BRIGHT_ON_DARK = ("mnist", "mnist-5k", "qmnist", "emnist", "fashion-mnist", "kmnist")


def style_of(dataset: str) -> tuple[FrameStyle | None, bool]:
    """Return how a dataset laid its drawings out, None if it did not, and whether they are bright on dark ground."""
    family = "emnist" if dataset.startswith("emnist") else dataset
    return _STYLES.get(family), family in _BRIGHT_ON_DARK


@dataclass(frozen=True, eq=False)
class FramedImage:
    """What the net sees: ``pixels``, uint8, shape (height, width, channels); how it came about; a note, or ``""``."""

    pixels: NDArray[np.uint8]
    inverted: bool
    framing: str
    note: str = ""


def frame(
    picture: NDArray[np.uint8],
    image_shape: tuple[int, int, int],
    dataset: str,
    invert: str,
    scaling: Scaling,
    fit: str = "pad",
) -> FramedImage:
    """Bring a picture of any size into the frame of a dataset.

    :param picture: uint8, shape (height, width) or (height, width, 3), 0..255.
    :param image_shape: (height, width, channels) of the net's images. A picture of that height and width is taken as
        it is; a drawing for a net of the MNIST or EMNIST kind is laid out as theirs; everything else is scaled. A net
        that learned such a dataset at another size gets what one of its own size would get, scaled as the dataset was.
    :param dataset: name of the dataset that the net was trained on.
    :param invert: ``yes``, ``no``, or ``auto``: for datasets with bright ink on dark ground, if the border is bright.
    :param fit: how a picture of another size is scaled, a name of :data:`FIT_WORDS`.
    """
    height, width, channels = image_shape
    style, bright_on_dark = style_of(dataset)
    if bright_on_dark and image_shape != _FRAME:
        framed = frame(picture, _FRAME, dataset, invert, scaling)
        scaled = scaling.fit(framed.pixels, (height, width), channels, fit)
        return replace(framed, pixels=scaled, framing=f"{framed.framing}, {FIT_WORDS[fit]} to {height} x {width}")
    same_channels = scaling.fit(picture, (picture.shape[0], picture.shape[1]), channels, fit)
    bright_ground = bright_on_dark and np.median(_border(same_channels)) > _BRIGHT
    inverted = invert == "yes" or (invert == "auto" and bool(bright_ground))
    right_way = np.invert(same_channels) if inverted else same_channels
    if right_way.shape[:2] == (height, width):
        return FramedImage(right_way, inverted, "as it is")
    if style is None:
        pixels = scaling.fit(right_way, (height, width), channels, fit)
        return FramedImage(pixels, inverted, f"{FIT_WORDS[fit]} to {height} x {width}")
    return _drawing(right_way[..., 0], style, inverted, scaling)


def _drawing(grey: NDArray[np.uint8], style: FrameStyle, inverted: bool, scaling: Scaling) -> FramedImage:
    """Lay bright ink on dark ground, shape (height, width), into 28 x 28 the way the dataset did."""
    framing = f"{style.box} x {style.box} box, centred by {'mass' if style.by_mass else 'box'}"
    ink = _ink(grey)
    canvas = np.zeros(_FRAME[:2], dtype=np.uint8)
    if ink is None:
        return FramedImage(canvas[..., np.newaxis], inverted, framing, "there is no ink in it")
    scaled = _scaled_to_box(grey, ink, style.box, scaling)
    top, left = (_start(scaled, axis, style.by_mass) for axis in (0, 1))
    canvas[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return FramedImage(canvas[..., np.newaxis], inverted, framing)


def _ink(grey: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Return how much ink, 0..255 above a background of 0, each value of a pixel is, shape (256,); None if none is.

    The background is the border's median, and what the border's own brightest pixels exceed it by is noise.
    """
    border = _border(grey)
    ground = float(np.median(border))
    contrast = float(grey.max()) - ground
    if contrast < _BLANK_CONTRAST:
        return None
    noise = min(float(np.percentile(border, 98)) - ground, _NOISE_CEILING * contrast)
    above = np.arange(256.0) - (ground + noise)
    return np.asarray(np.clip(above / (contrast - noise), 0, 1) * 255, dtype=np.float64)


def _scaled_to_box(grey: NDArray[np.uint8], ink: NDArray[np.float64], side: int, scaling: Scaling) -> NDArray[np.uint8]:
    """Cut the ink out and scale it, smoothly, so that its longer side is ``side`` pixels. ``ink``: of each value."""
    seen = _looked_up(ink >= _INK_SHARE * ink[grey.max()], grey)
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    cut = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = side / max(cut.shape)
    size = max(1, round(cut.shape[0] * factor)), max(1, round(cut.shape[1] * factor))
    return scaling.resize(_looked_up(np.rint(ink), cut), size)


def _looked_up(table: NDArray[Any], grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what a table, shape (256,) of 0..255, has for each pixel; numpy's indexing takes far longer."""
    return np.frombuffer(grey.tobytes().translate(table.astype(np.uint8).tobytes()), np.uint8).reshape(grey.shape)


def _start(scaled: NDArray[np.uint8], axis: int, by_mass: bool) -> int:
    """Return where a scaled drawing begins along an axis of the frame; it never leaves the frame."""
    size, frame = scaled.shape[axis], _FRAME[axis]
    if not by_mass:
        return (frame - size) // 2
    weights = scaled.sum(axis=1 - axis, dtype=np.float64)
    centre = float((weights * np.arange(size)).sum() / weights.sum()) if weights.any() else size / 2
    return min(max(0, round(frame / 2 - centre)), frame - size)


def _border(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the values of the outermost pixels, flat."""
    return np.concatenate([part.ravel() for part in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])])
