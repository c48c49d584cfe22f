"""Small nets with int16 activations: one for each operator, and random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgemnist.compiler.geometry import same_or_valid_padding
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from tests.compiler.bench import Subject
from tests.compiler.model_builder import ModelBuilder

INT16 = "int16"
SCALE = 1 / 3000
EVERY_VALUE = np.arange(-(2**15), 2**15)


class Int16Net:
    """A model under construction; tensors are known by their index, shapes and scales are remembered."""

    def __init__(self, shape: Sequence[int], seed: int = 0, scale: float = SCALE) -> None:
        self.builder, self.random = ModelBuilder(), np.random.default_rng(seed)
        self.shapes: dict[int, tuple[int, ...]] = {}
        self.scales: dict[int, float] = {}
        self.input = self._known(self.builder.input(shape, scale, dtype=INT16), shape, scale)

    def op(
        self, kind: str, inputs: Sequence[int], shape: Sequence[int], scale: float | None = None, **options: Any
    ) -> int:
        """Add an operator on int16; without a scale its output has that of the first input that is known."""
        chosen = next(self.scales[index] for index in inputs if index in self.scales) if scale is None else scale
        return self._known(self.builder.op(kind, inputs, shape, chosen, dtype=INT16, **options), shape, chosen)

    def numbers(self, values: ArrayLike) -> int:
        """Add a constant of int32: axes, shapes and the like."""
        return self.builder.constant(values, dtype="int32")

    def constant(self, shape: Sequence[int], scale: float = SCALE) -> int:
        """Add a constant operand."""
        return self.builder.constant(self.random.integers(-(2**15), 2**15, shape), scale, dtype=INT16)

    def weights(self, shape: Sequence[int], axis: int = 0, *, one_scale: bool = False, large: bool = False) -> int:
        """Add weights, by default with a scale for each channel; ``large``: all 127."""
        values = np.full(shape, 127) if large else self.random.integers(-127, 128, shape)
        scales = [0.0017] if one_scale else list(self.random.uniform(0.001, 0.004, shape[axis]))
        return self.builder.constant(values, scales, axis=axis)

    def bias(self, channels: int, largest: int = 2**22) -> int:
        """Add a bias of int64."""
        return self.builder.constant(self.random.integers(-largest, largest, channels), dtype="int64")

    def finish(self, *outputs: int) -> bytes:
        """Return the file."""
        return self.builder.finish(outputs)

    def _known(self, index: int, shape: Sequence[int], scale: float) -> int:
        self.shapes[index], self.scales[index] = tuple(shape), scale
        return index


def convolution(
    net: Int16Net, source: int, weights: Sequence[int], *, bias: int | None = 2**22, padding: int = PADDING_SAME,
    stride: int = 1, dilation: int = 1, activation: int = 0, one_scale: bool = False, depthwise: bool = False,
    large: bool = False,
) -> int:  # fmt: skip
    """Add a CONV_2D, weights [out, height, width, in], or a DEPTHWISE_CONV_2D, weights [1, height, width, out]."""
    _, height, width, channels = net.shapes[source]
    filters, kernel = weights[3 if depthwise else 0], weights[1:3]
    rows, columns = (
        same_or_valid_padding(padding, size, extent, stride, dilation)[0]
        for size, extent in zip((height, width), kernel, strict=True)
    )
    operands = [source, net.weights(weights, 3 if depthwise else 0, one_scale=one_scale, large=large)]
    operands += [] if bias is None else [net.bias(filters, bias)]
    spread = np.sqrt(np.prod(weights[1:]) if not depthwise else np.prod(kernel)) * (9 if large else 1)
    options = {"depth_multiplier": filters // channels} if depthwise else {}
    return net.op(
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", operands, (1, rows, columns, filters),
        net.scales[source] * 0.35 * float(spread), padding=padding, stride_h=stride, stride_w=stride,
        dilation_h_factor=dilation, dilation_w_factor=dilation, fused_activation_function=activation, **options,
    )  # fmt: skip


def dense(net: Int16Net, source: int, units: int, *, bias: int | None = 2**22, **details: Any) -> int:
    """Add a FULLY_CONNECTED over all that the source has."""
    features = int(np.prod(net.shapes[source]))
    operands = [source, net.weights((units, features), **details), *([] if bias is None else [net.bias(units, bias)])]
    scale = net.scales[source] * 0.35 * features ** (1.0 if details.get("large") else 0.5)
    return net.op("FULLY_CONNECTED", operands, (1, units), scale)


def transposed(net: Int16Net, source: int, filters: int, stride: int, padding: int) -> int:
    """Add a TRANSPOSE_CONV with a kernel of 3 x 2."""
    _, height, width, channels = net.shapes[source]
    sizes = [
        size * stride if padding == PADDING_SAME else (size - 1) * stride + kernel
        for size, kernel in ((height, 3), (width, 2))
    ]
    shape = (1, *sizes, filters)
    operands = [net.numbers(shape), net.weights((filters, 3, 2, channels)), source, net.bias(filters)]
    return net.op("TRANSPOSE_CONV", operands, shape, SCALE * 3, padding=padding, stride_h=stride, stride_w=stride)


def _image(build: Callable[[Int16Net, int], int], shape: Sequence[int] = (1, 7, 6, 4)) -> bytes:
    net = Int16Net(shape)
    return net.finish(build(net, net.input))


def layers() -> Mapping[str, bytes]:
    """Return nets of one layer with weights."""
    conv, filters = convolution, (5, 3, 3, 4)
    return {
        "same": _image(lambda n, x: conv(n, x, filters, activation=1)),
        "valid, strides": _image(lambda n, x: conv(n, x, (3, 2, 3, 4), padding=PADDING_VALID, stride=2, activation=3)),
        "dilation": _image(lambda n, x: conv(n, x, (5, 3, 2, 4), dilation=2, one_scale=True)),
        "groups": _image(lambda n, x: conv(n, x, (6, 3, 3, 2))),
        "pointwise, no bias": _image(lambda n, x: conv(n, x, (9, 1, 1, 4), bias=None, padding=PADDING_VALID)),
        "larger than the image": _image(lambda n, x: conv(n, x, (2, 9, 8, 4))),
        "wide bias": _image(lambda n, x: conv(n, x, filters, bias=2**35)),
        "wide sums": _image(lambda n, x: conv(n, x, (2, 5, 5, 30), large=True), (1, 3, 3, 30)),
        "depthwise": _image(lambda n, x: conv(n, x, (1, 3, 3, 4), depthwise=True, activation=3)),
        "multiplier": _image(lambda n, x: conv(n, x, (1, 2, 3, 8), depthwise=True, stride=2, padding=PADDING_VALID)),
        "depthwise, dilation": _image(lambda n, x: conv(n, x, (1, 3, 2, 4), depthwise=True, dilation=2, bias=None)),
        "depthwise, wide": _image(lambda n, x: conv(n, x, (1, 3, 3, 4), depthwise=True, bias=2**38)),
        "dense": _image(lambda n, x: dense(n, x, 7), (1, 45)),
        "dense, no bias": _image(lambda n, x: dense(n, x, 3, bias=None, one_scale=True), (1, 9)),
        "dense, wide": _image(lambda n, x: dense(n, x, 2, large=True), (1, 600)),
        "transposed": _image(lambda n, x: transposed(n, x, 3, 2, PADDING_SAME)),
        "transposed, valid": _image(lambda n, x: transposed(n, x, 2, 3, PADDING_VALID), (1, 3, 4, 5)),
    }


def _pair(kind: str, other: Callable[[Int16Net, int], int], **options: Any) -> bytes:
    """Return a net of two operands of unlike scales, the second broadcast as ``other`` has it."""
    net = Int16Net((1, 4, 3, 5))
    scaled = net.op("QUANTIZE", [net.input], (1, 4, 3, 5), SCALE * 0.7)
    second = other(net, scaled)
    return net.finish(net.op(kind, [net.input, second], (1, 4, 3, 5), SCALE * options.pop("grows", 1.9), **options))


def pairs() -> Mapping[str, bytes]:
    """Return nets of operators of two operands."""
    found = {
        f"{kind}, {name}": _pair(kind, other, fused_activation_function=activation)
        for kind in ("ADD", "SUB", "MUL")
        for name, other, activation in (
            ("same", lambda _, x: x, 1),
            ("constant", lambda net, _: net.constant((5,), 3e-4), 0),
            ("broadcast", lambda net, x: net.op("MEAN", [x, net.numbers([1, 2])], (1, 1, 1, 5), keep_dims=True), 3),
        )
    }
    for name, other, grows in (
        ("same", lambda _, x: x, 0.002), ("constant", lambda net, _: net.constant((5,), 3e-4), 0.5),
        ("broadcast", lambda net, x: net.op("MEAN", [x, net.numbers([1, 2])], (1, 1, 1, 5), keep_dims=True), 40.0),
    ):  # fmt: skip
        found[f"SQUARED_DIFFERENCE, {name}"] = _pair("SQUARED_DIFFERENCE", other, grows=grows)
    for kind in ("MAXIMUM", "MINIMUM"):
        found[kind] = _pair(kind, lambda net, _: net.op("RELU", [net.input], (1, 4, 3, 5)), grows=1.0)
        found[f"{kind}, constant"] = _pair(kind, lambda net, _: net.constant((1, 5)), grows=1.0)
    return found


def products() -> Mapping[str, bytes]:
    """Return nets of one BATCH_MATMUL."""
    found = {}
    for name, first, second, options, scale in (
        ("constant", (1, 3, 5), (5, 4), {}, 3e-4), ("batches", (1, 2, 4, 6), (3, 1, 6, 5), {}, 5e-4),
        ("adjoint", (1, 5, 3), (1, 4, 5), {"adj_x": True, "adj_y": True}, 1e-3),
        ("long", (1, 2, 900), (1, 900, 3), {}, 9e-3), ("fine", (1, 4, 4), (4, 4), {"adj_y": True}, 1e-6),
    ):  # fmt: skip
        net = Int16Net(first)
        rows, columns = first[-1 if "adj_x" in options else -2], second[-2 if "adj_y" in options else -1]
        batches = np.broadcast_shapes(first[:-2], second[:-2])
        output = net.op("BATCH_MATMUL", [net.input, net.constant(second)], (*batches, rows, columns), scale, **options)
        found[name] = net.finish(output)
    net = Int16Net((1, 4, 4))
    turned = net.op("TRANSPOSE", [net.input, net.numbers([0, 2, 1])], (1, 4, 4))
    found["two activations"] = net.finish(net.op("BATCH_MATMUL", [net.input, turned], (1, 4, 4), 2e-3))
    found["a constant first"] = net.finish(
        net.op("BATCH_MATMUL", [net.constant((1, 3, 4)), net.input], (1, 3, 4), 1e-3)
    )
    return found


def elements() -> Mapping[str, bytes]:
    """Return nets of an operator of one element, of all 65,536 values."""
    count, found = len(EVERY_VALUE), {}
    for kind, scale, options in (
        ("RELU", SCALE * 0.9, {}), ("RELU6", SCALE, {}), ("LEAKY_RELU", SCALE * 1.3, {"alpha": 0.1}),
        ("LEAKY_RELU", SCALE / 2, {"alpha": -1.7}), ("QUANTIZE", SCALE * 2.3, {}), ("ABS", SCALE, {}),
        ("ABS", SCALE * 1.7, {}), ("ABS", SCALE / 3, {}), ("LOGISTIC", 2**-15, {}),
        ("TANH", 2**-15, {}),
    ):  # fmt: skip
        for source in (SCALE, 2**-12, 2**-11, 0.7) if scale == 2**-15 else (SCALE,):
            net = Int16Net((1, count), scale=source)
            output = net.op(kind, [net.input], (1, count), scale, **options)
            found[f"{kind} {options} of {source:g} to {scale:g}"] = net.finish(output)
    return found


def softmaxes() -> Mapping[str, bytes]:
    """Return nets of one SOFTMAX."""
    found = {}
    for shape, scale, beta in (
        ((1, 10), SCALE, 1.0),
        ((1, 6, 3), 0.01, 0.5),
        ((1, 300), 1e-4, 2.0),
        ((1, 1), 1.0, 1.0),
    ):
        net = Int16Net(shape, scale=scale)
        found[f"{shape} of {scale:g}"] = net.finish(net.op("SOFTMAX", [net.input], shape, 2**-15, beta=beta))
    return found


def edges() -> Mapping[str, bytes]:
    """Return nets that begin or end in another type."""
    found = {}
    pairs = (("int8", "int16"), ("int16", "int8"), ("int16", "int32"), ("int32", "int16"), ("float32", "int16"))
    for before, after in pairs:
        builder = ModelBuilder()
        entry_scale = {"float32": None, "int32": 1e-8}.get(before, 0.01)
        entry = builder.input((1, 300), entry_scale, -3 * (before == "int8"), dtype=before)
        scale, zero_point = {"int8": (0.04, 5), "int32": (1e-7, 0)}.get(after, (0.0003, 0))
        output = builder.op("QUANTIZE", [entry], (1, 300), scale, zero_point, dtype=after)
        found[f"{before} to {after}"] = builder.finish([output])
    net = Int16Net((1, 300))
    found["int16 to float32"] = net.finish(net.builder.op("DEQUANTIZE", [net.input], (1, 300), dtype="float32"))
    return found


def movements() -> Mapping[str, bytes]:
    """Return nets that move elements, pool them or sum them up."""

    def reduced(kind: str, axes: Sequence[int], shape: Sequence[int], scale: float) -> bytes:
        return _image(lambda n, x: n.op(kind, [x, n.numbers(axes)], shape, scale, keep_dims=len(shape) == 4))

    def pool(kind: str, padding: int, shape: Sequence[int], activation: int) -> bytes:
        window = {"filter_height": 3, "filter_width": 2, "stride_h": 2, "stride_w": 2, "padding": padding}
        return _image(lambda n, x: n.op(kind, [x], shape, fused_activation_function=activation, **window))

    def sliced(kind: str, shape: Sequence[int], *operands: Sequence[int], **options: Any) -> bytes:
        return _image(lambda n, x: n.op(kind, [x, *map(n.numbers, operands)], shape, **options))

    around = [[0, 0], [1, 2], [0, 1], [0, 0]]
    joined = lambda n, x: n.op("CONCATENATION", [x, n.constant((1, 7, 6, 3)), x], (1, 7, 6, 11), axis=3)  # noqa: E731
    return {
        "average": pool("AVERAGE_POOL_2D", PADDING_SAME, (1, 4, 3, 4), 0),
        "largest": pool("MAX_POOL_2D", PADDING_VALID, (1, 3, 3, 4), 1),
        "mean": reduced("MEAN", [1, 2], (1, 4), SCALE * 0.3),
        "mean, kept": reduced("MEAN", [-1], (1, 7, 6, 1), SCALE),
        "sum": reduced("SUM", [1], (1, 6, 4), SCALE * 6),
        "pad": _image(lambda n, x: n.op("PAD", [x, n.numbers(around)], (1, 10, 7, 4))),
        "pad with a value": _image(lambda n, x: n.op("PADV2", [x, n.numbers(around), n.constant((1,))], (1, 10, 7, 4))),
        "strided slice": sliced("STRIDED_SLICE", (1, 3, 2, 4), [0, 6, 1, 0], [1, 0, 6, 4], [1, -2, 3, 1]),
        "slice": sliced("SLICE", (1, 3, 6, 2), [0, 2, 0, 1], [1, 3, -1, 2]),
        "transpose": sliced("TRANSPOSE", (1, 4, 7, 6), [0, 3, 1, 2]),
        "resize": _resized((5, 9)),
        "resize, corners": _resized((13, 4), align_corners=True),
        "resize, centers": _resized((14, 3), half_pixel_centers=True),
        "reshape": sliced("RESHAPE", (1, 168), [1, 168], new_shape=[1, 168]),
        "concatenation": _image(joined),
        "pack": _image(lambda n, x: n.op("PACK", [x, x], (1, 7, 2, 6, 4), axis=2, values_count=2)),
        "split": _split(),
    }


def _resized(size: tuple[int, int], **options: bool) -> bytes:
    """Return a net of one RESIZE_NEAREST_NEIGHBOR."""
    return _image(lambda n, x: n.op("RESIZE_NEAREST_NEIGHBOR", [x, n.numbers(size)], (1, *size, 4), **options))


def _split() -> bytes:
    net = Int16Net((1, 7, 6, 4))
    parts = [net.builder.tensor((1, 7, 6, 2), SCALE, dtype=INT16) for _ in range(2)]
    net.builder.multi_op("SPLIT", [net.numbers([3]), net.input], parts, num_splits=2)
    return net.finish(*parts)


def subject(name: str, content: bytes, shape: Sequence[int], *, witnessed: bool = True) -> Subject:
    """Return a net with noise, the extremes, and noise near zero."""
    return Subject(name, content, int16_images(shape), witnessed)


def int16_images(shape: Sequence[int], seed: int = 5) -> NDArray[np.int16]:
    """Return images of int16: the extremes, noise, noise near zero, and every value in turn."""
    random, size = np.random.default_rng(seed), int(np.prod(shape))
    rising = np.resize(EVERY_VALUE if size >= len(EVERY_VALUE) else EVERY_VALUE[::97], size).reshape(shape)
    noise = [random.integers(-(2**15), 2**15, shape), random.integers(-300, 300, shape)]
    images = [np.full(shape, -(2**15)), np.full(shape, 2**15 - 1), *noise, rising]
    result: NDArray[np.int16] = np.stack(images).astype(np.int16)
    return result


def random_net(seed: int, operators: int = 6) -> Subject:
    """Return a chain of operators with branches that come together again, of which TFLM has all in int16."""
    net = Int16Net((1, 8, 7, 3), seed)
    values = [net.input]
    for _ in range(operators):
        values.append(_grown(net, values))
    return Subject(
        f"seed {seed}", net.finish(_ended(net, values[-1])), int16_images((1, 8, 7, 3), seed), witnessed=False
    )


def _grown(net: Int16Net, values: Sequence[int]) -> int:
    source, choice = values[-1], int(net.random.integers(8))
    _, height, width, channels = shape = net.shapes[source]
    partners: Iterable[int] = (one for one in values[:-1] if net.shapes[one] == shape)
    partner = next(iter(partners), None)
    if partner is not None and choice > 3:
        return net.op(str(net.random.choice(["ADD", "SUB", "MUL"])), [source, partner], shape, net.scales[source] * 1.5)
    if choice == 0 and min(height, width) > 1:
        window = {"filter_height": 2, "filter_width": 2, "stride_h": 2, "stride_w": 2, "padding": PADDING_VALID}
        return net.op("MAX_POOL_2D", [source], (1, height // 2, width // 2, channels), **window)
    if choice == 1:
        return convolution(net, source, (1, 3, 3, channels), depthwise=True, activation=1)
    if choice == 2:
        return net.op("LEAKY_RELU", [source], shape, net.scales[source] * 0.9, alpha=0.2)
    if choice == 3:
        around = [[0, 0], [1, 1], [1, 0], [0, 0]]
        return net.op("PAD", [source, net.numbers(around)], (1, height + 2, width + 1, channels))
    filters = channels if choice > 5 else int(net.random.integers(1, 7))
    return convolution(net, source, (filters, 3, 3, channels), activation=int(net.random.choice([0, 1, 3])))


def _ended(net: Int16Net, source: int) -> int:
    logits = dense(net, source, 5)
    scaled = net.op("QUANTIZE", [logits], (1, 5), SCALE)
    return net.op("SOFTMAX", [scaled], (1, 5), 2**-15, beta=1.0)
