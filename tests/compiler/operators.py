"""Tables of single-operator models, all compiled into one program, checked against the oracles byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Placed, Plan
from edgemnist.compiler.ops.base import Overlap, Step
from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import TensorInfo, parse_tflite
from tests.compiler.bench import (
    SIZE_SANITISED,
    SPEED,
    Network,
    Subject,
    Toolchain,
    Variant,
    build_program,
    differences,
    examine,
    find_truth,
    plan_apart,
    run_networks,
)
from tests.compiler.int16_nets import int16_images
from tests.compiler.layers import random_images

INLINED = Variant()

SCALES = (1e-6, 0.0039, 0.05, 0.1, 0.7, 3.0, 300.0)
"""Scales whose ratios go from multipliers far below one to far above."""

ZERO_POINTS = (-128, -1, 0, 11, 127)


def images_for(content: bytes, random: int = 4) -> NDArray[Any]:
    """Return images for a model's only input: extremes, every int8 value in turn, noise; floats are seldom round."""
    return _values_for(parse_tflite(content).input(), 0, random)


def inputs_for(content: bytes) -> tuple[NDArray[Any], ...]:
    """Return the same for each input of a model, each with values of its own, as many for all."""
    model = parse_tflite(content)
    values = [_values_for(model.tensors[index], number, 4) for number, index in enumerate(model.inputs)]
    return tuple(one[: min(map(len, values))] for one in values)


def _values_for(info: TensorInfo, number: int, random: int) -> NDArray[Any]:
    generator = np.random.default_rng(5 + number)
    if info.dtype == "float32":
        noise = generator.normal(0, 3, (random + 2, *info.shape)).astype(np.float32)
        noise[0], noise[1] = np.round(noise[0] * 2) / 4, noise[1] * 1e4
        return noise
    if info.dtype in ("int32", "bool"):
        return generator.integers(-9 if info.dtype == "int32" else 0, 2, (random + 2, *info.shape)).astype(info.dtype)
    if info.dtype == "int16":
        return int16_images(info.shape)
    rising = (np.arange(info.elements) % 256 - 128).astype(np.int8).reshape(info.shape)
    return np.concatenate([random_images(info.shape, 5 + number, random), rising[None]])


def assert_exact(models: Mapping[str, bytes], tflm: RuntimeWorker, witness: RuntimeWorker | None) -> None:
    """Assert that generated C (one copy of each kernel, sanitised) and numpy references equal TFLM and its witness."""
    subjects = [_subject(name, content) for name, content in models.items()]
    complaints = examine(subjects, tflm, witness, (SIZE_SANITISED,), (Variant(apart=True),))
    assert not any(complaints.values()), "\n".join(
        f"{name}: {line}" for name, lines in complaints.items() for line in lines
    )


def _subject(name: str, content: bytes) -> Subject:
    first, *more = inputs_for(content)
    return Subject(name, content, first, more=tuple(more))


def assert_exact_at_limits(
    models: Mapping[str, bytes], tflm: RuntimeWorker, variant: Variant = INLINED, toolchain: Toolchain = SPEED
) -> None:
    """Assert that inlined kernels equal TFLM with each output as far over its input as the step allows."""
    networks, names, seen = [], [], set()
    for name, content in models.items():
        program, inputs = build_program(content, variant), inputs_for(content)
        truth = tflm.trace(content, inputs)
        for step, what, layout in plans_at_limits(program):
            if (step.parameters, what) not in seen:  # models share steps that only prepare operands
                seen.add((step.parameters, what))
                networks.append((Network(program, layout), inputs))
                names.append((f"{name}, {what}", truth))
    complaints = []
    for (name, truth), outcome in zip(names, run_networks(networks, toolchain), strict=True):
        complaints += [f"{name}: {outcome}"] if isinstance(outcome, str) else differences(name, truth, outcome)
    assert not complaints, "\n".join(complaints)


def plans_at_limits(program: Program) -> Iterator[tuple[Step, str, Plan]]:
    """Yield each step with a name and a plan: its output over a dying input as far as allowed, all else far apart."""
    apart = plan_apart(program)
    last = {item.buffer.tensor: item.buffer.last for item in apart.placed}
    for number, step in enumerate(program.steps):
        for (source, target), overlap in step.overlaps.items():
            pair = program.graph.root(source), program.graph.root(target)
            if last[pair[0]] == number and pair[0] != pair[1]:
                for delta in _limits(overlap):
                    yield step, f"{step.function} at {delta}", _overlapping(apart, *pair, delta)


def _limits(overlap: Overlap) -> Iterator[int]:
    """Yield the extreme distances that are allowed and keep the alignment of 4, and the only one."""
    if overlap.exactly is not None:
        yield overlap.exactly
    if overlap.at_most is not None:
        yield overlap.at_most // 4 * 4
    if overlap.at_least is not None:
        yield -(-overlap.at_least // 4) * 4


def _overlapping(apart: Plan, source: int, target: int, delta: int) -> Plan:
    """Move ``source`` behind everything else, and ``target`` to ``delta`` bytes from it."""
    sizes = {item.buffer.tensor: item.buffer.size for item in apart.placed}
    start = apart.size + -(-(sizes[source] + sizes[target] + abs(delta)) // 4) * 4
    moved = {source: start, target: start + delta}
    placed = tuple(Placed(item.buffer, moved.get(item.buffer.tensor, item.offset)) for item in apart.placed)
    return Plan(placed, max(item.end for item in placed) + 4, 0, 0)


def assert_reference_exact(content: bytes, tflm: RuntimeWorker, witness: RuntimeWorker | None = None) -> None:
    """Assert that the numpy references equal TFLM (and its witness) on one model."""
    complaints = find_truth(_subject("model", content), tflm, witness).complaints
    assert not complaints, "\n".join(complaints)


def assert_refused(content: bytes, reason: str) -> None:
    """Assert that the compiler refuses a model and says why; ``reason`` is a regular expression."""
    with pytest.raises(UnsupportedModelError, match=reason):
        read_graph(parse_tflite(content))
