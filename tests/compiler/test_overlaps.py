"""Every overlap that a windowed or dense kernel declares, at its very limit: still exact, and not a byte further."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Buffer, Overlaps, Placed, Plan, _buffers, _compatible, _overlaps
from edgemnist.compiler.ops.base import Overlap
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import (
    SIZE_SANITISED,
    SPEED,
    Network,
    Subject,
    Toolchain,
    Variant,
    build_program,
    differences,
    find_truth,
    plan_apart,
    run_networks,
)
from tests.compiler.layers import Layers, Value, Window, random_images


@dataclass(frozen=True)
class Case:
    """A kernel and sizes: ``kind`` is one of conv, depthwise, max, average, conv+pool; 1x1 windows are pointwise."""

    kind: str
    size: tuple[int, int, int]
    channels: int = 4
    window: Window = field(default_factory=Window)
    groups: int = 1
    pool: tuple[int, int] = (2, 2)

    def subject(self) -> Subject:
        """Return the model with images."""
        layers = Layers.seeded(1)
        output = self._layer(layers, layers.input((1, *self.size)))
        return Subject(repr(self), layers.finish(output), random_images((1, *self.size), 2, random=4))

    def _layer(self, layers: Layers, image: Value) -> Value:
        if self.kind == "depthwise":
            return layers.depthwise(image, self.channels, self.window)
        if self.kind in ("max", "average"):
            return layers.pool(f"{self.kind.upper()}_POOL_2D", image, self.window)
        features = layers.conv(image, self.channels, self.window, groups=self.groups)
        if self.kind == "conv":
            return features
        return layers.pool("MAX_POOL_2D", features, Window(self.pool, self.pool, padding=PADDING_VALID))


def windowed(kind: str) -> Iterator[Case]:
    """Yield sizes and windows that move the write front in every way past the read front."""
    for window in (
        Window(), Window(padding=PADDING_VALID), Window(stride=(2, 2)), Window((2, 2), (2, 2), padding=PADDING_VALID),
        Window((1, 3)), Window((3, 1)), Window((5, 5), (3, 2)), Window((1, 1), (2, 2)), Window((1, 1)),
    ):  # fmt: skip
        for size, channels in (((6, 5, 3), 2), ((5, 6, 2), 3), ((4, 7, 4), 4), ((7, 3, 1), 5), ((3, 8, 6), 1)):
            yield Case(kind, size, 1 if kind == "depthwise" else channels, window)


CASES = [
    *windowed("conv"), *windowed("depthwise"), *windowed("max"), *windowed("average"),
    *[Case("conv", (5, 6, 2), 3, Window(dilation=dilation)) for dilation in ((2, 1), (1, 2), (3, 2))],
    *[Case("conv", (4, 5, 4), 6, window, groups=2) for window in (Window(), Window((1, 1)), Window(stride=(2, 2)))],
    *[Case("conv", (1, width, 3), channels, Window((1, 1))) for width in (2, 3, 4, 9) for channels in (1, 2, 3, 4, 7)],
    *[Case("conv", (5, 1, 3), channels) for channels in (1, 3, 5)],
    *[
        Case("conv+pool", size, channels, Window(padding=padding), pool=pool)
        for size in ((6, 6, 3), (7, 9, 2))
        for channels in (1, 3, 6)
        for padding in (PADDING_SAME, PADDING_VALID)
        for pool in ((2, 2), (3, 3), (1, 2))
    ],
]  # fmt: skip


LONG = [
    Case("conv", (1, width, read), written, Window((1, 1)))
    for width in (48, 80, 101)
    for read, written in ((3, 2), (2, 5))
]
"""Pointwise layers of more pixels than a body copies at a time."""


def limits(overlap: Overlap, source_size: int, target_size: int) -> Iterator[int]:
    """Yield the extreme distances at which the two buffers still meet, and one further inside."""
    if overlap.at_most is not None and overlap.at_most > -target_size:
        most = min(overlap.at_most, source_size - 1)
        yield from (most, (most - target_size) // 2)
    if overlap.at_least is not None and overlap.at_least < source_size:
        least = max(overlap.at_least, 1 - target_size)
        yield from (least, (least + source_size) // 2)
    if overlap.exactly is not None:
        yield overlap.exactly


def single_step(subject: Subject, target: str = "portable") -> tuple[Program, Overlap]:
    """Return the program of a model with one operator, and the overlap of its output with the model's input."""
    program = build_program(subject.content, Variant(target=target))
    assert len(program.steps) == 1
    return program, program.steps[0].overlaps.get((program.graph.input, program.graph.output), Overlap())


def plan_at(program: Program, delta: int) -> Plan:
    """Return a plan with the output ``delta`` bytes from the input, and the scratch behind both."""
    apart = plan_apart(program)
    source, target = program.graph.input, program.graph.output
    start = max(0, -delta)
    offsets = {source: start, target: start + delta}
    used = max(offsets[item.buffer.tensor] + item.buffer.size for item in apart.placed if item.buffer.tensor >= 0)
    scratch = -(-used // 16) * 16
    placed = tuple(Placed(item.buffer, offsets.get(item.buffer.tensor, scratch)) for item in apart.placed)
    return Plan(placed, max(item.end for item in placed), 0, 0)


def networks_at_limits(subjects: list[Subject], target: str) -> Iterator[tuple[Subject, int, Network]]:
    for subject in subjects:
        program, overlap = single_step(subject, target)
        sizes = [program.graph.tensors[index].bytes for index in (program.graph.input, program.graph.output)]
        for delta in limits(overlap, *sizes):
            assert overlap.allows(delta)
            yield subject, delta, Network(program, plan_at(program, delta))


@pytest.mark.parametrize(
    ("toolchain", "every", "target"),
    [(SIZE_SANITISED, 1, "portable"), (SPEED, 5, "portable"), (SIZE_SANITISED, 1, "x86-64-v3")],
    ids=["size", "speed", "rows at a time"],
)
def test_kernels_are_exact_at_the_limit(toolchain: Toolchain, every: int, target: str, tflm: RuntimeWorker) -> None:
    cases = CASES if target == "portable" else [*CASES, *LONG]
    entries = list(networks_at_limits([case.subject() for case in cases[::every]], target))
    outcomes = run_networks([(network, subject.inputs) for subject, _, network in entries], toolchain)

    complaints: list[str] = []
    for (subject, delta, _), outcome in zip(entries, outcomes, strict=True):
        what = f"{subject.name} at {delta}"
        truth = find_truth(subject, tflm, None).tensors
        complaints += [f"{what}: {outcome}"] if isinstance(outcome, str) else differences(what, truth, outcome)

    assert not complaints, "\n".join(complaints)


def test_the_planner_takes_the_limit_and_nothing_beyond() -> None:
    """Asked of the planner's own rule: a byte further is refused wherever the two buffers meet."""
    refused = 0
    for case in CASES:
        program, overlap = single_step(case.subject())
        buffers = {buffer.tensor: buffer for buffer in _buffers(program)}
        source, target = buffers[program.graph.input], buffers[program.graph.output]
        overlaps = _overlaps(program, [source, target])

        def compatible(delta: int, source: Buffer = source, target: Buffer = target, rule: Overlaps = overlaps) -> bool:
            forward = _compatible(target, delta, Placed(source, 0), rule)
            assert forward == _compatible(source, 0, Placed(target, delta), rule)
            return forward

        assert all(compatible(delta) for delta in limits(overlap, source.size, target.size)), case
        assert not any(compatible(delta) for delta in beyond(overlap, source.size, target.size)), case
        assert compatible(source.size)
        assert compatible(-target.size)
        refused += len(list(beyond(overlap, source.size, target.size)))
    assert refused > len(CASES) // 2


def beyond(overlap: Overlap, source_size: int, target_size: int) -> Iterator[int]:
    """Yield the first distances that are not allowed, where the buffers still meet."""
    if overlap.at_most is not None and -target_size <= overlap.at_most < source_size - 1:
        yield overlap.at_most + 1
    if overlap.at_least is not None and 1 - target_size < overlap.at_least <= source_size:
        yield overlap.at_least - 1
    if overlap.exactly is not None:
        yield from (overlap.exactly - 1, overlap.exactly + 1)
