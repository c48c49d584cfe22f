"""Operators of one uint8 element whose factors TFLite works out in float32; each becomes a table.

Source: TFLite's ``activations.cc`` (``PopulateLookupTable``, ``QuantizedReluX``) and ``ConcatenationWithScaling``.
Values and zero points are int8 here, 128 less than in the file: that cancels out wherever a zero point is taken off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import IntArray, Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_RELU6, UINT8, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, activation_range, require_int8
from edgemnist.compiler.ops.lookup import Edges, edges_of
from edgemnist.compiler.ops.operands import activations_of, ends_of, output_tensor, require_same_shape
from edgemnist.compiler.ops.requantisation import check_multiplier
from edgemnist.compiler.ops.tables import lower_to_table

RESCALE = f"{UINT8}RESCALE"
"""The kind of :class:`Rescale`, which no file has."""

LARGEST_RATIO = 2.0**20
"""Of scales, so that rounded values stay in 32 bits."""

Floats = NDArray[np.float32]

_FIXED_SCALES = {f"{UINT8}LOGISTIC": 1 / 256, f"{UINT8}TANH": 1 / 128}
_CLAMPS = {
    f"{UINT8}RELU": ACTIVATION_RELU, f"{UINT8}RELU6": ACTIVATION_RELU6, f"{UINT8}LEAKY_RELU": ACTIVATION_NONE
}  # fmt: skip


class UInt8Lookup(Operator):
    """Functions of one element."""

    kinds = MappingProxyType(
        {
            **dict.fromkeys((f"{UINT8}LOGISTIC", f"{UINT8}TANH", f"{UINT8}RELU", f"{UINT8}RELU6"), Schema()),
            f"{UINT8}LEAKY_RELU": Schema("LeakyReluOptions", needed=True),
        }
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, ends_of(node)) + require_same_shape(node, graph)
        if problems:
            return problems
        if not math.isfinite(node.number("alpha")):
            return [f"{node.label}: alpha is {node.number('alpha')}, needed is a number; the file is corrupt"]
        edges = edges_of(node, graph)
        if node.kind in _CLAMPS:
            return [problem for factor in _factors(node, edges) for problem in check_multiplier(node, factor)]
        needed = _FIXED_SCALES[node.kind]
        if edges.target.scale != needed:
            return [
                f"{node.label}: output {output_tensor(node, graph).name!r} has scale {edges.target.scale:g}, needed is "
                f"1/{round(1 / needed)}; convert the model again"
            ]
        return []

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [_values(node, graph)(inputs[0].astype(np.int64)).astype(np.int8)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_to_table(node, graph, activations_of(node), _values(node, graph))


class Rescale(Operator):
    """What a CONCATENATION joins, in the scale and with the zero point of the whole."""

    kinds = MappingProxyType({RESCALE: Schema()})
    of_files = False

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return []

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [rescaled(inputs[0].astype(np.int64), edges_of(node, graph)).astype(np.int8)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        edges = edges_of(node, graph)
        return lower_to_table(node, graph, activations_of(node), lambda values: rescaled(values, edges))


def rescaled(values: IntArray, edges: Edges) -> IntArray:
    """Return raw values in another quantisation, worked out in float32 from uint8."""
    source, target = edges.source, edges.target
    scale = np.float32(source.scale) * (np.float32(1) / np.float32(target.scale))
    bias = np.float32(-(source.zero_point + 128)) * scale
    real = (values + 128).astype(np.float32) * scale + bias
    return np.clip(_rounded(real) + target.zero_point, -128, 127)


def _values(node: Node, graph: Graph) -> Callable[[IntArray], IntArray]:
    edges = edges_of(node, graph)
    if node.kind in _CLAMPS:
        limits = activation_range(_CLAMPS[node.kind], output_tensor(node, graph))
        return lambda values: np.clip(_multiplied(values, node, edges), *limits)
    return lambda values: _from_real(values, edges, _FUNCTIONS[node.kind])


def _from_real(values: IntArray, edges: Edges, function: Callable[[Floats], Floats]) -> IntArray:
    """Return a function of what values stand for (``PopulateLookupTable``)."""
    real = np.float32(edges.source.scale) * (values - edges.source.zero_point).astype(np.float32)
    scaled = function(real) * (np.float32(1) / np.float32(edges.target.scale))
    return np.clip(_rounded(scaled) + edges.target.zero_point, -128, 127)


def _logistic(real: Floats) -> Floats:
    exponentials = np.exp(-real.astype(np.float64)).clip(max=np.finfo(np.float32).max).astype(np.float32)
    return np.float32(1) / (np.float32(1) + exponentials)


def _tanh(real: Floats) -> Floats:
    return np.tanh(real.astype(np.float64)).astype(np.float32)


_FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {f"{UINT8}LOGISTIC": _logistic, f"{UINT8}TANH": _tanh}
)


def _factors(node: Node, edges: Edges) -> list[Multiplier]:
    """Return the factor of positive values and, of LEAKY_RELU, that of negative ones without its sign."""
    source, target = np.float32(edges.source.scale), np.float32(edges.target.scale)
    factors = [quantise_multiplier(float(source / target))]
    if _CLAMPS[node.kind] == ACTIVATION_NONE:
        factors.append(quantise_multiplier(float(source * np.float32(abs(node.number("alpha"))) / target)))
    return factors


def _multiplied(values: IntArray, node: Node, edges: Edges) -> IntArray:
    """Return values in the output's quantisation before they are limited."""
    centred, factors = values - edges.source.zero_point, _factors(node, edges)
    scaled = multiply_by_quantised_multiplier(centred, factors[0])
    if len(factors) > 1:
        sign = -1 if node.number("alpha") < 0 else 1
        # The product of two negative numbers is rounded as that of two positive ones.
        scaled = np.where(centred >= 0, scaled, multiply_by_quantised_multiplier(sign * centred, factors[1]))
    return scaled + edges.target.zero_point


def _rounded(real: Floats) -> IntArray:
    """Return the nearest integers, halves away from zero (``TfLiteRound``)."""
    wide = real.astype(np.float64)
    return np.copysign(np.floor(np.abs(wide) + 0.5), wide).astype(np.int64)
