"""Pictures are turned or mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgemnist.mismatch.fed import Feeding, InputRule


def _arrange(feeding: Feeding) -> Iterator[tuple[str, Feeding]]:
    pixels = feeding.pixels
    turned = {
        "left and right exchanged": pixels[:, :, ::-1],
        "upside down": pixels[:, ::-1],
        "turned by 180 degrees": pixels[:, ::-1, ::-1],
    }
    if pixels.shape[1] == pixels.shape[2]:
        turned["rows and columns exchanged"] = pixels.transpose(0, 2, 1, 3)
        turned["turned by 90 degrees to the left"] = np.rot90(pixels, 1, (1, 2))
        turned["turned by 90 degrees to the right"] = np.rot90(pixels, -1, (1, 2))
    for detail, other in turned.items():
        yield detail, replace(feeding, pixels=np.ascontiguousarray(other))


RULE = InputRule(
    name="orientation",
    says="turns or mirrors its pictures",
    remedy="look how the camera is mounted, and in which order rows and columns are copied",
    rank=1,
    arrange=_arrange,
)
