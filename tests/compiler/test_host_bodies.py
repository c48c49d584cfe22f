"""The bodies for x86-64 with each set of instructions, and written out in C: all equal to TFLM."""

from __future__ import annotations

import platform
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edgemnist.compiler import host_cpu
from edgemnist.compiler.bodies.lanes import Lanes
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.compiler.host import host_compiler
from edgemnist.compiler.host_cpu import BODIES, HostBody, bodies_here, body_for, named_target
from edgemnist.runner import RuntimeWorker
from edgemnist.runtimes.host_c import HostCRuntime
from tests.compiler import test_operators_arithmetic, test_operators_mean, test_pooling
from tests.compiler.bench import (
    HOST,
    SIZE_SANITISED,
    SPEED_SANITISED,
    Subject,
    Toolchain,
    Variant,
    check_exact,
    check_exact_together,
)
from tests.compiler.host_flags import fewer, flags_here, runs_here
from tests.compiler.layers import Arithmetic, Layers, Window, random_images
from tests.compiler.operators import assert_exact_at_limits, images_for
from tests.compiler.test_operators_mean import mean_model
from tests.compiler.test_weighted_layers import CONV, DENSE, DEPTHWISE, TABLES
from tests.compiler.weighted_cases import Case, cases

TARGET = "x86-64-v3"
VARIANT = Variant(target=TARGET)
APART = Variant(target=TARGET, apart=True)
VECTORS = [body for body in BODIES if body.target == TARGET]
CLANG = {body: Toolchain(f"clang -O2 {body.name}", "clang", ("-std=c99", "-O2", *flags_here(body))) for body in VECTORS}
SANITISED = {
    body: Toolchain(f"gcc -O1 sanitised {body.name}", "gcc", (*SPEED_SANITISED.flags, *flags_here(body)))
    for body in VECTORS
}
SIZE = {
    body: Toolchain(f"gcc -Os sanitised {body.name}", "gcc", (*SIZE_SANITISED.flags, *flags_here(body)))
    for body in VECTORS
}
with_each_body = pytest.mark.parametrize("body", VECTORS, ids=[body.name for body in VECTORS])


def require(body: HostBody, *compilers: str) -> None:
    if not runs_here(body):
        pytest.skip(f"this CPU has no {body.name}, and nothing stands in for it")
    for compiler in compilers:
        if shutil.which(compiler) is None:
            pytest.skip(f"{compiler} is not installed")


def sizes_table() -> dict[str, Case]:
    """Return layers of the sizes at which the bodies change their way."""
    pointwise, valid = Window((1, 1)), Window(padding=PADDING_VALID)
    table = {f"{n} channels in": Case(CONV, (3, 3, n), 5, pointwise) for n in (1, 2, 3, 4, 5, 7, 63, 64, 65, 130)}
    table |= {f"{n} channels out": Case(CONV, (1, 3, 8), n, pointwise) for n in (1, 15, 16, 17, 31, 32, 33, 48, 50)}
    table |= {f"{n} pixels": Case(CONV, (1, n, 5), 18, pointwise) for n in (2, 6, 7, 8, 9, 15, 16, 17, 47, 48, 80, 81)}
    table |= {f"{n} pixels, fewer out": Case(CONV, (1, n, 70), 3, pointwise) for n in (31, 32, 33, 64)}
    table |= {f"{n} features": Case(DENSE, (1, 1, n), 17) for n in (1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 250)}
    table |= {f"rows of {n}": Case(CONV, (4, n, 2), 17, valid) for n in (3, 4, 7, 8, 10, 18, 19, 20, 35)}
    table |= {f"depthwise, {n} channels": Case(DEPTHWISE, (4, 3, n), 1) for n in (1, 7, 8, 9, 15, 16, 17, 32, 33)}
    table |= {f"{n} outputs of a channel": Case(DEPTHWISE, (4, 3, 3), n) for n in (2, 5, 6, 11)}
    for height, dilation, stride in product((1, 3, 4, 5, 9), (1, 2), (1, 3)):
        window = Window((height, 2), (stride, 1) if dilation == 1 else (1, 1), (dilation, 1))
        table[f"depthwise, {window}"] = Case(DEPTHWISE, (7, 3, 3), 1, window)
    base = Case(CONV, (6, 7, 4), 18, Window((3, 3)), Arithmetic(lowest_weight=-128), in_zero_point=127)
    table["the largest activations"] = base
    table["the smallest activations"] = replace(base, in_zero_point=-128)
    table["dense, the largest activations"] = replace(base, kind=DENSE, size=(1, 1, 600))
    table["depthwise, the largest activations"] = replace(base, kind=DEPTHWISE, out_channels=1)
    return table


def subjects(table: dict[str, Case]) -> list[Subject]:
    return [case.subject(name) for name, case in table.items()]


@pytest.mark.parametrize(
    "body", [body for body in VECTORS if flags_here(body, stood_in=True) != body.flags], ids=lambda body: body.name
)
def test_what_stands_in_for_missing_instructions_is_exact(
    body: HostBody, tflm: RuntimeWorker, witness: RuntimeWorker
) -> None:
    require(body)
    flags = flags_here(body, stood_in=True)
    toolchain = Toolchain(f"gcc -O1 stood in {body.name}", "gcc", ("-std=c99", "-O1", *flags))

    check_exact(subjects(sizes_table())[::16], tflm, witness, [toolchain], [VARIANT])


def pooled_and_added() -> list[Subject]:
    """Return convolutions with a max pool or a residual behind them."""
    found = []
    for channels, pool, size in product((5, 33), ((2, 2), (3, 3), (1, 2), (2, 7)), ((7, 9, 3), (6, 14, 2))):
        layers = Layers.seeded(channels)
        features = layers.conv(layers.input((1, *size)), channels, Window((3, 3), (1, 1), (2, 1)))
        content = layers.finish(layers.pool("MAX_POOL_2D", features, Window(pool, pool, padding=PADDING_VALID)))
        found.append(Subject(f"pool {pool} of {channels} on {size}", content, random_images((1, *size), 3)))
    for size, padding in product(((5, 6, 7), (3, 1, 16), (4, 9, 18)), (PADDING_SAME, PADDING_VALID)):
        layers = Layers.seeded(size[1])
        image = layers.input((1, *size))
        window = Window((3, 3) if padding == PADDING_SAME else (1, 1), padding=padding)
        first = layers.conv(image, size[2], window)
        content = layers.finish(layers.add(layers.conv(first, size[2], window), image))
        found.append(Subject(f"residual {size}, padding {padding}", content, random_images((1, *size), 4)))
        layers = Layers.seeded(size[1])
        image = layers.input((1, *size))
        content = layers.finish(layers.add(image, layers.conv(image, size[2], window)))
        found.append(Subject(f"residual is the input {size}, {padding}", content, random_images((1, *size), 5)))
    return found


def others() -> dict[str, bytes]:
    """Return pools, means and additions."""
    found = {f"add, {name}": content for name, content in test_operators_arithmetic.table("ADD").items()}
    found |= {f"subtract, {name}": content for name, content in test_operators_arithmetic.table("SUB").items()}
    found |= {f"mean, {name}": content for name, content in test_operators_mean.TABLE.items()}
    for kind, channels in product(test_pooling.KINDS, (1, 7, 8, 15, 16, 17, 40)):
        window = Window((3, 2), (2, 2), padding=PADDING_SAME)
        case = test_pooling.Case(kind, (5, 7, channels), window, activation=channels % 4)
        found[f"{kind} of {channels}"] = case.subject(kind).content
    for channels in (8, 15, 16, 17, 33):
        shape = (1, 3, 5, channels)
        found[f"mean of {channels}"] = mean_model(shape, (1, 2), (0.1, 3), (0.07, 11))
        found[f"nested mean of {channels}"] = mean_model((1, 2, 3, 5, channels), (1, 3), (0.1, 3), (0.07, 11))
    return found


def other_subjects() -> list[Subject]:
    return [Subject(name, content, images_for(content), witnessed=False) for name, content in others().items()]


def of_tables(first: int, every: int) -> list[Subject]:
    """Return one of ``every`` layers of the tables that all targets share."""
    named = [(f"{table}: {name}", case) for table, rows in TABLES.items() for name, case in rows.items()]
    return [case.subject(name) for name, case in named[first::every]]


def any_layers() -> list[Subject]:
    """Return some dozens of drawn layers."""
    found: list[Subject] = []

    @settings(
        deadline=None, derandomize=True, max_examples=1, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(st.lists(st.one_of([cases(kind) for kind in (CONV, DEPTHWISE, DENSE)]), min_size=20, max_size=30))
    def draw(drawn: list[Case]) -> None:
        found.extend(case.subject(f"{number}: {case!r}") for number, case in enumerate(drawn))

    draw()
    return found


@with_each_body
def test_every_layer_is_exact(body: HostBody, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    require(body)
    every, fused = fewer(body), pooled_and_added()[:: fewer(body)]
    parts = [
        (subjects(sizes_table())[::every], [APART]),
        (of_tables(VECTORS.index(body), 17 * fewer(body, 3)), [VARIANT]),
        (fused[::2], [VARIANT]),
        (fused[1::2], [APART]),
        (other_subjects()[::every], [APART]),
        (any_layers(), [VARIANT, APART]),
    ]

    check_exact_together(parts, tflm, witness, [SIZE[body]])


@with_each_body
def test_other_operators_are_exact_at_the_limits_of_overlap(body: HostBody, tflm: RuntimeWorker) -> None:
    require(body)

    assert_exact_at_limits(dict([*others().items()][:: 2 * fewer(body)]), tflm, VARIANT, SIZE[body])


INLINED = {"gcc": (HOST, 0, 9, VARIANT), "clang": (CLANG, 3, 9, VARIANT), "sanitised": (SANITISED, 0, 3, APART)}
"""The toolchains, from which layer on and of how many one is taken, and how they are compiled."""


@pytest.mark.slow
@with_each_body
@pytest.mark.parametrize("inlined", INLINED)
def test_layers_are_exact_inlined(inlined: str, body: HostBody, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    """Each body and compiler has other layers of every kind: with its sizes as constants one takes long to compile."""
    require(body, "clang")
    toolchains, first, every, variant = INLINED[inlined]
    sizes = subjects(sizes_table())[:: fewer(body, 3)]
    parts = [(sizes[first + VECTORS.index(body) :: every], [variant])]
    if inlined == "gcc":
        parts.append((pooled_and_added()[:: 5 * fewer(body, 2)], [variant]))
        parts.append((other_subjects()[:: 12 * fewer(body)], [variant]))

    check_exact_together(parts, tflm, witness, [toolchains[body]])


def test_every_layer_is_exact_in_plain_c(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    """Half of them: all run with the instructions themselves."""
    sizes, fused = subjects(sizes_table()), pooled_and_added()

    parts = [(sizes[::2], [APART]), (fused[::4], [APART]), (fused[1::4], [VARIANT]), (other_subjects()[::2], [APART])]
    check_exact_together(parts, tflm, witness, [SIZE_SANITISED])
    check_exact(sizes[::59], tflm, witness, [SPEED_SANITISED], [APART])


@pytest.mark.parametrize(("pixels", "channels"), [(2, 3), (47, 64), (48, 64), (80, 64), (81, 64), (31, 65), (32, 65)])
def test_stretches_are_of_a_tile_or_more(pixels: int, channels: int) -> None:
    stretches = Lanes().stretch(pixels, channels)
    assert sum(stretches) == pixels
    assert len(stretches) == 1 or min(stretches) >= 16


CPU = """processor\t: 0
flags\t\t: fpu sse2 {flags}
processor\t: 1
flags\t\t: fpu sse2
"""


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ("", "SSE2"),
        ("avx2", "AVX2"),
        ("avx2 avx_vnni", "AVX-VNNI"),
        ("avx2 avx512f avx512bw avx512vl", "AVX2"),
        ("avx2 avx512f avx512bw avx512vl avx512_vnni avx_vnni", "AVX-512 VNNI"),
    ],
)
def test_the_cpu_decides(flags: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = tmp_path / "cpuinfo"
    described.write_text(CPU.format(flags=flags))
    monkeypatch.setattr(host_cpu, "_CPU_INFO", described)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    host_cpu.cpu_flags.cache_clear()
    try:
        assert bodies_here()[0].name == name
        assert named_target("host") == bodies_here()[0].target
        assert named_target("cortex-m4") == "cortex-m4"
    finally:
        host_cpu.cpu_flags.cache_clear()


def test_a_compiler_that_does_not_know_a_flag_gets_what_it_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.write_text('#!/bin/sh\ncase "$*" in *vnni*) exit 1;; esac\n')
    old.chmod(0o755)
    monkeypatch.setattr(host_cpu, "bodies_here", lambda: BODIES)

    assert [one.name for target in (TARGET, "x86-64") if (one := body_for(target, str(old)))] == ["AVX2", "SSE2"]
    assert body_for("cortex-m4", str(old)) is None


def test_the_runtime_tells_what_it_runs() -> None:
    layers = Layers.seeded(1)
    model = layers.finish(layers.dense(layers.input((1, 4)), 3))
    body = body_for(host_cpu.host_target(), host_compiler())
    assert body is not None

    kernels = HostCRuntime().open(model).kernels

    assert kernels.startswith(f"generated C, {body.target}")
    assert (body.name in kernels) == bool(body.flags)


def test_weights_lie_in_groups_behind_what_makes_up_for_unsigned_activations() -> None:
    rows = np.arange(17 * 6).reshape(17, 6) - 50

    packed = Lanes().pack(rows, 3)

    assert len(packed) == 2 * (64 + 4 * 64 // 2)
    heads = packed.reshape(2, -1)[:, :64].copy().view("<i4")
    np.testing.assert_array_equal(heads.reshape(-1)[:17], -128 * rows.sum(axis=1))
    np.testing.assert_array_equal(packed[64 : 64 + 8], [-50, -49, -48, 0, -44, -43, -42, 0])
    assert not packed.reshape(2, 64 + 128)[1, 64:].reshape(2, 16, 4)[:, 1:].any()
