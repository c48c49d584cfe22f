"""Random small networks with branches, of operators that keep, shrink and grow an image."""

from __future__ import annotations

from collections.abc import Callable

from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from tests.compiler.bench import Subject
from tests.compiler.layers import Arithmetic, Layers, Value, Window, random_images

Builder = Callable[[Layers, Value], Value]


def random_network(seed: int, operators: int = 8) -> Subject:
    """Return a network of ``operators`` operators and more with branches, ending in a dense layer or a softmax."""
    layers = Layers.seeded(seed)
    draw = layers.generator
    shape = (1, int(draw.integers(3, 12)), int(draw.integers(3, 12)), int(draw.integers(1, 6)))
    values = [layers.input(shape, zero_point=int(draw.integers(-128, 128)))]
    for _ in range(operators):
        source = values[-1] if draw.random() < 0.6 else values[int(draw.integers(len(values)))]
        values.append(_grow(layers, values, source))
    output = _end(layers, values, used_by(layers))
    # tflite-runtime 2.14 rounds a few outputs of LOGISTIC the other way.
    witnessed = all(operator.kind != "LOGISTIC" for operator in layers.builder.operators)
    return Subject(f"seed {seed}", layers.finish(output), random_images(shape, seed), witnessed)


def used_by(layers: Layers) -> set[int]:
    """Return the tensors that an operator reads."""
    return {index for operator in layers.builder.operators for index in operator.inputs}


def _grow(layers: Layers, values: list[Value], source: Value) -> Value:
    """Add one operator that reads ``source``, and for a branch's end one of the earlier values too."""
    draw = layers.generator
    if draw.random() < 0.35:
        partners = [value for value in values if value.shape == source.shape and value.index != source.index]
        if partners:
            return layers.add(source, partners[int(draw.integers(len(partners)))], int(draw.integers(2)))
    if draw.random() < 0.2:
        return _joined(layers, source)
    kinds: list[Builder] = [_conv, _conv, _pointwise, _pointwise, _depthwise, _pool, _pad, _turned, _activation]
    return kinds[int(draw.integers(len(kinds)))](layers, source)


def _arithmetic(layers: Layers) -> Arithmetic:
    draw = layers.generator
    return Arithmetic(int(draw.choice((0, 0, 1, 2))), int(draw.integers(-128, 128)))


def _window(layers: Layers, source: Value) -> Window:
    draw = layers.generator
    _, height, width, _ = source.shape
    padding = int(draw.choice((PADDING_SAME, PADDING_SAME, PADDING_VALID)))
    most = (min(height, 4), min(width, 4)) if padding == PADDING_VALID else (5, 5)
    kernel = (int(draw.integers(1, most[0] + 1)), int(draw.integers(1, most[1] + 1)))
    stride = (1, 1) if draw.random() < 0.6 else (int(draw.integers(1, 4)), int(draw.integers(1, 4)))
    return Window(kernel, stride, padding=padding)


def _conv(layers: Layers, source: Value) -> Value:
    filters = int(layers.generator.integers(1, 10))
    return layers.conv(source, filters, _window(layers, source), _arithmetic(layers))


def _pointwise(layers: Layers, source: Value) -> Value:
    filters = int(layers.generator.integers(1, 14))
    return layers.conv(source, filters, Window((1, 1)), _arithmetic(layers))


def _depthwise(layers: Layers, source: Value) -> Value:
    multiplier = 1 if source.shape[3] > 4 else int(layers.generator.choice((1, 1, 2)))
    return layers.depthwise(source, multiplier, _window(layers, source), _arithmetic(layers))


def _pool(layers: Layers, source: Value) -> Value:
    kind = str(layers.generator.choice(("MAX_POOL_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D")))
    size = (min(2, source.shape[1]), min(int(layers.generator.integers(2, 4)), source.shape[2]))
    return layers.pool(kind, source, Window(size, size, padding=int(layers.generator.integers(2))))


def _pad(layers: Layers, source: Value) -> Value:
    top, left, bottom, right = (int(size) for size in layers.generator.integers(0, 3, 4))
    padded = layers.pad(source, top, left, bottom, right)
    if min(padded.shape[1:3]) < 3 or layers.generator.random() < 0.3:
        return padded
    return layers.conv(padded, int(layers.generator.integers(1, 6)), Window(padding=PADDING_VALID), _arithmetic(layers))


def _turned(layers: Layers, source: Value) -> Value:
    _, height, width, channels = source.shape
    return layers.reshape(source, (1, width, height, channels))


def _activation(layers: Layers, source: Value) -> Value:
    kind = str(layers.generator.choice(("RELU", "LOGISTIC", "TANH")))
    if kind == "RELU":
        return layers.op("RELU", [source], source.shape)
    scale, zero_point = (1 / 256, -128) if kind == "LOGISTIC" else (1 / 128, 0)
    return layers.op(kind, [source], source.shape, scale, zero_point)


def _joined(layers: Layers, source: Value) -> Value:
    """Two branches of the same value side by side: pools, which keep its quantisation."""
    pooled = layers.pool("MAX_POOL_2D", source, Window((3, 3), (1, 1)))
    averaged = layers.pool("AVERAGE_POOL_2D", source, Window((2, 2), (1, 1)))
    return layers.concatenation(pooled, source, averaged)


def _end(layers: Layers, values: list[Value], used: set[int]) -> Value:
    """Classify every value that nothing reads yet, and add the results up."""
    units = int(layers.generator.integers(2, 11))
    logits: Value | None = None
    for value in values:
        if value.index not in used:
            branch = layers.dense(value, units, _arithmetic(layers))
            logits = branch if logits is None else layers.add(logits, branch)
    assert logits is not None
    if layers.generator.random() < 0.5:
        return logits
    return layers.op("SOFTMAX", [logits], logits.shape, 1 / 256, -128, beta=1.0)
