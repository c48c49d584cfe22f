"""The bodies of Cortex-M cores on the instructions that they are for: emulated, equal to the numpy references."""

from __future__ import annotations

import functools
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edgemnist.compiler.emit import kernel_files
from edgemnist.compiler.fixedpoint import Multiplier, multiply_by_quantised_multiplier
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.compiler.memory import plan
from edgemnist.compiler.reader import read_graph
from edgemnist.mcu.boards import boards
from edgemnist.mcu.build import BuildSettings, build_firmware, for_core
from edgemnist.mcu.cores import find_core
from edgemnist.mcu.toolchain import TOOLCHAINS
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import LAST_WAY, SMALL, Variant, build_program, reference_outputs
from tests.compiler.emulated import Machine, build, build_networks
from tests.compiler.layers import Arithmetic, Window, random_images
from tests.compiler.test_depthwise_pixels import apart_table
from tests.compiler.test_emit import wide_model
from tests.compiler.test_operators_arithmetic import table as arithmetic_table
from tests.compiler.test_operators_mean import TABLE as MEANS
from tests.compiler.test_operators_pairs import TABLE as LARGER_AND_SMALLER
from tests.compiler.test_operators_softmax import TABLE as SOFTMAX
from tests.compiler.test_operators_transpose_conv import TABLE as TRANSPOSED
from tests.compiler.test_pooling import KINDS
from tests.compiler.test_pooling import Case as PoolCase
from tests.compiler.test_pooling import table as pool_table
from tests.compiler.test_several_images import net as several_images
from tests.compiler.test_weighted_layers import CONV, DENSE, DEPTHWISE, TABLES
from tests.compiler.weighted_cases import Case, cases

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4")
on_every_core = pytest.mark.parametrize("core", CORES)


@functools.cache
def available(toolchain: str, core: str) -> bool:
    return TOOLCHAINS[toolchain].available(find_core(core)) is None


def check_on_core(drawn: dict[str, Case], core: str, toolchain: str, optimisation: str, sparse: str = "auto") -> None:
    """Assert that every case's output is the reference's, for the border and random images that subjects have."""
    if not available(toolchain, core):
        pytest.skip(f"{toolchain} is not installed")
    target = find_core(core).target
    # All in one program, which has one target's bodies: those of RISC-V, by costs, may be the portable ones.
    rounds = (0 if target == "rv32" else None, 0, LAST_WAY)
    programs = [
        build_program(case.content(), Variant(target=target, sparse=sparse, round=rounds[number % 3]))
        for number, case in enumerate(drawn.values())
    ]
    networks = [(program, plan(program)) for program in programs]
    machine = Machine(build_networks(networks, find_core(core), toolchain, optimisation), find_core(core))
    for number, ((name, case), (program, layout)) in enumerate(zip(drawn.items(), networks, strict=True)):
        images = random_images((1, *case.size), case.seed)
        for image, wanted in zip(images, reference_outputs(case.content(), images), strict=True):
            found = machine.run(number, program, layout, image)
            np.testing.assert_array_equal(found, wanted, err_msg=f"{name}: {case}")


def check_networks_on_core(contents: list[bytes], core: str, toolchain: str, optimisation: str) -> None:
    """Assert that the output of every network, of one input, is the reference's for border and random values."""
    if not available(toolchain, core):
        pytest.skip(f"{toolchain} is not installed")
    programs = [build_program(content, Variant(target=find_core(core).target)) for content in contents]
    networks = [(program, plan(program)) for program in programs]
    machine = Machine(build_networks(networks, find_core(core), toolchain, optimisation), find_core(core))
    for number, (content, network) in enumerate(zip(contents, networks, strict=True)):
        graph = read_graph(parse_tflite(content))
        images = random_images(graph.tensors[graph.input].shape, number)
        for image, wanted in zip(images, reference_outputs(content, images), strict=True):
            found = machine.run(number, *network, image)
            np.testing.assert_array_equal(found, wanted, err_msg=f"{number}: {network[0].steps[0].parameters}")


def bodies_table() -> dict[str, Case]:
    """Return layers of the sizes that the bodies have their own code for."""
    pointwise = Window((1, 1))
    table = {f"{n} channels in": Case(CONV, (3, 3, n), 5, pointwise) for n in (1, 2, 3, 4, 5, 7, 8, 11, 12, 16, 17)}
    table |= {f"{n} channels out": Case(CONV, (1, 3, 8), n, pointwise) for n in range(1, 8)}
    table |= {f"{n} features": Case(DENSE, (1, 1, n), 7) for n in (3, 4, 8, 31, 511, 512, 513, 1030)}
    table |= {f"rows of {3 * n}": Case(CONV, (6, 7, n), 6, Window((3, 3))) for n in (1, 2, 4, 5, 58)}
    for padding, size in product((PADDING_SAME, PADDING_VALID), ((2, 3, 1), (2, 7, 1), (5, 8, 1), (6, 3, 1))):
        name = f"rows of three, {size}, padding {padding}"
        table[name] = Case(CONV, size, 3, Window((2, 3), padding=padding))
    for stride, dilation, kernel in product((1, 2, 3), (1, 2), ((3, 3), (2, 3), (1, 3), (4, 3), (3, 2))):
        window = Window(kernel, (stride, stride), (dilation, dilation) if stride == 1 else (1, 1))
        table[f"depthwise {window}"] = Case(DEPTHWISE, (7, 6 + stride, 3), 1 + stride % 2, window)
    sizes = ((1, 1, 2), (2, 1, 1), (1, 2, 3), (3, 3, 2), (4, 5, 3), (5, 8, 2), (2, 13, 1))
    for (number, size), stride in product(enumerate(sizes), (1, 2)):
        arithmetic = Arithmetic(activation=number % 4, zero_point=(-128, -5, 64)[number % 3])
        window = Window((3, 3), (stride, stride))
        table[f"depthwise, {size}, stride {stride}"] = Case(DEPTHWISE, size, 1 + number % 2, window, arithmetic)
    for kernel in ((1, 5), (5, 1), (5, 5)):
        table[f"depthwise, {kernel}"] = Case(DEPTHWISE, (6, 7, 2), 1, Window(kernel))
    table |= apart_table()
    largest = Arithmetic(lowest_weight=127)
    table["all weights 127"] = Case(DENSE, (1, 1, 1030), 4, arithmetic=largest, in_zero_point=127)
    return table


def words_table() -> dict[str, Case]:
    """Return layers for bodies that do four pixels at a time: lengths of groups, pixels of a column, step functions."""
    table = {}
    for largest, (low, high) in {"-128": (-128, -128), "85": (-85, 85), "40": (-40, 40)}.items():
        arithmetic = Arithmetic(lowest_weight=low, highest_weight=high)
        for taps in (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 15, 24, 35):
            table[f"{taps} weights up to {largest}"] = Case(CONV, (2, 3, taps), 3, Window((1, 1)), arithmetic)
    for height, groups in product(range(1, 8), (1, 2)):
        window = Window((3, 1), (1 + height % 2, 1), padding=PADDING_SAME if groups == 1 else PADDING_VALID)
        if height >= 3 or groups == 1:
            table[f"column of {height}, {groups} groups"] = Case(CONV, (height, 1, 4), 6, window, groups=groups)
    positive = Arithmetic(activation=1, zero_point=-128, weight_factors=(1.0, 0.3, 1e-9, 2.5))
    # Channels whose outputs have both signs have no step function.
    mixed = Arithmetic(zero_point=-124, weight_factors=(1.0, 0.3, 1e-9, 2.5), bias=200_000)
    others = Arithmetic(zero_point=-124, weight_factors=(1.0, 0.1, 0.05), bias=60_000)
    for name, arithmetic in {"rectified": positive, "mixed": mixed, "mixed windows": others}.items():
        table[f"{name}, pixels"] = Case(CONV, (5, 5, 3), 5, Window((1, 1)), arithmetic)
        table[f"{name}, windows"] = Case(CONV, (5, 7, 3), 5, Window((3, 2)), arithmetic)
        table[f"{name}, groups"] = Case(CONV, (6, 5, 4), 6, Window((2, 3)), arithmetic, groups=2)
        table[f"{name}, column"] = Case(CONV, (17, 1, 3), 5, Window((3, 1)), arithmetic)
    return table


def half(table: dict[str, Case], toolchain: str, optimisation: str) -> dict[str, Case]:
    """Return every other case: each is compiled by each toolchain and at both levels, though not by each at each.

    Of a program most of what it takes is the compiling of its cases.
    """
    first = ([*TOOLCHAINS].index(toolchain) + (optimisation == "-O2")) % 2
    return dict([*table.items()][first::2])


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3"])
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("optimisation", ["-O2", "-Os"])
def test_pixels_in_words_are_exact(core: str, toolchain: str, optimisation: str) -> None:
    check_on_core(half(words_table(), toolchain, optimisation), core, toolchain, optimisation)


@pytest.mark.slow
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3"])
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("level", [0, 1, 3])
def test_pixels_in_words_are_exact_at_other_levels(core: str, toolchain: str, level: int) -> None:
    """Each toolchain and level has a sixth of them: without optimisation the emulated cores take long."""
    first = 2 * (0, 1, 3).index(level) + [*TOOLCHAINS].index(toolchain)
    check_on_core(dict([*words_table().items()][first::6]), core, toolchain, f"-O{level}")


def parts_table() -> dict[str, Case]:
    """Return layers whose windows are so large that they are taken in parts."""
    mixed = Arithmetic(zero_point=-124, weight_factors=(1.0, 0.3, 1e-9, 2.5), bias=200_000)
    return {
        "5 x 5": Case(CONV, (5, 7, 24), 5, Window((5, 5))),
        "4 x 3, any multiplier": Case(
            CONV, (6, 5, 60), 3, Window((4, 3)), Arithmetic(multiplier=1.5, weight_factors=(1.0,))
        ),
        "3 x 3, strides": Case(CONV, (7, 7, 70), 6, Window((3, 3), (2, 2)), mixed),
        "column": Case(CONV, (9, 1, 90), 4, Window((5, 1))),
    }


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3"])
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_windows_in_parts_are_exact(core: str, toolchain: str) -> None:
    for case in parts_table().values():
        steps = build_program(case.content(), Variant(target=core, sparse="never")).steps
        assert {field.name: field.value for field in steps[0].parameters}["part_rows"] == (
            case.window.kernel[0] + 1
        ) // 2

    check_on_core(parts_table(), core, toolchain, "-O2", sparse="never")


@on_every_core
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("optimisation", ["-O2", SMALL])
def test_sizes_with_code_of_their_own_are_exact(core: str, toolchain: str, optimisation: str) -> None:
    check_on_core(half(bodies_table(), toolchain, optimisation), core, toolchain, optimisation)


LEVELS = [(core, level) for core in CORES for level in ("-O0", "-Og", "-O1", "-O3", "-Os")]


@functools.cache
def instructions_and_code(core: str, optimisation: str) -> tuple[int, int]:
    """Return what an inference of a net takes that gcc made at a level, and the bytes of its code."""
    content = wide_model()
    program = build_program(content, Variant(target=core))
    layout = plan(program)
    machine = Machine(build_networks([(program, layout)], find_core(core), "gnu", optimisation), find_core(core))
    board = next(board for board in boards().values() if board.core.name == core)
    settings = for_core(BuildSettings(toolchain="gnu", flags=(optimisation,)), board)
    with tempfile.TemporaryDirectory() as folder:
        image = build_firmware(parse_tflite(content), board, settings, Path(folder))
    return machine.instructions(0, program, layout, random_images((1, 9, 8, 3), 1)[0]), image.sizes.model_code


@pytest.mark.parametrize(("core", "level"), LEVELS)
def test_as_fast_at_every_optimisation_of_gcc(core: str, level: str) -> None:
    if not available("gnu", core):
        pytest.skip("gnu is not installed")
    counted, code = instructions_and_code(core, level)
    usual, usual_code = instructions_and_code(core, "-O2")

    assert counted <= 1.1 * usual
    assert code <= 1.3 * usual_code


@on_every_core
def test_weights_that_a_body_cannot_take_get_the_portable_one(core: str) -> None:
    case = Case(CONV, (4, 4, 8), 8, arithmetic=Arithmetic(lowest_weight=-128))

    program = build_program(case.content(), Variant(target=core))

    assert program.settings.portable_bodies == (core == "cortex-m4")
    check_on_core({"weights of -128": case}, core, "zig", "-O2")


@on_every_core
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_other_operators_are_exact(core: str, toolchain: str) -> None:
    pools = [case for kind in KINDS for case in list(pool_table(kind).values())[::17]]
    pools += [PoolCase(kind, (20, 18, 9), Window((18, 16), (2, 2), padding=PADDING_VALID)) for kind in KINDS]
    networks = [case.subject(str(case)).content for case in pools] + [
        *list(MEANS.values())[::4],
        *(several_images(3, *size) for size in ((5, 6, 3), (4, 3, 8))),  # of 90 and 96 bytes each
        *list(SOFTMAX.values())[::2],
        *list(arithmetic_table("MUL").values())[::4],
        *list(TRANSPOSED.values())[::2],
        *list(LARGER_AND_SMALLER.values())[::3],
    ]

    check_networks_on_core(networks, core, toolchain, "-O2")


@on_every_core
@pytest.mark.slow
def test_tables_are_exact(core: str) -> None:
    """Each core has others: bodies_table() has the sizes that they tell apart."""
    every = [(f"{table}: {name}", case) for table, cases in TABLES.items() for name, case in cases.items()]

    check_on_core(dict(every[CORES.index(core) :: 16]), core, "zig", "-O2")


@on_every_core
@pytest.mark.slow
def test_any_layer_is_exact(core: str) -> None:
    @settings(
        deadline=None, derandomize=True, max_examples=1, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(st.lists(st.one_of([cases(kind) for kind in (CONV, DEPTHWISE, DENSE)]), min_size=16, max_size=20))
    def check(drawn: list[Case]) -> None:
        check_on_core({str(number): case for number, case in enumerate(drawn)}, core, "zig", "-O2")

    check()


REQUANTISE = """#include "em_common.h"
int32_t requantise(int32_t accumulator, int32_t multiplier, int32_t unit, int32_t shift);
int32_t requantise(int32_t accumulator, int32_t multiplier, int32_t unit, int32_t shift)
{
  return em_requantise(accumulator, multiplier, unit, shift);
}
"""


@on_every_core
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("optimisation", ["-O2", SMALL])
def test_requantisation_is_exact(core: str, toolchain: str, optimisation: str) -> None:
    if not available(toolchain, core):
        pytest.skip(f"{toolchain} is not installed")
    sources = {"networks.c": REQUANTISE, **kernel_files(["em_common.h"])}
    machine = Machine(build(sources, find_core(core), toolchain, optimisation), find_core(core))
    generator = np.random.default_rng(5)
    edges = [0, 1, -1, 32767, 32768, -32768, -32769, 65535, 65536, 2**30 - 1, 1 - 2**30]
    mantissas = [0, 1, 65535, 65536, 2**30, 2**30 + 32768, 2**31 - 65536, 2**31 - 1]
    calls = [(value, mantissa, 0, 7) for value in edges for mantissa in mantissas]
    for _ in range(1000):
        shift = int(generator.integers(1, 24))
        value = int(generator.integers(-(2**30), 2**30)) >> int(generator.integers(0, 29))
        calls.append((value, int(generator.integers(0, 2**31)), int(generator.integers(-128, 128)), shift))
    for value, mantissa, zero_point, shift in calls:
        if abs(zero_point) * 2**shift + 2 ** (shift - 1) + abs(value * mantissa >> 31) + 2 >= 2**31:
            continue
        wanted = zero_point + int(multiply_by_quantised_multiplier(value, Multiplier(mantissa, -shift)))
        found = machine.call("requantise", value, mantissa, 2 * zero_point + 1, shift)
        assert found == wanted, (value, mantissa, zero_point, shift)
