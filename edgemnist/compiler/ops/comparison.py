"""EQUAL, GREATER and the like of two tensors, and LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT of bool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import IntArray, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import BOOL, FLOAT, INT32, Graph, Node, held_in
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.broadcasting import (
    check_broadcast,
    constant_operands,
    constants_first,
    pair_fields,
    pair_overlaps,
    require_two,
)
from edgemnist.compiler.ops.fields import CArray, int32
from edgemnist.compiler.ops.operands import ends_of, input_tensor, output_of, require_same_shape

_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
}
_LOGICAL: Mapping[str, Callable[[Any, Any], Any]] = {"LOGICAL_AND": np.logical_and, "LOGICAL_OR": np.logical_or}


def _options(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("_")) + "Options"


class Comparison(Operator):
    """Whether elements are in an order, of two tensors of which either may be broadcast; or both of two conditions."""

    kinds = MappingProxyType(
        {
            **{f"{of}{kind}": Schema(_options(kind), 2, 2) for of in (FLOAT, INT32) for kind in _COMPARISONS},
            **{f"{BOOL}{kind}": Schema(_options(kind), 2, 2) for kind in _LOGICAL},
        }
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_two(node, graph) or require_types(node, graph, node.inputs, held_in(node.kind))
        problems += require_types(node, graph, [output_of(node)], "bool")
        return problems or check_broadcast(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [{**_COMPARISONS, **_LOGICAL}[node.operator](*inputs)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        order = constants_first(node, graph)
        operands = [node.inputs[position] for position in order]
        kind = "" if node.operator in _LOGICAL else f"{held_in(node.kind)}_"
        return Step(
            node=node, header="em_compare.h", function=f"em_{kind}{node.operator.lower()}",
            struct_type="em_compare_params",
            parameters=(*pair_fields(node, graph, order), *int32(turned=order[0])),
            inputs=graph.activations(operands), outputs=node.outputs,
            arrays=constant_operands(graph, operands), overlaps=pair_overlaps(node, graph),
        )  # fmt: skip


class LogicalNot(Operator):
    """The contrary of each condition."""

    kinds = MappingProxyType({f"{BOOL}LOGICAL_NOT": Schema("LogicalNotOptions")})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return require_types(node, graph, ends_of(node), "bool") + require_same_shape(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [np.logical_not(inputs[0])]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return Step(
            node=node, header="em_compare.h", function="em_logical_not", struct_type="em_not_params",
            parameters=int32(count=input_tensor(node, graph).elements), inputs=node.inputs, outputs=node.outputs,
            overlaps={ends_of(node): Overlap(at_most=0)},
        )  # fmt: skip


class QuantisedComparison(Operator):
    """Whether elements of int8 are in an order, both brought to one scale as TFLM does."""

    kinds = MappingProxyType({kind: Schema(_options(kind), 2, 2) for kind in _COMPARISONS})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_two(node, graph) or require_int8(node, graph, node.inputs)
        problems = problems or require_types(node, graph, [output_of(node)], "bool") + check_broadcast(node, graph)
        scales = [] if problems else [quantisation_of(graph.tensors[index]) for index in node.inputs]
        if any(scale.per_channel or scale.scale >= 1 for scale in scales):
            problems.append(
                f"{node.label}: compares at scales {[scale.scale for scale in scales]}, needed is one below 1 for each "
                "tensor; convert the model again"
            )
        return problems

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        a, b = (
            _brought_to_one(graph, index)[values.astype(np.int64) + 128]
            for index, values in zip(node.inputs, inputs, strict=True)
        )
        return [_COMPARISONS[node.operator](a, b)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        order = constants_first(node, graph)
        operands = [node.inputs[position] for position in order]
        tables = (
            CArray(f"{name}_values", "int32_t", _brought_to_one(graph, index))
            for name, index in zip("ab", operands, strict=True)
        )
        return Step(
            node=node, header="em_compare.h", function=f"em_int8_{node.operator.lower()}",
            struct_type="em_compare_params",
            parameters=(*pair_fields(node, graph, order), *int32(turned=order[0])),
            inputs=graph.activations(operands), outputs=node.outputs,
            arrays=(*tables, *constant_operands(graph, operands)), overlaps=pair_overlaps(node, graph),
        )  # fmt: skip


_LEFT_SHIFT = 8
"""Elements are shifted up by so many bits before they are scaled (TFLM ``ComparisonParams``)."""


def _brought_to_one(graph: Graph, index: int) -> IntArray:
    """Return what TFLM compares for each value of a tensor of int8, from -128 on."""
    quantisation = quantisation_of(graph.tensors[index])
    shifted = (np.arange(-128, 128, dtype=np.int64) - quantisation.zero_point) << _LEFT_SHIFT
    return multiply_by_quantised_multiplier(shifted, quantise_multiplier(quantisation.scale))


def require_types(node: Node, graph: Graph, indices: Sequence[int], dtype: str) -> list[str]:
    """Return a problem for each named tensor that is not of a type."""
    return [
        f"{node.label}: tensor {graph.tensors[index].name!r} is {graph.tensors[index].dtype}, needed is {dtype}; "
        "the file is corrupt, convert it again"
        for index in indices
        if graph.tensors[index].dtype != dtype
    ]
