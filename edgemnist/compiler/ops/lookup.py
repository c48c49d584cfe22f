"""Activations of one int8 element; each becomes a table, computed in TFLM's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import (
    INT32_MAX,
    IntArray,
    Multiplier,
    multiply_by_quantised_multiplier,
    quantise_multiplier,
    rounding_divide_by_power_of_two,
)
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.exponential import logistic, tanh
from edgemnist.compiler.ops.operands import activations_of, ends_of, output_tensor, require_same_shape
from edgemnist.compiler.ops.requantisation import LARGEST_EXPONENT, check_multiplier
from edgemnist.compiler.ops.tables import lower_to_table
from edgemnist.tflite.file import Quantisation

INTEGER_BITS = 4
"""LOGISTIC and TANH take their argument with 4 integer and 27 fractional bits."""

INT16_MIN, INT16_MAX = -(2**15), 2**15 - 1


@dataclass(frozen=True)
class Edges:
    """Quantisation on both sides of a function."""

    source: Quantisation
    target: Quantisation


class Lookup(Operator):
    """Functions of one element."""

    kinds = MappingProxyType(
        {
            **dict.fromkeys(("LOGISTIC", "TANH", "RELU", "RELU6"), Schema()),
            "LEAKY_RELU": Schema("LeakyReluOptions", needed=True),
            "HARD_SWISH": Schema("HardSwishOptions"),
        }
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, ends_of(node)) + require_same_shape(node, graph)
        if problems:
            return problems
        edges = edges_of(node, graph)
        if not math.isfinite(node.number("alpha")):
            return [f"{node.label}: alpha is {node.number('alpha')}, needed is a number; the file is corrupt"]
        if node.kind == "RELU6":
            return _check_relu6(node, edges)
        if node.kind == "HARD_SWISH":
            return _check_hard_swish(node, edges)
        if node.kind in ("LOGISTIC", "TANH"):
            return _check_fixed_output(node, graph, edges)
        return [p for multiplier in _multipliers(node, edges) for p in check_multiplier(node, multiplier)]

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


def edges_of(node: Node, graph: Graph) -> Edges:
    """Return the quantisation of a node's first input and of its output."""
    return Edges(*(quantisation_of(graph.tensors[index]) for index in ends_of(node)))


def requantise_elements(values: IntArray, edges: Edges, multiplier: Multiplier, dtype: str = "int8") -> IntArray:
    """Return raw values times ``multiplier`` between zero points, in the range of ``dtype``."""
    scaled = multiply_by_quantised_multiplier(values - edges.source.zero_point, multiplier)
    return np.clip(scaled + edges.target.zero_point, np.iinfo(dtype).min, np.iinfo(dtype).max)


def _multipliers(node: Node, edges: Edges) -> list[Multiplier]:
    """Return the factors of RELU or LEAKY_RELU, that for positive values first; the sign of alpha is left out."""
    factors = [1.0, abs(node.number("alpha"))] if node.kind == "LEAKY_RELU" else [1.0]
    # In double: tflite-runtime 2.14 divides in float32 and differs where a result is a tie.
    return [quantise_multiplier(edges.source.scale * factor / edges.target.scale) for factor in factors]


def _relu(values: IntArray, node: Node, edges: Edges) -> IntArray:
    scaled = requantise_elements(values, edges, _multipliers(node, edges)[0])
    return np.maximum(scaled, edges.target.zero_point)


def _check_relu6(node: Node, edges: Edges) -> list[str]:
    if (edges.source.scale, edges.source.zero_point) == (edges.target.scale, edges.target.zero_point):
        return []
    return [
        f"{node.label}: input and output quantisation differ, and TFLM's RELU6 only clamps; "
        "make it the activation of the layer before"
    ]


def _relu6(values: IntArray, _: Node, edges: Edges) -> IntArray:
    # roundf: halves away from zero, and 6 / scale is positive.
    six = math.floor(float(np.float32(6.0) / np.float32(edges.source.scale)) + 0.5) + edges.source.zero_point
    low, high = edges.source.zero_point, min(six, 127)
    return np.where(values > high, high, np.maximum(values, low))


def _leaky_relu(values: IntArray, node: Node, edges: Edges) -> IntArray:
    identity, alpha = _multipliers(node, edges)
    centred = values - edges.source.zero_point
    sign = -1 if node.number("alpha") < 0 else 1
    negative = sign * multiply_by_quantised_multiplier(centred, alpha)
    positive = multiply_by_quantised_multiplier(centred, identity)
    return np.clip(np.where(centred >= 0, positive, negative) + edges.target.zero_point, -128, 127)


# LOGISTIC and TANH


def _check_fixed_output(node: Node, graph: Graph, edges: Edges) -> list[str]:
    """Return a problem when scale or zero point are not the ones that the arithmetic results in."""
    scale, zero_point = (1 / 256, -128) if node.kind == "LOGISTIC" else (1 / 128, 0)
    if (edges.target.scale, edges.target.zero_point) != (scale, zero_point):
        return [
            f"{node.label}: output {output_tensor(node, graph).name!r} has scale {edges.target.scale:g} and "
            f"zero point {edges.target.zero_point}, needed are 1/{round(1 / scale)} and {zero_point}; "
            "convert the model again"
        ]
    if not 0 <= _argument_multiplier(edges).exponent <= LARGEST_EXPONENT:
        return [
            f"{node.label}: the input's scale {edges.source.scale:g} is out of the range of TFLM's fixed point "
            "(2^-28 to 8); convert the model again with representative data"
        ]
    return []


def _argument_multiplier(edges: Edges) -> Multiplier:
    return quantise_multiplier(edges.source.scale * 2 ** (31 - INTEGER_BITS))


def _in_range(values: IntArray, edges: Edges, function: Callable[[IntArray], IntArray]) -> IntArray:
    """Return ``function`` of the arguments that 4 integer bits hold, int8; the extremes beyond."""
    multiplier = _argument_multiplier(edges)
    radius = (2**INTEGER_BITS - 1) * 2 ** (31 - INTEGER_BITS) >> multiplier.exponent
    centred = values - edges.source.zero_point
    inside = np.clip(centred, -radius, radius)
    result = np.clip(function(multiply_by_quantised_multiplier(inside, multiplier)), -128, 127)
    return np.where(centred <= -radius, -128, np.where(centred >= radius, 127, result))


def _logistic(values: IntArray, _: Node, edges: Edges) -> IntArray:
    return _in_range(values, edges, lambda x: rounding_divide_by_power_of_two(logistic(x, INTEGER_BITS), 23) - 128)


def _tanh(values: IntArray, _: Node, edges: Edges) -> IntArray:
    return _in_range(values, edges, lambda x: rounding_divide_by_power_of_two(tanh(x, INTEGER_BITS), 24))


# HARD_SWISH, in 16-bit arithmetic


@dataclass(frozen=True)
class HardSwishScaling:
    """16-bit mantissas and exponents for the output and for the factor between 0 and 1 ("relu-ish")."""

    output: Multiplier
    reluish: Multiplier


def _hard_swish_scaling(edges: Edges) -> HardSwishScaling:
    """Return the factors (TFLM ``HardSwishPrepare``); inputs are taken at 1/128 of their scale."""
    fine = edges.source.scale / 128
    whole = [quantise_multiplier(ratio) for ratio in (fine / edges.target.scale, fine / (3 / 32768))]
    output, reluish = (
        Multiplier(
            INT16_MAX if m.mantissa >= INT32_MAX - (1 << 15) else (m.mantissa + (1 << 15)) >> 16, m.exponent
        )
        for m in whole
    )  # fmt: skip
    return HardSwishScaling(output, reluish)


def _check_hard_swish(node: Node, edges: Edges) -> list[str]:
    scaling = _hard_swish_scaling(edges)
    if -15 <= scaling.output.exponent <= 0 and -15 <= scaling.reluish.exponent <= LARGEST_EXPONENT:
        return []
    return [
        f"{node.label}: input scale {edges.source.scale:g} and output scale {edges.target.scale:g} don't fit; "
        "convert the model again with representative data"
    ]


def _int16_high_multiply(value: IntArray, mantissa: int) -> IntArray:
    """Return ``round(value * mantissa / 2**15)``, ties up."""
    return (value * mantissa + (1 << 14)) >> 15


def _hard_swish(values: IntArray, _: Node, edges: Edges) -> IntArray:
    scaling = _hard_swish_scaling(edges)
    fine = (values - edges.source.zero_point) << 7
    exponent, factor = scaling.reluish.exponent, fine
    if exponent > 0:
        factor = np.clip(factor << (exponent - 1), INT16_MIN, INT16_MAX)
    factor = _int16_high_multiply(factor, scaling.reluish.mantissa)
    if exponent > 0:
        factor = np.clip(factor << 1, INT16_MIN, INT16_MAX)
    factor = rounding_divide_by_power_of_two(factor, max(-exponent, 0))
    factor = (factor + (1 << 15)) >> 1
    product = factor * _int16_high_multiply(fine, scaling.output.mantissa)
    cut = np.sign(product) * (np.abs(product) >> 15)
    scaled = rounding_divide_by_power_of_two(cut, -scaling.output.exponent) + edges.target.zero_point
    # TFLM adds the zero point in 16 bits, where the sum may wrap around.
    return np.clip(((scaled - INT16_MIN) & 0xFFFF) + INT16_MIN, -128, 127)


_FUNCTIONS: Mapping[str, Callable[[IntArray, Node, Edges], IntArray]] = {
    "LOGISTIC": _logistic, "TANH": _tanh, "RELU": _relu, "RELU6": _relu6, "LEAKY_RELU": _leaky_relu,
    "HARD_SWISH": _hard_swish,
}  # fmt: skip
