"""Which layers store only their weights other than zero: the rule of ``--sparse auto``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Step
from edgemnist.compiler.targets import Target

CHOICES = ("auto", "never", "always")

LEAST_ZEROS = 1 / 3
"""A stored weight takes one and a half bytes, so that nothing is gained with fewer zeros."""

KERNEL_BYTES = {
    "em_conv_2d": 950, "em_conv_2d_add": 950, "em_conv_2d_max_pool": 660, "em_pointwise": 120, "em_fully_connected": 90,
    "em_sparse_conv_2d": 550, "em_sparse_each_pixel": 60,
}  # fmt: skip
"""Code of the kernels that there is one copy of with optimisation for size; measured on Cortex-M4, gcc and zig."""

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
    if node.kind not in ("CONV_2D", "FULLY_CONNECTED"):
        return False
    weights = np.asarray(graph.tensors[node.inputs[1]].data)
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


def _kernel(step: Step) -> str:
    return step.function.removesuffix("_any").removesuffix("_once")


def _instructions(step: Step, target: Target) -> float:
    if step.sparsity is not None:
        return step.sparsity.instructions
    return step.macs * target.sparse.dense_mac.get(_kernel(step), 0.0)


def _cost(steps: Sequence[Step], target: Target) -> Cost:
    functions = {_kernel(step) for step in steps}
    kinds = {("sparse" if name.startswith("em_sparse") else "dense") for name in functions & KERNEL_BYTES.keys()}
    code = sum(KERNEL_BYTES.get(name, 0) for name in functions) + sum(SHARED_BYTES[kind] for kind in kinds)
    constants = sum(step.constant_bytes for step in steps)
    return Cost(code + constants, sum(_instructions(step, target) for step in steps))
