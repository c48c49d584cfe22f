"""Blue first for red first."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.mismatch.fed import Feeding, InputRule


def _arrange(feeding: Feeding) -> Iterator[tuple[str, Feeding]]:
    right = feeding.preprocessing
    if right.channels == 3:
        yield f"{'RGB instead of BGR' if right.bgr else 'BGR instead of RGB'}", feeding.fed(bgr=not right.bgr)


RULE = InputRule(
    name="order of the colours",
    says="puts its colours in the opposite order",
    remedy="exchange red and blue: cameras and OpenCV have them otherwise than most datasets",
    rank=1,
    arrange=_arrange,
)
