"""Dark for bright."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.mismatch.fed import Feeding, InputRule


def _arrange(feeding: Feeding) -> Iterator[tuple[str, Feeding]]:
    yield "255 less each pixel", feeding.fed(inverted=not feeding.preprocessing.inverted)


RULE = InputRule(
    name="inversion",
    says="takes dark for bright",
    remedy="invert pixels, or train with such pictures: see --inverted",
    rank=1,
    arrange=_arrange,
)
