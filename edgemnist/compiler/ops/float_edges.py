"""QUANTIZE and DEQUANTIZE: float32 or uint8 at the ends of a network, requantisation inside it."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import IntArray, Multiplier, quantise_multiplier
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.fields import Field, int16, int32
from edgemnist.compiler.ops.lookup import edges_of, requantise_elements
from edgemnist.compiler.ops.operands import (
    activations_of,
    ends_of,
    input_tensor,
    output_of,
    output_tensor,
    require_same_shape,
)
from edgemnist.compiler.ops.requantisation import check_multiplier
from edgemnist.compiler.ops.tables import lower_to_table


class Quantise(Operator):
    """float32, uint8 or int8 to int8, and int8 to uint8."""

    kinds = MappingProxyType({"QUANTIZE": Schema("QuantizeOptions")})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        source, target = input_tensor(node, graph), output_tensor(node, graph)
        if source.dtype == "float32":
            problems = check_float(node, graph, activations_of(node)) + require_int8(node, graph, node.outputs)
            return problems + require_same_shape(node, graph)
        edges = [tensor for tensor in (source, target) if tensor.dtype == "uint8" and tensor.quantisation is not None]
        inner = [index for index in ends_of(node) if graph.tensors[index] not in edges[:1]]
        problems = require_int8(node, graph, inner) + require_same_shape(node, graph)
        return problems or check_multiplier(node, _multiplier(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        if inputs[0].dtype == np.float32:
            return [_quantise(inputs[0], node, graph)]
        return [_requantise(inputs[0].astype(np.int64), node, graph).astype(output_tensor(node, graph).dtype)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        if input_tensor(node, graph).dtype == "float32":
            return _lower(node, graph, "em_quantise", output_of(node), Overlap(at_most=0))
        return lower_to_table(node, graph, activations_of(node), lambda values: _requantise(values, node, graph))


class Dequantise(Operator):
    """int8 to float32."""

    kinds = MappingProxyType({"DEQUANTIZE": Schema("DequantizeOptions")})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, (activations_of(node),)) + check_float(node, graph, output_of(node))
        return problems + require_same_shape(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        quantisation = quantisation_of(input_tensor(node, graph))
        return [((inputs[0].astype(np.float64) - quantisation.zero_point) * quantisation.scale).astype(np.float32)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        # Written from the end, where float i ends before int8 i - 1 begins.
        return _lower(node, graph, "em_dequantise", activations_of(node), Overlap(at_least=0))


def check_float(node: Node, graph: Graph, index: int) -> list[str]:
    """Return a problem where a tensor is not float32 that is computed."""
    tensor = graph.tensors[index]
    if tensor.dtype == "float32" and tensor.data is None:
        return []
    return [
        f"{node.label}: tensor {tensor.name!r} is {tensor.dtype}, needed is float32 that is computed; "
        "convert with int8 or float32 input and output"
    ]


def _multiplier(node: Node, graph: Graph) -> Multiplier:
    edges = edges_of(node, graph)
    return quantise_multiplier(edges.source.scale / edges.target.scale)


def _requantise(values: IntArray, node: Node, graph: Graph) -> IntArray:
    dtype = output_tensor(node, graph).dtype
    return requantise_elements(values, edges_of(node, graph), _multiplier(node, graph), dtype)


def _quantise(values: NDArray[np.float32], node: Node, graph: Graph) -> NDArray[np.int8]:
    """Return float32 values in the output's quantisation (TFLite ``AffineQuantize``), saturated at any distance."""
    quantisation = quantisation_of(output_tensor(node, graph))
    return np.clip(nearest(values, quantisation.scale, 512) + quantisation.zero_point, -128, 127).astype(np.int8)


def nearest(values: NDArray[np.float32], scale: float, limit: int) -> IntArray:
    """Return ``values / scale`` as whole numbers, halves away from zero, within ``limit`` on both sides; NaN as 0."""
    ratios = np.clip((values / np.float32(scale)).astype(np.float64), -limit, limit)
    return np.nan_to_num(np.copysign(np.floor(np.abs(ratios) + 0.5), ratios)).astype(np.int64)


def _lower(node: Node, graph: Graph, function: str, quantised: int, overlap: Overlap) -> Step:
    quantisation = quantisation_of(graph.tensors[quantised])
    return Step(
        node=node, header="em_quantise.h", function=function, struct_type="em_quantise_params",
        parameters=(
            *int32(count=graph.tensors[quantised].elements), Field("scale", "float", quantisation.scale),
            *int16(zero_point=quantisation.zero_point),
        ),
        inputs=node.inputs, outputs=node.outputs, overlaps={ends_of(node): overlap},
    )  # fmt: skip
