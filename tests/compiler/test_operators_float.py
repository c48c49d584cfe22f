"""Operators on float32 beside the layers: equal to TFLM to the last bit, the output as far over its input as may be.

Where the C library takes part, TFLM and the generated C call the same one here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from edgemnist.compiler.ops import WITHOUT_TFLM
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import EdgeMnistError
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_refused

Shape = Sequence[int]

IMAGE = (1, 5, 4, 3)
ELEMENTS = (
    "ABS", "NEG", "SQUARE", "SQRT", "RSQRT", "FLOOR", "CEIL", "ROUND", "HARD_SWISH", "EXP", "LOG", "SIN", "COS", "TANH",
    "LOGISTIC", "ELU", "RELU", "RELU6",
)  # fmt: skip
PAIRS = ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE")
BROADCASTS = ((IMAGE, (1, 1, 1, 3)), ((1, 5, 1, 3), (1, 1, 4, 1)), ((4, 3), IMAGE))


def operator(
    kind: str, shape: Shape, out_shape: Shape, *operands: Any, dtype: str = "float32", **options: Any
) -> bytes:
    """Return a model of one operator of one tensor; further operands are int32 constants."""
    builder = ModelBuilder()
    image = builder.input(shape, None, dtype=dtype)
    constants = [builder.constant(values, dtype="int32") for values in operands]
    return builder.finish([builder.op(kind, [image, *constants], out_shape, dtype=dtype, **options)])


def pair(kind: str, first: Shape, second: Shape, **options: Any) -> bytes:
    """Return a model of one operator of two inputs."""
    builder = ModelBuilder()
    inputs = [builder.input(shape, None, dtype="float32", name=f"input_{n}") for n, shape in enumerate((first, second))]
    out_shape = np.broadcast_shapes(tuple(first), tuple(second))
    return builder.finish([builder.op(kind, inputs, out_shape, dtype="float32", **options)])


def with_constant(kind: str, shape: Shape, constant: Shape, position: int = 1) -> bytes:
    """Return a model of one operator of an input and a constant, which stands first or second."""
    builder = ModelBuilder()
    image = builder.input(shape, None, dtype="float32")
    values = builder.constant(np.random.default_rng(3).normal(size=constant), dtype="float32")
    operands = [values, image] if position == 0 else [image, values]
    return builder.finish(
        [builder.op(kind, operands, np.broadcast_shapes(tuple(shape), tuple(constant)), dtype="float32")]
    )


def cut(kind: str, shape: Shape, part: Shape, count: int, operands: Sequence[Any], **options: Any) -> bytes:
    """Return a model that cuts an image and puts the parts together again, the last first."""
    builder = ModelBuilder()
    image = builder.input(shape, None, dtype="float32")
    constants = [builder.constant(values, dtype="int32") for values in operands]
    inputs = [*constants, image] if kind == "SPLIT" else [image, *constants]
    outputs = [builder.tensor(part, dtype="float32") for _ in range(count)]
    builder.multi_op(kind, inputs, outputs, **options)
    again: dict[str, Any] = {"axis": 2, "values_count": count} if kind == "UNPACK" else {"axis": 2}
    return builder.finish(
        [builder.op("PACK" if kind == "UNPACK" else "CONCATENATION", outputs[::-1], shape, dtype="float32", **again)]
    )


def reduction(kind: str, axes: Sequence[int], keep_dims: bool = True) -> bytes:
    """Return a model of a reduction of an image."""
    shape = [1 if axis in axes else size for axis, size in enumerate(IMAGE)]
    kept = [size for axis, size in enumerate(IMAGE) if axis not in axes]
    return operator(kind, IMAGE, shape if keep_dims else kept, list(axes), keep_dims=keep_dims)


def found(kind: str, axis: int) -> bytes:
    """Return a model that finds where along an axis the largest or smallest element is."""
    builder = ModelBuilder()
    operands = [builder.input(IMAGE, None, dtype="float32"), builder.constant([axis], dtype="int32")]
    shape = [size for number, size in enumerate(IMAGE) if number != axis]
    return builder.finish([builder.op(kind, operands, shape, dtype="int32", output_type=2)])


def product(first: Shape, second: Shape, shape: Shape, constant: bool = False, **options: Any) -> bytes:
    """Return a model of a product of matrices, the second of which may be a constant."""
    builder = ModelBuilder()
    a = builder.input(first, None, dtype="float32")
    values = np.random.default_rng(7).normal(size=tuple(second))
    b = (
        builder.constant(values, dtype="float32")
        if constant
        else builder.input(second, None, dtype="float32", name="b")
    )
    return builder.finish([builder.op("BATCH_MATMUL", [a, b], shape, dtype="float32", **options)])


def transposed(padding: int, strides: Shape, shape: Shape, bias: bool = True) -> bytes:
    """Return a model of a TRANSPOSE_CONV of (1, 4, 3, 2) with a kernel of 3 x 2."""
    builder, random = ModelBuilder(), np.random.default_rng(8)
    operands = [
        builder.constant(shape, dtype="int32"),
        builder.constant(random.normal(size=(5, 3, 2, 2)), dtype="float32"),
    ]
    operands.append(builder.input((1, 4, 3, 2), None, dtype="float32"))
    operands += [builder.constant(random.normal(size=5), dtype="float32")] if bias else []
    options: dict[str, Any] = {"padding": padding, "stride_h": strides[0], "stride_w": strides[1]}
    return builder.finish([builder.op("TRANSPOSE_CONV", operands, shape, dtype="float32", **options)])


def hybrid(kind: str, image: Shape, weights: Shape, shape: Shape, axis: int, scales: int = 1, **options: Any) -> bytes:
    """Return a model of a layer on float32 whose weights are int8."""
    builder, random = ModelBuilder(), np.random.default_rng(9)
    values = random.integers(-127, 128, tuple(weights))
    scale = list(random.uniform(0.01, 0.1, scales)) if scales > 1 else 0.05
    operands = [builder.input(image, None, dtype="float32"), builder.constant(values, scale, [0] * scales, axis=axis)]
    operands.append(builder.constant(random.normal(size=weights[axis]), dtype="float32"))
    return builder.finish([builder.op(kind, operands, shape, dtype="float32", **options)])


COMPUTED = {
    **{kind: operator(kind, IMAGE, IMAGE) for kind in ELEMENTS},
    "LEAKY_RELU": operator("LEAKY_RELU", IMAGE, IMAGE, alpha=0.3),
    **{f"{kind} of {a} and {b}": pair(kind, a, b) for kind in PAIRS for a, b in BROADCASTS},
    **{f"{kind} of two alike": pair(kind, IMAGE, IMAGE) for kind in PAIRS},
    **{f"constant {n} of {kind}": with_constant(kind, IMAGE, (4, 3), n) for kind in ("SUB", "DIV") for n in (0, 1)},
    **{kind: with_constant(kind, IMAGE, (4, 3)) for kind in ("FLOOR_DIV", "FLOOR_MOD")},
    "clamped": pair("ADD", IMAGE, IMAGE, fused_activation_function=3),
    "PRELU": with_constant("PRELU", IMAGE, (1, 1, 3)),
    "SOFTMAX": operator("SOFTMAX", IMAGE, IMAGE, beta=0.7),
    **{kind: operator(kind, IMAGE, IMAGE) for kind in ("LOG_SOFTMAX", "L2_NORMALIZATION")},
    **{
        f"{kind} over {axes}": reduction(kind, axes, keep)
        for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
        for axes, keep in (((1, 2), False), ((3,), True), ((1, 3), True), ((0, 2), False))
    },
    **{f"{kind} along {axis}": found(kind, axis) for kind in ("ARG_MAX", "ARG_MIN") for axis in (1, 3)},
    "BATCH_MATMUL": product((1, 2, 3, 4), (1, 2, 4, 5), (1, 2, 3, 5)),
    "BATCH_MATMUL broadcast": product((1, 2, 3, 4), (1, 1, 5, 4), (1, 2, 3, 5), adj_y=True),
    "BATCH_MATMUL by a constant": product((1, 3, 4), (4, 5), (1, 3, 5), constant=True),
    "TRANSPOSE_CONV": transposed(0, (2, 1), (1, 8, 3, 5)),
    "TRANSPOSE_CONV without bias": transposed(1, (1, 3), (1, 6, 8, 5), bias=False),
    "RESIZE_BILINEAR": operator("RESIZE_BILINEAR", IMAGE, (1, 7, 9, 3), [7, 9]),
    "RESIZE_BILINEAR of corners": operator("RESIZE_BILINEAR", IMAGE, (1, 3, 2, 3), [3, 2], align_corners=True),
    "RESIZE_BILINEAR of centres": operator("RESIZE_BILINEAR", IMAGE, (1, 8, 3, 3), [8, 3], half_pixel_centers=True),
    "CUMSUM": operator("CUMSUM", IMAGE, IMAGE, [2]),
    "CUMSUM from the end": operator("CUMSUM", IMAGE, IMAGE, [1], exclusive=True, reverse=True),
}

MOVED = {
    "TRANSPOSE": operator("TRANSPOSE", IMAGE, (1, 3, 5, 4), [0, 3, 1, 2]),
    "SLICE": operator("SLICE", IMAGE, (1, 2, 3, 2), [0, 1, 1, 1], [1, 2, 3, 2]),
    "STRIDED_SLICE": operator(
        "STRIDED_SLICE", IMAGE, (1, 3, 4, 2), [0, 4, 0, 0], [1, 0, 4, 3], [1, -2, 1, 2], end_mask=2
    ),
    "PAD": operator("PAD", IMAGE, (1, 8, 4, 5), [[0, 0], [1, 2], [0, 0], [2, 0]]),
    "MIRROR_PAD": operator("MIRROR_PAD", IMAGE, (1, 8, 5, 3), [[0, 0], [1, 2], [0, 1], [0, 0]], mode=0),
    "GATHER": operator("GATHER", IMAGE, (1, 5, 3, 3), [3, 0, 0], axis=2),
    "SPACE_TO_DEPTH": operator("SPACE_TO_DEPTH", (1, 4, 2, 3), (1, 2, 1, 12), block_size=2),
    "DEPTH_TO_SPACE": operator("DEPTH_TO_SPACE", (1, 2, 1, 12), (1, 4, 2, 3), block_size=2),
    "RESIZE_NEAREST_NEIGHBOR": operator("RESIZE_NEAREST_NEIGHBOR", IMAGE, (1, 7, 9, 3), [7, 9]),
    "UNPACK": cut("UNPACK", IMAGE, (1, 5, 3), 4, [], num=4, axis=2),
    "SPLIT": cut("SPLIT", IMAGE, (1, 5, 2, 3), 2, [2], num_splits=2),
    "SPLIT_V": cut("SPLIT_V", IMAGE, (1, 5, 1, 3), 4, [[1, 1, 1, 1], 2], num_splits=4),
    **{
        f"SLICE of {dtype}": operator("SLICE", IMAGE, (1, 2, 3, 2), [0, 1, 1, 1], [1, 2, 3, 2], dtype=dtype)
        for dtype in ("int32", "bool")
    },
    "several at once": operator("TRANSPOSE", (3, 2), (2, 3), [1, 0]),
}
WITNESSED = {
    **{
        f"FULLY_CONNECTED, asymmetric {asymmetric}": hybrid(
            "FULLY_CONNECTED",
            (3, 6),
            (4, 6),
            (3, 4),
            0,
            asymmetric_quantize_inputs=asymmetric,
            version=9,
            fused_activation_function=1,
        )
        for asymmetric in (False, True)
    },
    **{
        f"CONV_2D of {scales} scales": hybrid(
            "CONV_2D", (1, 6, 5, 2), (4, 3, 3, 2), (1, 3, 3, 4), 0, scales, padding=0, stride_h=2, stride_w=2, version=5
        )
        for scales in (1, 4)
    },
    "DEPTHWISE_CONV_2D": hybrid(
        "DEPTHWISE_CONV_2D", (1, 6, 5, 2), (1, 3, 3, 4), (1, 6, 5, 4), 3, 4, padding=0, depth_multiplier=2, version=6
    ),
    "RELU_N1_TO_1": operator("RELU_N1_TO_1", IMAGE, IMAGE),
    "POW": pair("POW", IMAGE, IMAGE),
    "TILE": operator("TILE", IMAGE, (2, 5, 4, 9), [2, 1, 1, 3]),
}


@pytest.mark.parametrize("table", [COMPUTED, MOVED], ids=["computed", "moved"])
def test_exact(table: dict[str, bytes], tflm: RuntimeWorker) -> None:
    assert_exact(table, tflm, None)


@pytest.mark.parametrize("table", [COMPUTED, MOVED], ids=["computed", "moved"])
def test_exact_at_the_limits_of_overlap(table: dict[str, bytes], tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(table, tflm)


def test_exact_where_tflm_has_no_kernel(witness: RuntimeWorker) -> None:
    assert_exact(WITNESSED, witness, None)
    assert {"FLOAT_POW", "FLOAT_TILE", "FLOAT_RELU_N1_TO_1", "HYBRID_CONV_2D"} <= WITHOUT_TFLM


def test_refuses_another_type() -> None:
    builder = ModelBuilder()
    image, other = builder.input(IMAGE, None, dtype="float32"), builder.input(IMAGE, None, dtype="int32")
    assert_refused(builder.finish([builder.op("MAXIMUM", [image, other], IMAGE, dtype="float32")]), "needed is float32")


def test_refuses_shapes_that_do_not_broadcast() -> None:
    builder = ModelBuilder()
    inputs = [builder.input(shape, None, dtype="float32") for shape in (IMAGE, (1, 2, 4, 3))]
    assert_refused(builder.finish([builder.op("ADD", inputs, IMAGE, dtype="float32")]), "don't broadcast")


def test_refuses_to_divide_by_a_constant_zero_where_tflm_stops(tflm: RuntimeWorker) -> None:
    builder = ModelBuilder()
    divisors = builder.constant([1.5, -0.0, 2.0], dtype="float32")
    operands = [builder.input(IMAGE, None, dtype="float32"), divisors]
    content = builder.finish([builder.op("FLOOR_DIV", operands, IMAGE, dtype="float32")])

    assert_refused(content, "divides by 'tensor_0', which has a 0, where TFLM stops")
    with pytest.raises(EdgeMnistError, match="Division by 0"):
        tflm.invoke(content, [np.ones((1, *IMAGE), np.float32)])
