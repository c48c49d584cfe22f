"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, ARG_MAX, ARG_MIN and CUMSUM on float32, in the order of TFLite's references."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import FLOAT, Graph, Node
from edgemnist.compiler.ops.base import PYTHON_STEP, LoweringSettings, Operator, Overlap, Step
from edgemnist.compiler.ops.cumsum import axis_problems
from edgemnist.compiler.ops.fields import LARGEST_FLOAT, int32, stride_fields
from edgemnist.compiler.ops.floats import Floats, in_order, require_float
from edgemnist.compiler.ops.operands import (
    activations_of,
    ends_of,
    input_tensor,
    integers,
    output_tensor,
    require_constants,
    require_same_shape,
)
from edgemnist.compiler.ops.reduction import axes_of, check_reduction, checked_loops


class FloatReduction(Operator):
    """The mean, the sum, the largest or the smallest of the elements along some axes."""

    kinds = MappingProxyType(
        {f"{FLOAT}{name}": Schema("ReducerOptions", 2, 2) for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")}
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return check_reduction(node, graph, require_float)

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return PYTHON_STEP * (input_tensor(node, graph).elements // output_tensor(node, graph).elements)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        axes, values = axes_of(node, graph), np.asarray(inputs[0], np.float32)
        kept = [axis for axis in range(values.ndim) if axis not in axes]
        columns = values.transpose(*axes, *kept).reshape(prod(values.shape[axis] for axis in axes), -1)
        return [_reduced(node.operator, columns).reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        loops = checked_loops(node, graph)
        return Step(
            node=node, header="em_float_reduce.h", function=f"em_float_{node.operator.lower()}",
            struct_type="em_float_reduce_params",
            parameters=(*stride_fields("kept", loops.kept), *stride_fields("reduced", loops.reduced)),
            inputs=(activations_of(node),), outputs=node.outputs, overlaps={ends_of(node): loops.overlap(4)},
        )  # fmt: skip


def _reduced(name: str, columns: Floats) -> Floats:
    """Return what becomes of each column, shape (count, columns) -> (columns,)."""
    if name in ("MEAN", "SUM"):
        sums = in_order(columns)
        return sums if name == "SUM" else sums / np.float32(len(columns))
    start, better = (-LARGEST_FLOAT, np.greater) if name == "REDUCE_MAX" else (LARGEST_FLOAT, np.less)
    found = np.full(columns.shape[1:], start, np.float32)
    for row in columns:
        found = np.where(better(row, found), row, found)
    return found


class FloatCumSum(Operator):
    """Running sums along one axis."""

    kinds = MappingProxyType({f"{FLOAT}CUMSUM": Schema("CumsumOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + require_constants(node, graph, {1: "axis"}, ("int32",))
        return problems or require_same_shape(node, graph) or axis_problems(node, graph)

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return PYTHON_STEP * input_tensor(node, graph).shape[integers(graph, node.inputs[1])[0]]

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        axis, reverse = integers(graph, node.inputs[1])[0], bool(node.integer("reverse"))
        ordered = np.moveaxis(np.flip(inputs[0], axis) if reverse else inputs[0], axis, 0)
        sums, total = [], np.zeros(ordered.shape[1:], np.float32)
        for row in ordered:
            before, total = total, total + row
            sums.append(before if node.integer("exclusive") else total)
        result = np.moveaxis(np.stack(sums), 0, axis)
        return [np.flip(result, axis) if reverse else result]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        shape = input_tensor(node, graph).shape
        axis = integers(graph, node.inputs[1])[0] % len(shape)
        return Step(
            node=node, header="em_float_reduce.h", function="em_float_cumsum", struct_type="em_float_cumsum_params",
            parameters=int32(
                rows=prod(shape[:axis]), count=shape[axis], inner=prod(shape[axis + 1 :]),
                exclusive=int(bool(node.integer("exclusive"))), reverse=int(bool(node.integer("reverse"))),
            ),
            inputs=(activations_of(node),), outputs=node.outputs, overlaps={ends_of(node): Overlap(exactly=0)},
        )  # fmt: skip
