"""The rows of a depthwise layer's plane that bodies hold: how many, and that none is overwritten before it is read."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from edgemnist.compiler.bodies.base import in_place, reads_first
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID, Padding
from edgemnist.compiler.targets import TARGETS
from edgemnist.mcu.toolchain import TOOLCHAINS
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import (
    LAST_WAY,
    SIZE_SANITISED,
    SMALL,
    SPEED_SANITISED,
    Toolchain,
    Variant,
    build_program,
    check_exact,
)
from tests.compiler.layers import Arithmetic, Layers, Window
from tests.compiler.test_emulated_layers import check_on_core, half
from tests.compiler.test_weighted_layers import DEPTHWISE
from tests.compiler.weighted_cases import Case


def square(size: int, kernel: int, stride: int = 1, channels: int = 8, multiplier: int = 1) -> Geometry:
    """Return the geometry of a square image with a border on every side as wide as half of the kernel."""
    pad = kernel // 2
    out = (size + 2 * pad - kernel) // stride + 1
    border = Padding(pad, pad, pad, pad)
    return Geometry(
        size, size, channels, out, out, channels * multiplier, kernel, kernel, stride, stride, 1, 1, border
    )  # fmt: skip


SCRATCH = {
    ("portable", square(14, 3)): (6, 6 * 16),
    ("portable", square(14, 3, stride=2)): (9, 9 * 16),
    ("portable", square(2, 3)): (4, 4 * 4),
    ("cortex-m4", square(14, 3)): (0, 4 * 2 * 16),
    ("cortex-m4", square(14, 5)): (6, 6 * 2 * 20 + 5 * 3 * 4),
    ("cortex-m55", square(14, 5)): (5, 124),
    ("cortex-m3", square(14, 3)): (0, 4 * 4 * 16),
    ("cortex-m3", square(14, 5)): (8, 8 * 20),
    ("cortex-m0plus", square(14, 3)): (0, 3 * 4 * 16),
    ("cortex-m0plus", square(14, 5, stride=2)): (11, 11 * 20),
}


@pytest.mark.parametrize(("target", "geometry"), SCRATCH, ids=str)
def test_a_few_rows_are_held(target: str, geometry: Geometry) -> None:
    body = TARGETS[target].depthwise

    assert (body.rows(geometry), body.scratch(geometry)) == SCRATCH[target, geometry]


def test_rows_are_read_before_they_are_overwritten() -> None:
    high = Geometry(6, 5, 4, 8, 3, 4, 3, 3, 1, 1, 1, 1, Padding(4, 0, 0, 0))

    assert in_place(high)
    assert [reads_first(high, 2, held) for held in (4, 5, 10)] == [False, False, True]
    assert all(target.depthwise.rows(high) == high.plane_height for target in TARGETS.values())
    assert not in_place(square(6, 3, multiplier=2))
    assert reads_first(square(6, 3), 2, 4)


@dataclass(frozen=True)
class Padded(Case):
    """A depthwise layer behind a PAD: top, left, bottom, right."""

    border: tuple[int, int, int, int] = (0, 0, 0, 0)

    def content(self) -> bytes:
        """Return the model."""
        layers = Layers.seeded(self.seed)
        padded = layers.pad(layers.input((1, *self.size), zero_point=self.in_zero_point), *self.border)
        return layers.finish(layers.depthwise(padded, self.out_channels, self.window))


BORDERS = ((1, 1, 1, 1), (4, 0, 0, 0), (3, 4, 5, 6), (0, 2, 0, 2), (0, 1, 0, 3), (2, 0, 3, 0))
WINDOWS = [
    *[Window(kernel, padding=PADDING_VALID) for kernel in ((3, 3), (2, 3), (1, 3), (5, 1))],
    Window((3, 3), (2, 2), padding=PADDING_VALID),
]


def padded_layers() -> dict[str, Case]:
    """Return layers whose borders are as no padding option makes them."""
    return {
        f"{size} in {border}, {window}": Padded(DEPTHWISE, size, 1, window, border=border)
        for size in ((6, 5, 2), (7, 6, 3))
        for border in BORDERS
        for window in WINDOWS
    }


def step_table() -> dict[str, Case]:
    """Return layers most of whose channels, all or hardly any have a step function, and row lengths for their ends."""
    factors = (1.0, 0.3, 1e-9, 2.5)
    positive = Arithmetic(activation=1, zero_point=-128, weight_factors=factors)
    mixed = Arithmetic(zero_point=-4, multiplier=0.002, weight_factors=(1.0, 0.5, 0.8), bias=60_000)
    limited = Arithmetic(activation=3, zero_point=-128, multiplier=0.002, weight_factors=factors)
    table: dict[str, Case] = {}
    for (number, kernel), stride in product(enumerate(((3, 3), (1, 9), (9, 1), (5, 5))), (1, 2)):
        for kind, arithmetic in {"rectified": positive, "mixed": mixed, "limited": limited}.items():
            size, window = (9 + number, 10 + stride, 8), Window(kernel, (stride, stride))
            table[f"{kind}, {window}"] = Case(DEPTHWISE, size, 1 + number % 2, window, arithmetic)
    table["one column"] = Case(DEPTHWISE, (23, 1, 5), 1, Window((9, 1)), positive)
    table["one column, wide kernel"] = Case(DEPTHWISE, (23, 1, 5), 1, Window((3, 2)), positive)
    table["dilated"] = Case(DEPTHWISE, (9, 8, 5), 1, Window((3, 3), dilation=(2, 2)), positive)
    return table


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("optimisation", ["-O2", "-Os", SMALL])
def test_step_functions_are_exact(toolchain: str, optimisation: str) -> None:
    programs = {
        name: build_program(case.content(), Variant(target="cortex-m0plus", round=LAST_WAY))
        for name, case in step_table().items()
    }
    factors = [program.steps[0].arrays[1].values[1::2, 1] for name, program in programs.items() if "mixed" in name]
    functions = {program.steps[0].function for program in programs.values()}

    assert {"em_depthwise_conv_2d_step", "em_depthwise_conv_2d_3x3_step"} <= functions
    assert all(0 < np.count_nonzero(channel) < len(channel) for channel in factors)
    check_on_core(half(step_table(), toolchain, optimisation), "cortex-m0plus", toolchain, optimisation)


CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "rv32imc")
KERNELS = ((1, 9), (9, 1), (5, 5), (3, 3), (1, 3), (4, 1), (2, 17), (17, 2))


def kernels_table() -> dict[str, Case]:
    """Return layers for blocks in a row and below one another: kernels, distances and what four do not divide."""
    windows = [Window(kernel, padding=padding) for kernel in KERNELS for padding in (PADDING_SAME, PADDING_VALID)]
    windows += [Window(kernel, (2, 2)) for kernel in KERNELS]
    windows += [Window(kernel, dilation=apart) for kernel in KERNELS[:4] for apart in ((2, 2), (1, 3), (3, 1))]
    windows += [Window(kernel, (3, 1)) for kernel in ((1, 1), (1, 2), (5, 2))]
    table: dict[str, Case] = {}
    for number, window in enumerate(windows):
        size = ((11, 9, 2), (9, 5, 3), (21, 3, 2), (18, 18, 1))[number % 4]
        if window.padding == PADDING_VALID:
            size = (window.kernel[0] + 5, window.kernel[1] + number % 6, 2)
        arithmetic = Arithmetic(activation=number % 4, zero_point=(-128, -5, 64)[number % 3])
        table[f"{size}, {window}"] = Case(DEPTHWISE, size, 1 + number % 5 // 4, window, arithmetic)
    for kernel, stride in product(((9, 1), (3, 1), (1, 1)), (1, 2)):
        for padding in (PADDING_SAME, PADDING_VALID):
            column = Window(kernel, (stride, 1), padding=padding)
            row = Window(kernel[::-1], (1, stride), padding=padding)
            table[f"a column, {column}"] = Case(DEPTHWISE, (23, 1, 3), stride, column)
            table[f"a row, {row}"] = Case(DEPTHWISE, (1, 23, 3), stride, row)
    table["no usual multiplier"] = Case(DEPTHWISE, (13, 5, 2), 1, Window((9, 1)), Arithmetic(multiplier=1.5))
    return table


def lines_table() -> dict[str, Case]:
    """Return layers that are done line by line: rows and columns of blocks, of what is left of them, and of borders."""
    both = (PADDING_SAME, PADDING_VALID)
    windows = [
        Window((1, taps), (1, stride), padding=padding)
        for taps, stride, padding in product((1, 2, 3, 5), (1, 2), both)
        if stride <= taps
    ]
    windows += [Window((1, 3), dilation=(1, apart), padding=padding) for apart, padding in product((2, 3), both)]
    windows += [Window((taps, 1), (2, 1), padding=padding) for taps, padding in product((2, 3, 5), both)]
    table: dict[str, Case] = {}
    for number, window in enumerate(windows):
        size = ((13, 14, 2), (14, 17, 3), (15, 11, 1))[number % 3]
        arithmetic = Arithmetic(activation=number % 4, zero_point=(-128, -5, 64)[number % 3])
        table[f"lines of {size}, {window}"] = Case(DEPTHWISE, size, 1, window, arithmetic)
    table["lines, no usual multiplier"] = Case(DEPTHWISE, (5, 9, 3), 1, Window((1, 3)), Arithmetic(multiplier=1.5))
    return table


def function_of(case: Case, target: str) -> tuple[str, int]:
    """Return the function that does a layer, and its scratch."""
    step = build_program(case.content(), Variant(target=target)).steps[0]
    return step.function, step.scratch


def test_lines_need_no_scratch() -> None:
    table = lines_table()
    found = {target: {function_of(case, target) for case in table.values()} for target in ("cortex-m3", "cortex-m4")}
    dilated = Case(DEPTHWISE, (5, 9, 3), 1, Window((1, 3), dilation=(1, 2)))
    larger = Padded(DEPTHWISE, (5, 9, 3), 1, Window((1, 3), padding=PADDING_VALID), border=(0, 2, 0, 2))

    lines = {("em_depthwise_conv_2d_line", 0), ("em_depthwise_conv_2d_line_any", 0)}
    assert all(functions == lines for functions in found.values())
    assert function_of(dilated, "cortex-m55") == ("em_depthwise_conv_2d_line", 0)
    assert function_of(larger, "cortex-m4")[0].startswith("em_depthwise_conv_2d_by")
    assert function_of(dilated, "cortex-m0plus")[0].startswith("em_depthwise_conv_2d_by")


@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4", "rv32imc"])
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_lines_are_exact(core: str, toolchain: str) -> None:
    check_on_core(lines_table(), core, toolchain, "-O2")


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("optimisation", ["-O2", SMALL])
def test_any_kernel_is_exact(core: str, toolchain: str, optimisation: str) -> None:
    """Each toolchain and level has a quarter of them, each core's another: an image of all takes long to compile."""
    first = 2 * [*TOOLCHAINS].index(toolchain) + (optimisation == SMALL) + CORES.index(core)
    check_on_core(dict([*kernels_table().items()][first % 4 :: 4]), core, toolchain, optimisation)


@pytest.mark.parametrize("target", ["portable", "cortex-m0plus", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("compiled", [SPEED_SANITISED, SIZE_SANITISED], ids=["speed", "size"])
def test_any_kernel_is_exact_in_plain_c(target: str, compiled: Toolchain, tflm: RuntimeWorker) -> None:
    table = {**kernels_table(), **lines_table(), **(step_table() if target == "cortex-m0plus" else {})}
    every = 36 if compiled is SPEED_SANITISED else 2  # the kernels inlined take far longer to compile
    subjects = [case.subject(name) for name, case in [*table.items()][len(target) % every :: every]]

    check_exact(subjects, tflm, None, [compiled], [Variant(target=target), Variant(target=target, round=LAST_WAY)])


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3", "cortex-m4"])
def test_any_border_is_exact_in_place(core: str) -> None:
    layers = padded_layers()
    steps = [build_program(case.content(), Variant(target=core)).steps[0] for case in layers.values()]
    kept = [{field.name: field.value for field in step.parameters if hasattr(field, "value")} for step in steps]
    whole = [sizes["rows"] == sizes["plane_height"] for sizes in kept]

    assert any(step.overlaps and all_rows for step, all_rows in zip(steps, whole, strict=True))
    check_on_core(layers, core, "zig", "-Os")
