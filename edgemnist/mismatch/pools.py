"""The arithmetic of AVERAGE_POOL_2D and MAX_POOL_2D as the oracle has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Padding
from edgemnist.compiler.ops.convolution import windows_of
from edgemnist.compiler.ops.pooling import pool_geometry
from edgemnist.mismatch.arithmetic import Part, Scaled
from edgemnist.mismatch.case import Case
from edgemnist.mismatch.rounding import factor_of, nearest_quotient, nearest_quotient_up
from edgemnist.mismatch.scaled import ending_of, operands_of

_ONE = replace(factor_of(1.0, 1.0, 1.0), divisor=1)


@dataclass(frozen=True, eq=False)
class Windows:
    """AVERAGE_POOL_2D, of bytes as they are. ``whole``: every sum is divided by the size of the whole window.
    ``fill``: what the border counts for, with ``whole``.
    """

    geometry: Geometry
    whole: bool = False
    fill: int = 0

    def __call__(self, of: Scaled) -> Iterator[Part]:
        """Return the sums, apart by the number of elements they are divided by."""
        (source,) = of.operands
        sums = windows_of(source.values, self.geometry, self.fill).sum(axis=(3, 4))
        inside = windows_of(np.ones_like(source.values[:1]), self.geometry, int(self.whole)).sum(axis=(3, 4))
        for count in np.unique(inside):
            factor = replace(factor_of(1.0, 1.0, float(count)), divisor=int(count))
            yield Part(np.where(inside == count, sums, 0), factor)
        one = np.ones((1,) * sums.ndim, np.int64)
        yield Part(-of.ending.zero_point * one, _ONE)  # these are averages of bytes as they are


@dataclass(frozen=True, eq=False)
class Largest:
    """MAX_POOL_2D, of bytes as they are. ``fill``: what the border counts for."""

    geometry: Geometry
    fill: int

    def __call__(self, of: Scaled) -> Iterator[Part]:
        """Return the largest of each window."""
        (source,) = of.operands
        largest = windows_of(source.values, self.geometry, self.fill).max(axis=(3, 4))
        yield Part(largest - of.ending.zero_point, _ONE)


def covering(geometry: Geometry) -> Geometry:
    """Return the same with a border that every window lies in: the last may reach further than TFLite pads."""
    g, p = geometry, geometry.padding
    bottom = max(g.plane_height - g.in_height - p.top, 0)
    right = max(g.plane_width - g.in_width - p.left, 0)
    return replace(g, padding=Padding(p.top, p.left, bottom, right))


def pool_of(case: Case) -> Scaled:
    """Return the arithmetic of a pool."""
    quotient = nearest_quotient_up if case.unsigned else nearest_quotient
    ending = replace(ending_of(case, "fused_activation_function"), rounding=quotient)
    geometry = covering(pool_geometry(case.node, case.graph))
    (source,) = operands_of(case, 1)
    images = replace(source, values=source.values.reshape(case.images, *source.values.shape[-3:]))
    parts = Windows(geometry) if case.kind == "AVERAGE_POOL_2D" else Largest(geometry, case.limits[0])
    return Scaled(case.kind, (images,), ending, parts)
