"""Random nets on float32: exact after every operator, wherever the arena's plan puts their tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgemnist.compiler.graph import PADDING_SAME
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import SIZE_SANITISED, SPEED, Subject, Variant, check_exact
from tests.compiler.model_builder import ModelBuilder

NETS, LAYERS = 8, 9
SHAPE = (1, 6, 5, 4)

Shape = tuple[int, ...]


class Net:
    """A random net under construction; all that is drawn comes from the seed."""

    def __init__(self, seed: int) -> None:
        self.builder, self.random = ModelBuilder(), np.random.default_rng(seed)
        self.shapes: dict[int, Shape] = {self.builder.input(SHAPE, None, dtype="float32"): SHAPE}

    def op(self, kind: str, inputs: list[int], shape: Shape, **options: Any) -> int:
        index = self.builder.op(kind, inputs, shape, dtype="float32", **options)
        self.shapes[index] = shape
        return index

    def weights(self, *shape: int) -> int:
        return self.builder.constant(self.random.normal(0, 0.5, shape), dtype="float32")

    def integers(self, *values: Any) -> int:
        return self.builder.constant(list(values), dtype="int32")

    def any_of(self, *values: Any) -> Any:
        return values[int(self.random.integers(len(values)))]


def _element(net: Net, at: int) -> int:
    return net.op(net.any_of("ABS", "NEG", "FLOOR", "HARD_SWISH", "TANH", "LOGISTIC", "ELU"), [at], net.shapes[at])


def _pair(net: Net, at: int) -> int:
    """Two values of one shape, or one and a constant that is broadcast, which stands first or second."""
    alike = [index for index, shape in net.shapes.items() if shape == net.shapes[at]]
    kind, shape = net.any_of("ADD", "SUB", "MUL", "MAXIMUM", "SQUARED_DIFFERENCE"), net.shapes[at]
    other = net.any_of(net.any_of(*alike), net.weights(1, shape[1], 1, shape[3]), net.weights(shape[3]))
    return net.op(kind, [at, other] if net.random.random() < 0.5 else [other, at], shape)


def _convolution(net: Net, at: int) -> int:
    (_, height, width, channels), filters = net.shapes[at], int(net.random.integers(1, 7))
    operands = [at, net.weights(filters, 3, 2, channels), net.weights(filters)]
    return net.op("CONV_2D", operands, (1, height, width, filters), padding=PADDING_SAME, fused_activation_function=1)


def _hung_over(net: Net, at: int) -> int:
    _, height, width, channels = net.shapes[at]
    amounts = net.integers([0, 0], [1, 0], [0, 2], [0, 1])
    return net.op("PAD", [at, amounts], (1, height + 1, width + 2, channels + 1))


def _cut(net: Net, at: int) -> int:
    shape = net.shapes[at]
    sizes = tuple(1 if axis == 0 else int(net.random.integers(1, size + 1)) for axis, size in enumerate(shape))
    begin = [size - part for size, part in zip(shape, sizes, strict=True)]
    return net.op("SLICE", [at, net.integers(*begin), net.integers(*sizes)], sizes)


def _turned(net: Net, at: int) -> int:
    order = [0, *(1 + net.random.permutation(3)).tolist()]
    return net.op("TRANSPOSE", [at, net.integers(*order)], tuple(net.shapes[at][axis] for axis in order))


def _joined(net: Net, at: int) -> int:
    _, height, width, channels = net.shapes[at]
    return net.op("CONCATENATION", [at, _element(net, at)], (1, height, width, 2 * channels), axis=3)


def _reduced(net: Net, at: int) -> int:
    axis = int(net.random.integers(1, 4))
    shape = tuple(1 if number == axis else size for number, size in enumerate(net.shapes[at]))
    kind = net.any_of("MEAN", "SUM", "REDUCE_MAX")
    return net.op(kind, [at, net.integers(axis)], shape, keep_dims=True)


def _resized(net: Net, at: int) -> int:
    height, width = (int(size) for size in net.random.integers(2, 8, 2))
    kind = net.any_of("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
    return net.op(kind, [at, net.integers(height, width)], (1, height, width, net.shapes[at][3]))


STEPS: Mapping[str, Callable[[Net, int], int]] = {
    step.__name__: step
    for step in (_element, _pair, _convolution, _hung_over, _cut, _turned, _joined, _reduced, _resized)
}


def subject(seed: int) -> Subject:
    net, at = Net(seed), 0
    names = list(STEPS)
    for _ in range(LAYERS):
        at = STEPS[net.any_of(*names)](net, at)
    images = net.random.normal(0, 2, (3, *SHAPE)).astype(np.float32)
    return Subject(f"net {seed}", net.builder.finish([at]), images, witnessed=False)


def test_random_nets_are_exact(tflm: RuntimeWorker) -> None:
    check_exact([subject(seed) for seed in range(NETS)], tflm, None, [SIZE_SANITISED], [Variant(), Variant(apart=True)])


def test_random_nets_are_exact_with_their_sizes_as_constants(tflm: RuntimeWorker) -> None:
    check_exact([subject(seed) for seed in range(2)], tflm, None, [SPEED], [Variant()])
