"""CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED: generated C and numpy references equal TFLM byte for byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import (
    CLANG,
    LAST_WAY,
    PI_4,
    PI_4_SIZE,
    PI_5,
    SIZE_SANITISED,
    SPEED,
    SPEED_SANITISED,
    VARIANTS,
    Subject,
    Variant,
    check_exact,
)
from tests.compiler.layers import Arithmetic, Window
from tests.compiler.weighted_cases import ACTIVATIONS, Case, cases

CONV, DEPTHWISE, DENSE = "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"


def window_table(kind: str) -> dict[str, Case]:
    """Return cases for geometry."""
    table = {}
    for padding, word in ((PADDING_SAME, "same"), (PADDING_VALID, "valid")):
        for stride in (1, 2, 3):
            for size in ((5, 5), (6, 6), (7, 4), (4, 7)):
                name = f"{word} stride {stride} on {size[0]}x{size[1]}"
                table[name] = Case(kind, (*size, 2), 3, Window((3, 3), (stride, stride), (1, 1), padding))
    base = Case(kind, (6, 7, 3), 2)
    windows = {
        "even kernel": Window((2, 2)),
        "1x5 kernel": Window((1, 5)),
        "5x1 kernel": Window((5, 1)),
        "kernel larger than the image": Window((9, 11)),
        "kernel as large as the image": Window((6, 7), padding=PADDING_VALID),
        "1x1 kernel": Window((1, 1)),
        "1x1 kernel, stride 2": Window((1, 1), (2, 2)),
        "unequal strides": Window((3, 3), (2, 1)),
        "stride beyond the kernel": Window((2, 2), (3, 3), padding=PADDING_VALID),
        "dilation": Window((3, 3), dilation=(2, 2)),
        "dilation down only": Window((3, 2), dilation=(2, 1)),
        "dilation across only": Window((2, 3), dilation=(1, 3)),
        "dilation, valid": Window((3, 3), dilation=(2, 3), padding=PADDING_VALID),
        "dilation and stride": Window((3, 3), (2, 2), (2, 2)),
        "dilation beyond the image": Window((3, 3), dilation=(7, 8)),
    }
    table |= {name: replace(base, window=window) for name, window in windows.items()}
    table |= {
        "one pixel": replace(base, size=(1, 1, 3)),
        "one pixel, 1x1 kernel": replace(base, size=(1, 1, 3), window=Window((1, 1))),
        "one column": replace(base, size=(8, 1, 3)),
        "one row": replace(base, size=(1, 8, 3)),
        "one output column of three": replace(base, size=(4, 3, 3), window=Window(padding=PADDING_VALID)),
        "two output columns": replace(base, size=(3, 2, 3)),
    }
    return table


def channel_table(kind: str) -> dict[str, Case]:
    """Return cases for channel counts."""
    base = Case(kind, (1, 1, 3) if kind == DENSE else (4, 5, 3))
    places = base.size[:2]
    table = {f"{count} outputs per channel": replace(base, out_channels=count) for count in range(1, 14)}
    return table | {f"{count} input channels": replace(base, size=(*places, count)) for count in range(1, 14)}


def arithmetic_table(kind: str) -> dict[str, Case]:
    """Return cases for scales, zero points, biases and activations."""
    base = Case(kind, (1, 1, 21) if kind == DENSE else (4, 5, 3), 5)
    table = {f"activation {activation}": Arithmetic(activation=activation) for activation in ACTIVATIONS}
    for activation in (1, 2, 3):
        table[f"activation {activation} at -128"] = Arithmetic(activation=activation, zero_point=-128)
        table[f"activation {activation} at 127"] = Arithmetic(activation=activation, zero_point=127)
        table[f"activation {activation}, coarse"] = Arithmetic(activation=activation, multiplier=2.0**-16)
    for exponent in (-33, -32, -31, -30, -29, -24, -20, -16, -12, -8, -4, -1, 0, 1, 3, 8):
        table[f"multiplier 2^{exponent}"] = Arithmetic(multiplier=2.0**exponent)
        table[f"multiplier 1.37 * 2^{exponent}"] = Arithmetic(multiplier=1.37 * 2.0**exponent, per_channel=False)
        table[f"multiplier 0.999 * 2^{exponent}, large biases"] = Arithmetic(
            multiplier=0.999 * 2.0**exponent, bias=2**30
        )  # fmt: skip
    table |= {
        "no bias": Arithmetic(bias=None),
        "per tensor": Arithmetic(per_channel=False),
        "per tensor, no bias": Arithmetic(per_channel=False, bias=None),
        "dead channels": Arithmetic(weight_factors=(1.0, 1e-9, 1.0, 1e-30, 0.5)),
        "all channels dead": Arithmetic(weight_factors=(1e-12,), bias=1000),
        "dead channels, large biases": Arithmetic(weight_factors=(1.0, 1e-9, 1e-6), bias=2**30),
        "one very coarse channel": Arithmetic(weight_factors=(1.0, 1.0, 900.0)),
        "weights of -128": Arithmetic(lowest_weight=-128),
        "biases of 2^23": Arithmetic(bias=2**23),
        "biases of 2^29": Arithmetic(bias=2**29, multiplier=2.0**-23),
        "biases of 2^30": Arithmetic(bias=2**30, multiplier=2.0**-24),
    }
    result = {name: replace(base, arithmetic=arithmetic) for name, arithmetic in table.items()}
    for zero_point in (-128, 0, 127):
        for out_zero_point in (-128, 127):
            arithmetic = Arithmetic(zero_point=out_zero_point)
            name = f"zero points {zero_point} and {out_zero_point}"
            result[name] = replace(base, in_zero_point=zero_point, arithmetic=arithmetic)
    return result


def groups_table() -> dict[str, Case]:
    """Return grouped convolutions."""
    base = Case(CONV, (5, 4, 4), 6, groups=2)
    return {
        "two groups": base,
        "two groups, stride 2": replace(base, window=Window((3, 3), (2, 2))),
        "two groups, dilation": replace(base, window=Window((3, 3), (1, 1), (2, 2))),
        "two groups, 1x1": replace(base, window=Window((1, 1))),
        "as many groups as channels": replace(base, groups=4, out_channels=8),
        "three groups of five": replace(base, size=(5, 4, 3), groups=3, out_channels=15),
        "two groups, one output column": replace(base, size=(4, 3, 4), window=Window(padding=PADDING_VALID)),
    }


def short_rows_table() -> dict[str, Case]:
    """Return convolutions of one channel, whose window's rows are shorter than a word."""
    base = Case(CONV, (5, 6, 1), 5)
    return {
        "valid": replace(base, window=Window(padding=PADDING_VALID)),
        "two rows": replace(base, size=(2, 3, 1), window=Window((2, 3), padding=PADDING_VALID)),
        "one row": replace(base, window=Window((1, 3))),
        "three channels, one column": replace(base, size=(4, 3, 3), window=Window((3, 1))),
    }


def dense_table() -> dict[str, Case]:
    """Return dense layers over the last axis."""
    return {"over pixels": Case(DENSE, (3, 4, 7), 5), "over one pixel column": Case(DENSE, (3, 1, 2), 1)}


def vectors_table() -> dict[str, Case]:
    """Return layers of more channels and elements than a vector has."""
    pointwise, multiplied = Case(CONV, (3, 3, 17), 18, Window((1, 1))), Case(DEPTHWISE, (4, 5, 6), 3)
    table = {
        f"{n} features, {units} units": Case(DENSE, (1, 1, n), units) for n, units in ((16, 15), (37, 16), (50, 33))
    }
    table |= {f"{n} channels in, {n} out": replace(pointwise, size=(3, 3, n), out_channels=n) for n in (16, 20, 29, 31)}
    table |= {f"depthwise, {n} channels": Case(DEPTHWISE, (5, 4, n), 1) for n in (8, 9, 15, 16, 17, 24, 25, 33)}
    windows = (
        Window((5, 5)),
        Window((1, 3)),
        Window((4, 2), (2, 3)),
        Window((2, 2), (3, 3)),
        Window((2, 3), (1, 1), (3, 2)),
    )
    table |= {f"depthwise, {window}": Case(DEPTHWISE, (7, 8, 18), 1, window) for window in windows}
    return table | {
        "rows of 20": Case(CONV, (4, 5, 7), 20, Window((2, 3))),
        "two groups of 17": Case(CONV, (4, 4, 10), 34, groups=2),
        "17 channels at one column": Case(CONV, (5, 3, 5), 17, Window(padding=PADDING_VALID)),
        "18 outputs of 6 channels": multiplied,
        "9 outputs of a channel": replace(multiplied, size=(4, 5, 1), out_channels=9),
        "17 channels, coarse": replace(pointwise, out_channels=17, arithmetic=Arithmetic(multiplier=1.5)),
        "depthwise, 17 channels, coarse": Case(DEPTHWISE, (4, 5, 17), 1, arithmetic=Arithmetic(multiplier=1.5)),
        "17 channels, narrow": replace(pointwise, out_channels=17, arithmetic=Arithmetic(activation=3, zero_point=-20)),
    }


TABLES: dict[str, dict[str, Case]] = {
    "convolution windows": window_table(CONV),
    "depthwise windows": window_table(DEPTHWISE),
    "convolution channels": channel_table(CONV),
    "depthwise channels": channel_table(DEPTHWISE),
    "dense channels": channel_table(DENSE),
    "convolution arithmetic": arithmetic_table(CONV),
    "depthwise arithmetic": arithmetic_table(DEPTHWISE),
    "dense arithmetic": arithmetic_table(DENSE),
    "groups": groups_table(),
    "short rows": short_rows_table(),
    "dense rows": dense_table(),
    "vectors": vectors_table(),
}


BUILDS = {
    "size, sanitised": (SIZE_SANITISED, VARIANTS, 1),
    "size, sanitised, Cortex-M4": (SIZE_SANITISED, (Variant(apart=True, target="cortex-m4"),), 4),
    "size, sanitised, Cortex-M0+": (SIZE_SANITISED, (Variant(apart=True, target="cortex-m0plus", round=LAST_WAY),), 6),
    "size, sanitised, Cortex-M55": (SIZE_SANITISED, (Variant(apart=True, target="cortex-m55"),), 4),
    "speed, sanitised": (SPEED_SANITISED, (Variant(),), 24),
    "speed, sanitised, Cortex-M4": (SPEED_SANITISED, (Variant(apart=True, target="cortex-m4"),), 32),
    "speed, sanitised, Cortex-M0+": (
        SPEED_SANITISED,
        (Variant(apart=True, target="cortex-m0plus", round=LAST_WAY),),
        32,
    ),
    "size, sanitised, Cortex-M3": (SIZE_SANITISED, (Variant(apart=True, target="cortex-m3"),), 6),
    "speed, sanitised, Cortex-M3": (SPEED_SANITISED, (Variant(apart=True, target="cortex-m3"),), 32),
    "speed, sanitised, Cortex-M55": (SPEED_SANITISED, (Variant(apart=True, target="cortex-m55"),), 24),
    "size, sanitised, Cortex-A72": (SIZE_SANITISED, (Variant(apart=True, target="cortex-a72"),), 6),
    "size, sanitised, Cortex-A76": (SIZE_SANITISED, (Variant(apart=True, target="cortex-a76"),), 12),
    "size, sanitised, WebAssembly": (SIZE_SANITISED, (Variant(apart=True, target="wasm-simd128"),), 16),
    "speed, sanitised, Cortex-A72": (SPEED_SANITISED, (Variant(apart=True, target="cortex-a72"),), 80),
    "speed, Cortex-A72": (PI_4, (Variant(target="cortex-a72"),), 24),
    "size, Cortex-A72": (PI_4_SIZE, (Variant(target="cortex-a72"),), 32),
    "speed, Cortex-A76": (PI_5, (Variant(target="cortex-a76"),), 24),
    "speed, x86-64": (SPEED, (Variant(target="x86-64"),), 12),
    "clang": (CLANG, (Variant(),), 12),
}
"""Toolchain, variants, and of how many cases one is taken: the kernels inlined take far longer to compile.

The instructions of other machines are written out in C, so that the sanitizers see what their bodies read; the real
ones run in test_emulated_layers, but for 64-bit Arm's, which are emulated here, and WebAssembly's, which run in
tests/page/test_simd.py.
"""


def chosen(table: str, every: int, first: int) -> list[Subject]:
    """Return one of ``every`` cases of a table, at least one."""
    named = [(f"{table}: {name}", case) for name, case in TABLES[table].items()]
    return [case.subject(name) for name, case in named[first % min(every, len(named)) :: every]]


@pytest.mark.parametrize("build", BUILDS)
def test_exact(build: str, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    """All tables are one program: what a build takes is for the kernels, which are in it once."""
    toolchain, variants, every = BUILDS[build]
    if not toolchain.available:
        pytest.skip(f"{toolchain} is not installed")
    subjects = [subject for table in TABLES for subject in chosen(table, every, len(build))]

    check_exact(subjects, tflm, witness, [toolchain], variants)


def test_any_layer_is_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    """All that is drawn is one program."""
    subjects: list[Subject] = []

    def draw(kind: str) -> None:
        @settings(
            deadline=None, derandomize=True, max_examples=4, phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )  # fmt: skip
        @given(st.lists(cases(kind), min_size=20, max_size=30))
        def add(drawn: list[Case]) -> None:
            subjects.extend(case.subject(f"{len(subjects) + number}: {case!r}") for number, case in enumerate(drawn))

        add()

    for kind in (CONV, DEPTHWISE, DENSE):
        draw(kind)
    check_exact(subjects, tflm, witness)
