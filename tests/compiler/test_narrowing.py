"""Layers that take their windows in parts so that the arena is smaller: which ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgemnist.compiler.graph import Graph
from edgemnist.compiler.memory import plan
from edgemnist.compiler.narrowing import narrowed
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings, Step
from tests.compiler.bench import Variant, build_program
from tests.compiler.layers import Window
from tests.compiler.test_weighted_layers import CONV
from tests.compiler.weighted_cases import Case

DECIDES = Case(CONV, (6, 6, 32), 8, Window((5, 5)))
"""A strip of 6,400 bytes, beside which the tensors are small."""


def whole_step(target: str) -> tuple[Graph, Step]:
    graph = build_program(DECIDES.content(), Variant(target=target)).graph
    (node,) = graph.nodes
    return graph, OPERATORS[node.kind].lower(node, graph, LoweringSettings(target=target, sparse="never"))


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m3", "rv32"])
def test_a_window_that_decides_the_arena_is_taken_in_parts(target: str) -> None:
    program = build_program(DECIDES.content(), Variant(target=target, sparse="never"))
    (step,) = program.steps
    _, whole = whole_step(target)

    assert step.smaller is None
    assert whole.smaller is not None
    assert whole.scratch - step.scratch >= 2000
    assert plan(replace(program, steps=(whole,))).size - plan(program).size == whole.scratch - step.scratch


@pytest.mark.parametrize("target", ["portable", "cortex-m4", "cortex-m55"])
def test_other_bodies_have_no_parts(target: str) -> None:
    (step,) = build_program(DECIDES.content(), Variant(target=target, sparse="never")).steps

    assert step.smaller is None
    assert ("part_rows", 0) in [(field.name, field.value) for field in step.parameters]


def test_only_what_decides_the_arena_is_narrowed() -> None:
    graph, step = whole_step("cortex-m3")
    assert step.smaller is not None
    larger = replace(step, scratch=step.scratch * 2, smaller=None)
    little = replace(step, smaller=replace(step.smaller, scratch=step.scratch - 16))

    assert narrowed(graph, (step,)) == (step.smaller,)
    assert narrowed(graph, (step, larger)) == (step, larger)
    assert narrowed(graph, (little,)) == (little,)
    assert narrowed(graph, (step, step)) == (step.smaller, step.smaller)
