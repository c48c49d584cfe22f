"""Pixels come as RGB565."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.fed import Feeding, InputRule


def _arrange(feeding: Feeding) -> Iterator[tuple[str, Feeding]]:
    if feeding.pixels.shape[-1] != 3:
        return
    packed = _packed(feeding.pixels)
    ways = {"16 bits a pixel": packed, "16 bits a pixel, their bytes in the opposite order": packed.byteswap()}
    for detail, words in ways.items():
        yield f"{detail}, lower bits 0", replace(feeding, pixels=_unpacked(words, filled=False))
        yield f"{detail}, lower bits filled", replace(feeding, pixels=_unpacked(words, filled=True))


def _packed(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    red, green, blue = (pixels[..., channel].astype(np.uint16) for channel in range(3))
    return np.asarray((red >> 3) << 11 | (green >> 2) << 5 | blue >> 3, np.uint16)


def _unpacked(words: NDArray[np.uint16], *, filled: bool) -> NDArray[np.uint8]:
    red, green, blue = (words >> 11) << 3, ((words >> 5) & 63) << 2, (words & 31) << 3
    if filled:
        red, green, blue = red | red >> 5, green | green >> 6, blue | blue >> 5
    return np.asarray(np.stack([red, green, blue], axis=-1), np.uint8)


RULE = InputRule(
    name="RGB565",
    says="feeds pictures of 5, 6 and 5 bits a colour",
    remedy="nothing is broken where only the lower bits are missing; where the camera sends the upper byte of a pixel "
    "first, exchange both",
    rank=2,
    arrange=_arrange,
)
