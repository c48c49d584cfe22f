"""Models of one operator, in every type that image classifiers come in; what `scripts/operator_versions` tries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from operator_builders import FLOAT, NamedInputs, WithFloatEdges  # noqa: E402

from tests.compiler.model_builder import ModelBuilder  # noqa: E402

IMAGE = (1, 4, 4, 4)
CHANNELS = IMAGE[-1]
SCALE = 0.05

INTEGERS = ("int8", "uint8", "int16")
ZERO_POINTS = {"int8": 3, "uint8": 131, "int16": 0}


@dataclass(frozen=True)
class Case:
    """A model whose only operator is of a kind; what it works on is read from the file."""

    kind: str
    content: bytes


def cases(*, float_edges: bool = False) -> Iterator[Case]:
    """Yield every case that can be written.

    With ``float_edges`` QUANTIZE and DEQUANTIZE stand around the operator, for a runtime that can't be fed integers.
    """
    for kind, build in _builders():
        builder = WithFloatEdges() if float_edges else NamedInputs()
        outputs = build(builder)
        yield Case(kind, builder.finish([outputs] if isinstance(outputs, int) else outputs))


Build = Callable[..., int | list[int]]
"""Adds an operator to a builder and returns its outputs."""


def _builders() -> Iterator[tuple[str, Build]]:
    yield from _weighted()
    yield from _elements()
    yield from _pairs()
    yield from _windows()
    yield from _reductions()
    yield from _movements()
    yield from _changes_of_type()


def _quantised(dtype: str, scale: float = SCALE) -> dict[str, Any]:
    """Return what makes a tensor of a type: its scale and zero point where it has one."""
    if dtype not in ZERO_POINTS:
        return {"scale": None, "dtype": dtype}
    return {"scale": scale, "zero_point": ZERO_POINTS[dtype], "dtype": dtype}


# --- layers with weights ---------------------------------------------------------------------------------------------

_LAYERS: Mapping[str, tuple[tuple[int, ...], int, tuple[int, ...], dict[str, Any]]] = {
    "CONV_2D": ((4, 1, 1, CHANNELS), 0, IMAGE, {"padding": 0, "dilation_h_factor": 1, "dilation_w_factor": 1}),
    "DEPTHWISE_CONV_2D": (
        (1, 1, 1, CHANNELS), 3, IMAGE,
        {"padding": 0, "depth_multiplier": 1, "dilation_h_factor": 1, "dilation_w_factor": 1},
    ),
    "FULLY_CONNECTED": ((4, 64), 0, (1, 4), {}),
    "TRANSPOSE_CONV": ((4, 1, 1, CHANNELS), 0, IMAGE, {"padding": 0}),
}  # fmt: skip
"""Shape of the weights, the axis of their channels, shape of the output, options."""

_WEIGHTS: Mapping[str, tuple[str, str, bool, str]] = {
    "float": (FLOAT, FLOAT, False, FLOAT),
    "int8 of one scale": ("int8", "int8", False, "int32"),
    "int8": ("int8", "int8", True, "int32"),
    "uint8": ("uint8", "uint8", False, "int32"),
    "int16x8": ("int16", "int8", True, "int64"),
    "int16x8, narrow bias": ("int16", "int8", True, "int32"),
    "hybrid of one scale": (FLOAT, "int8", False, FLOAT),
    "hybrid": (FLOAT, "int8", True, FLOAT),
    "int4": ("int8", "int4", True, "int32"),
    "hybrid int4": (FLOAT, "int4", True, FLOAT),
}
"""Types of activations and weights, whether each channel has a scale, type of the bias."""


def _weighted() -> Iterator[tuple[str, Build]]:
    for kind in _LAYERS:
        for dtype, weights, each, bias in _WEIGHTS.values():
            given: dict[str, Any] = {"kind": kind, "dtype": dtype, "weights": weights, "each": each}
            yield kind, partial(_layer, bias=bias, **given)
            if weights != "int4" and bias != "int64":
                yield kind, partial(_layer, bias=None, **given)


def _layer(builder: ModelBuilder, kind: str, dtype: str, weights: str, each: bool, bias: str | None) -> int:
    shape, axis, output, options = _LAYERS[kind]
    image = builder.input((1, 64) if kind == "FULLY_CONNECTED" else IMAGE, **_quantised(dtype))
    scale = None if weights == FLOAT else [0.01] * 4 if each else 0.01
    zero_point = 128 if weights == "uint8" else 0
    raw = np.ones((int(np.prod(shape)) + 1) // 2, np.uint8) if weights == "int4" else np.ones(shape, np.dtype(weights))
    constant = builder.tensor(shape, scale, zero_point, dtype=weights, axis=axis, data=raw)
    inputs = [image, constant]
    if kind == "TRANSPOSE_CONV":
        inputs = [builder.constant(output, dtype="int32"), constant, image]
    if bias is not None:
        bias_scale = None if bias == FLOAT else [0.01 * SCALE] * 4 if each else 0.01 * SCALE
        inputs.append(builder.constant(np.zeros(4), bias_scale, dtype=bias))
    return builder.op(kind, inputs, output, version=1, **_quantised(dtype), **options)


# --- one element after the other -------------------------------------------------------------------------------------

_ALL = (FLOAT, *INTEGERS)
_FLOAT_AND_INT8 = (FLOAT, "int8", "int16")
_ELEMENTS: Mapping[str, tuple[str, ...]] = {
    "RELU": _ALL, "RELU6": _ALL, "RELU_N1_TO_1": _ALL, "LEAKY_RELU": _ALL, "ELU": _FLOAT_AND_INT8,
    "GELU": (FLOAT, "int8", "uint8"), "HARD_SWISH": _ALL, "LOGISTIC": _ALL, "TANH": _ALL, "SOFTMAX": _ALL,
    "LOG_SOFTMAX": (FLOAT, "int8", "uint8"), "L2_NORMALIZATION": (FLOAT, "int8", "uint8"),
    "ABS": _FLOAT_AND_INT8, "NEG": (FLOAT, "int8", "int32"), "EXP": _FLOAT_AND_INT8, "LOG": (FLOAT, "int8"),
    "SQRT": (FLOAT,), "RSQRT": (FLOAT, "int8"), "SQUARE": (FLOAT,), "SIN": (FLOAT,), "COS": (FLOAT,),
    "FLOOR": (FLOAT,), "CEIL": (FLOAT,), "ROUND": (FLOAT,), "SIGN": (FLOAT,),
}  # fmt: skip
_OF_OUTPUT = {
    "LOGISTIC": {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)},
    "SOFTMAX": {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)},
    "TANH": {"int8": (1 / 128, 0), "uint8": (1 / 128, 128), "int16": (1 / 32768, 0)},
    "LOG_SOFTMAX": {"int8": (16 / 256, 127), "uint8": (16 / 256, 255)},
    "L2_NORMALIZATION": {"int8": (1 / 128, 0), "uint8": (1 / 128, 128)},
}
"""The quantisation that an operator's output has to have."""
_OPTIONS: Mapping[str, dict[str, Any]] = {"SOFTMAX": {"beta": 1.0}, "LEAKY_RELU": {"alpha": 0.1}}


def _elements() -> Iterator[tuple[str, Build]]:
    for kind, types in _ELEMENTS.items():
        for dtype in types:
            yield kind, partial(_element, kind=kind, dtype=dtype)


def _element(builder: ModelBuilder, kind: str, dtype: str) -> int:
    fixed = {"int16": (1 / 4096, 0)} if kind in ("LOGISTIC", "TANH") else {}
    if kind in ("LOG", "RSQRT"):  # what is 1 in the file has to be positive
        fixed = {"int8": (SCALE, -128)}
    scale, zero_point = fixed.get(dtype, (SCALE, ZERO_POINTS.get(dtype, 0)))
    given: dict[str, Any] = {"scale": scale if dtype in ZERO_POINTS else None, "zero_point": zero_point, "dtype": dtype}
    image = builder.input(IMAGE, **given)
    result = _OF_OUTPUT.get(kind, {}).get(dtype)
    if result is not None:
        given = {**given, "scale": result[0], "zero_point": result[1]}
    return builder.op(kind, [image], IMAGE, version=1, **given, **_OPTIONS.get(kind, {}))


_PAIRS: Mapping[str, tuple[str, ...]] = {
    "ADD": (*_ALL, "int32", "int64"), "SUB": (*_ALL, "int32", "int64"), "MUL": (*_ALL, "int32", "int64"),
    "DIV": (FLOAT, "int8", "uint8", "int32"), "MAXIMUM": (*_ALL, "int32"), "MINIMUM": (*_ALL, "int32"),
    "SQUARED_DIFFERENCE": (FLOAT, "int8", "int32"), "POW": (FLOAT, "int32"), "FLOOR_DIV": (FLOAT, "int32"),
    "PRELU": (FLOAT, "int8", "uint8"), "EQUAL": (FLOAT, "int8", "int32"), "GREATER": (FLOAT, "int8", "int32"),
    "LESS": (FLOAT, "int8", "int32"),
}  # fmt: skip
_COMPARISONS = ("EQUAL", "GREATER", "LESS")


def _pairs() -> Iterator[tuple[str, Build]]:
    for kind, types in _PAIRS.items():
        for dtype in types:
            yield kind, partial(_pair, kind=kind, dtype=dtype)
    yield "ADD_N", partial(_pair, kind="ADD_N", dtype=FLOAT)
    for dtype in _FLOAT_AND_INT8:
        yield "BATCH_MATMUL", partial(_product, dtype=dtype)


def _pair(builder: ModelBuilder, kind: str, dtype: str) -> int:
    given = _quantised(dtype)
    image = builder.input(IMAGE, **given)
    if kind == "PRELU":
        other = builder.constant(np.ones((1, 1, CHANNELS)), given["scale"], given.get("zero_point", 0), dtype=dtype)
    else:
        other = builder.input(IMAGE, **given)
    result = {"scale": None, "dtype": "bool"} if kind in _COMPARISONS else given
    return builder.op(kind, [image, other], IMAGE, version=1, **result)


def _product(builder: ModelBuilder, dtype: str) -> int:
    given = _quantised(dtype)
    return builder.op(
        "BATCH_MATMUL",
        [builder.input((1, 4, 4), **given), builder.input((1, 4, 4), **given)],
        (1, 4, 4),
        version=1,
        **given,
    )


# --- windows, sums, movements ----------------------------------------------------------------------------------------


def _windows() -> Iterator[tuple[str, Build]]:
    for kind, types in {"AVERAGE_POOL_2D": _ALL, "MAX_POOL_2D": _ALL, "L2_POOL_2D": (FLOAT,)}.items():
        for dtype in types:
            yield kind, partial(_pool, kind=kind, dtype=dtype)
    for kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        for dtype in _ALL:
            yield kind, partial(_with_constant, kind=kind, dtype=dtype, values=[8, 8], shape=(1, 8, 8, 4))


def _pool(builder: ModelBuilder, kind: str, dtype: str) -> int:
    window: dict[str, Any] = {"padding": 1, "filter_height": 2, "filter_width": 2, "stride_h": 2, "stride_w": 2}
    given, shape = _quantised(dtype), (1, 2, 2, CHANNELS)
    return builder.op(kind, [builder.input(IMAGE, **given)], shape, version=1, **given, **window)


def _reductions() -> Iterator[tuple[str, Build]]:
    for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        for dtype in _ALL if kind != "REDUCE_PROD" else (FLOAT, "int8", "int32"):
            yield kind, partial(_with_constant, kind=kind, dtype=dtype, values=[1, 2], shape=(1, CHANNELS))
    for kind in ("ARG_MAX", "ARG_MIN"):
        for dtype in (FLOAT, "int8", "uint8"):
            for result in ("int32", "int64"):
                yield kind, partial(_extreme, kind=kind, dtype=dtype, result=result)


def _extreme(builder: ModelBuilder, kind: str, dtype: str, result: str) -> int:
    image, axis = builder.input((1, CHANNELS), **_quantised(dtype)), builder.constant([1], dtype="int32")
    return builder.op(kind, [image, axis], (1,), version=1, dtype=result, output_type={"int32": 2, "int64": 4}[result])


def _with_constant(
    builder: ModelBuilder, kind: str, dtype: str, values: Any, shape: tuple[int, ...], **options: Any
) -> int:
    """Add an operator of an image and a constant of int32."""
    image, constant = builder.input(IMAGE, **_quantised(dtype)), builder.constant(values, dtype="int32")
    return builder.op(kind, [image, constant], shape, version=1, **_quantised(dtype), **options)


_MOVED = (*_ALL, "int32")
_PADS = [[0, 0], [1, 1], [1, 1], [0, 0]]
_MOVEMENTS: Mapping[str, tuple[Any, tuple[int, ...], dict[str, Any]]] = {
    "RESHAPE": ([1, 64], (1, 64), {"new_shape": [1, 64]}),
    "TRANSPOSE": ([0, 3, 1, 2], IMAGE, {}),
    "PAD": (_PADS, (1, 6, 6, CHANNELS), {}),
    "MIRROR_PAD": (_PADS, (1, 6, 6, CHANNELS), {}),
    "EXPAND_DIMS": ([1], (1, *IMAGE), {}),
    "TILE": ([1, 2, 1, 1], (1, 8, 4, 4), {}),
    "REVERSE_V2": ([1], IMAGE, {}),
    "GATHER": ([0, 0], (2, *IMAGE[1:]), {"axis": 0}),
    "BROADCAST_TO": ([2, 4, 4, 4], (2, *IMAGE[1:]), {}),
}
_ALONE: Mapping[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "SQUEEZE": ((4, 4, 4), {"squeeze_dims": [0]}),
    "SPACE_TO_DEPTH": ((1, 2, 2, 16), {"block_size": 2}),
    "DEPTH_TO_SPACE": ((1, 8, 8, 1), {"block_size": 2}),
}


def _movements() -> Iterator[tuple[str, Build]]:
    for dtype in _MOVED:
        for kind, (values, shape, options) in _MOVEMENTS.items():
            yield kind, partial(_with_constant, kind=kind, dtype=dtype, values=values, shape=shape, **options)
        for kind, (shape, options) in _ALONE.items():
            yield kind, partial(_alone, kind=kind, dtype=dtype, shape=shape, **options)
        for kind, build in _LISTS.items():
            yield kind, partial(build, dtype=dtype)
        yield "SHAPE", partial(_shape, dtype=dtype)


def _alone(builder: ModelBuilder, kind: str, dtype: str, shape: tuple[int, ...], **options: Any) -> int:
    given = _quantised(dtype)
    return builder.op(kind, [builder.input(IMAGE, **given)], shape, version=1, **given, **options)


def _shape(builder: ModelBuilder, dtype: str) -> int:
    return builder.op("SHAPE", [builder.input(IMAGE, **_quantised(dtype))], (4,), dtype="int32", out_type=2)


def _concatenation(builder: ModelBuilder, dtype: str) -> list[int]:
    given = _quantised(dtype)
    inputs = [builder.input(IMAGE, **given), builder.input(IMAGE, **given)]
    return [builder.op("CONCATENATION", inputs, (1, 4, 4, 8), version=1, axis=3, **given)]


def _pack(builder: ModelBuilder, dtype: str) -> list[int]:
    given = _quantised(dtype)
    inputs = [builder.input(IMAGE, **given), builder.input(IMAGE, **given)]
    return [builder.op("PACK", inputs, (2, *IMAGE), version=1, axis=0, values_count=2, **given)]


def _unpack(builder: ModelBuilder, dtype: str) -> list[int]:
    given = _quantised(dtype)
    outputs = [builder.tensor(IMAGE[1:], **given)]
    builder.multi_op("UNPACK", [builder.input(IMAGE, **given)], outputs, version=1, num=1, axis=0)
    return outputs


def _split(builder: ModelBuilder, dtype: str) -> list[int]:
    given = _quantised(dtype)
    outputs = [builder.tensor((1, 4, 4, 2), **given) for _ in range(2)]
    axis = builder.constant(3, dtype="int32")
    builder.multi_op("SPLIT", [axis, builder.input(IMAGE, **given)], outputs, version=1, num_splits=2)
    return outputs


def _split_v(builder: ModelBuilder, dtype: str) -> list[int]:
    given = _quantised(dtype)
    outputs = [builder.tensor((1, 4, 4, size), **given) for size in (1, 3)]
    sizes, axis = builder.constant([1, 3], dtype="int32"), builder.constant(3, dtype="int32")
    builder.multi_op("SPLIT_V", [builder.input(IMAGE, **given), sizes, axis], outputs, version=1, num_splits=2)
    return outputs


def _slice(builder: ModelBuilder, dtype: str) -> list[int]:
    given = _quantised(dtype)
    places = [builder.constant(values, dtype="int32") for values in ([0, 1, 1, 0], [1, 2, 2, 4])]
    return [builder.op("SLICE", [builder.input(IMAGE, **given), *places], (1, 2, 2, 4), version=1, **given)]


def _strided_slice(builder: ModelBuilder, dtype: str) -> list[int]:
    given = _quantised(dtype)
    places = [builder.constant(values, dtype="int32") for values in ([0, 0, 0, 0], [1, 4, 4, 4], [1, 2, 2, 1])]
    return [builder.op("STRIDED_SLICE", [builder.input(IMAGE, **given), *places], (1, 2, 2, 4), version=1, **given)]


def _blocks(kind: str, shape: tuple[int, ...]) -> Callable[[ModelBuilder, str], list[int]]:
    def build(builder: ModelBuilder, dtype: str) -> list[int]:
        given, start = _quantised(dtype), IMAGE if kind == "SPACE_TO_BATCH_ND" else (4, 2, 2, 4)
        places = [builder.constant(values, dtype="int32") for values in ([2, 2], [[0, 0], [0, 0]])]
        return [builder.op(kind, [builder.input(start, **given), *places], shape, version=1, **given)]

    return build


def _padv2(builder: ModelBuilder, dtype: str) -> list[int]:
    given = _quantised(dtype)
    value = builder.constant([1], given["scale"], given.get("zero_point", 0), dtype=dtype)
    pads = builder.constant(_PADS, dtype="int32")
    return [builder.op("PADV2", [builder.input(IMAGE, **given), pads, value], (1, 6, 6, 4), version=1, **given)]


_LISTS: Mapping[str, Build] = {
    "CONCATENATION": _concatenation, "PACK": _pack, "UNPACK": _unpack, "SPLIT": _split, "SPLIT_V": _split_v,
    "SLICE": _slice, "STRIDED_SLICE": _strided_slice, "PADV2": _padv2,
    "SPACE_TO_BATCH_ND": _blocks("SPACE_TO_BATCH_ND", (4, 2, 2, 4)),
    "BATCH_TO_SPACE_ND": _blocks("BATCH_TO_SPACE_ND", (1, 4, 4, 4)),
}  # fmt: skip


# --- changes of type -------------------------------------------------------------------------------------------------

_QUANTISED_TO = [
    *((FLOAT, dtype) for dtype in INTEGERS),
    *((one, other) for one in INTEGERS for other in INTEGERS),
    ("int16", "int32"),
    ("int32", "int16"),
]
_CASTS = [
    (FLOAT, "int8"), (FLOAT, "uint8"), (FLOAT, "int32"), ("uint8", FLOAT), ("int8", FLOAT), ("int32", FLOAT),
    ("int64", FLOAT), ("uint8", "int8"), ("int32", "int64"), ("bool", FLOAT),
]  # fmt: skip


def _changes_of_type() -> Iterator[tuple[str, Build]]:
    for before, after in _QUANTISED_TO:
        yield "QUANTIZE", partial(_changed, kind="QUANTIZE", before=before, after=after)
    for dtype in (*INTEGERS, "float16"):
        yield "DEQUANTIZE", partial(_changed, kind="DEQUANTIZE", before=dtype, after=FLOAT)
    for before, after in _CASTS:
        yield "CAST", partial(_cast, before=before, after=after)
    yield "SOFTMAX", _wide_softmax


def _cast(builder: ModelBuilder, before: str, after: str) -> int:
    numbers = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int8": 9}
    types: dict[str, Any] = {"in_data_type": numbers[before], "out_data_type": numbers[after]}
    return builder.op("CAST", [builder.input(IMAGE, None, dtype=before)], IMAGE, version=1, dtype=after, **types)


def _wide_softmax(builder: ModelBuilder) -> int:
    image = builder.input(IMAGE, **_quantised("int8"))
    return builder.op("SOFTMAX", [image], IMAGE, 1 / 65536, -32768, dtype="int16", beta=1.0)


def _changed(builder: ModelBuilder, kind: str, before: str, after: str) -> int:
    ends = [_quantised(before), _quantised(after, 0.1)]
    for one in ends:
        if one["dtype"] == "int32":
            one["scale"] = 0.001
    return builder.op(kind, [builder.input(IMAGE, **ends[0])], IMAGE, version=1, **ends[1])
