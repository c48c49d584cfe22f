"""MEAN scales and rounds the zero point on its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgemnist.mismatch.arithmetic import Arithmetic, Part, Scaled
from edgemnist.mismatch.rounding import factor_of, half_away, single_precision
from edgemnist.mismatch.rule import Changes, Rule
from edgemnist.mismatch.scaled import Average


@dataclass(frozen=True)
class _Apart:
    """Sums of bytes as they are, and what the zero point makes of it, rounded."""

    average: Average

    def __call__(self, of: Scaled) -> Iterator[Part]:
        """Return both parts (TFLite's optimised ``Mean`` for 4 axes)."""
        (source,) = of.operands
        scale, target = np.float32(source.scale), np.float32(of.ending.output_scale)
        (sums,) = replace(self.average, taken_off=0)(of)
        real = scale / (np.float32(self.average.count) * target)
        yield replace(sums, factor=single_precision(replace(sums.factor, single=np.float32(real))))
        offset = half_away(np.array(np.float32(source.zero_point) * scale / target))
        yield Part(np.full((1,) * sums.values.ndim, -int(offset), np.int64), factor_of(1.0, 1.0, 1.0))


def _alter(arithmetic: Arithmetic) -> Changes:
    if isinstance(arithmetic, Scaled) and isinstance(arithmetic.parts, Average):
        yield "", replace(arithmetic, parts=_Apart(arithmetic.parts))


RULE = Rule(
    name="zero point of a mean rounded on its own",
    says="averages bytes as they are and takes the scaled zero point off rounded, as TFLite's optimised kernel does",
    remedy="nothing is broken: take the runtime's reference kernels where bytes have to agree with the chip's",
    rank=1,
    alter=_alter,
    known_in=("MEAN",),
)
