"""ABS, ELU and RSQRT of one int8 element; each becomes a table, computed in TFLM's arithmetic."""

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

ROOT_SHIFT = 20
"""RSQRT keeps so many bits of an inverse root before it is scaled."""


class Elementwise(Operator):
    """Functions of one element."""

    kinds = MappingProxyType({"ABS": Schema("AbsOptions"), "ELU": Schema(), "RSQRT": Schema()})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, ends_of(node)) + require_same_shape(node, graph)
        return problems or _CHECKS[node.kind](node, edges_of(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [_FUNCTIONS[node.kind](inputs[0].astype(np.int64), edges_of(node, graph)).astype(np.int8)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        edges = edges_of(node, graph)
        return lower_to_table(node, graph, activations_of(node), lambda values: _FUNCTIONS[node.kind](values, edges))


def _absolute_multiplier(edges: Edges) -> Multiplier:
    # In float32, as TFLM and TFLite divide here.
    return quantise_multiplier(float(np.float32(edges.source.scale) / np.float32(edges.target.scale)))


def _check_absolute(node: Node, edges: Edges) -> list[str]:
    return check_multiplier(node, _absolute_multiplier(edges))


def _absolute(values: IntArray, edges: Edges) -> IntArray:
    magnitude: IntArray = np.abs(values - edges.source.zero_point)
    if edges.source.scale != edges.target.scale:
        magnitude = multiply_by_quantised_multiplier(magnitude, _absolute_multiplier(edges))
    clipped: IntArray = np.clip(magnitude + edges.target.zero_point, -128, 127)
    return clipped


def _check_elu(node: Node, edges: Edges) -> list[str]:
    if 255 * edges.source.scale / edges.target.scale < 2**30:
        return []
    return [f"{node.label}: the output's scale is 2^22 times finer than the input's; convert the model again"]


def _elu(values: IntArray, edges: Edges) -> IntArray:
    """Return ELU in float32 (TFLM ``PopulateLookupTable``)."""
    source, target = edges.source, edges.target
    real = np.float32(source.scale) * (values - source.zero_point).astype(np.float32)
    falling = np.exp(np.minimum(real, 0).astype(np.float64)).astype(np.float32) - np.float32(1)
    scaled = (np.where(real < 0, falling, real) * (np.float32(1) / np.float32(target.scale))).astype(np.float32)
    rounded = np.copysign(np.floor(np.abs(scaled).astype(np.float64) + 0.5), scaled)
    return np.clip(rounded.astype(np.int64) + target.zero_point, -128, 127)


def _root_multiplier(edges: Edges) -> Multiplier:
    return quantise_multiplier(1.0 / float(np.sqrt(np.float32(edges.source.scale)) * np.float32(edges.target.scale)))


def _check_root(node: Node, edges: Edges) -> list[str]:
    if edges.source.zero_point != -128:
        return [
            f"{node.label}: the input's zero point is {edges.source.zero_point}, so that it can be negative, for which "
            "TFLM stops; needed is -128, put a ReLU before"
        ]
    if -11 <= _root_multiplier(edges).exponent <= 30:
        return []
    ratio = 1 / (math.sqrt(edges.source.scale) * edges.target.scale)
    return [f"{node.label}: 1 / sqrt of an input step is {ratio:g} output steps; convert the model again"]


def _root(values: IntArray, edges: Edges) -> IntArray:
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
    {"ABS": _check_absolute, "ELU": _check_elu, "RSQRT": _check_root}
)
_FUNCTIONS: Mapping[str, Callable[[IntArray, Edges], IntArray]] = MappingProxyType(
    {"ABS": _absolute, "ELU": _elu, "RSQRT": _root}
)
