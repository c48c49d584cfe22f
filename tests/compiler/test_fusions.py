"""Fusions: which nodes merge, which must not, and that every tensor that still exists is exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.compiler.passes import FUSIONS, optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import (
    CLANG,
    SIZE_SANITISED,
    SPEED,
    VARIANTS,
    WORDS,
    Subject,
    Variant,
    build_program,
    check_exact,
    check_exact_together,
)
from tests.compiler.layers import Arithmetic, Layers, Value, Window, random_images
from tests.compiler.random_graphs import random_network

Network = Callable[[Layers, Value], Value]

SAME, VALID = Window(padding=PADDING_SAME), Window(padding=PADDING_VALID)
USUAL = Arithmetic()


def conv_pool(
    pool: tuple[int, int],
    conv: Window = SAME,
    filters: int = 5,
    arithmetic: Arithmetic = USUAL,
    pool_padding: int = PADDING_VALID,
    pool_stride: tuple[int, int] | None = None,
    pool_activation: int = 0,
) -> Network:
    """Return a convolution with a max pool behind it."""

    def network(layers: Layers, image: Value) -> Value:
        features = layers.conv(image, filters, conv, arithmetic)
        window = Window(pool, pool_stride or pool, padding=pool_padding)
        return layers.pool("MAX_POOL_2D", features, window, pool_activation)

    return network


def pad_conv(amounts: tuple[int, int, int, int], window: Window, depthwise: bool = False) -> Network:
    """Return a PAD with a convolution behind it."""

    def network(layers: Layers, image: Value) -> Value:
        padded = layers.pad(image, *amounts)
        return layers.depthwise(padded, 1, window) if depthwise else layers.conv(padded, 4, window)

    return network


POOLS: dict[str, tuple[tuple[int, int, int], Network]] = {
    "2x2": ((6, 8, 3), conv_pool((2, 2))),
    "2x2, rows and columns thrown away": ((7, 9, 3), conv_pool((2, 2))),
    "3x3": ((9, 9, 2), conv_pool((3, 3))),
    "3x3, much thrown away": ((8, 8, 2), conv_pool((3, 3))),
    "2x3": ((5, 7, 2), conv_pool((2, 3))),
    "3x2": ((7, 5, 2), conv_pool((3, 2))),
    "1x2": ((4, 6, 2), conv_pool((1, 2))),
    "2x5": ((4, 11, 1), conv_pool((2, 5))),
    "4x4, as many pairs as there can be": ((9, 9, 1), conv_pool((4, 4))),
    "the whole image": ((4, 4, 3), conv_pool((4, 4))),
    "valid convolution": ((8, 7, 3), conv_pool((2, 2), VALID)),
    "convolution of stride 2": ((9, 11, 2), conv_pool((2, 2), Window(stride=(2, 2)))),
    "convolution of stride 3": ((13, 13, 1), conv_pool((2, 2), Window(stride=(3, 3)))),
    "dilated convolution": ((8, 8, 2), conv_pool((2, 2), Window(dilation=(2, 2)))),
    "convolution dilated across": ((8, 8, 2), conv_pool((2, 2), Window((2, 2), dilation=(1, 3)))),
    "1x1 convolution": ((6, 6, 5), conv_pool((2, 2), Window((1, 1)))),
    "5x5 convolution of one channel": ((12, 12, 1), conv_pool((2, 2), Window((5, 5)), 7)),
    "kernel larger than the image": ((4, 4, 2), conv_pool((2, 2), Window((9, 9)))),
    "ReLU between": ((6, 6, 3), conv_pool((2, 2), arithmetic=Arithmetic(activation=1))),
    "ReLU6 between, at -128": ((6, 6, 3), conv_pool((2, 2), arithmetic=Arithmetic(activation=3, zero_point=-128))),
    "wide multipliers": ((6, 6, 3), conv_pool((2, 2), arithmetic=Arithmetic(multiplier=1.5))),
    "dead channels": ((6, 6, 3), conv_pool((2, 2), arithmetic=Arithmetic(weight_factors=(1.0, 1e-20)))),
    "same pool on even sizes": ((6, 8, 3), conv_pool((2, 2), pool_padding=PADDING_SAME)),
} | {f"{filters} filters": ((4, 4, 2), conv_pool((2, 2), filters=filters)) for filters in range(1, 14)}

PADS: dict[str, tuple[tuple[int, int, int], Network]] = {
    "all around": ((5, 6, 3), pad_conv((1, 1, 1, 1), VALID)),
    "as Keras does for stride 2": ((6, 6, 3), pad_conv((0, 0, 1, 1), Window(stride=(2, 2), padding=PADDING_VALID))),
    "top and left only": ((5, 6, 3), pad_conv((2, 1, 0, 0), VALID)),
    "bottom only": ((5, 6, 3), pad_conv((0, 0, 3, 0), VALID)),
    "more than the kernel": ((3, 3, 2), pad_conv((4, 5, 6, 4), VALID)),
    "an image smaller than the kernel": ((1, 2, 2), pad_conv((1, 1, 1, 0), VALID)),
    "dilation": ((5, 5, 2), pad_conv((2, 1, 2, 3), Window(dilation=(2, 2), padding=PADDING_VALID))),
    "1x1 kernel": ((4, 4, 3), pad_conv((1, 2, 0, 1), Window((1, 1), padding=PADDING_VALID))),
    "nothing": ((4, 4, 3), pad_conv((0, 0, 0, 0), VALID)),
    "depthwise": ((6, 5, 4), pad_conv((1, 1, 1, 1), VALID, depthwise=True)),
    "depthwise, stride 2": (
        (7, 6, 3), pad_conv((0, 1, 2, 1), Window(stride=(2, 2), padding=PADDING_VALID), depthwise=True),
    ),
    "depthwise, much": ((2, 3, 3), pad_conv((3, 4, 5, 6), VALID, depthwise=True)),
}  # fmt: skip


def pad_conv_pool(layers: Layers, image: Value) -> Value:
    features = layers.conv(layers.pad(image, 1, 2, 0, 1), 6, VALID)
    return layers.pool("MAX_POOL_2D", features, Window((2, 2), (2, 2), padding=PADDING_VALID))


def two_blocks(layers: Layers, image: Value) -> Value:
    return layers.dense(conv_pool((2, 2), filters=3)(layers, pad_conv_pool(layers, image)), 4)


BOTH: dict[str, tuple[tuple[int, int, int], Network]] = {
    "pad, convolution, pool": ((7, 6, 2), pad_conv_pool),
    "two blocks": ((12, 11, 2), two_blocks),
}


def pad_read_twice(layers: Layers, image: Value) -> Value:
    padded = layers.pad(image, 1, 1, 1, 1)
    return layers.add(layers.conv(padded, 2, VALID), layers.conv(padded, 2, VALID))


def padded_channels(layers: Layers, image: Value) -> Value:
    amounts = layers.builder.constant([[0, 0], [1, 1], [1, 1], [0, 2]], dtype="int32")
    _, height, width, channels = image.shape
    return layers.conv(layers.op("PAD", [image, amounts], (1, height + 2, width + 2, channels + 2)), 3, VALID)


def conv_read_twice(layers: Layers, image: Value) -> Value:
    features = layers.conv(image, 4)
    pooled = layers.pool("MAX_POOL_2D", features)
    return layers.add(layers.dense(pooled, 5), layers.dense(features, 5))


def conv_reshaped_too(layers: Layers, image: Value) -> Value:
    features = layers.conv(image, 4)
    flat = layers.reshape(features, (1, 1, 1, 144))
    return layers.add(layers.dense(layers.pool("MAX_POOL_2D", features), 5), layers.dense(flat, 5))


def grouped(layers: Layers, image: Value) -> Value:
    return layers.pool("MAX_POOL_2D", layers.conv(image, 4, groups=2))


def requantising_pool(layers: Layers, image: Value) -> Value:
    return layers.pool("AVERAGE_POOL_2D", layers.conv(image, 4))


SEPARATE: dict[str, tuple[tuple[int, int, int], Network]] = {
    "pool that overlaps": ((7, 7, 2), conv_pool((3, 3), pool_stride=(2, 2))),
    "pool with gaps": ((7, 7, 2), conv_pool((2, 2), pool_stride=(3, 3))),
    "same pool that hangs over": ((7, 7, 2), conv_pool((2, 2), pool_padding=PADDING_SAME)),
    "pool with an activation": ((6, 6, 2), conv_pool((2, 2), pool_activation=1)),
    "pool of one column": ((6, 6, 2), conv_pool((2, 1))),
    "pool of more pairs than there can be": ((10, 10, 1), conv_pool((5, 4))),
    "grouped convolution": ((6, 6, 2), grouped),
    "average pool": ((6, 6, 2), requantising_pool),
    "convolution read twice": ((6, 6, 2), conv_read_twice),
    "convolution reshaped too": ((6, 6, 2), conv_reshaped_too),
    "pad read twice": ((5, 5, 2), pad_read_twice),
    "pad of channels": ((5, 5, 2), padded_channels),
    "pad before a same convolution": ((5, 5, 2), pad_conv((1, 1, 1, 1), Window(padding=PADDING_SAME))),
}


def model(size: tuple[int, int, int], network: Network) -> bytes:
    layers = Layers.seeded(11)
    return layers.finish(network(layers, layers.input((1, *size), zero_point=7)))


def subjects(table: dict[str, tuple[tuple[int, int, int], Network]]) -> list[Subject]:
    return [
        Subject(name, model(size, network), random_images((1, *size), 5)) for name, (size, network) in table.items()
    ]


def kinds(content: bytes, fusions: tuple[str, ...] = tuple(FUSIONS)) -> list[str]:
    """Return the steps' operators, fused ones joined by a plus."""
    steps = build_program(content, Variant(fusions=fusions)).steps
    return [step.node.label.split(" ", 2)[2] for step in steps]


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_fuses(name: str) -> None:
    assert kinds(model(*POOLS[name])) == ["CONV_2D+MAX_POOL_2D"]


@pytest.mark.parametrize("name", PADS)
def test_a_pad_fuses(name: str) -> None:
    assert len(kinds(model(*PADS[name]))) == 1


@pytest.mark.parametrize("name", SEPARATE)
def test_what_does_not_fit_stays_apart(name: str) -> None:
    content = model(*SEPARATE[name])

    assert kinds(content, ("pad", "max-pool")) == kinds(content, ())


@pytest.mark.parametrize("fusion", FUSIONS)
def test_each_fusion_can_be_had_alone(fusion: str) -> None:
    content = model((7, 6, 2), pad_conv_pool)

    found = kinds(content, (fusion,))

    alone = {"pad": ["CONV_2D", "MAX_POOL_2D"], "max-pool": ["PAD", "CONV_2D+MAX_POOL_2D"]}
    assert found == alone.get(fusion, ["PAD", "CONV_2D", "MAX_POOL_2D"])


def test_an_unknown_fusion_is_refused() -> None:
    graph = read_graph(parse_tflite(model((7, 6, 2), pad_conv_pool)))

    with pytest.raises(InputError, match="unknown fusion 'polish'; choose one of dead-channels"):
        optimise(graph, ["polish"])


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    """All tables are one program for each target: it takes mostly what its kernels take, which are in it once."""
    tables = {"pools": POOLS, "pads": PADS, "both": BOTH, "separate": SEPARATE}
    every = [replace(one, name=f"{name}: {one.name}") for name, table in tables.items() for one in subjects(table)]
    words = [(every[number::2], [variant]) for number, variant in enumerate(WORDS)]

    check_exact_together([(every, VARIANTS), *words], tflm, witness, [SIZE_SANITISED])
    check_exact(every[::4], tflm, witness, [SPEED], [Variant(target="x86-64")])
    check_exact(every[1::4], tflm, witness, [CLANG], [Variant()])


def test_random_networks_with_branches_are_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    check_exact([random_network(seed) for seed in range(60)], tflm, witness)
    check_exact([random_network(seed, operators=5) for seed in range(100, 104)], tflm, witness, [SPEED], [Variant()])
