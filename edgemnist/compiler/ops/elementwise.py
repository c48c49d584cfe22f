"""Functions of one int8 element beside activations; each becomes a table, computed in the oracle's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import IntArray, Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, require_int8
from edgemnist.compiler.ops.inverse_root import inverse_root
from edgemnist.compiler.ops.lookup import Edges, edges_of
from edgemnist.compiler.ops.operands import activations_of, ends_of, require_same_shape
from edgemnist.compiler.ops.requantisation import check_multiplier
from edgemnist.compiler.ops.tables import lower_to_table

Floats = NDArray[np.float32]

ROOT_SHIFT = 20
"""RSQRT keeps so many bits of an inverse root before it is scaled."""


class Elementwise(Operator):
    """Functions of one element."""

    kinds = MappingProxyType(
        {
            "ABS": Schema("AbsOptions"),
            "ELU": Schema(),
            "EXP": Schema("ExpOptions"),
            "GELU": Schema("GeluOptions", needed=True),
            "LOG": Schema(),
            "RSQRT": Schema(),
            "SQRT": Schema(),
        }
    )
    # Nor has tflite-runtime 2.14 the last two, whose oracle is LiteRT 2.3.
    without_tflm = ("EXP", "GELU", "LOG", "SQRT")

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, ends_of(node)) + require_same_shape(node, graph)
        return problems or _CHECKS[node.kind](node, edges_of(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [_FUNCTIONS[node.kind](inputs[0].astype(np.int64), node, edges_of(node, graph)).astype(np.int8)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        edges = edges_of(node, graph)
        return lower_to_table(
            node, graph, activations_of(node), lambda values: _FUNCTIONS[node.kind](values, node, edges)
        )  # fmt: skip


def _absolute_multiplier(edges: Edges) -> Multiplier:
    # In float32, as TFLM and TFLite divide here.
    return quantise_multiplier(float(np.float32(edges.source.scale) / np.float32(edges.target.scale)))


def _check_absolute(node: Node, edges: Edges) -> list[str]:
    return check_multiplier(node, _absolute_multiplier(edges))


def _absolute(values: IntArray, _: Node, edges: Edges) -> IntArray:
    magnitude: IntArray = np.abs(values - edges.source.zero_point)
    if edges.source.scale != edges.target.scale:
        magnitude = multiply_by_quantised_multiplier(magnitude, _absolute_multiplier(edges))
    clipped: IntArray = np.clip(magnitude + edges.target.zero_point, -128, 127)
    return clipped


def _check_floats(node: Node, edges: Edges) -> list[str]:
    if 255 * edges.source.scale / edges.target.scale < 2**30:
        return []
    return [f"{node.label}: the output's scale is 2^22 times finer than the input's; convert the model again"]


def _check_exponential(node: Node, edges: Edges) -> list[str]:
    largest = edges.source.scale * (127 - edges.source.zero_point)
    if largest < 88 and math.exp(largest) / edges.target.scale < 2**30:
        return []
    return [
        f"{node.label}: e^{largest:g} of the largest input is beyond 32 bits in steps of {edges.target.scale:g}; "
        "convert the model again with representative data"
    ]


def _elu(values: IntArray, _: Node, edges: Edges) -> IntArray:
    real = _real(values, edges)
    falling = _single(np.exp(np.minimum(real, 0).astype(np.float64))) - np.float32(1)
    return _quantised(np.where(real < 0, falling, real), edges)


def _exponential(values: IntArray, _: Node, edges: Edges) -> IntArray:
    return _quantised(_single(np.exp(_real(values, edges).astype(np.float64))), edges)


def _logarithm(values: IntArray, _: Node, edges: Edges) -> IntArray:
    """Return the natural logarithm, of what is not positive the least value there is."""
    real = _real(values, edges)
    found = _quantised(_single(np.log(np.where(real > 0, real, 1).astype(np.float64))), edges)
    return np.where(real > 0, found, -128)


def _square_root(values: IntArray, _: Node, edges: Edges) -> IntArray:
    """Return the square root, whose quotient by the scale is cut off, not rounded."""
    scaled = _single(np.sqrt(_real(values, edges)) / np.float32(edges.target.scale))
    cut: IntArray = np.clip(np.trunc(scaled).astype(np.int64) + edges.target.zero_point, -128, 127)
    return cut


def _check_square_root(node: Node, edges: Edges) -> list[str]:
    return _check_not_negative(node, edges, "LiteRT") or _check_floats(node, edges)


def _gelu(values: IntArray, node: Node, edges: Edges) -> IntArray:
    """Return GELU by erfc, or by tanh where an approximation is asked for (TFLite ``GeluTransform``)."""
    real, half = _real(values, edges), np.float32(0.5)
    if node.integer("approximate"):
        inner = np.float32(math.sqrt(2 / math.pi)) * (real + np.float32(0.044715) * real * real * real)
        return _quantised(half * real * (np.float32(1) + _single(np.tanh(inner.astype(np.float64)))), edges)
    outside = _single(np.array([math.erfc(value) for value in (real * np.float32(-math.sqrt(0.5))).reshape(-1)]))
    return _quantised(half * real * outside.reshape(real.shape), edges)


def _real(values: IntArray, edges: Edges) -> Floats:
    """Return raw values as TFLM and TFLite dequantise them for a table."""
    return _single(np.float32(edges.source.scale) * (values - edges.source.zero_point).astype(np.float32))


def _quantised(real: Floats, edges: Edges) -> IntArray:
    """Return float32 values in the output's quantisation (TFLM ``PopulateLookupTable``, TFLite ``LUTPopulate``)."""
    scaled = _single(real * (np.float32(1) / np.float32(edges.target.scale)))
    rounded = np.copysign(np.floor(np.abs(scaled).astype(np.float64) + 0.5), scaled)
    result: IntArray = np.clip(rounded.astype(np.int64) + edges.target.zero_point, -128, 127)
    return result


def _single(values: Any) -> Floats:
    result: Floats = np.asarray(values, np.float32)
    return result


def _root_multiplier(edges: Edges) -> Multiplier:
    return quantise_multiplier(1.0 / float(np.sqrt(np.float32(edges.source.scale)) * np.float32(edges.target.scale)))


def _check_not_negative(node: Node, edges: Edges, who: str) -> list[str]:
    if edges.source.zero_point == -128:
        return []
    return [
        f"{node.label}: the input's zero point is {edges.source.zero_point}, so that it can be negative, for which "
        f"{who} stops; needed is -128, put a ReLU before"
    ]


def _check_root(node: Node, edges: Edges) -> list[str]:
    problems = _check_not_negative(node, edges, "TFLM")
    if problems:
        return problems
    if -11 <= _root_multiplier(edges).exponent <= 30:
        return []
    ratio = 1 / (math.sqrt(edges.source.scale) * edges.target.scale)
    return [f"{node.label}: 1 / sqrt of an input step is {ratio:g} output steps; convert the model again"]


def _root(values: IntArray, _: Node, edges: Edges) -> IntArray:
    factor = _root_multiplier(edges)
    last = Multiplier(factor.mantissa, factor.exponent - ROOT_SHIFT)
    table = np.full(256, 127, np.int64)  # of 0, the largest
    for value in range(1, 256):
        root = inverse_root(value)
        kept = multiply_by_quantised_multiplier(1, Multiplier(root.mantissa, root.exponent + ROOT_SHIFT))
        scaled = int(multiply_by_quantised_multiplier(kept, last)) + edges.target.zero_point
        table[value] = min(max(scaled, -128), 127)
    result: IntArray = table[values - edges.source.zero_point]
    return result


_CHECKS: Mapping[str, Callable[[Node, Edges], list[str]]] = MappingProxyType(
    {
        "ABS": _check_absolute,
        "ELU": _check_floats,
        "EXP": _check_exponential,
        "GELU": _check_floats,
        "LOG": _check_floats,
        "RSQRT": _check_root,
        "SQRT": _check_square_root,
    }
)
_FUNCTIONS: Mapping[str, Callable[[IntArray, Node, Edges], IntArray]] = MappingProxyType(
    {
        "ABS": _absolute,
        "ELU": _elu,
        "EXP": _exponential,
        "GELU": _gelu,
        "LOG": _logarithm,
        "RSQRT": _root,
        "SQRT": _square_root,
    }
)
