"""Channels that are constant or that nobody reads are left out, and every tensor is what TFLM computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from edgemnist.compiler.channels.report import summary
from edgemnist.compiler.graph import Graph, KeptChannels
from edgemnist.compiler.passes import FUSIONS, RULES, optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite, read_tflite
from tests.compiler.bench import (
    SIZE_SANITISED,
    SPEED,
    VARIANTS,
    Subject,
    Variant,
    build_program,
    check_exact,
    find_truth,
)
from tests.compiler.layers import PADDING_SAME, PADDING_VALID, Layers, Value, Window, random_images
from tests.compiler.planted import CLAMPED, planted
from tests.compiler.random_graphs import random_network

SIZE = (5, 6, 2)
ZERO_POINT = 3
"""Of every layer's output."""

POINT = Window((1, 1))
SAME, VALID = Window((3, 3), padding=PADDING_SAME), Window((3, 3), padding=PADDING_VALID)

Network = Callable[[Layers, Value], Value]


def layer(
    layers: Layers, value: Value, filters: int, window: Window = POINT, *, depthwise: bool = False,
    bias: ArrayLike | None = 0, silent: Sequence[int] = (), blind: Sequence[int] = (), activation: int = 0,
) -> Value:  # fmt: skip
    """Add a layer whose outputs ``silent`` and inputs ``blind`` have no weights; with ``bias`` None it has none."""
    channels, scale = value.shape[3], float(np.float32(0.004))
    weights = layers.generator.integers(
        1, 128, (1, *window.kernel, filters) if depthwise else (filters, *window.kernel, channels)
    )
    weights *= layers.generator.choice([-1, 1], weights.shape)
    np.moveaxis(weights, 3 if depthwise else 0, 0)[list(silent)] = 0
    if not depthwise:
        weights[..., list(blind)] = 0
    inputs: list[Value | int] = [value, layers.builder.constant(weights, scale)]
    if bias is not None:
        inputs.append(layers.builder.constant(np.broadcast_to(bias, filters), value.scale * scale, dtype="int32"))
    options = {**window.options(), "fused_activation_function": activation}
    if depthwise:
        options["depth_multiplier"] = filters // channels
    shape = (1, *window.output_size(*value.shape[1:3]), filters)
    return layers.op("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", inputs, shape, 0.1, ZERO_POINT, **options)


def graph_of(network: Network, fusions: Sequence[str] = tuple(FUSIONS)) -> Graph:
    return optimise(read_graph(parse_tflite(content_of(network))), fusions)


def content_of(network: Network) -> bytes:
    layers = Layers.seeded(5)
    return layers.finish(network(layers, layers.input((1, *SIZE), zero_point=7)))


def channels(graph: Graph) -> list[int]:
    """Return how many channels each node writes."""
    return [graph.tensors[node.outputs[0]].shape[-1] for node in graph.nodes]


# What is left out, by network: the channels that each node has afterwards, fusions off.


def nobody_reads(layers: Layers, value: Value) -> Value:
    return layer(layers, layer(layers, value, 6), 3, blind=[0, 4])


def reader(window: Window, bias: int | None, through: Network | None = None) -> Network:
    """Return a layer whose first channel has no weights, and one that reads all of it."""

    def network(layers: Layers, value: Value) -> Value:
        first = layer(layers, value, 4, SAME, silent=[0], bias=None if bias is None else [bias, 9, -9, 0])
        return layer(layers, through(layers, first) if through else first, 3, window, bias=None if bias is None else 7)

    return network


def padded(layers: Layers, value: Value) -> Value:
    return layers.pad(value, 1, 0, 0, 1)


def clamped(layers: Layers, value: Value) -> Value:
    first = layer(layers, value, 4, bias=[CLAMPED, -CLAMPED, 5, 6], activation=1)
    return layer(layers, first, 3, VALID)


def rounded_to_nothing(layers: Layers, value: Value) -> Value:
    scales = [1e-12, 0.004, 0.004]
    weights = layers.builder.constant(layers.generator.integers(1, 100, (3, 1, 1, 2)), scales)
    first = layers.op("CONV_2D", [value, weights], (1, *SIZE[:2], 3), 0.1, ZERO_POINT)
    return layer(layers, first, 2, SAME)


def residual(first: Sequence[int], second: Sequence[int], blind: Sequence[int]) -> Network:
    def network(layers: Layers, value: Value) -> Value:
        branches = layer(layers, value, 5, silent=first), layer(layers, value, 5, silent=second)
        return layer(layers, layers.add(*branches), 2, blind=blind)

    return network


def read_before_the_sum(layers: Layers, value: Value) -> Value:
    first, second = layer(layers, value, 4), layer(layers, value, 4)
    summed = layer(layers, layers.add(first, second), 4, blind=[1, 2])
    return layers.add(summed, layer(layers, first, 4, blind=[2, 3]))


def through_depthwise(layers: Layers, value: Value) -> Value:
    first = layer(layers, value, 4, silent=[2])
    return layer(layers, layer(layers, first, 8, SAME, depthwise=True), 2, blind=[0, 1, 4, 5, 7])


def silent_depthwise(layers: Layers, value: Value) -> Value:
    deep = layer(layers, layer(layers, value, 4), 4, SAME, depthwise=True, silent=[1], bias=[1, 700, 3, 4])
    return layer(layers, deep, 2)


def through_pools(layers: Layers, value: Value) -> Value:
    first = layer(layers, value, 4, bias=[800, 0, 0, 0], silent=[0])
    pooled = layers.pool("MAX_POOL_2D", first, Window((2, 2), (1, 1)))
    return layer(layers, layers.pool("AVERAGE_POOL_2D", pooled, Window((2, 2), (2, 2))), 2, blind=[3])


def joined(layers: Layers, value: Value) -> Value:
    parts = [layer(layers, value, 3, silent=silent) for silent in ([1], [0, 1, 2], [])]
    return layer(layers, layers.concatenation(*parts), 2, blind=[8])


def cut(layers: Layers, value: Value) -> Value:
    whole = layer(layers, value, 6)
    halves = [layers.builder.tensor((1, *SIZE[:2], 3), whole.scale, whole.zero_point) for _ in range(2)]
    layers.builder.multi_op("SPLIT", [layers.builder.constant(3, dtype="int32"), whole.index], halves, num_splits=2)
    parts = [Value(index, (1, *SIZE[:2], 3), whole.scale, whole.zero_point) for index in halves]
    return layer(layers, layers.add(layer(layers, parts[0], 2, blind=[1]), layer(layers, parts[1], 2, blind=[0, 1])), 2)


def flattened(layers: Layers, value: Value) -> Value:
    image = layer(layers, value, 4, silent=[1], bias=[0, 500, 0, 0])
    features = int(np.prod(image.shape))
    weights = layers.generator.integers(-127, 128, (3, *image.shape[1:]))
    weights[..., 3] = 0
    constant = layers.builder.constant(weights.reshape(3, features), 0.004)
    return layers.op("FULLY_CONNECTED", [layers.reshape(image, (1, features)), constant], (1, 3), 0.5, 0)


def averaged(layers: Layers, value: Value) -> Value:
    image = layer(layers, value, 4, silent=[1], bias=[0, 500, 0, 0])
    axes = layers.builder.constant([1, 2], dtype="int32")
    mean = layers.op("MEAN", [image, axes], (1, 4), keep_dims=False)
    return layers.dense(layers.op("LOGISTIC", [mean], (1, 4), 1 / 256, -128), 3)


def with_a_constant(layers: Layers, value: Value) -> Value:
    factors = layers.builder.constant([[3, 0, -7, 9]], 0.01)
    image = layer(layers, value, 4, silent=[3])
    return layer(layers, layers.op("MUL", [image, factors], image.shape, 0.1, 5), 2, blind=[0])


def whole_layers(layers: Layers, value: Value) -> Value:
    gone = layer(layers, layer(layers, layer(layers, value, 3), 4), 3, silent=[0, 1, 2], bias=[5, 0, 900])
    return layers.add(layer(layers, layers.concatenation(layer(layers, value, 3), gone), 3), layer(layers, value, 3))


def always_the_same(layers: Layers, value: Value) -> Value:
    return layer(layers, layer(layers, value, 4), 3, SAME, silent=[0, 1, 2], bias=[900, 0, -900])


def kept_constants(scales: Sequence[float], dense: bool = False) -> Network:
    """Return a layer at the end with constants of every kind among its outputs, which are the model's."""

    def network(layers: Layers, value: Value) -> Value:
        biases = [CLAMPED * 7, -CLAMPED * 7, 0, 400]
        features = int(np.prod(SIZE)) if dense else SIZE[2]
        weights = layers.generator.integers(1, 9, (4, features) if dense else (4, 1, 1, features))
        weights[2] = 0
        constants = [layers.builder.constant(weights, scales), layers.builder.constant(biases, 1.0, dtype="int32")]
        source = layers.reshape(value, (1, features)) if dense else value
        shape = (1, 4) if dense else (1, *SIZE[:2], 4)
        return layers.op("FULLY_CONNECTED" if dense else "CONV_2D", [source, *constants], shape, 0.01, 5)

    return network


def tied_to_an_earlier_one(layers: Layers, value: Value) -> Value:
    """The sum's channel 1 is kept for the one layer that reads its first operand, so the second needs it too."""
    source, early = layer(layers, value, 4), layer(layers, value, 3)
    reader = layer(layers, early, 2)
    weights = layers.generator.integers(1, 128, (3, 1, 1, 4))
    weights[[0, 2], ..., 2] = 0
    constants = layers.builder.constant(weights, 0.004), layers.builder.constant([1, 2, 3], 1.0, dtype="int32")
    late = layers.op("CONV_2D", [source, *constants], early.shape, 0.1, ZERO_POINT)
    return layers.add(layer(layers, layers.add(early, late), 2, blind=[1]), reader)


def shifted_out_of_32_bits(layers: Layers, value: Value) -> Value:
    """Sums that are shifted to the left by 20 bits: what is cut off makes any value of what seems to be clamped."""
    weights = layers.builder.constant(layers.generator.integers(1, 128, (6, 1, 1, 2)), 0.004)
    bias = layers.builder.constant(2**20 + 700 * np.arange(6), 1.0, dtype="int32")
    return layers.op("CONV_2D", [value, weights, bias], (1, *SIZE[:2], 6), 0.02 * 0.004 / 2**20, 0)


def in_groups(layers: Layers, value: Value) -> Value:
    first = layer(layers, value, 4, silent=[0])
    return layers.conv(first, 2, SAME, groups=2)


CASES: dict[str, tuple[Network, list[int]]] = {
    "nobody reads": (nobody_reads, [4, 3]),
    "zero point, same padding": (reader(SAME, 0), [3, 3]),
    "zero point without bias": (reader(SAME, None), [3, 3]),
    "constant, same padding": (reader(SAME, 900), [4, 3]),
    "constant, valid padding": (reader(VALID, 900), [3, 3]),
    "constant, pointwise": (reader(POINT, -900), [3, 3]),
    "constant, same padding that is none": (reader(Window((1, 1), (2, 2)), 900), [3, 3]),
    "constant, padded before": (reader(VALID, 900, padded), [4, 4, 3]),
    "zero point, padded before": (reader(VALID, 0, padded), [3, 3, 3]),
    "clamped": (clamped, [2, 3]),
    "rounded to nothing": (rounded_to_nothing, [2, 2]),
    "residual, both constant": (residual([1], [1, 2], []), [4, 4, 4, 2]),
    "residual, one constant": (residual([1], [2], []), [5, 5, 5, 2]),
    "residual, nobody reads": (residual([], [], [0, 3]), [3, 3, 3, 2]),
    "residual, read before": (read_before_the_sum, [3, 3, 3, 4, 4, 4]),
    "depthwise": (through_depthwise, [2, 4, 2]),
    "silent depthwise": (silent_depthwise, [3, 3, 2]),
    "pools": (through_pools, [2, 2, 2, 2]),
    "concatenation": (joined, [2, 2, 4, 2]),
    "split": (cut, [4, 2, 2, 2, 2, 2]),
    "flattened": (flattened, [2, 3]),
    "mean and lookup": (averaged, [3, 3, 3, 3]),
    "a constant operand": (with_a_constant, [1, 1, 2]),
    "whole layers": (whole_layers, [3, 3, 3, 3, 3]),
    "always the same": (always_the_same, [1, 3]),
    "tied to an earlier one": (tied_to_an_earlier_one, [4, 3, 2, 3, 3, 2, 2]),
    "shifted out of 32 bits": (shifted_out_of_32_bits, [6]),
    "groups": (in_groups, [4, 2]),
    "kept constants": (kept_constants([0.004, 1e-10, 0.004, 0.01]), [4]),
    "kept constants, one scale": (kept_constants([0.004]), [4]),
    "kept constants of a dense layer": (kept_constants([0.004, 1e-10, 0.004, 0.01], dense=True), [4]),
}


REFUSED = ("zero point without bias", "rounded to nothing", "kept constants of a dense layer")
"""By tflite-runtime 2.14: no bias, or one of another scale than the products'."""


@pytest.mark.parametrize("name", CASES)
def test_what_is_left(name: str) -> None:
    network, left = CASES[name]

    assert channels(graph_of(network, ["dead-channels"])) == left


def test_every_case_is_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    subjects = [
        Subject(name, content_of(network), random_images((1, *SIZE), 3), witnessed=name not in REFUSED)
        for name, (network, _) in CASES.items()
    ]

    check_exact(subjects, tflm, witness, [SIZE_SANITISED], VARIANTS)
    check_exact(subjects[::3], tflm, witness, [SPEED], [Variant(target="x86-64")])


def random_subjects(seeds: Iterable[int], *, plain: bool = True) -> list[Subject]:
    networks = {seed: random_network(seed, 12, plain=plain) for seed in seeds}
    return [
        Subject(network.name, planted(network.content, seed, 0.1 * (seed % 6 + 1)), network.images, witnessed=False)
        for seed, network in networks.items()
    ]


def test_random_networks_with_dead_channels_are_exact(tflm: RuntimeWorker) -> None:
    subjects = random_subjects(range(5))
    dropped = [build_program(subject.content, Variant()).graph.left_out for subject in subjects]
    assert sum(layer.constant for found in dropped for layer in found) > 30
    assert sum(layer.unread for found in dropped for layer in found) > 3

    check_exact(subjects, tflm, None, [SIZE_SANITISED], VARIANTS)


def test_the_references_of_random_networks_are_exact(tflm: RuntimeWorker) -> None:
    for subject in random_subjects(range(100, 108)):
        assert find_truth(subject, tflm, None).complaints == []


@pytest.mark.slow
def test_many_random_networks_are_exact(tflm: RuntimeWorker) -> None:
    for subject in (*random_subjects(range(200, 250)), *random_subjects(range(250, 300), plain=False)):
        assert find_truth(subject, tflm, None).complaints == []
    networks = [*random_subjects(range(300, 308)), *random_subjects(range(308, 316), plain=False)]
    check_exact(networks, tflm, None, [SIZE_SANITISED], VARIANTS)


def test_a_constant_that_is_kept_does_not_hide_the_fast_kernel() -> None:
    content = content_of(kept_constants([0.004, 1e-10, 0.004, 0.01]))

    general, usual = (build_program(content, Variant(fusions=one)).steps[0].function for one in ((), tuple(FUSIONS)))

    assert general.endswith("_any")
    assert not usual.endswith("_any")


def test_without_it_nothing_is_left_out() -> None:
    graph = graph_of(nobody_reads, tuple(RULES))

    assert channels(graph) == [6, 3]
    assert not graph.kept
    assert not graph.left_out


def test_it_is_told() -> None:
    graph = graph_of(joined)

    assert [(one.layer, one.channels, one.constant, one.unread) for one in graph.left_out] == [
        ("operator 0 CONV_2D", 3, 1, 0), ("operator 1 CONV_2D", 3, 3, 0), ("operator 2 CONV_2D", 3, 0, 1),
    ]  # fmt: skip
    assert summary(graph.left_out) == (
        "left out, exactly: 5 of 9 channels of 3 layers that are constant or that nobody reads"
    )
    assert summary(()) == ""


def test_a_tensor_can_be_restored() -> None:
    part = KeptChannels((1, 2, 4), (0, 3), {1: 7})

    whole = part.expanded(np.array([[[1, 2], [3, 4]]], np.int8))

    assert np.array_equal(np.asarray(whole)[..., [0, 1, 3]], [[[1, 7, 2], [3, 7, 4]]])
    assert np.asarray(whole.mask).tolist() == [[[False, False, True, False]] * 2]
    assert part.expanded(np.zeros((5, 1, 2, 2), np.int8)).shape == (5, 1, 2, 4)


def test_a_bias_at_the_limit_takes_a_constant(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    """What the reader lets pass leaves room for every constant."""

    def network(layers: Layers, value: Value) -> Value:
        first = layer(layers, value, 2, silent=[0], bias=[CLAMPED, 0])
        weights = layers.builder.constant(np.full((1, 1, 1, 2), 127), 0.004)
        most = layers.builder.constant([2**31 - 1 - 2 * 128 * 127 + 3 * 2 * 127], 0.004 * 0.1, dtype="int32")
        return layers.op("CONV_2D", [first, weights, most], (1, *SIZE[:2], 1), 1e5, 0)

    assert channels(graph_of(network)) == [1, 1]
    check_exact([Subject("limit", content_of(network), random_images((1, *SIZE), 3))], tflm, witness)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compact_int8", "kws_ref_model", "pretrainedResnet_quant"])
def test_real_nets_with_dead_channels_are_exact(name: str, real_models: Path, tflm: RuntimeWorker) -> None:
    model = read_tflite(real_models / f"{name}.tflite")
    images = np.random.default_rng(1).integers(-128, 128, (3, *model.input().shape)).astype(np.int8)

    check_exact([Subject(name, planted(model.content, 1), images)], tflm, None, [SIZE_SANITISED], [Variant()])
