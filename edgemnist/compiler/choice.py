"""Which of several ways a layer is computed in: by what they cost in instructions and bytes, counted or estimated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Candidate, LoweringSettings, Step, Way
from edgemnist.compiler.ops.convolution import PACKED_KINDS
from edgemnist.compiler.ops.depthwise import BLOCKS
from edgemnist.compiler.ops.operands import weight_values

SPARSE_CHOICES = ("auto", "never", "always")

LEAST_ZEROS = 1 / 3
"""A stored weight takes one and a half bytes, so that nothing is gained with fewer zeros."""

BYTE_WORTH = 32
"""Instructions per inference that have to be saved for each byte of flash which a way takes more than another."""


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
    "em_sparse_chunks_conv_2d": Body(420, "chunks"), "em_sparse_chunks_conv_2d_max_pool": Body(530, "chunks"),
    "em_sparse_chunks_each_pixel": Body(200, "chunks"), "em_sparse_chunks_pixel": Body(110, "chunks"),
    "em_sparse_pairs_conv_2d": Body(930, "pairs"), "em_sparse_pairs_conv_2d_max_pool": Body(820, "pairs"),
    "em_sparse_conv_2d": Body(550, "sparse"), "em_sparse_each_pixel": Body(60, "sparse"),
}  # fmt: skip

SHARED_BYTES = {"dense": 850, "sparse": 460, "chunks": 1330, "pairs": 750}
"""Code that kernels share."""


@dataclass(frozen=True)
class Cost:
    """Bytes of flash with optimisation for size, instructions with optimisation for speed."""

    flash: float
    instructions: float

    @property
    def score(self) -> float:
        """Instructions, and bytes for what they are worth."""
        return self.instructions + BYTE_WORTH * self.flash

    def within(self, other: Cost) -> bool:
        """Whether neither is above the other's."""
        return self.flash <= other.flash and self.instructions <= other.instructions


@dataclass(frozen=True, eq=False)
class Costed:
    """A way to compute a layer; ``instructions`` of one inference, None where they are not known.

    ``doubt``: how far off they may be, as a share; 0 where they were counted.
    """

    step: Step
    way: Way
    instructions: float | None
    doubt: float = 0.0

    @cached_property
    def cost(self) -> Cost:
        """Without code."""
        return Cost(self.step.constant_bytes, self.instructions or 0.0)

    @cached_property
    def feared(self) -> Cost:
        """Of a sparse layer with its doubt: it has to be better for sure."""
        return replace(self.cost, instructions=self.cost.instructions * (1 + self.doubt * self.way.sparse))


def ways_of(node: Node, graph: Graph, settings: LoweringSettings) -> Iterator[Way]:
    """Yield the ways that may differ for a layer, the plain one first; of some of them the steps are the same."""
    if node.kind == "DEPTHWISE_CONV_2D":
        yield from (Way(block=block) for block in BLOCKS)
    else:
        yield Way()
    if node.kind in (*PACKED_KINDS, "DEPTHWISE_CONV_2D") and settings.bodies.dense.steps:
        yield Way(step_functions=True)
    if settings.sparse == "always" or (settings.sparse == "auto" and _many_zeros(node, graph)):
        yield from (Way(sparse=True, pixels=pixels) for pixels in settings.bodies.sparse_pixels)


def _many_zeros(node: Node, graph: Graph) -> bool:
    """Return whether a layer has enough zeros to gain anything."""
    if node.kind not in PACKED_KINDS:
        return False
    weights = weight_values(node, graph)
    return bool(np.count_nonzero(weights) <= (1 - LEAST_ZEROS) * weights.size)


def choose(layers: Sequence[Sequence[Costed]]) -> tuple[Step, ...]:
    """Return each layer's step, with what it was compared with.

    Three ways are compared for the network: no layer sparse, those that are better in flash and instructions by
    themselves, and all that can be, which may do without the dense kernels. Of those that are not above the first in
    either, the one is taken with the fewest instructions, bytes of flash counted for what they are worth.
    """
    dense = [_best([one for one in layer if not one.way.sparse] or layer) for layer in layers]
    sparse = [_best(_rivals(layer, a)) for layer, a in zip(layers, dense, strict=True)]
    winners = [b if b.feared.within(a.feared) else a for a, b in zip(dense, sparse, strict=True)]
    base = _cost(dense)
    ways = [dense, *(way for way in (winners, sparse) if _cost(way).within(base))]
    best = min(ways, key=lambda way: _cost(way).score)
    return tuple(_told(layer, chosen) for layer, chosen in zip(layers, best, strict=True))


def _rivals(layer: Sequence[Costed], dense: Costed) -> Sequence[Costed]:
    """Return the sparse ways that can be compared with the best dense one; that one where there are none."""
    known = [one for one in layer if one.way.sparse and one.instructions is not None]
    return known if known and dense.instructions is not None else [dense]


def _best(ways: Sequence[Costed]) -> Costed:
    """Return the way with the best score; the first where one's instructions are not known."""
    if any(one.instructions is None for one in ways):
        return ways[0]
    return min(ways, key=lambda one: one.cost.score)


def _cost(ways: Sequence[Costed]) -> Cost:
    """Return what a network costs, with the code that its layers share."""
    bodies = [BODIES[name] for name in {one.step.body for one in ways} - {""}]
    code = sum(body.bytes for body in bodies) + sum(SHARED_BYTES[part] for part in {body.shares for body in bodies})
    return Cost(code + sum(one.cost.flash for one in ways), sum(one.feared.instructions for one in ways))


def _told(layer: Sequence[Costed], chosen: Costed) -> Step:
    if len(layer) == 1:
        return chosen.step
    several = sum(one.way.sparse for one in layer) > 1
    candidates = tuple(
        Candidate(
            name="sparse" if one.way.sparse and not several else one.way.name,
            function=one.step.function, instructions=one.instructions,
            bytes=one.step.constant_bytes, scratch=one.step.scratch, chosen=one is chosen,
        )
        for one in layer
    )  # fmt: skip
    return replace(chosen.step, candidates=candidates)
