"""Random small networks with branches, of operators that keep, shrink and grow an image."""

from __future__ import annotations

from collections.abc import Callable

from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from tests.compiler.bench import Subject
from tests.compiler.layers import Arithmetic, Layers, Value, Window, random_images

UNWITNESSED = ("LOGISTIC", "ELU", "CUMSUM", "SUM")
"""tflite-runtime 2.14 rounds a few outputs of the first the other way, has no reference kernels of the next two, and
does not limit the last from below."""

Builder = Callable[[Layers, Value], Value]


def random_network(seed: int, operators: int = 8, *, plain: bool = False) -> Subject:
    """Return a network of ``operators`` operators and more with branches, ending in a dense layer or a softmax.

    ``plain``: of those operators alone through which channels that are left out are followed.
    """
    layers = Layers.seeded(seed)
    draw = layers.generator
    shape = (1, int(draw.integers(3, 12)), int(draw.integers(3, 12)), int(draw.integers(1, 6)))
    values = [layers.input(shape, zero_point=int(draw.integers(-128, 128)))]
    for _ in range(operators):
        source = values[-1] if draw.random() < 0.6 else values[int(draw.integers(len(values)))]
        values.append(_grow(layers, values, source, plain=plain))
    output = _end(layers, values, used_by(layers))
    witnessed = not any(operator.kind in UNWITNESSED for operator in layers.builder.operators)
    return Subject(f"seed {seed}", layers.finish(output), random_images(shape, seed), witnessed)


def used_by(layers: Layers) -> set[int]:
    """Return the tensors that an operator reads."""
    return {index for operator in layers.builder.operators for index in operator.inputs}


def _grow(layers: Layers, values: list[Value], source: Value, *, plain: bool) -> Value:
    """Add one operator that reads ``source``, and for a branch's end one of the earlier values too."""
    draw = layers.generator
    if draw.random() < 0.35:
        partners = [value for value in values if value.shape == source.shape and value.index != source.index]
        if partners:
            return (_sum if plain else _pair)(layers, source, partners[int(draw.integers(len(partners)))])
    if draw.random() < 0.2:
        return _joined(layers, source)
    kinds: list[Builder] = [_conv, _conv, _pointwise, _pointwise, _depthwise, _pool, _pad, _turned, _activation]
    kinds += [] if plain else [_element, _resized, _transposed, _moved, _reduced, _normalised]
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


def _sum(layers: Layers, source: Value, other: Value) -> Value:
    return layers.add(source, other, int(layers.generator.integers(2)))


def _pair(layers: Layers, source: Value, other: Value) -> Value:
    """Two values of one shape: mostly their sum; a larger or smaller one needs both in one quantisation."""
    kind = str(layers.generator.choice(("ADD", "ADD", "ADD", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE")))
    if kind == "ADD":
        return _sum(layers, source, other)
    if kind == "SQUARED_DIFFERENCE":
        return layers.op(kind, [source, other], source.shape, 100 * max(source.scale, other.scale) ** 2, -100)
    alike = other
    if (other.scale, other.zero_point) != (source.scale, source.zero_point):
        alike = layers.op("QUANTIZE", [other], other.shape, source.scale, source.zero_point)
    return layers.op(kind, [source, alike], source.shape)


def _element(layers: Layers, source: Value) -> Value:
    """A function of each element, or PRELU with a slope for each channel."""
    kind = str(layers.generator.choice(("ABS", "PRELU", "ELU", "RSQRT")))
    if kind == "PRELU":
        slopes = layers.builder.constant(layers.generator.integers(-128, 128, (1, 1, source.shape[3])), 0.004, 3)
        return layers.op(kind, [source, slopes], source.shape, source.scale * 1.1, 5)
    if kind == "RSQRT":  # of what is never negative
        square = layers.op("SQUARED_DIFFERENCE", [source, source], source.shape, 0.01, -128)
        return layers.op(kind, [square], source.shape, 0.05, -128)
    return layers.op(kind, [source], source.shape, source.scale * 0.9, -40)


def _resized(layers: Layers, source: Value) -> Value:
    """Another height and width, up to that of most images here."""
    _, _, _, channels = source.shape
    size = [int(one) for one in layers.generator.integers(3, 10, 2)]
    option = str(layers.generator.choice(("align_corners", "half_pixel_centers")))
    shape = layers.builder.constant(size, dtype="int32")
    return layers.op("RESIZE_BILINEAR", [source, shape], (1, *size, channels), **{option: 1})


def _transposed(layers: Layers, source: Value) -> Value:
    """A TRANSPOSE_CONV; larger images only by one row and column at a time."""
    filters, stride = int(layers.generator.integers(1, 6)), 1 if source.shape[1] > 6 else 2
    return layers.transpose_conv(source, filters, Window((2, 3), (stride, stride)), _arithmetic(layers))


def _moved(layers: Layers, source: Value) -> Value:
    """The same elements in other places: mirrored, picked, cut and packed, in blocks."""
    _, height, width, channels = source.shape
    kind = str(layers.generator.choice(("MIRROR_PAD", "GATHER", "PACK", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "SPLIT_V")))
    if kind == "MIRROR_PAD":
        after = min(width, 2)
        amounts = layers.builder.constant([[0, 0], [1, 0], [0, after], [0, 0]], dtype="int32")
        return layers.op(kind, [source, amounts], (1, height + 1, width + after, channels), mode=1)
    if kind == "DEPTH_TO_SPACE" and channels == 4:
        return layers.op(kind, [source], (1, 2 * height, 2 * width, 1), block_size=2)
    if kind == "SPACE_TO_DEPTH" and height % 2 == width % 2 == 0:
        return layers.op(kind, [source], (1, height // 2, width // 2, 4 * channels), block_size=2)
    if kind == "PACK" and width <= 10:
        columns = layers.parts("UNPACK", [source], [(1, height, channels)] * width, num=width, axis=2)
        return layers.op("PACK", columns[::-1], source.shape, values_count=width, axis=2)
    if kind == "SPLIT_V" and channels > 1:
        operands = [layers.builder.constant(values, dtype="int32") for values in ([1, channels - 1], 3)]
        shapes = [(1, height, width, 1), (1, height, width, channels - 1)]
        return layers.concatenation(*layers.parts(kind, [source, *operands], shapes, num_splits=2)[::-1])
    picked = [int(row) for row in layers.generator.integers(0, height, max(height, 3))]
    rows = layers.builder.constant(picked, dtype="int32")
    return layers.op("GATHER", [source, rows], (1, len(picked), width, channels), axis=1)


def _reduced(layers: Layers, source: Value) -> Value:
    """SUM, REDUCE_MAX, REDUCE_MIN or CUMSUM over the columns, or over the channels."""
    kind = str(layers.generator.choice(("SUM", "REDUCE_MAX", "REDUCE_MIN", "CUMSUM")))
    axis = int(layers.generator.integers(2, 4))
    if kind == "CUMSUM" and source.shape[axis] <= 15:  # more may overflow
        along = layers.builder.constant([axis], dtype="int32")
        return layers.op(kind, [source, along], source.shape, source.scale * 3, exclusive=0, reverse=axis - 2)
    kind = "SUM" if kind == "CUMSUM" else kind
    shape = (*source.shape[:axis], 1, *source.shape[axis + 1 :])
    scale = source.scale * 3 if kind == "SUM" else source.scale
    return layers.op(kind, [source, layers.builder.constant([axis], dtype="int32")], shape, scale, keep_dims=True)


def _normalised(layers: Layers, source: Value) -> Value:
    """L2_NORMALIZATION, LOG_SOFTMAX over the channels, or the product with a constant matrix."""
    kind = str(layers.generator.choice(("L2_NORMALIZATION", "LOG_SOFTMAX", "BATCH_MATMUL")))
    if kind == "BATCH_MATMUL":
        channels = source.shape[3]
        matrix = layers.builder.constant(layers.generator.integers(-128, 128, (channels, channels)), 0.01, 7)
        return layers.op(kind, [source, matrix], source.shape, source.scale * 1.5, 2, adj_y=1)
    return layers.op(kind, [source], source.shape, *((1 / 128, 0) if kind == "L2_NORMALIZATION" else (1 / 16, 127)))


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
