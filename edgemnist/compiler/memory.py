"""Program -> Plan: where every tensor and scratch buffer lies in the arena.

Two buffers may share bytes when they are never alive at once, or when one is an input that dies in the step that
writes the other and that step's kernel has declared the distance between them safe (``Overlap``): then the arena comes
near the largest tensor instead of the largest pair.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from edgemnist.compiler.lowering import Program
from edgemnist.compiler.ops.base import Overlap

ALIGNMENT = 4
"""Every buffer starts at a multiple of this, so that kernels may load words."""

RANDOM_ORDERS = 300
MOST_COMPARED = 12_000_000
"""Pairs of buffers in all random orders together: of more than 200 buffers fewer orders are tried."""

SCRATCH = -1
"""Stands for the tensor of a buffer that is a step's scratch."""


@dataclass(frozen=True)
class Buffer:
    """A tensor (``tensor`` >= 0) or a step's scratch (``SCRATCH``), alive from step ``first`` to ``last`` inclusive.

    ``name``: for people.
    The model's inputs are alive from step 0 on; its outputs until the step after the last.
    """

    name: str
    tensor: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Placed:
    """A buffer and its offset in the arena, in bytes."""

    buffer: Buffer
    offset: int

    @property
    def end(self) -> int:
        """First byte after the buffer."""
        return self.offset + self.buffer.size


@dataclass(frozen=True)
class Plan:
    """The arena's layout. ``offsets`` of tensors are by root tensor index, of scratch by step index."""

    placed: tuple[Placed, ...]
    size: int
    largest_tensor: int
    largest_live_set: int

    @cached_property
    def _offsets(self) -> dict[tuple[int, int], int]:
        """Offsets by root tensor, and for scratch by (-1, step)."""
        return {
            (item.buffer.tensor, item.buffer.first if item.buffer.tensor == SCRATCH else 0): item.offset
            for item in self.placed
        }

    def tensor_offset(self, root: int) -> int:
        """Return the offset of a root tensor."""
        return self._offsets[root, 0]

    def scratch_offset(self, step: int) -> int:
        """Return the offset of a step's scratch."""
        return self._offsets[SCRATCH, step]


Overlaps = dict[tuple[int, int], Overlap]


def plan(program: Program, enough: int = 0) -> Plan:
    """Lay out the arena, trying several orders of placement and keeping the smallest; deterministic.

    ``enough``: no order is tried beyond one that takes no more bytes.
    """
    buffers = _buffers(program)
    overlaps = _overlaps(program, buffers)
    best = _best(tuple(buffers), frozenset(overlaps.items()), len(program.steps), enough)
    lowest = min((item.offset for item in best), default=0)
    placed = tuple(
        sorted((Placed(p.buffer, p.offset - lowest) for p in best), key=lambda p: (p.buffer.first, p.offset))
    )
    tensors = [buffer for buffer in buffers if buffer.tensor >= 0]
    live = [sum(buffer.size for buffer in alive) for alive in _alive(tensors, len(program.steps))]
    return Plan(placed, _extent(best), max((b.size for b in tensors), default=0), max(live, default=0))


def least_size(program: Program) -> int:
    """Return bytes below which no arena of a program can be."""
    buffers = _buffers(program)
    return _least_extent(buffers, _overlaps(program, buffers), len(program.steps))


@lru_cache(maxsize=16)
def _best(
    buffers: tuple[Buffer, ...], allowed: frozenset[tuple[tuple[int, int], Overlap]], steps: int, enough: int
) -> Sequence[Placed]:
    """Return the first of the smallest placements; none is looked for beyond one that can't be beaten.

    Kept for the next target: many have the same buffers.
    """
    overlaps = dict(allowed)
    least = max(_least_extent(buffers, overlaps, steps), enough)
    best: list[Placed] | None = None
    for order in _orders(buffers):
        placed = _place(order, overlaps, steps)
        if best is None or _extent(placed) < _extent(best):
            best = placed
        if _extent(best) <= least:
            break
    return tuple(best or ())


def _alive(buffers: Iterable[Buffer], steps: int) -> list[list[Buffer]]:
    """Return the buffers that are alive in each step, and after the last."""
    alive: list[list[Buffer]] = [[] for _ in range(steps + 1)]
    for buffer in buffers:
        for step in range(buffer.first, buffer.last + 1):
            alive[step].append(buffer)
    return alive


def _least_extent(buffers: Sequence[Buffer], overlaps: Overlaps, steps: int) -> int:
    """Return a bound below which no arena can be: in some step, the buffers of which no two may overlap."""
    least = 0
    targets: dict[int, list[int]] = {}
    for source, target in overlaps:
        targets.setdefault(source, []).append(target)
    for alive in _alive(buffers, steps):
        there = {buffer.tensor for buffer in alive}
        pairs = [(source, target) for source in there for target in targets.get(source, ()) if target in there]
        for shared in ({source for source, _ in pairs}, {target for _, target in pairs}):
            least = max(least, sum(aligned(buffer.size) for buffer in alive if buffer.tensor not in shared))
    return least


def _buffers(program: Program) -> list[Buffer]:
    graph, steps, bands = program.graph, program.steps, program.bands
    apart = {graph.root(index) for index in graph.inputs} if program.settings.input_apart else set()
    lifetimes = {root: span for root, span in _lifetimes(program).items() if root not in apart}
    buffers = []
    for root, (first, last) in lifetimes.items():
        line = bands.buffers.get(root) if bands else None
        name = f"{graph.called(root)}, {line.rows} of {line.height} rows" if line else graph.called(root)
        buffers.append(Buffer(name, root, line.bytes if line else graph.tensors[root].bytes, first, last))
    scratch = [Buffer(f"scratch {i}", SCRATCH, step.scratch, i, i) for i, step in enumerate(steps) if step.scratch]
    return buffers + scratch


def _lifetimes(program: Program) -> dict[int, tuple[int, int]]:
    """Return the first and the last step in which each root tensor is alive.

    What bands keep, or make or use up bit by bit, is alive as long as there are bands.
    """
    graph, steps, bands = program.graph, program.steps, program.bands
    first: dict[int, int] = {graph.root(index): 0 for index in graph.entering}
    last: dict[int, int] = {}
    for index, step in enumerate(steps):
        for tensor in step.outputs:
            first.setdefault(graph.root(tensor), index)
            last[graph.root(tensor)] = index
        for tensor in step.inputs:
            last[graph.root(tensor)] = index
    last.update({graph.root(index): len(steps) for index in graph.leaving})
    found = {root: (start, last.get(root, 0)) for root, start in first.items()}
    if bands is None:
        return found
    for root, (start, end) in found.items():
        passing = root in bands.buffers and not bands.buffers[root].kept
        if start < bands.steps and not passing:
            found[root] = (0, max(end, bands.steps - 1))
    return found


def _overlaps(program: Program, buffers: Iterable[Buffer]) -> Overlaps:
    """Return the declared overlaps between root tensors, for inputs that die in the step.

    Where a step reads one tensor under several names, all of them have to allow the same.
    """
    last = {buffer.tensor: buffer.last for buffer in buffers}
    found: Overlaps = {}
    for index, step in enumerate(program.steps):
        for target in step.outputs:
            declared: dict[int, set[Overlap | None]] = {}
            for source in step.inputs:
                declared.setdefault(program.graph.root(source), set()).add(step.overlaps.get((source, target)))
            for root, choices in declared.items():
                overlap = choices.pop() if len(choices) == 1 else None
                if overlap is not None and last.get(root) == index:
                    found[root, program.graph.root(target)] = overlap
    bands = program.bands
    for span in bands.spans if bands else ():
        if bands and last.get(span.source) == bands.steps - 1:
            found[span.source, span.target] = Overlap(at_most=span.at_most)
    return found


def _orders(buffers: Sequence[Buffer]) -> Iterable[list[Buffer]]:
    yield sorted(buffers, key=lambda b: (-b.size, b.first))
    yield sorted(buffers, key=lambda b: (b.first, -b.size))
    yield sorted(buffers, key=lambda b: (-b.last, -b.size))
    yield sorted(buffers, key=lambda b: (b.tensor == SCRATCH, -b.size, b.first))
    shuffle = random.Random(0)
    for _ in range(min(RANDOM_ORDERS, MOST_COMPARED // max(len(buffers), 1) ** 2)):
        # Large buffers still tend to come first: sizes are scaled by a random factor.
        weights = {buffer: buffer.size * shuffle.uniform(0.2, 1.0) for buffer in buffers}
        yield sorted(buffers, key=lambda b: -weights[b])


def _extent(placed: Sequence[Placed]) -> int:
    if not placed:
        return 0
    size = max(item.end for item in placed) - min(item.offset for item in placed)
    return -(-size // ALIGNMENT) * ALIGNMENT


def _place(order: Sequence[Buffer], overlaps: Overlaps, steps: int) -> list[Placed]:
    """Place buffers one by one where the arena grows least; offsets may be negative until all are placed."""
    placed: list[Placed] = []
    alive: list[list[int]] = [[] for _ in range(steps + 1)]
    low = high = 0
    for buffer in order:
        lifetime = range(buffer.first, buffer.last + 1)
        rivals = [placed[number] for number in sorted({number for step in lifetime for number in alive[step]})]

        def growth(offset: int, size: int = buffer.size, low: int = low, high: int = high) -> tuple[int, int]:
            return max(high, offset + size) - min(low, offset), abs(offset)

        offset = next(
            offset
            for offset in sorted(_candidates(buffer, rivals, overlaps), key=growth)
            if all(_compatible(buffer, offset, rival, overlaps) for rival in rivals)
        )
        for step in lifetime:
            alive[step].append(len(placed))
        placed.append(Placed(buffer, offset))
        low, high = min(low, offset), max(high, offset + buffer.size)
    return placed


def _candidates(buffer: Buffer, rivals: Sequence[Placed], overlaps: Overlaps) -> set[int]:
    offsets = {0}
    for rival in rivals:
        offsets.add(aligned(rival.end))
        offsets.add(_down(rival.offset - buffer.size))
        forward = overlaps.get((rival.buffer.tensor, buffer.tensor))
        if forward is not None:
            offsets.update(_down(rival.offset + d) for d in (forward.at_most, forward.exactly) if d is not None)
            offsets.update(aligned(rival.offset + d) for d in (forward.at_least,) if d is not None)
        backward = overlaps.get((buffer.tensor, rival.buffer.tensor))
        if backward is not None:
            offsets.update(aligned(rival.offset - d) for d in (backward.at_most, backward.exactly) if d is not None)
            offsets.update(_down(rival.offset - d) for d in (backward.at_least,) if d is not None)
    return offsets


def aligned(offset: int) -> int:
    """Return the next multiple of :data:`ALIGNMENT`, or the offset itself."""
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _down(offset: int) -> int:
    return offset // ALIGNMENT * ALIGNMENT


def _compatible(buffer: Buffer, offset: int, rival: Placed, overlaps: Overlaps) -> bool:
    if offset + buffer.size <= rival.offset or rival.end <= offset:
        return True
    forward = overlaps.get((rival.buffer.tensor, buffer.tensor))
    if forward is not None and forward.allows(offset - rival.offset):
        return True
    backward = overlaps.get((buffer.tensor, rival.buffer.tensor))
    return backward is not None and backward.allows(rival.offset - offset)
