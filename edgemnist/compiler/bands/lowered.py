"""The kernel calls of steps that run by bands: the same function and constants, other heights and paddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from edgemnist.compiler.banded import Bands
from edgemnist.compiler.bands.readings import Reading, windowed_geometry
from edgemnist.compiler.bands.schedule import Extent, Schedule
from edgemnist.compiler.graph import Graph, Node, Padding
from edgemnist.compiler.lowering import Program, ways_in
from edgemnist.compiler.ops.base import Overlap, Step
from edgemnist.compiler.ops.fields import Field, in_memory
from edgemnist.compiler.ops.operands import output_of
from edgemnist.compiler.ops.pad import paddings_of


class BandLowering:
    """Lowers the nodes of a program for bands; what was lowered once is kept."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._kept: dict[tuple[int, Extent], tuple[Step, ...]] = {}

    def lowered(self, schedule: Schedule) -> Program | None:
        """Return the program with its first steps by bands; None where a step is not the same function in all bands."""
        extents = [_extents(schedule, step) for step in range(len(schedule.prefix.nodes))]
        chosen = [self._steps(schedule, step, each) for step, each in enumerate(extents)]
        if not all(chosen):
            return None
        numbers = {(step, extent): number for step, each in enumerate(extents) for number, extent in enumerate(each)}
        bands = Bands(
            steps=len(chosen), rows=schedule.rows, runs=schedule.runs(numbers), buffers=schedule.buffers,
            spans=schedule.spans(), parts=schedule.parts, variants=tuple(_parameters(steps) for steps in chosen),
        )  # fmt: skip
        merged = [_merged(whole, steps, bands) for whole, steps in zip(self._program.steps, chosen, strict=False)]
        return replace(self._program, steps=(*merged, *self._program.steps[len(merged) :]), bands=bands)

    def _steps(self, schedule: Schedule, step: int, extents: Sequence[Extent]) -> tuple[Step, ...]:
        """Return a step for each extent, with one function and the same constants; none where there is no such way."""
        ways = [self._ways(schedule, step, extent) for extent in extents]
        wanted = self._program.steps[step].function
        for first in sorted(ways[0], key=lambda way: way.function != wanted):
            alike = [next((way for way in each if _alike(way, first)), None) for each in ways]
            if None not in alike:
                return tuple(way for way in alike if way is not None)
        return ()

    def _ways(self, schedule: Schedule, step: int, extent: Extent) -> tuple[Step, ...]:
        if (step, extent) not in self._kept:
            node, graph = node_of_band(schedule.prefix.nodes[step], schedule.prefix.readings[step], extent,
                                       self._program.graph)  # fmt: skip
            self._kept[step, extent] = tuple(ways_in(node, graph, self._program.settings))
        return self._kept[step, extent]


def _extents(schedule: Schedule, step: int) -> list[Extent]:
    """Return the different extents of a step, in the order in which they come."""
    return list(dict.fromkeys(spell.extent for band in schedule.spells if (spell := band[step]) is not None))


def _alike(one: Step, other: Step) -> bool:
    return (
        (one.function, one.inputs) == (other.function, other.inputs)
        and [array.suffix for array in one.arrays] == [array.suffix for array in other.arrays]
        and all(in_memory(a) == in_memory(b) for a, b in zip(one.arrays, other.arrays, strict=True))
    )


def _parameters(steps: Sequence[Step]) -> tuple[tuple[Field, ...], ...]:
    return tuple(step.parameters for step in steps)


def _merged(whole: Step, steps: Sequence[Step], bands: Bands) -> Step:
    """Return one step that stands for a layer's in all bands."""
    first = steps[0]
    overlaps = {}
    for source, target in first.overlaps:
        pair = bands.buffers.get(source), bands.buffers.get(target)
        if None not in pair and not any(one.kept for one in pair if one is not None):
            overlaps[source, target] = _common([step.overlaps[source, target] for step in steps])
    return replace(
        first, node=whole.node, scratch=max(step.scratch for step in steps), overlaps=overlaps, macs=whole.macs,
        takes_scratch=any(step.scratch or step.takes_scratch for step in steps), candidates=whole.candidates,
        smaller=None,
    )  # fmt: skip


def _common(overlaps: Sequence[Overlap]) -> Overlap:
    """Return what all overlaps allow."""
    most = [one.at_most for one in overlaps if one.at_most is not None]
    least = [one.at_least for one in overlaps if one.at_least is not None]
    exactly = {one.exactly for one in overlaps}
    every = len(overlaps)
    return Overlap(
        at_most=min(most) if len(most) == every else None,
        at_least=max(least) if len(least) == every else None,
        exactly=exactly.pop() if len(exactly) == 1 else None,
    )


def node_of_band(node: Node, readings: Sequence[Reading], extent: Extent, graph: Graph) -> tuple[Node, Graph]:
    """Return a node and its graph as if its tensors had a band's rows only, with what is left of its padding."""
    heights = dict(_heights(node, readings, extent))
    tensors = dict(graph.tensors)
    for index, height in heights.items():
        info = tensors[index]
        tensors[index] = replace(info, shape=(info.shape[0], height, *info.shape[2:]))
    geometry = windowed_geometry(node, graph)
    below = (extent.written - 1) * readings[0].stride + readings[0].reach - extent.reads[0] - extent.above
    if geometry is not None:
        node = replace(
            node, padding=Padding(extent.above, geometry.padding.left, max(below, 0), geometry.padding.right)
        )
    if node.operator == "PAD":
        amounts = np.array(tensors[paddings_of(node)].data).reshape(-1, 2)
        amounts[1] = extent.above, below
        tensors[paddings_of(node)] = replace(tensors[paddings_of(node)], data=amounts)
    return node, replace(graph, tensors=tensors)


def _heights(node: Node, readings: Sequence[Reading], extent: Extent) -> Iterator[tuple[int, int]]:
    """Yield the rows of each tensor that a node, and what was fused into it, reads or writes."""
    yield output_of(node), extent.written
    for follower in node.fused:
        pooled = follower.integer("filter_height") if follower.kind == "MAX_POOL_2D" else 1
        for index in follower.inputs:
            yield index, extent.written * pooled
    for reading, count in zip(readings, extent.reads, strict=True):
        yield reading.tensor, count
