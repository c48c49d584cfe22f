"""Targets' own bodies for weights that are mostly zero: on the instructions that they are for, and written out in C."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemnist.compiler.bodies.sparse import CHUNK, MOVES, evenly, pack_chunks, pack_pairs, takes_pairs
from edgemnist.compiler.graph import PADDING_VALID
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan, plan
from edgemnist.compiler.ops.base import Overlap
from edgemnist.compiler.ops.sparse_chunks import LANES
from edgemnist.mcu.cores import find_core
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import (
    CLANG,
    CPLUSPLUS,
    SIZE_SANITISED,
    SMALL,
    SPEED_SANITISED,
    Network,
    Subject,
    Toolchain,
    Variant,
    build_program,
    check_exact,
    differences,
    find_truth,
    reference_outputs,
    run_networks,
)
from tests.compiler.emulated import Machine, build_networks
from tests.compiler.layers import Arithmetic, Layers, Window, random_images
from tests.compiler.test_emulated_layers import available
from tests.compiler.test_fusions import conv_pool
from tests.compiler.test_overlaps import limits, plan_at
from tests.compiler.test_sparse_layers import CONV, DENSE, POINTWISE, PRUNED, layer_table, pool_subjects
from tests.compiler.test_vectors import check_on_qemu
from tests.compiler.weighted_cases import Case, cases

TARGETS_OF_THEIR_OWN = ("cortex-m4", "cortex-m55")
SPARSE = Arithmetic(zeros=0.9)


def sizes_table() -> dict[str, Case]:
    """Return layers of the sizes that the bodies have their own code for."""
    base = Case(CONV, (4, 9, 3), 5, arithmetic=PRUNED)
    table = {f"{width} pixels": replace(base, size=(3, width, 2)) for width in (1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 16, 17)}
    table |= {
        f"{channels} channels in, {width} wide": replace(base, size=(4, width, channels))
        for channels in (4, 8, 12, 13, 16, 24, 40)
        for width in (7, 15)
    }
    table |= {f"{n} features": Case(DENSE, (1, 1, n), 7, arithmetic=PRUNED) for n in (1, 15, 16, 17, 255, 257, 700)}
    table |= {
        f"weights far between, {size}": Case(kind, size, 6, window, Arithmetic(zeros=0.99, activation=1))
        for kind, size, window in (
            (CONV, (3, 9, 200), Window()), (CONV, (5, 4, 120), Window((5, 3))), (DENSE, (1, 1, 2000), Window()),
            (CONV, (2, 8, 300), POINTWISE), (CONV, (2, 5, 600), POINTWISE),
        )
    }  # fmt: skip
    table |= {
        f"activation {activation}, zero point {zero_point}, {width} pixels": replace(
            base, size=(3, width, 9), arithmetic=replace(PRUNED, activation=activation, zero_point=zero_point)
        )
        for activation in (0, 1, 2, 3)
        for zero_point in (-128, -60, 0, 100)
        for width in (7, 8)
    }
    table |= {
        f"multipliers from 2^{exponent}, activation {activation}": replace(
            base,
            arithmetic=replace(
                PRUNED, multiplier=2.0**exponent, weight_factors=(1.0, 0.3, 1e-4), activation=activation
            ),
        )
        for exponent in (-20, -9, -4)
        for activation in (0, 1)
    }
    for largest, channels in ((127, 258), (127, 259), (-128, 255), (-128, 256)):
        # The sums of two pixels in a word just can be told apart, or not.
        arithmetic = Arithmetic(lowest_weight=largest, highest_weight=largest)
        table[f"{channels} weights of {largest}"] = replace(
            base, size=(1, 9, channels), out_channels=1, window=POINTWISE, arithmetic=arithmetic, in_zero_point=127
        )
    table["strides"] = replace(base, size=(9, 17, 4), window=Window((3, 3), (2, 2)))
    table["a stride beyond the kernel"] = replace(base, size=(9, 23, 4), window=Window((2, 2), (3, 3)))
    table["rows apart"] = replace(base, size=(9, 8, 5), window=Window((3, 3), dilation=(3, 1)))
    return table


def more_pools() -> Iterator[Subject]:
    """Yield convolutions with a max pool behind them, of the sizes that the bodies have their own code for."""
    shapes = (
        ((4, 14, 8), (2, 2), Window()), ((6, 16, 8), (2, 2), Window()), ((4, 15, 12), (2, 2), Window()),
        ((4, 28, 12), (2, 2), Window()), ((6, 14, 16), (2, 2), Window()), ((4, 16, 30), (2, 2), Window()),
        ((9, 21, 5), (3, 3), Window()), ((8, 8, 60), (2, 1), Window()), ((8, 34, 3), (4, 4), Window()),
        ((8, 18, 4), (2, 2), Window(stride=(2, 2))), ((9, 16, 8), (2, 2), Window((2, 2), padding=PADDING_VALID)),
        ((12, 14, 4), (2, 2), Window((3, 3), dilation=(2, 1))), ((6, 20, 7), (3, 5), Window((3, 1))),
    )  # fmt: skip
    for number, (size, pool, window) in enumerate(shapes):
        layers = Layers.seeded(number)
        arithmetic = replace(PRUNED, activation=number % 3, zero_point=(-128, -30)[number // 3 % 2])
        network = conv_pool(pool, window, arithmetic=arithmetic)
        content = layers.finish(network(layers, layers.input((1, *size))))
        yield Subject(f"{size}, pool {pool}, {window}", content, random_images((1, *size), number))


def subjects() -> list[Subject]:
    """Return all layers."""
    tables = layer_table().items() | sizes_table().items()
    named = sorted(tables, key=lambda item: item[0])
    return [*(case.subject(name) for name, case in named), *pool_subjects(), *more_pools()]


def taken(candidates: list[Subject], target: str) -> list[tuple[Subject, Program]]:
    """Return the layers whose weights the target's dense bodies can take, with their programs: others go portable."""
    variant = Variant(target=target, sparse="always")
    programs = [(subject, build_program(subject.content, variant)) for subject in candidates]
    return [(subject, program) for subject, program in programs if not program.settings.portable_bodies]


@pytest.mark.parametrize("target", TARGETS_OF_THEIR_OWN)
@pytest.mark.parametrize(
    ("toolchain", "every"),
    [(SIZE_SANITISED, 1), (SPEED_SANITISED, 7), (CLANG, 11), (CPLUSPLUS, 13)],
    ids=("size", "speed", "clang", "c++"),
)
def test_written_out_in_c(
    target: str, toolchain: Toolchain, every: int, tflm: RuntimeWorker, witness: RuntimeWorker
) -> None:
    apart = Variant(target=target, sparse="always", apart=True)
    chosen = [subject for subject, _ in taken(subjects()[::every], target)]
    assert len(chosen) > 120 // every

    variants = [apart, replace(apart, apart=False)]
    check_exact(chosen, tflm, witness, [toolchain], variants if every == 1 else variants[:1])


def test_any_layer_is_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    @settings(
        deadline=None, derandomize=True, max_examples=1, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(st.lists(st.tuples(cases(CONV) | cases(DENSE), st.sampled_from((0.3, 0.8, 0.95))), min_size=25, max_size=30))
    def check(drawn: list[tuple[Case, float]]) -> None:
        pruned = [replace(case, arithmetic=replace(case.arithmetic, zeros=zeros)) for case, zeros in drawn]
        every = [case.subject(repr(case)) for case in pruned]
        for target in TARGETS_OF_THEIR_OWN:
            chosen = [subject for subject, _ in taken(every, target)]
            variants = [Variant(target=target, sparse="always")]
            check_exact(chosen, tflm, witness, [SIZE_SANITISED], variants)

    check()


def share(toolchain: str, optimisation: str) -> list[Subject]:
    """Return all layers where they have one copy of each kernel, else a fourth, which is another for each toolchain."""
    return subjects() if optimisation == SMALL else subjects()[len(toolchain) + (toolchain == "zig") :: 4]


@pytest.mark.parametrize(("toolchain", "optimisation"), [("gnu", "-O2"), ("zig", "-O2"), ("gnu", SMALL)])
def test_exact_in_words(toolchain: str, optimisation: str) -> None:
    if not available(toolchain, "cortex-m4"):
        pytest.skip(f"{toolchain} is not installed")
    core = find_core("cortex-m4")
    chosen = taken(share(toolchain, optimisation), "cortex-m4")
    networks = [(program, plan(program)) for _, program in chosen]
    machine = Machine(build_networks(networks, core, toolchain, optimisation), core)

    for number, ((subject, _), (program, layout)) in enumerate(zip(chosen, networks, strict=True)):
        for image, wanted in zip(subject.images, reference_outputs(subject.content, subject.images), strict=True):
            found = machine.run(number, program, layout, image)
            np.testing.assert_array_equal(found, wanted, err_msg=subject.name)


@pytest.mark.parametrize(("toolchain", "optimisation"), [("gnu", "-O2"), ("zig", "-O2"), ("gnu", SMALL)])
def test_exact_in_vectors(toolchain: str, optimisation: str) -> None:
    networks = [
        (subject, program, plan(program)) for subject, program in taken(share(toolchain, optimisation), "cortex-m55")
    ]

    check_on_qemu(networks, toolchain, *optimisation.split())


def networks_at_limits(target: str) -> list[tuple[Subject, Program, Plan]]:
    """Return layers with the output as far over the input as they allow."""
    networks = []
    for subject, program in taken(subjects()[::4], target):
        graph = program.graph
        overlap = program.steps[0].overlaps.get((graph.input, graph.output), Overlap())
        sizes = [graph.tensors[index].bytes for index in (graph.input, graph.output)]
        # Tensors lie at multiples of 4, and the bodies rely on it.
        aligned = {
            delta // 4 * 4 if overlap.at_least is None else -(-delta // 4) * 4 for delta in limits(overlap, *sizes)
        }
        networks += [(subject, program, plan_at(program, delta)) for delta in sorted(aligned)]
    assert len(networks) > 50
    return networks


def test_vectors_are_exact_at_the_limits_of_overlap() -> None:
    check_on_qemu(networks_at_limits("cortex-m55"), "gnu", "-Os")


@pytest.mark.parametrize("target", TARGETS_OF_THEIR_OWN)
def test_exact_at_the_limits_of_overlap(target: str, tflm: RuntimeWorker) -> None:
    networks = networks_at_limits(target)

    outcomes = run_networks([(Network(program, at), one.inputs) for one, program, at in networks], SIZE_SANITISED)

    complaints: list[str] = []
    for (subject, _, _), outcome in zip(networks, outcomes, strict=True):
        truth = find_truth(subject, tflm, None).tensors
        complaints += [outcome] if isinstance(outcome, str) else differences(subject.name, truth, outcome)
    assert not complaints, "\n".join(complaints)


def unpacked(stream: NDArray[np.int8], shape: tuple[int, int]) -> tuple[NDArray[np.int8], list[int]]:
    """Return the weights and the shifts of channels in chunks, read as em_sparse_chunks.h says."""
    rows, shifts = np.zeros(shape, np.int8), []
    values, at = stream.view(np.uint8).tolist(), 0
    for row in rows:
        base, header, at = 0, values[at], at + 1
        while True:
            if header >= MOVES:
                base += values[at] + 256 * values[at + 1]
                header, at = header - MOVES, at + 2
            assert header <= CHUNK
            row[[base + offset for offset in values[at : at + header]]] = stream[at + header : at + 2 * header]
            header, at = int(stream[at + 2 * header]), at + 2 * header + 1
            if header <= 0:
                break
        shifts.append(-header)
    assert at == len(stream)
    return rows, shifts


@settings(derandomize=True, max_examples=80, deadline=None)
@given(
    st.integers(1, 4),
    st.sampled_from((1, 15, 16, 17, 255, 256, 257, 700, 70_000, 140_000)),
    st.sampled_from((0.0, 0.8, 0.97, 0.9999, 1.0)),
    st.integers(0, 99),
)
def test_chunks_hold_the_weights(channels: int, window: int, zeros: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.integers(-128, 128, (channels, window)).astype(np.int8)
    rows[generator.random(rows.shape) < zeros] = 0
    order, shifts = generator.permutation(window), generator.integers(1, 31, channels)

    chunks = pack_chunks(rows, order, shifts)
    found, found_shifts = unpacked(chunks.values, (channels, window))

    np.testing.assert_array_equal(found[:, order], rows)
    assert found_shifts == shifts.tolist()
    assert chunks.wide == any(place > 255 for place in order[np.flatnonzero(rows.any(axis=0))].tolist())


@pytest.mark.parametrize(("width", "pixels"), [(1, 1), (4, 4), (7, 7), (8, 8), (9, 5), (14, 7), (16, 8), (28, 7)])
def test_lanes_are_filled_evenly(width: int, pixels: int) -> None:
    assert evenly(width, LANES) == pixels


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.sampled_from((1, 8, 255, 256, 257, 700, 3000)),
    st.sampled_from((0.0, 0.8, 0.97, 0.9999, 1.0)),
    st.integers(0, 99),
)
def test_pairs_hold_the_weights(channels: int, window: int, zeros: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.integers(-128, 128, (channels, window)).astype(np.int8)
    rows[generator.random(rows.shape) < zeros] = 0
    shifts = generator.integers(1, 31, channels)

    stream = pack_pairs(rows, shifts).values
    values, at = stream.view(np.uint8).tolist(), 0
    for row, shift in zip(rows, shifts.tolist(), strict=True):
        count, place, found = values[at] + 256 * values[at + 1], 0, np.zeros(window, np.int8)
        assert count > 0
        for entry in range(count):
            place += values[at + 2 + 2 * entry]
            found[place] += stream[at + 3 + 2 * entry]
        np.testing.assert_array_equal(found, row)
        at += 2 + 2 * count
        assert values[at] + 256 * values[at + 1] + 1 == shift
        at += 2

    assert at == len(stream)


@pytest.mark.parametrize(
    ("weight", "count", "taken"), [(127, 258, True), (-127, 259, False), (-128, 255, True), (-128, 256, False)]
)
def test_sums_of_a_pair_can_be_told_apart(weight: int, count: int, taken: bool) -> None:
    rows = np.zeros((2, 300), np.int8)
    rows[1, :count] = weight

    assert takes_pairs(rows) == taken
    sums = [activation * weight * count for activation in (-128, 127)]
    assert all(-(2**22) <= total < 2**22 for total in sums) == taken
