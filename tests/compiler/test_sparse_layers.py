"""Layers that store only their weights other than zero: exact, chosen where they gain, and never a loss by choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.compiler.ops.sparse import pack_stream
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import BuildSettings, build_firmware
from edgemnist.mcu.emulators.base import choose_emulator
from edgemnist.mcu.execution import run_emulated
from edgemnist.mcu.network import NetworkSettings
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.bench import (
    CLANG,
    CPLUSPLUS,
    SIZE_SANITISED,
    SMALL,
    SPEED_SANITISED,
    Subject,
    Variant,
    build_program,
    check_exact,
)
from tests.compiler.layers import Arithmetic, Layers, Window, random_images
from tests.compiler.test_emulated_layers import available, check_on_core
from tests.compiler.test_fusions import conv_pool
from tests.compiler.weighted_cases import Case, cases

CONV, DENSE = "CONV_2D", "FULLY_CONNECTED"
PRUNED = Arithmetic(zeros=0.8)
POINTWISE = Window((1, 1))


def layer_table() -> dict[str, Case]:
    """Return convolutions and dense layers of every shape that the kernels tell apart."""
    base = Case(CONV, (6, 9, 3), 5, arithmetic=PRUNED)
    table = {
        f"{kind}, {zeros:.0%} zeros, {empty} empty channels": replace(
            base, kind=kind, size=size, window=window, arithmetic=Arithmetic(zeros=zeros, empty=empty)
        )
        for kind, size, window in (
            (CONV, (6, 9, 5), Window()), (CONV, (5, 5, 12), POINTWISE), (DENSE, (1, 1, 70), Window())
        )
        for zeros, empty in ((0.0, 0), (0.5, 1), (0.8, 2), (0.95, 0), (1.0, 5))
    }  # fmt: skip
    for padding, stride, width in product((PADDING_SAME, PADDING_VALID), (1, 2), (1, 3, 4, 5, 7, 11, 15)):
        window = Window((3, min(3, width)), (1 + stride % 2, stride), padding=padding)
        table[f"padding {padding}, stride {stride}, width {width}"] = replace(base, size=(4, width, 2), window=window)
    table |= {f"{count} channels in": replace(base, size=(4, 7, count)) for count in (1, 2, 4, 7, 8, 18)}
    table |= {f"{count} channels out": replace(base, out_channels=count) for count in (1, 2, 3, 4, 9)}
    table |= {
        f"pointwise on {pixels} pixels, {channels} to {filters}": replace(
            base, size=(1, pixels, channels), out_channels=filters, window=POINTWISE
        )
        for pixels in (2, 4, 5, 9, 13)
        for channels, filters in ((6, 6), (3, 8), (9, 2))
    }
    table |= {
        "kernel larger than the image": replace(base, size=(4, 5, 2), window=Window((9, 11))),
        "dilated down": replace(base, window=Window((3, 2), dilation=(2, 1))),
        "stride beyond the kernel": replace(base, window=Window((2, 2), (3, 3), padding=PADDING_VALID)),
        "columns far between": replace(base, size=(5, 9, 40), arithmetic=Arithmetic(zeros=0.98)),
        "more weights than one byte counts": Case(DENSE, (1, 1, 1030), 3, arithmetic=Arithmetic(zeros=0.3)),
        "dense over pixels": Case(DENSE, (3, 4, 7), 5, arithmetic=PRUNED),
        "weights of -128": replace(base, arithmetic=Arithmetic(zeros=0.5, lowest_weight=-128)),
        "no bias": replace(base, arithmetic=Arithmetic(zeros=0.8, bias=None)),
    }
    for zero_point, activation in product((-128, 0, 127), (0, 1, 3)):
        arithmetic = Arithmetic(zeros=0.8, activation=activation, zero_point=-zero_point // 2)
        name = f"zero point {zero_point}, activation {activation}"
        table[name] = replace(base, in_zero_point=zero_point, arithmetic=arithmetic)
    return table


def pool_subjects() -> list[Subject]:
    """Return pruned convolutions with a max pool behind them."""
    networks = {
        ((6, 8, 3), (2, 2), Window()), ((7, 9, 3), (2, 2), Window()), ((9, 9, 2), (3, 3), Window()),
        ((5, 22, 2), (1, 2), Window()), ((12, 30, 1), (2, 2), Window()), ((4, 11, 4), (2, 5), Window()),
        ((8, 13, 3), (2, 2), Window(padding=PADDING_VALID)), ((9, 19, 2), (2, 2), Window(stride=(2, 2))),
        ((6, 16, 5), (2, 2), POINTWISE), ((12, 12, 1), (2, 2), Window((5, 5))), ((4, 4, 2), (4, 4), Window((9, 9))),
    }  # fmt: skip
    subjects = []
    for number, (size, pool, window) in enumerate(sorted(networks, key=repr)):
        layers = Layers.seeded(number)
        network = conv_pool(pool, window, arithmetic=replace(PRUNED, activation=number % 2))
        content = layers.finish(network(layers, layers.input((1, *size))))
        subjects.append(Subject(f"{size}, pool {pool}, {window}", content, random_images((1, *size), number)))
    return subjects


ALWAYS = Variant(sparse="always")
BUILDS = {
    "size, sanitised": (SIZE_SANITISED, (ALWAYS, replace(ALWAYS, apart=True)), 1),
    "speed, sanitised": (SPEED_SANITISED, (replace(ALWAYS, apart=True),), 4),
    "speed, sanitised, Cortex-M0+": (SPEED_SANITISED, (replace(ALWAYS, target="cortex-m0plus"),), 5),
    "clang": (CLANG, (ALWAYS,), 6),
    "C++": (CPLUSPLUS, (ALWAYS,), 7),
}
"""Toolchain, variants, and of how many cases one is taken."""


@pytest.mark.parametrize("build", BUILDS)
def test_exact(build: str, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    toolchain, variants, every = BUILDS[build]
    subjects = [*(case.subject(name) for name, case in layer_table().items()), *pool_subjects()]

    check_exact(subjects[every // 2 :: every], tflm, witness, [toolchain], variants)


def test_any_layer_is_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    @settings(
        deadline=None, derandomize=True, max_examples=2, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(st.lists(st.tuples(cases(CONV) | cases(DENSE), st.sampled_from((0.3, 0.8, 0.95))), min_size=25, max_size=30))
    def check(drawn: list[tuple[Case, float]]) -> None:
        pruned = [replace(case, arithmetic=replace(case.arithmetic, zeros=zeros)) for case, zeros in drawn]
        check_exact([case.subject(repr(case)) for case in pruned], tflm, witness, [SIZE_SANITISED], [ALWAYS])

    check()


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3", "cortex-m4"])
@pytest.mark.parametrize(("toolchain", "optimisation"), [("zig", "-O2"), ("gnu", "-O2"), ("gnu", SMALL)])
def test_exact_on_emulated_cores(core: str, toolchain: str, optimisation: str) -> None:
    every = list(layer_table().items())

    check_on_core(dict(every[len(core + optimisation) % 4 :: 9]), core, toolchain, optimisation, "always")


def unpacked(stream: NDArray[np.int8], shape: tuple[int, ...], *, long_channels: bool) -> NDArray[np.int8]:
    """Return the weights of a stream, read as em_sparse.h says."""
    rows = np.zeros(shape, np.int8)
    values = stream.view(np.uint8).tolist()
    at = 0
    for row in rows:
        count = values[at] + (256 * values[at + 1] if long_channels else 0)
        at += 2 if long_channels else 1
        place = 0
        for pair in range(count):
            distances, first, second = stream[at + 3 * pair : at + 3 * pair + 3].tolist()
            for distance, weight in ((distances & 255) >> 4, first), (distances & 15, second):
                place += distance
                row[place] = row[place] or weight
        at += 3 * count
    assert at == len(stream)
    return rows


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 700), st.sampled_from((0.0, 0.2, 0.8, 0.97, 1.0)), st.integers(0, 99))
def test_stream_holds_the_weights(channels: int, window: int, zeros: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.integers(-128, 128, (channels, window)).astype(np.int8)
    rows[generator.random(rows.shape) < zeros] = 0

    stream = pack_stream(rows)

    np.testing.assert_array_equal(unpacked(stream.values, rows.shape, long_channels=stream.long_channels), rows)


@pytest.mark.parametrize(("width", "pixels"), [(1, 1), (3, 1), (4, 4), (5, 5), (7, 7), (12, 6), (14, 7), (28, 7)])
def test_groups_of_pixels_fit_the_row(width: int, pixels: int) -> None:
    """Where a row is no multiple of the most pixels that there are registers for, fewer take fewer instructions."""
    case = Case(CONV, (4, width, 8), 16, arithmetic=PRUNED)
    (step,) = build_program(case.content(), Variant(target="cortex-m3", sparse="always")).steps

    (layer,) = (field.value for field in step.parameters if field.name == "layer")
    assert isinstance(layer, tuple)
    assert [field.value for field in layer if field.name == "pixels"] == [pixels]


def pruned_net(zeros: float) -> TfliteModel:
    """Return a small classifier: two convolutions, the second with a pool, a strided one, and a dense layer."""
    layers = Layers.seeded(3)
    arithmetic = Arithmetic(zeros=zeros, activation=1, zero_point=-128)
    value = layers.conv(layers.input((1, 16, 16, 1)), 8, Window(), arithmetic)
    value = layers.pool("MAX_POOL_2D", layers.conv(value, 12, Window(), arithmetic), Window((2, 2), (2, 2)))
    value = layers.conv(value, 16, Window(stride=(2, 2)), arithmetic)
    return parse_tflite(layers.finish(layers.dense(value, 10, Arithmetic(zeros=zeros))))


def pruned_pointwise_net(zeros: float) -> TfliteModel:
    """Return a small classifier of pointwise convolutions, in which the dense kernels are at their best."""
    layers = Layers.seeded(4)
    arithmetic = Arithmetic(zeros=zeros, activation=1, zero_point=-128)
    value = layers.conv(layers.input((1, 16, 16, 1)), 16, Window(stride=(2, 2)), arithmetic)
    for filters in (32, 32):
        value = layers.conv(layers.depthwise(value), filters, POINTWISE, arithmetic)
    return parse_tflite(layers.finish(layers.dense(value, 10, Arithmetic(zeros=zeros))))


def cost(model: TfliteModel, sparse: str, board: str, optimise: str, folder: Path) -> tuple[int, int]:
    """Return a net's code and constants in bytes, and its instructions."""
    place = find_board(board)
    network = NetworkSettings(codegen=CodegenSettings(target=place.core.target, sparse=sparse))
    image = build_firmware(model, place, BuildSettings(optimise=optimise, network=network), folder)
    inputs = random_images((1, 16, 16, 1), 1, random=1)[-1]
    profile = run_emulated(image, choose_emulator("unicorn", place), [inputs], profiled=1).profiles[0]
    return image.sizes.model_code + image.sizes.model_constants, profile.whole.instructions()


@pytest.mark.parametrize("board", ["microbit", "mps2-an385", "mps2-an386"])
@pytest.mark.parametrize("net", [lambda: pruned_net(0.5), lambda: pruned_net(0.8), lambda: pruned_pointwise_net(0.6)])
def test_the_choice_is_no_loss(board: str, net: Callable[[], TfliteModel], tmp_path: Path) -> None:
    """In flash with optimisation for size, in instructions with optimisation for speed, measured."""
    core = find_board(board).core.name
    if not available("zig", core) and not available("gnu", core):
        pytest.skip("no cross compiler is installed")
    model = net()
    chosen = {
        optimise: [cost(model, sparse, board, optimise, tmp_path / optimise) for sparse in ("auto", "never")]
        for optimise in ("size", "speed")
    }

    assert chosen["size"][0][0] <= chosen["size"][1][0]
    assert chosen["speed"][0][1] <= chosen["speed"][1][1]


@pytest.mark.parametrize("target", ["portable", "cortex-m0plus", "cortex-m3", "cortex-m4"])
def test_four_fifths_zeros_are_left_out(target: str) -> None:
    """Of every layer, so that the dense kernels stay out too."""
    steps = build_program(pruned_net(0.8).content, Variant(target=target)).steps

    assert [step.sparsity is not None for step in steps] == [True] * 4


def test_where_dense_products_are_cheap_layers_stay_dense() -> None:
    """On a desktop's vectors a dense product takes less than half an instruction."""
    steps = build_program(pruned_net(0.8).content, Variant(target="x86-64")).steps

    assert not any(step.sparsity is not None for step in steps)


@pytest.mark.parametrize("target", ["portable", "cortex-m0plus", "cortex-m4", "cortex-m55", "x86-64"])
def test_layers_without_zeros_stay_dense(target: str) -> None:
    program = build_program(pruned_net(0.0).content, Variant(target=target))

    assert all(step.sparsity is None for step in program.steps)


def test_no_sparse_layers_on_request() -> None:
    program = build_program(pruned_net(0.8).content, Variant(sparse="never"))

    assert all(step.sparsity is None for step in program.steps)


def test_what_the_kernels_cannot_do_stays_dense() -> None:
    """Groups, dilation across, a multiplier that needs the general requantisation."""
    base = Case(CONV, (6, 6, 4), 4, arithmetic=PRUNED)
    refused = (
        replace(base, groups=2),
        replace(base, window=Window(dilation=(1, 2))),
        replace(base, arithmetic=replace(PRUNED, multiplier=1.5)),
    )

    for case in refused:
        (step,) = build_program(case.content(), ALWAYS).steps
        assert step.sparsity is None, case


def test_report_names_zeros_and_bytes() -> None:
    generated = generate(pruned_net(0.8), CodegenSettings(target="cortex-m3"))

    layers = [step["sparse"] for step in generated.as_json()["steps"] if step["sparse"]]
    assert len(layers) == 4
    for layer in layers:
        assert layer["bytes"] + layer["saved_bytes"] == layer["weights"]
        assert layer["zeros"] / layer["weights"] == pytest.approx(0.8, abs=0.15)
    assert f"{layers[1]['bytes']:,} bytes instead of {layers[1]['weights']:,}" in generated.files["model.h"]
