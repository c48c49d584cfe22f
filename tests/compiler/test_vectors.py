"""The Cortex-M55's vectors, which QEMU alone emulates: networks in one image, equal to the numpy references."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan, plan
from edgemnist.compiler.ops.base import Overlap
from edgemnist.compiler.reader import read_graph
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import Subject, Variant, build_program, reference_outputs
from tests.compiler.layers import Arithmetic, Window, random_images
from tests.compiler.qemu_networks import missing, run_on_qemu
from tests.compiler.random_graphs import random_network
from tests.compiler.test_emulated_layers import bodies_table
from tests.compiler.test_fusions import subjects as fused_subjects
from tests.compiler.test_operators_arithmetic import table as arithmetic_table
from tests.compiler.test_operators_mean import TABLE as MEANS
from tests.compiler.test_operators_transpose_conv import TABLE as TRANSPOSED
from tests.compiler.test_overlaps import limits, plan_at
from tests.compiler.test_pooling import KINDS
from tests.compiler.test_pooling import Case as PoolCase
from tests.compiler.test_pooling import table as pool_table
from tests.compiler.test_residual import RESIDUAL
from tests.compiler.test_weighted_layers import CONV, DENSE, DEPTHWISE, TABLES
from tests.compiler.weighted_cases import Case

WINDOW = Window((3, 3))
TARGET = Variant(target="cortex-m55")


def dense_table() -> dict[str, Case]:
    """Return convolutions and dense layers of the sizes that the body has its own code for."""
    table = {f"chunks of {n}": Case(CONV, (3, 4, n), 4, Window((1, 1))) for n in (15, 16, 17, 32, 48, 49, 80, 95, 96)}
    table |= {f"dense of {n}": Case(DENSE, (1, 1, n), 9) for n in (15, 16, 33, 64, 65, 96, 130)}
    table |= {f"{n} filters": Case(CONV, (5, 7, 5), n, WINDOW) for n in (1, 2, 3, 4, 7, 8, 9)}
    table["one column"] = Case(CONV, (5, 1, 6), 6, WINDOW)
    table["as wide as the image"] = Case(CONV, (6, 3, 7), 5, Window((2, 3), padding=PADDING_VALID))
    table["groups"] = Case(CONV, (5, 6, 34), 10, WINDOW, groups=2)
    table["dilated"] = Case(CONV, (7, 7, 4), 5, Window((3, 3), dilation=(2, 2)))
    table["rows apart"] = Case(CONV, (9, 7, 4), 5, Window((3, 3), dilation=(3, 1)))
    table["weights of -128"] = Case(DENSE, (1, 1, 513), 7, arithmetic=Arithmetic(lowest_weight=-128))
    table["limits"] = Case(CONV, (4, 5, 8), 8, WINDOW, Arithmetic(activation=2, zero_point=-60))
    for exponent, per_channel in product((-31.5, -20.0, -1.0, 0.5, 3.5), (True, False)):
        scaled = Arithmetic(multiplier=2.0**exponent, per_channel=per_channel, bias=2**24)
        table[f"multiplier 2^{exponent}, {per_channel}"] = Case(CONV, (3, 4, 20), 6, WINDOW, scaled)
        table[f"dense, multiplier 2^{exponent}, {per_channel}"] = Case(DENSE, (1, 1, 20), 6, arithmetic=scaled)
    return table


def depthwise_table() -> dict[str, Case]:
    """Return depthwise layers of every shape that the body has its own code for, and some others."""
    table = {f"{n} channels": Case(DEPTHWISE, (4, 5, n), 1, WINDOW) for n in (1, 7, 8, 15, 16, 17, 33)}
    kernels = ((3, 3), (1, 3), (3, 1), (2, 2), (2, 3), (4, 4), (5, 5))
    strides = ((1, 1), (2, 2), (1, 2), (2, 1), (3, 3))
    sizes = ((1, 1), (2, 1), (1, 4), (5, 2), (6, 3), (5, 7), (8, 9))
    every = list(product(kernels, strides, sizes, (PADDING_SAME, PADDING_VALID)))
    for number, (kernel, stride, size, padding) in enumerate(every):
        fits = padding == PADDING_SAME or (kernel[0] <= size[0] and kernel[1] <= size[1])
        if fits and number % 5 == 0:
            arithmetic = Arithmetic(activation=number % 4, zero_point=number % 99 - 60)
            window = Window(kernel, stride, padding=padding)
            table[f"{window} of {size}"] = Case(DEPTHWISE, (*size, 3 + number % 16), 1, window, arithmetic)
    table["one channel, several outputs"] = Case(DEPTHWISE, (9, 8, 1), 8, Window((4, 3), (2, 2)))
    table["one channel, any multiplier"] = Case(DEPTHWISE, (6, 5, 1), 7, WINDOW, Arithmetic(multiplier=2.5))
    table["several outputs a channel"] = Case(DEPTHWISE, (6, 5, 3), 2, WINDOW)
    table["any multiplier"] = Case(DEPTHWISE, (4, 5, 18), 1, WINDOW, Arithmetic(multiplier=2.5))
    return table


def pools() -> dict[str, PoolCase]:
    """Return average pools of whole vectors of channels: sums as long as 16 bits take, longer ones, and limits."""
    table = {}
    for channels, size in product((16, 35), (1, 2, 3, 16, 17)):
        stride, padding = 2 if size < 16 else 1, PADDING_SAME if size == 3 else PADDING_VALID
        window = Window((size, size), (stride, stride), padding=padding)
        table[f"{channels} channels, {size} x {size}"] = PoolCase("AVERAGE_POOL_2D", (17, 17, channels), window)
    table["limited"] = PoolCase("AVERAGE_POOL_2D", (5, 4, 33), Window((2, 2), (1, 1)), activation=3, zero_point=-20)
    return table


def subjects() -> Iterator[Subject]:
    """Yield all that goes into the image."""
    every = [case for table in TABLES.values() for case in table.values()]
    for table in (bodies_table(), dense_table(), depthwise_table()):
        yield from (case.subject(name) for name, case in table.items())
    yield from (case.subject(str(case)) for case in every[::23])
    for kind in KINDS:
        yield from (case.subject(name) for name, case in list(pool_table(kind).items())[::9])
    yield from (case.subject(name) for name, case in pools().items())
    pairs = [item for kind in ("ADD", "SUB", "MUL") for item in arithmetic_table(kind).items()]
    for name, content in [*MEANS.items(), *pairs, *TRANSPOSED.items()]:
        graph = read_graph(parse_tflite(content))
        shape = graph.tensors[graph.input].shape
        yield Subject(name, content, random_images(shape, 3, random=2))
    yield from fused_subjects(RESIDUAL)
    yield from (random_network(seed) for seed in range(8))


def check_on_qemu(
    networks: list[tuple[Subject, Program, Plan]], toolchain: str, *optimisation: str
) -> None:  # fmt: skip
    """Assert that every network's outputs are the reference's."""
    if missing(toolchain) is not None:
        pytest.skip("QEMU or the compiler is not installed")
    images = [subject.images for subject, _, _ in networks]

    found = run_on_qemu([(program, layout) for _, program, layout in networks], images, toolchain, optimisation)

    for (subject, _, _), outputs in zip(networks, found, strict=True):
        wanted = reference_outputs(subject.content, subject.images)
        np.testing.assert_array_equal(outputs, wanted, err_msg=subject.name)


@pytest.mark.parametrize(("toolchain", "optimisation"), [("gnu", "-O2"), ("gnu", "-Os"), ("zig", "-O2")])
def test_exact(toolchain: str, optimisation: str) -> None:
    # With its sizes as constants a layer takes longer to compile: each toolchain has others.
    chosen = list(subjects()) if optimisation == "-Os" else list(subjects())[3 * (toolchain == "gnu") :: 6]
    programs = [build_program(subject.content, TARGET) for subject in chosen]

    check_on_qemu(
        [(one, each, plan(each)) for one, each in zip(chosen, programs, strict=True)], toolchain, optimisation
    )


def test_exact_at_the_limits_of_overlap() -> None:
    networks = []
    tables = (dense_table(), depthwise_table(), *TABLES.values())
    for name, case in [item for table in tables for item in table.items()][::6]:
        subject = case.subject(name)
        program = build_program(subject.content, TARGET)
        graph = program.graph
        overlap = program.steps[0].overlaps.get((graph.input, graph.output), Overlap())
        sizes = [graph.tensors[index].bytes for index in (graph.input, graph.output)]
        networks += [(subject, program, plan_at(program, delta)) for delta in limits(overlap, *sizes)]

    check_on_qemu(networks, "gnu", "-Os")
