"""The planner: no two live buffers share bytes but as a kernel allows, and no arena is larger than it needs to be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import ALIGNMENT, Plan, plan
from edgemnist.compiler.ops.base import LoweringSettings, Overlap, Step
from edgemnist.tflite.file import TensorInfo
from tests.compiler.bench import Variant, build_program, plan_apart
from tests.compiler.random_graphs import random_network

pytestmark = pytest.mark.unit

overlaps = st.builds(
    Overlap,
    at_most=st.none() | st.integers(-60, 60),
    at_least=st.none() | st.integers(-60, 60),
    exactly=st.none() | st.integers(-8, 8).map(lambda words: words * ALIGNMENT),
)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program of steps that read any tensors written before, some of them through an alias."""
    sizes = draw(st.lists(st.integers(1, 70), min_size=2, max_size=9))
    tensors = {index: tensor(index, size) for index, size in enumerate(sizes)}
    storage: dict[int, int] = {}
    steps, readable = [], [0]
    for index in range(1, len(sizes)):
        inputs = tuple(draw(st.lists(st.sampled_from(readable), min_size=1, max_size=3)))
        declared = {(source, index): draw(overlaps) for source in inputs if draw(st.booleans())}
        steps.append(step(index, inputs, declared, draw(st.sampled_from((0, 0, 5, 33)))))
        readable.append(index)
        if draw(st.integers(0, 3)) == 0:
            alias = len(tensors)
            tensors[alias] = tensor(alias, sizes[index])
            storage[alias] = index
            readable.append(alias)
    output = draw(st.sampled_from(readable[1:]))
    graph = Graph(tensors, tuple(step.node for step in steps), (0,), (output,), "0" * 64, storage)
    return Program(graph, tuple(steps), LoweringSettings())


def tensor(index: int, size: int) -> TensorInfo:
    return TensorInfo(index, f"tensor {index}", (1, size), (), "int8", None, None)


def step(output: int, inputs: tuple[int, ...], declared: Mapping[tuple[int, int], Overlap], scratch: int) -> Step:
    node = Node("ADD", inputs, (output,), {}, (output,))
    return Step(
        node=node, header="", function="", struct_type="", parameters=(), inputs=inputs, outputs=(output,),
        scratch=scratch, overlaps=declared,
    )  # fmt: skip


def broken_rules(program: Program, layout: Plan) -> list[str]:
    """Return every way in which a plan is wrong, found step by step from the program alone."""
    graph, found = program.graph, []
    offsets = {item.buffer.tensor: item for item in layout.placed if item.buffer.tensor >= 0}
    for item in layout.placed:
        if item.offset % ALIGNMENT or item.offset < 0 or item.end > layout.size:
            found.append(f"{item.buffer.name} at {item.offset}..{item.end} of {layout.size}")
    for number, current in enumerate(program.steps):
        later = [tensor for other in program.steps[number + 1 :] for tensor in other.inputs] + [graph.output]
        needed_later = {graph.root(tensor) for tensor in later}
        written = {graph.root(tensor) for tensor in current.outputs}
        earlier = {graph.root(graph.input)} | {graph.root(t) for s in program.steps[:number] for t in s.outputs}
        read = {graph.root(tensor) for tensor in current.inputs}
        untouchable = earlier & needed_later
        scratch = [item for item in layout.placed if item.buffer.tensor == -1 and item.buffer.first == number]
        for target in written:
            for other in untouchable - written:
                if meet(offsets[target], offsets[other]):
                    found.append(f"step {number}: {target} destroys {other}, which is needed later")
            for source in read - untouchable:
                delta = offsets[target].offset - offsets[source].offset
                if meet(offsets[target], offsets[source]) and not allowed(current, graph, source, target, delta):
                    found.append(f"step {number}: {target} lies {delta} bytes from {source}")
        for place in scratch:
            for other in (untouchable | read | written) & offsets.keys():
                if meet(place, offsets[other]):
                    found.append(f"step {number}: scratch meets {other}")
        if bool(scratch) != bool(current.scratch):
            found.append(f"step {number}: scratch has no place")
    return found


def meet(first: object, second: object) -> bool:
    return first.offset < second.end and second.offset < first.end  # type: ignore[attr-defined, no-any-return]


def allowed(current: Step, graph: Graph, source: int, target: int, delta: int) -> bool:
    """Whether every input that lives in ``source`` allows the distance."""
    inputs = [tensor for tensor in current.inputs if graph.root(tensor) == source]
    declared = [current.overlaps.get((tensor, target)) for tensor in inputs]
    return all(overlap is not None and overlap.allows(delta) for overlap in declared)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(programs())
def test_every_plan_is_safe(program: Program) -> None:
    layout = plan(program)

    assert broken_rules(program, layout) == []
    assert layout.size <= plan_apart(program).size


@pytest.mark.parametrize("seed", range(12))
def test_plans_of_real_programs_are_safe(seed: int) -> None:
    program = build_program(random_network(seed).content, Variant())

    layout = plan(program)

    assert broken_rules(program, layout) == []
    assert layout.size >= layout.largest_tensor
    assert layout == plan(program)


def chain(sizes: list[int], declared: Overlap | None) -> Program:
    """Return a program in which each step reads the tensor before it."""
    tensors = {index: tensor(index, size) for index, size in enumerate(sizes)}
    steps = tuple(
        step(index, (index - 1,), {} if declared is None else {(index - 1, index): declared}, 0)
        for index in range(1, len(sizes))
    )
    graph = Graph(tensors, tuple(item.node for item in steps), (0,), (len(sizes) - 1,), "0" * 64, {})
    return Program(graph, steps, LoweringSettings())


@pytest.mark.parametrize(
    ("sizes", "declared", "size"),
    [
        ([64, 64, 64], None, 128),
        ([64, 32, 64], None, 96),
        ([64, 64, 64], Overlap(exactly=0), 64),
        ([64, 64, 64], Overlap(at_most=0), 64),
        ([64, 64], Overlap(at_most=-8), 72),
        ([64, 64, 64], Overlap(at_most=-8), 80),
        ([64, 64], Overlap(at_most=-5), 72),  # rounded up to whole words
        ([64, 64], Overlap(at_least=8), 72),
        ([100, 20, 4], Overlap(at_most=0), 100),
        ([20, 100], Overlap(at_least=0), 100),
        ([7], None, 8),
    ],
)
def test_the_arena_is_as_small_as_the_overlaps_allow(sizes: list[int], declared: Overlap | None, size: int) -> None:
    assert plan(chain(sizes, declared)).size == size


@pytest.mark.parametrize(
    ("declared", "safe", "unsafe"),
    [
        (Overlap(at_most=-8), (-8, -9, -100), (-7, 0, 8)),
        (Overlap(at_least=12), (12, 13, 40), (11, 0, -12)),
        (Overlap(exactly=0), (0,), (-1, 1, 4)),
        (Overlap(at_most=-4, at_least=4), (-4, 4), (0, 3, -3)),
        (Overlap(), (), (-1, 0, 1)),
    ],
)
def test_an_overlap_allows_what_it_says(declared: Overlap, safe: tuple[int, ...], unsafe: tuple[int, ...]) -> None:
    assert all(declared.allows(delta) for delta in safe)
    assert not any(declared.allows(delta) for delta in unsafe)


def test_an_input_that_is_needed_again_is_never_overwritten() -> None:
    free = Overlap(at_most=0)
    tensors = {index: tensor(index, 40) for index in range(3)}
    steps = (step(1, (0,), {(0, 1): free}, 0), step(2, (0, 1), {(0, 2): free, (1, 2): free}, 0))
    graph = Graph(tensors, tuple(item.node for item in steps), (0,), (2,), "0" * 64, {})

    layout = plan(Program(graph, steps, LoweringSettings()))

    assert layout.size == 80
    assert layout.tensor_offset(0) != layout.tensor_offset(1)


def test_an_alias_keeps_its_tensor_alive() -> None:
    free = Overlap(at_most=0)
    tensors = {index: tensor(index, 40) for index in range(4)}
    steps = (step(1, (0,), {(0, 1): free}, 0), step(2, (3, 1), {(1, 2): free}, 0))
    graph = Graph(tensors, tuple(item.node for item in steps), (0,), (2,), "0" * 64, {3: 0})

    layout = plan(Program(graph, steps, LoweringSettings()))

    assert broken_rules(Program(graph, steps, LoweringSettings()), layout) == []
    assert layout.tensor_offset(0) != layout.tensor_offset(1)


def test_two_names_of_one_tensor_must_both_allow_the_distance() -> None:
    tensors = {index: tensor(index, 40) for index in range(3)}
    declared = {(0, 1): Overlap(at_most=-40), (2, 1): Overlap(at_most=0)}
    steps = (step(1, (0, 2), declared, 0),)
    program = Program(Graph(tensors, (steps[0].node,), (0,), (1,), "0" * 64, {2: 0}), steps, LoweringSettings())

    assert broken_rules(program, plan(program)) == []


def test_wide_networks_are_planned_in_time() -> None:
    sizes = [int(size) for size in np.random.default_rng(0).integers(1, 5000, 120)]

    assert plan(chain(sizes, Overlap(at_most=-16))).size < 2 * max(sizes)
