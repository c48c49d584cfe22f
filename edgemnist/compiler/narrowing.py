"""Layers that decide how large the arena is take their windows in parts where the body can: less, but slower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgemnist.compiler.graph import Graph
from edgemnist.compiler.ops.base import Step
from edgemnist.tflite.lifetimes import alive_bytes

_LEAST_GAIN = 1 / 16
"""Of what is alive at once: less is not worth the time."""


def narrowed(graph: Graph, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps, those in parts (``Step.smaller``) by which the most that is alive in a step becomes less.

    It is counted without overlaps of tensors, before the arena is laid out.
    """
    chosen, needs = list(steps), _needs(graph, steps)
    most = max(needs, default=0)
    while needs:
        peak = max(range(len(needs)), key=needs.__getitem__)
        smaller = chosen[peak].smaller
        if smaller is None:
            break
        needs[peak] += smaller.scratch - chosen[peak].scratch
        chosen[peak] = replace(smaller, candidates=chosen[peak].candidates) if chosen[peak].candidates else smaller
    return tuple(chosen) if max(needs, default=0) <= most * (1 - _LEAST_GAIN) else tuple(steps)


def _needs(graph: Graph, steps: Sequence[Step]) -> list[int]:
    """Return the bytes of the tensors that are alive in each step, and of its scratch."""
    first: dict[int, int] = {graph.root(index): 0 for index in graph.entering}
    last: dict[int, int] = {graph.root(index): len(steps) for index in graph.leaving}
    for index, step in enumerate(steps):
        for tensor in (*step.inputs, *step.outputs):
            root = graph.root(tensor)
            first.setdefault(root, index)
            last[root] = max(last.get(root, 0), index)
    spans = [(start, last.get(root, 0), graph.tensors[root].bytes) for root, start in first.items()]
    return [step.scratch + alive for step, alive in zip(steps, alive_bytes(spans, len(steps)), strict=True)]
