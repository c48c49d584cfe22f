"""The first layers by bands of rows: exact, no row computed twice, within the RAM that was asked for, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgemnist.compiler.bands.lowered import BandLowering
from edgemnist.compiler.bands.schedule import Schedule, prefixes, scheduled
from edgemnist.compiler.bands.search import ArenaTooLargeError
from edgemnist.compiler.generate import CodegenSettings, compile_model, generate
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import plan
from edgemnist.compiler.ops.operands import output_of
from edgemnist.compiler.targets import ANY
from edgemnist.mcu.cores import find_core
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import (
    SIZE_SANITISED,
    Network,
    Subject,
    Variant,
    build_program,
    differences,
    find_truth,
    plan_apart,
    run_networks,
)
from tests.compiler.emulated import Machine, build_networks
from tests.compiler.layers import Arithmetic, Layers, Value, Window, random_images

SEEDS = range(4)


def mobile() -> bytes:
    """Return a net of depthwise and pointwise layers, with a residual and a pool, whose first tensors are large."""
    layers = Layers.seeded(0)
    value = layers.conv(layers.input((1, 29, 20, 3)), 8)
    value = layers.conv(layers.depthwise(value), 16, Window((1, 1)))
    value = layers.conv(layers.depthwise(value, 1, Window(stride=(2, 2))), 12, Window((1, 1)))
    wide = layers.depthwise(layers.conv(value, 24, Window((1, 1))))
    value = layers.pool("MAX_POOL_2D", layers.add(layers.conv(wide, 12, Window((1, 1))), value))
    return layers.finish(layers.dense(value, 5))


def branching(seed: int) -> bytes:
    """Return a random net: odd heights, strides of 1 to 3, both paddings, residuals, pools, pads, concatenations."""
    layers = Layers.seeded(seed)
    draw = layers.generator
    shape = (1, int(draw.integers(13, 24)), 4 * int(draw.integers(1, 4)), int(draw.integers(1, 5)))
    value = layers.conv(layers.input(shape), 4, Window((3, 3)), Arithmetic(activation=1))
    for _ in range(5):
        value = grown(layers, value)
    return layers.finish(layers.dense(value, 3))


def grown(layers: Layers, value: Value) -> Value:
    """Add a layer or two; the width stays a multiple of 4 bytes, because channels do."""
    draw = layers.generator
    height = value.shape[1]
    padding = int(draw.choice((PADDING_SAME, PADDING_VALID))) if min(value.shape[1:3]) > 5 else PADDING_SAME
    stride = (int(draw.integers(1, 4)) if height > 9 else 1, 1)
    window = Window((int(draw.integers(1, 5)), int(draw.integers(1, 4))), stride, padding=padding)
    kind = int(draw.integers(6))
    if kind == 0:
        return layers.add(layers.conv(layers.conv(value, 8), value.shape[3], Window((1, 3))), value)
    if kind == 1:
        return layers.depthwise(value, 1, window)
    if kind == 2:
        return layers.pool(str(draw.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D"))), value, window)
    if kind == 3:
        return layers.conv(layers.pad(value, 1, 0, 2, 0), 8, Window((2, 1), padding=PADDING_VALID))
    if kind == 4:
        return layers.concatenation(value, layers.op("RELU", [value], value.shape))
    return layers.conv(value, 4 * int(draw.integers(1, 4)), window)


def by_bands(
    content: bytes, variant: Variant, rows: tuple[int, ...], parts: tuple[int, ...] = (2, 4)
) -> Iterator[tuple[Schedule, Program]]:
    """Yield a net with each number of its steps by bands of so many rows, and by those of one row in so many parts."""
    program = build_program(content, variant)
    lowering = BandLowering(program)
    for prefix in prefixes(program.graph):
        for schedule in (
            scheduled(prefix, *each) for each in (*((count, 1) for count in rows), *((1, n) for n in parts))
        ):
            made = lowering.lowered(schedule) if schedule is not None else None
            if schedule is not None and made is not None:
                yield schedule, made


def subjects() -> list[Subject]:
    """Return the nets with an image of extremes and a random one each."""
    contents = {"mobile": mobile(), **{f"seed {seed}": branching(seed) for seed in SEEDS}}
    return [
        Subject(name, content, random_images(parse_tflite(content).input().shape, 7, 1))
        for name, content in contents.items()
    ]


def test_exact_with_every_buffer_apart_and_with_all_overlaps(tflm: RuntimeWorker) -> None:
    networks, truths = [], []
    for number, subject in enumerate(subjects()):
        variants = [Variant(), Variant(input_apart=True, fusions=())]
        found = [one for variant in variants for one in by_bands(subject.content, variant, (1, 2, 3, 5))]
        assert found, f"{subject.name}: nothing of it can run by bands"
        truth = find_truth(subject, tflm, None).tensors
        for _, program in found[number % 3 :: max(1, len(found) // 3)]:
            for network in (Network(program, plan(program)), Network(program, plan_apart(program), apart=True)):
                networks.append((network, subject.inputs))
                truths.append((subject.name, truth))
    outcomes = run_networks(networks, SIZE_SANITISED)
    complaints = [
        complaint
        for (name, truth), outcome in zip(truths, outcomes, strict=True)
        for complaint in ([f"{name}: {outcome}"] if isinstance(outcome, str) else differences(name, truth, outcome))
    ]
    assert not complaints, "\n".join(complaints)


def test_exact_on_the_instructions_of_cortex_m4(tflm: RuntimeWorker) -> None:
    core, networks, cases = find_core("cortex-m4"), [], []
    for number, subject in enumerate(subjects()[:4]):
        variant = Variant(target="cortex-m4", input_apart=number % 2 == 0)
        (*_, (_, program)) = by_bands(subject.content, variant, (2,))
        networks.append((program, plan(program)))
        cases.append((subject.images, tflm.trace(subject.content, subject.inputs)[program.graph.output]))
    machine = Machine(build_networks(networks, core, "gnu", "-O2"), core)
    for number, (network, (images, truth)) in enumerate(zip(networks, cases, strict=True)):
        for image, expected in zip(images, truth, strict=True):
            np.testing.assert_array_equal(machine.run(number, *network, image), expected)


def test_every_row_is_computed_once() -> None:
    for content in (mobile(), *map(branching, SEEDS)):
        for schedule, program in by_bands(content, Variant(), (1, 3)):
            for step, node in enumerate(schedule.prefix.nodes):
                spans = [spell.written for spells in schedule.spells if (spell := spells[step]) is not None]
                rows = [row for span in spans for row in range(span.first, span.last)]
                assert rows == list(range(len(rows)))
                assert output_of(node) not in schedule.prefix.whole or len(rows) == schedule.prefix.height(
                    output_of(node)
                )
            assert program.bands is not None
            assert program.bands.calls == sum(spell is not None for spells in schedule.spells for spell in spells)


def test_the_arena_is_within_what_was_asked_for() -> None:
    model = parse_tflite(mobile())
    without = generate(model, CodegenSettings(target="cortex-m4"))
    ram = 2 * without.plan.size // 3
    made = generate(model, CodegenSettings(target="cortex-m4", ram=ram))
    assert made.plan.size <= ram
    assert made.program.macs == without.program.macs
    assert made.program.constant_bytes == without.program.constant_bytes
    figures = json.loads(json.dumps(made.as_json()))["bands"]
    assert figures["whole_arena_bytes"] == without.plan.size
    assert figures["bands"] > 1
    assert f"Steps 0 to {figures['steps'] - 1} run by bands" in made.files["model.h"]
    assert "--ram" in made.files["model.h"]


def test_nothing_changes_where_the_arena_fits() -> None:
    model = parse_tflite(mobile())
    _, whole = compile_model(model, CodegenSettings())
    program, layout = compile_model(model, CodegenSettings(ram=whole.size))
    assert program.bands is None
    assert layout == whole


def test_a_refusal_names_an_arena_that_every_core_can_have() -> None:
    model = parse_tflite(mobile())
    with pytest.raises(ArenaTooLargeError, match=r"give --ram \d+; or a model") as refused:
        generate(model, CodegenSettings(target=ANY, ram=100))
    made = generate(model, CodegenSettings(target=ANY, ram=refused.value.least))
    assert made.arena_range[1] <= refused.value.least


def test_a_refusal_says_where_an_input_apart_helps() -> None:
    layers = Layers.seeded(0)
    value = layers.depthwise(layers.conv(layers.input((1, 32, 32, 3)), 8, Window(stride=(2, 2))))
    model = parse_tflite(layers.finish(layers.dense(layers.pool("MAX_POOL_2D", value), 5)))
    with pytest.raises(ArenaTooLargeError, match=r"--input-apart, which leaves the input's 3,072 bytes") as refused:
        compile_model(model, CodegenSettings(ram=100))
    with pytest.raises(ArenaTooLargeError, match=r"give --ram \d+; or a model") as smaller:
        compile_model(model, CodegenSettings(ram=100, input_apart=True))
    assert smaller.value.least < refused.value.least


def test_printing_whole_tensors_and_bands_exclude_each_other() -> None:
    with pytest.raises(InputError, match="leave one out"):
        generate(parse_tflite(mobile()), CodegenSettings(ram=100, with_dump=True))


def test_line_buffers_are_small_behind_strides(real_models: Path) -> None:
    """Eight layers by bands in parts take less than the four that have one row of many at a time."""
    model = parse_tflite((real_models / "public" / "078_sipeed_vww96_q.tflite").read_bytes())
    whole = compile_model(model, CodegenSettings(target="cortex-m4", input_apart=True), any_net=True)[1].size
    settings = CodegenSettings(target="cortex-m4", ram=2 * whole // 5, input_apart=True)
    program, layout = compile_model(model, settings, any_net=True)
    assert layout.size <= 2 * whole // 5
    assert program.bands is not None
    assert program.bands.parts > 1


def test_a_published_net_of_mcunet_fits_into_a_quarter(real_models: Path) -> None:
    """Its arena without bands takes 245,760 bytes."""
    path = real_models / "public" / "082_mit-han-_detection.tflite"
    quarter = 245_760 // 4
    settings = CodegenSettings(target="cortex-m4", ram=quarter, input_apart=True)
    program, layout = compile_model(parse_tflite(path.read_bytes()), settings, any_net=True)
    assert layout.size <= quarter
    assert program.bands is not None
