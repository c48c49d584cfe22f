"""What the generator proves and packs for the bodies of 64-bit Arm; test_weighted_layers runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.compiler.bodies.neon import ChannelVectors, DotProducts, WideningProducts
from edgemnist.compiler.graph import PADDING_VALID
from edgemnist.compiler.host_cpu import cpu_flags, host_target
from edgemnist.compiler.targets import TARGETS
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import PI_4, PI_5, SIZE_SANITISED, Subject, Variant, build_program, check_exact
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.weighted_cases import Case

NEON = ("cortex-a53", "cortex-a72", "cortex-a76")


def row(*weights: int) -> NDArray[np.int8]:
    return np.array([weights], np.int8)


def test_two_products_of_the_lowest_weights_are_refused_where_they_are_added_in_16_bits() -> None:
    widening, vectors = WideningProducts(), ChannelVectors()

    assert not widening.takes(row(-128, 0, -128, 0))
    assert not widening.takes(row(0, 5, 0, -128, 0, -128))
    assert widening.takes(row(-128, -128, -127, -127, 0, 0, 1, -128))
    assert not vectors.takes(row(0, 0, -128, -128, 1))
    assert vectors.takes(row(0, -128, -128, 0, -128))
    assert DotProducts().takes(row(-128, -128, -128, -128))


def test_rows_are_packed_in_words_of_four_elements() -> None:
    rows = np.arange(1, 11, dtype=np.int8).reshape(1, 10)

    long = DotProducts().pack(rows, 5).reshape(-1, 4, 4)
    short = DotProducts().pack(rows[:, :6], 3).reshape(-1, 4, 4)

    assert long[:, 0].tolist() == [[1, 2, 3, 4], [0, 0, 0, 5], [6, 7, 8, 9], [0, 0, 0, 10]]
    assert short[:, 0].tolist() == [[1, 2, 3, 0], [4, 5, 6, 0]]
    assert not long[:, 1:].any()


def dense_of_the_lowest_weights(length: int) -> Subject:
    """Return a layer whose pairs of products come as near to 16 bits' limit as weights of -128 and -127 can."""
    builder = ModelBuilder()
    image = builder.input((1, length), 0.02, 0)
    pairs = np.where(np.arange(length) % 4 < 2, -128, -127)
    weights = np.stack([pairs, 127 + 0 * pairs, -255 - pairs]).astype(np.int8)
    product = builder.op("FULLY_CONNECTED", [image, builder.constant(weights, 0.004, 0)], (1, 3), 0.012 * length, 0)
    images = np.stack([np.full((1, length), value, np.int8) for value in (-128, 127)])
    return Subject(f"{length} of the lowest weights", builder.finish([product]), images, witnessed=False)


@pytest.mark.parametrize("target", NEON)
def test_products_at_the_limit_of_16_bits_are_exact(target: str, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    subjects = [dense_of_the_lowest_weights(length) for length in (4, 8, 20)]
    variant = Variant(target=target)

    assert not any(build_program(subject.content, variant).settings.portable_bodies for subject in subjects)
    emulated = PI_5 if target == "cortex-a76" else PI_4
    toolchains = [toolchain for toolchain in (SIZE_SANITISED, emulated) if toolchain.available]
    check_exact(subjects, tflm, witness, toolchains, [variant])


@pytest.mark.parametrize("channels", [1, 8, 9, 16, 17, 24, 25])
def test_depthwise_channels_are_made_up_to_8_or_16(channels: int) -> None:
    program = build_program(Case("DEPTHWISE_CONV_2D", (5, 6, channels), 1).content(), Variant(target="cortex-a72"))
    weights = program.steps[0].arrays[0].values

    assert len(weights) == 9 * -(-channels // 8) * 8
    assert program.steps[0].scratch == 3 * 8 * (8 if channels <= 8 else 16)


def test_weights_that_are_refused_get_the_portable_body() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 3, 3, 1), 0.02, 0)
    weights = builder.constant(np.full((1, 3, 3, 1), -128, np.int8), (0.004,), (0,), axis=3)
    bias = builder.constant(np.zeros(1, np.int32), (0.00008,), (0,), dtype="int32")
    layer = builder.op(
        "DEPTHWISE_CONV_2D", [image, weights, bias], (1, 1, 1, 1), 0.5, 0,
        padding=PADDING_VALID, stride_h=1, stride_w=1, depth_multiplier=1,
    )  # fmt: skip
    content = builder.finish([layer])

    assert all(build_program(content, Variant(target=target)).settings.portable_bodies for target in NEON)
    assert set(NEON) <= set(TARGETS)


@pytest.mark.parametrize(
    ("machine", "system", "features", "target"),
    [
        ("aarch64", "Linux", "Features : fp asimd asimddp", "cortex-a76"),
        ("aarch64", "Linux", "Features : fp asimd", "cortex-a72"),
        ("arm64", "Darwin", "", "cortex-a76"),
        ("armv7l", "Linux", "Features : neon", "portable"),
    ],
)
def test_the_processor_of_this_machine_decides(
    machine: str, system: str, features: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr(Path, "read_text", lambda path, encoding, errors: features)
    cpu_flags.cache_clear()

    found = host_target()

    cpu_flags.cache_clear()
    assert found == target
