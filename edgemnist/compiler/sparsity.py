"""Which layers store only their weights other than zero: the rule of ``--sparse auto``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Step
from edgemnist.compiler.ops.convolution import PACKED_KINDS
from edgemnist.compiler.ops.operands import weight_values
from edgemnist.compiler.targets import Target

CHOICES = ("auto", "never", "always")

LEAST_ZEROS = 1 / 3
"""A stored weight takes one and a half bytes, so that nothing is gained with fewer zeros."""


@dataclass(frozen=True)
class Body:
    """What a kernel does, however it requantises: ``shares`` is the code in ``SHARED_BYTES`` that it needs too.

    ``bytes``: code that there is one copy of with optimisation for size; measured on Cortex-M4, gcc and zig.
    """

    bytes: int
    shares: str


BODIES = {
    "em_conv_2d": Body(950, "dense"), "em_conv_2d_add": Body(950, "dense"), "em_conv_2d_max_pool": Body(660, "dense"),
    "em_pointwise": Body(120, "dense"), "em_fully_connected": Body(90, "dense"),
    "em_sparse_conv_2d": Body(550, "sparse"), "em_sparse_each_pixel": Body(60, "sparse"),
}  # fmt: skip

SHARED_BYTES = {"dense": 850, "sparse": 460}
"""Code that kernels share."""


@dataclass(frozen=True)
class Cost:
    """Estimates: bytes of flash with optimisation for size, instructions with optimisation for speed."""

    flash: float
    instructions: float

    def within(self, other: Cost) -> bool:
        """Whether neither is above the other's."""
        return self.flash <= other.flash and self.instructions <= other.instructions


def worth_trying(node: Node, graph: Graph) -> bool:
    """Return whether a layer has enough zeros to gain anything."""
    if node.kind not in PACKED_KINDS:
        return False
    weights = weight_values(node, graph)
    return np.count_nonzero(weights) <= (1 - LEAST_ZEROS) * weights.size


def choose_steps(dense: Sequence[Step], sparse: Sequence[Step], target: Target) -> tuple[Step, ...]:
    """Return each layer's step out of the two.

    Three ways are estimated: no layer sparse, those that are better in flash and instructions by themselves, and all
    that can be, which may do without the dense kernels. Of those that are not above the first in either, the one with
    the smallest product of flash and instructions is taken.
    """
    winners = [b if _wins(a, b, target) else a for a, b in zip(dense, sparse, strict=True)]
    base = _cost(dense, target)
    others: list[Sequence[Step]] = [winners, sparse]
    ways = [dense, *(way for way in others if _cost(way, target).within(base))]
    best = min(ways, key=lambda way: _cost(way, target).flash * _cost(way, target).instructions)
    return tuple(best)


def _wins(dense: Step, sparse: Step, target: Target) -> bool:
    return (
        sparse.sparsity is not None
        and sparse.constant_bytes <= dense.constant_bytes
        and sparse.sparsity.instructions <= _instructions(dense, target)
    )


def _instructions(step: Step, target: Target) -> float:
    if step.sparsity is not None:
        return step.sparsity.instructions
    return step.macs * target.sparse.dense_mac.get(step.body, 0.0)


def _cost(steps: Sequence[Step], target: Target) -> Cost:
    bodies = [BODIES[name] for name in {step.body for step in steps} - {""}]
    code = sum(body.bytes for body in bodies) + sum(SHARED_BYTES[part] for part in {body.shares for body in bodies})
    constants = sum(step.constant_bytes for step in steps)
    return Cost(code + constants, sum(_instructions(step, target) for step in steps))
