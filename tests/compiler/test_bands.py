"""The first layers by bands of rows: exact, no row computed twice, within the RAM that was asked for, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist.compiler.bands.lowered import BandLowering
from edgemnist.compiler.bands.schedule import Schedule, prefixes, scheduled
from edgemnist.compiler.bands.search import ArenaTooLargeError
from edgemnist.compiler.generate import CodegenSettings, compile_model, generate
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import plan
from edgemnist.compiler.ops.operands import output_of
from edgemnist.compiler.targets import ANY
from edgemnist.mcu.cores import find_core
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import parse_tflite
from tests.compiler import qemu_networks
from tests.compiler.band_nets import (
    branching,
    float_subject,
    int4_subject,
    int8_subject,
    int16_subject,
    mobile,
    uint8_subject,
)
from tests.compiler.bench import (
    PI_4_SIZE,
    SIZE_SANITISED,
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
from tests.compiler.emulated import Machine, build_networks
from tests.compiler.layers import Layers, Window, random_images

BODIES = {
    **dict.fromkeys(("cortex-m0plus", "cortex-m3", "cortex-m55"), SIZE_SANITISED),
    "x86-64-v3": replace(SIZE_SANITISED, flags=(*SIZE_SANITISED.flags, "-mavx2")),
    "cortex-a72": PI_4_SIZE,
}
"""By target the toolchain that makes a program of its bodies for this machine, or for an emulator of a process."""


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


def chosen(subject: Subject, target: str, count: int) -> list[Program]:
    """Return a net in so many ways by bands that are far from each other, half of them with the input apart."""
    variants = [Variant(target=target), Variant(target=target, input_apart=True, fusions=())]
    found = [program for one in variants for _, program in by_bands(subject.content, one, (1, 2, 3, 5))]
    assert found, f"{subject.name}: nothing of it can run by bands"
    return found[len(subject.content) % 3 :: max(1, len(found) // count)]


def assert_exact(subjects: Sequence[Subject], oracle: RuntimeWorker, target: str, count: int, how: Toolchain) -> None:
    """Assert that nets are exact by bands, with all overlaps, and with every buffer apart from the others."""
    networks, truths = [], []
    for subject in subjects:
        truth = find_truth(subject, oracle, None).tensors
        for program in chosen(subject, target, count):
            for network in (Network(program, plan(program)), Network(program, plan_apart(program), apart=True)):
                networks.append((network, subject.inputs))
                truths.append((subject.name, truth))
    complaints = []
    for (network, _), (name, truth), outcome in zip(networks, truths, run_networks(networks, how), strict=True):
        of_file = network.program.graph.is_of_file
        seen = outcome if isinstance(outcome, str) else [one for one in outcome if of_file(one[0])]
        complaints += [f"{name}: {seen}"] if isinstance(seen, str) else differences(name, truth, seen)
    assert not complaints, "\n".join(complaints)


def test_exact_with_every_buffer_apart_and_with_all_overlaps(tflm: RuntimeWorker) -> None:
    content = mobile()
    mobile_net = Subject("mobile", content, random_images(parse_tflite(content).input().shape, 7, 1))
    assert_exact([mobile_net, *map(int8_subject, range(4))], tflm, "portable", 3, SIZE_SANITISED)


def test_exact_in_other_types(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    others = [*map(int16_subject, range(2)), *map(float_subject, range(2)), int4_subject(1)]
    assert_exact(others, tflm, "cortex-m4", 2, SIZE_SANITISED)
    assert_exact([*map(uint8_subject, range(2, 4))], witness, "cortex-m4", 2, SIZE_SANITISED)


@pytest.mark.parametrize("target", BODIES)
def test_exact_with_bodies(target: str, tflm: RuntimeWorker) -> None:
    if not BODIES[target].available:
        pytest.skip(f"{BODIES[target]} is not here")
    assert_exact([int8_subject(4), int8_subject(5)], tflm, target, 2, BODIES[target])


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4"])
def test_exact_on_an_emulated_core(core: str, tflm: RuntimeWorker) -> None:
    cases = [
        (subject, program)
        for subject in map(int8_subject, range(1, 5))
        for program in chosen(subject, core, 1)
        if not program.settings.portable_bodies
    ]
    networks = [(program, plan(program)) for _, program in cases]
    machine = Machine(build_networks(networks, find_core(core), "gnu", "-O2"), find_core(core))
    for number, (subject, program) in enumerate(cases):
        expected = find_truth(subject, tflm, None).tensors[program.graph.output]
        for image, truth in zip(subject.images, expected, strict=True):
            np.testing.assert_array_equal(machine.run(number, *networks[number], image), truth)


def test_exact_on_an_emulated_core_with_vectors(tflm: RuntimeWorker) -> None:
    if qemu_networks.missing("gnu") is not None:
        pytest.skip(str(qemu_networks.missing("gnu")))
    cases = [(subject, chosen(subject, "cortex-m55", 2)[0]) for subject in map(int8_subject, range(2, 6))]
    networks = [(program, plan(program)) for _, program in cases]
    found = qemu_networks.run_on_qemu(networks, [subject.images for subject, _ in cases], "gnu", ("-O2",))
    for (subject, program), outputs in zip(cases, found, strict=True):
        np.testing.assert_array_equal(outputs, find_truth(subject, tflm, None).tensors[program.graph.output])


def test_every_row_is_computed_once() -> None:
    for content in (mobile(), *map(branching, range(4))):
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
