"""Operators that add floats: the exact result, the size of what is added, and how many terms there are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import ACTIVATION_RELU, ACTIVATION_RELU6, ACTIVATION_RELU_N1_TO_1, Padding
from edgemnist.compiler.ops.convolution import conv_geometry, depthwise_geometry, windows_of
from edgemnist.compiler.ops.pooling import pool_geometry
from edgemnist.compiler.ops.reduction import axes_of
from edgemnist.mismatch.case import Case
from edgemnist.mismatch.layers import Sums
from edgemnist.mismatch.pools import covering
from edgemnist.mismatch.transposed import as_convolution

Doubles = NDArray[np.float64]

_LIMITS: Mapping[int, tuple[float, float]] = {
    ACTIVATION_RELU: (0.0, math.inf), ACTIVATION_RELU6: (0.0, 6.0), ACTIVATION_RELU_N1_TO_1: (-1.0, 1.0),
}  # fmt: skip

_OVER = 4
"""Roundings besides those of the products and their sum: bias, scale, conversion."""

_WITH_CONSTANT = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "MEAN", "SUM")
"""Those whose second input, weights or axes, has to be in the file."""


@dataclass(frozen=True, eq=False)
class FloatSum:
    """``exact``: the result in float64, limited; ``sizes``: the sum of the terms' magnitudes; ``terms`` of each."""

    exact: Doubles
    sizes: Doubles
    terms: int

    @property
    def bound(self) -> Doubles:
        """How far a sum in float32 may be off in any order, with or without fused multiplication and addition.

        Source: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.
        """
        return (self.terms + _OVER) * 2.0**-24 * self.sizes


def float_sum_of(case: Case) -> FloatSum | None:
    """Return what an operator on float32 adds up, None of other operators."""
    if case.sample.oracle.dtype != np.float32 or case.kind not in _SUMS:
        return None
    if any(one is not None and one.dtype not in (np.float32, np.int32) for one in case.operands):
        return None
    constant = case.operand(1)
    if case.kind in _WITH_CONSTANT and (constant is None or constant.data is None):
        return None
    found = _SUMS[case.kind](case)
    low, high = limits_of(case)
    shape = case.sample.oracle.shape
    return replace(found, exact=np.clip(found.exact, low, high).reshape(shape), sizes=found.sizes.reshape(shape))


def limits_of(case: Case) -> tuple[float, float]:
    """Return the limits of the fused activation."""
    return _LIMITS.get(case.node.integer("fused_activation_function"), (-math.inf, math.inf))


def _doubles(case: Case, position: int) -> Doubles:
    values = case.operands[position]
    if values is None:
        raise ValueError(f"operand {position} is absent")
    return values.astype(np.float64)


def _bias(case: Case, position: int, channels: int) -> Doubles:
    tensor = case.operand(position)
    return np.zeros(channels) if tensor is None or tensor.data is None else tensor.data.astype(np.float64).reshape(-1)


def _layer(kind: str, images: Doubles, geometry: Geometry, weights: Doubles, bias: Doubles) -> FloatSum:
    def products(images: Doubles, weights: Doubles) -> Doubles:
        sums: Any = Sums(kind, images, geometry, weights, bias, 0, 0)  # type: ignore[arg-type]
        return np.asarray(sums.products)

    terms = int(np.prod(weights.shape[:2] if kind == "DEPTHWISE_CONV_2D" else weights.shape[1:])) + 1
    sizes = products(np.abs(images), np.abs(weights)) + np.abs(bias)
    return FloatSum(products(images, weights) + bias, sizes, terms)


def _convolution(case: Case) -> FloatSum:
    geometry = (conv_geometry if case.kind == "CONV_2D" else depthwise_geometry)(case.node, case.graph)
    images = _doubles(case, 0).reshape(case.images, geometry.in_height, geometry.in_width, geometry.in_channels)
    weights = _doubles(case, 1)[0]
    weights = weights if case.kind == "CONV_2D" else weights[0]
    return _layer(case.kind, images, geometry, weights, _bias(case, 2, geometry.out_channels))


def _dense(case: Case) -> FloatSum:
    weights = _doubles(case, 1)[0]
    weights = weights.reshape(weights.shape[0], 1, 1, -1)
    images = _doubles(case, 0).reshape(case.images, -1, 1, weights.shape[-1])
    size = images.shape[1]
    geometry = Geometry(size, 1, weights.shape[-1], size, 1, len(weights), 1, 1, 1, 1, 1, 1, Padding())
    return _layer(case.kind, images, geometry, weights, _bias(case, 2, len(weights)))


def _transposed(case: Case) -> FloatSum:
    images, geometry, weights = as_convolution(case, 0)
    return _layer("CONV_2D", images, geometry, weights, _bias(case, 3, geometry.out_channels))


def _mean(case: Case) -> FloatSum:
    values, axes = _doubles(case, 0), tuple(axis + 1 for axis in axes_of(case.node, case.graph))
    count = math.prod(values.shape[axis] for axis in axes)
    by = count if case.kind == "MEAN" else 1
    return FloatSum(values.sum(axis=axes) / by, np.abs(values).sum(axis=axes) / by, count)


def _average(case: Case) -> FloatSum:
    geometry = covering(pool_geometry(case.node, case.graph))
    values = _doubles(case, 0)
    images = values.reshape(case.images, *values.shape[-3:])

    def sums(of: Doubles) -> Doubles:
        return np.asarray(windows_of(of, geometry, 0).sum(axis=(3, 4)))

    counts = sums(np.ones_like(images[:1]))
    return FloatSum(sums(images) / counts, sums(np.abs(images)) / counts, int(counts.max()))


def _elements(case: Case) -> FloatSum:
    first, second = _doubles(case, 0), _doubles(case, 1)
    if case.kind == "MUL":
        return FloatSum(first * second, np.abs(first * second), 1)
    sign = 1 if case.kind == "ADD" else -1
    return FloatSum(first + sign * second, np.abs(first) + np.abs(second), 2)


def _products(case: Case) -> FloatSum:
    first, second = _doubles(case, 0), _doubles(case, 1)
    first = first.swapaxes(-1, -2) if case.node.integer("adj_x") else first
    second = second.swapaxes(-1, -2) if case.node.integer("adj_y") else second
    return FloatSum(first @ second, np.abs(first) @ np.abs(second), first.shape[-1])


def _hard_swish(case: Case) -> FloatSum:
    values = _doubles(case, 0)
    return FloatSum(values / 6 * np.clip(values + 3, 0, 6), np.abs(values) / 6 * (np.abs(values) + 3), 3)


def _bilinear(case: Case) -> FloatSum:
    """Return the interpolation; where an output lies between inputs is computed in float32 too, by their number."""
    images = _doubles(case, 0)[:, 0]
    exact, sizes = images, np.asarray(np.abs(images), np.float64)
    for axis in (1, 2):
        first, second, weights = _neighbours(case, images.shape[axis], case.output.shape[axis])
        by = weights.reshape([-1 if place == axis else 1 for place in range(4)])
        exact = np.asarray(exact.take(first, axis) * (1 - by) + exact.take(second, axis) * by)
        sizes = np.asarray(sizes.take(first, axis) + sizes.take(second, axis))
    return FloatSum(exact, sizes, 4 * max(images.shape[1:3]))


def _neighbours(case: Case, size: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Doubles]:
    less = int(bool(case.node.integer("align_corners")) and count > 1)
    scale = (size - less) / (count - less)
    half = 0.5 if case.node.integer("half_pixel_centers") else 0.0
    places = np.clip((np.arange(count) + half) * scale - half, 0, size - 1)
    first = places.astype(np.int64)
    return first, np.asarray(np.minimum(first + 1, size - 1), np.int64), np.asarray(places - first, np.float64)


_SUMS: Mapping[str, Callable[[Case], FloatSum]] = {
    "CONV_2D": _convolution, "DEPTHWISE_CONV_2D": _convolution, "FULLY_CONNECTED": _dense,
    "TRANSPOSE_CONV": _transposed, "BATCH_MATMUL": _products, "MEAN": _mean, "SUM": _mean,
    "AVERAGE_POOL_2D": _average, "RESIZE_BILINEAR": _bilinear, "HARD_SWISH": _hard_swish,
    "ADD": _elements, "SUB": _elements, "MUL": _elements,
}  # fmt: skip
