"""Two pixels in one word, and requantisation by step functions: what the generator proves, enumerated."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.compiler.bodies.words import PixelWords, longest_groups
from edgemnist.compiler.fixedpoint import multiply_by_quantised_multiplier
from edgemnist.compiler.graph import Graph
from edgemnist.compiler.ops.base import LoweringSettings, activation_range, quantisation_of
from edgemnist.compiler.ops.layer import Convolution, convolution_of
from edgemnist.compiler.ops.operands import output_tensor
from edgemnist.compiler.ops.steps import step_channels
from edgemnist.compiler.reader import read_graph
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import Variant, build_program
from tests.compiler.layers import Arithmetic, Window
from tests.compiler.test_weighted_layers import CONV
from tests.compiler.weighted_cases import Case


def fits(weights: NDArray[np.int64]) -> bool:
    """Return whether the sum of products stays in 16 bits for the worst inputs, one after the other."""
    highest = sum(max(127 * int(w), -128 * int(w)) for w in weights)
    lowest = sum(min(127 * int(w), -128 * int(w)) for w in weights)
    return highest <= 32767 and lowest >= -32768


@pytest.mark.parametrize("taps", [1, 2, 3, 4, 7, 12, 33])
@pytest.mark.parametrize("largest", [20, 64, 85, 86, 127, 128])
def test_groups_are_as_long_as_16_bits_allow(taps: int, largest: int) -> None:
    generator = np.random.default_rng(taps * largest)
    rows = generator.integers(-largest, min(largest, 127) + 1, (40, taps))

    for row, longest in zip(rows, longest_groups(rows), strict=True):
        exact = [n for n in (1, 2, 3, 4) if all(fits(row[first : first + n]) for first in range(0, taps, n))]
        assert longest == max(exact)


def test_the_weights_that_just_fit_and_just_do_not() -> None:
    rows = np.array([[127, 127, 127, 127], [-128, -127, 0, 0], [-128, -128, 0, 0], [64, 64, 64, 64], [64, 64, 64, 65]])

    assert longest_groups(rows).tolist() == [2, 4, 1, 4, 3]
    assert PixelWords().pack(rows[1:2], 4).tolist() == [4, -128, -127, 0, 0]


@pytest.mark.parametrize(("channels", "portable"), [(8, True), (64, False)])
def test_a_net_of_few_channels_is_portable_on_risc_v(channels: int, portable: bool) -> None:
    case = Case(CONV, (5, 5, channels), channels, Window((1, 1)))

    assert build_program(case.content(), Variant(target="rv32")).settings.portable_bodies == portable


def layer_of(case: Case) -> tuple[Convolution, Graph]:
    graph = read_graph(parse_tflite(case.content()))
    return convolution_of(graph.nodes[0], graph, LoweringSettings(target="cortex-m0plus")), graph


def stepped(rows: NDArray[np.int64], sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what ``em_step_finish`` does with sums of products, in 32 bits."""
    (bias, span), (offset, factor) = rows.astype(np.int64)
    limited = np.clip(sums + bias, 0, span)
    first, second = limited * (factor >> 12), limited * (factor & 4095)
    assert int(first.max()) < 1 << 32
    assert int(second.max()) < 1 << 32
    result: NDArray[np.int64] = ((first + (second >> 12) + offset) >> 24 & 255 ^ 128) - 128
    return result


POSITIVE = Arithmetic(activation=1, zero_point=-128, weight_factors=(1.0, 0.3, 1e-9, 2.5, 0.01))
STEP_CASES = {
    "pixels": Case(CONV, (5, 5, 9), 7, Window((1, 1)), POSITIVE),
    "windows": Case(CONV, (5, 5, 4), 7, Window((3, 3)), POSITIVE),
    "from -124": Case(
        CONV, (5, 5, 3), 5, Window((1, 1)),
        Arithmetic(zero_point=-124, weight_factors=(1.0, 0.3, 1e-9, 2.5), bias=200_000),
    ),
    "up to six": Case(CONV, (5, 5, 9), 7, Window((1, 1)), Arithmetic(activation=3, zero_point=-128)),
}  # fmt: skip


@pytest.mark.parametrize("name", STEP_CASES)
def test_step_functions_are_exact_for_every_sum(name: str) -> None:
    layer, graph = layer_of(STEP_CASES[name])
    output = output_tensor(layer.node, graph)
    limits = activation_range(layer.node.integer("fused_activation_function"), output)
    channels = layer.channels

    array = step_channels(layer)

    assert array is not None
    found = 0
    for channel, rows in enumerate(array.values.reshape(-1, 2, 2)):
        if rows[1, 1] == 0:
            assert rows[:, 0].tolist() == [channels.bias[channel], channels.shifts[channel]]
            continue
        weights = layer.rows[channel].astype(np.int64)
        positive, negative = int(weights[weights > 0].sum()), int(weights[weights < 0].sum())
        sums = np.arange(127 * negative - 128 * positive, 127 * positive - 128 * negative + 1)
        products = multiply_by_quantised_multiplier(sums + channels.bias[channel], channels.multipliers[channel])
        wanted = np.clip(products + quantisation_of(output).zero_point, *limits)
        np.testing.assert_array_equal(stepped(rows, sums), wanted)
        found += 1
    assert found * 2 >= len(channels.bias)


def test_outputs_of_both_signs_have_no_step_function() -> None:
    layer, _ = layer_of(Case(CONV, (5, 5, 9), 7, Window((1, 1)), Arithmetic(zero_point=4)))

    assert step_channels(layer) is None
