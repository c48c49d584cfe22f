"""Operators of two float32 tensors, either of them broadcast, as TFLite's references compute them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, check_activation
from edgemnist.compiler.ops.broadcasting import (
    check_broadcast,
    constant_operands,
    constants_first,
    pair_fields,
    pair_overlaps,
    require_two,
)
from edgemnist.compiler.ops.fields import int32
from edgemnist.compiler.ops.floats import Floats, c_function, check_constant, limit_fields, limited, require_float
from edgemnist.compiler.ops.operands import output_of

_ACTIVATED: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": np.divide,
}


def _floor_divide(a: Floats, b: Floats) -> Floats:
    result: Floats = np.floor(a.astype(np.float64) / b.astype(np.float64)).astype(np.float32)
    return result


def _floor_remainder(a: Floats, b: Floats) -> Floats:
    rest = np.fmod(a, b)
    return np.where((rest != 0) & ((b < 0) != (rest < 0)), rest + b, rest)


_OTHERS: Mapping[str, tuple[Callable[[Floats, Floats], Floats], Schema]] = {
    "MAXIMUM": (lambda a, b: np.where(a > b, a, b), Schema("MaximumMinimumOptions", 2, 2)),
    "MINIMUM": (lambda a, b: np.where(a < b, a, b), Schema("MaximumMinimumOptions", 2, 2)),
    "SQUARED_DIFFERENCE": (lambda a, b: (a - b) * (a - b), Schema("SquaredDifferenceOptions", 2, 2)),
    "PRELU": (lambda a, b: np.where(a >= 0, a, a * b), Schema("", 2, 2, axes=4)),
    "FLOOR_DIV": (_floor_divide, Schema("FloorDivOptions", 2, 2)),
    "FLOOR_MOD": (_floor_remainder, Schema("FloorModOptions", 2, 2)),
    "POW": (lambda a, b: c_function("powf", a, b), Schema("PowOptions", 2, 2)),
}


class FloatArithmetic(Operator):
    """Element by element; what has size 1 along an axis serves for all elements of the other."""

    kinds = MappingProxyType(
        {f"{FLOAT}{name}": Schema(f"{name.capitalize()}Options", 2, 2, needed=True) for name in _ACTIVATED}
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return check_activation(node) + _check(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        values = _computed(_ACTIVATED[node.operator], inputs)
        return [limited(values, node.integer("fused_activation_function"))]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return _lowered(node, graph, node.integer("fused_activation_function"))


class FloatPairs(Operator):
    """The larger, the smaller and other functions of two elements, of two tensors of which either may be broadcast."""

    kinds = MappingProxyType({f"{FLOAT}{name}": schema for name, (_, schema) in _OTHERS.items()})
    with_library = (f"{FLOAT}POW",)
    without_tflm = (f"{FLOAT}POW",)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return _check(node, graph) or (_divisor_problems(node, graph) if node.operator == "FLOOR_DIV" else [])

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [_computed(_OTHERS[node.operator][0], inputs)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return _lowered(node, graph)


def _check(node: Node, graph: Graph) -> list[str]:
    problems = require_two(node, graph) or require_float(node, graph, [*node.inputs, output_of(node)])
    if problems:
        return problems
    constants = [index for index in node.inputs if graph.is_constant(index)]
    problems = [problem for index in constants for problem in check_constant(node, graph, index)]
    return problems + check_broadcast(node, graph)


def _divisor_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem where a constant divisor has a zero, for which TFLM ends with an error whatever the input."""
    divisor = graph.tensors[node.inputs[1]]
    if divisor.data is None or np.all(divisor.data != 0):
        return []
    return [f"{node.label}: divides by {divisor.name!r}, which has a 0, where TFLM stops; use DIV, or another divisor"]


def _computed(function: Callable[[Floats, Floats], Floats], inputs: Sequence[NDArray[Any]]) -> Floats:
    a, b = (np.asarray(one, np.float32) for one in inputs)
    with np.errstate(all="ignore"):
        return function(a, b).astype(np.float32)


def _lowered(node: Node, graph: Graph, activation: int = 0) -> Step:
    order = constants_first(node, graph)
    operands = [node.inputs[position] for position in order]
    return Step(
        node=node, header="em_float_pairs.h", function=f"em_float_{node.operator.lower()}",
        struct_type="em_float_pair_params",
        parameters=(*pair_fields(node, graph, order), *int32(turned=order[0]), *limit_fields(activation)),
        inputs=graph.activations(operands), outputs=node.outputs,
        arrays=constant_operands(graph, operands), overlaps=pair_overlaps(node, graph),
    )  # fmt: skip
