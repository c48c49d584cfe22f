"""SELECT and SELECT_V2: by a condition an element of one tensor or of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import INT32, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.broadcasting import AXES, steps_of
from edgemnist.compiler.ops.comparison import require_types
from edgemnist.compiler.ops.fields import axis_fields, int32
from edgemnist.compiler.ops.moving import WITH_INT32, moved_kinds, raw_bytes, require_moved
from edgemnist.compiler.ops.operands import output_of, output_tensor


@dataclass(frozen=True)
class TripleAxis:
    """A loop over condition, first and second tensor: how often, and how many bytes each steps on."""

    count: int
    steps: tuple[int, int, int]


class Select(Operator):
    """The first tensor's element where the condition holds, else the second's; all are broadcast."""

    kinds = moved_kinds(
        WITH_INT32, {"SELECT": Schema("SelectOptions", 3, 3), "SELECT_V2": Schema("SelectV2Options", 3, 3)}
    )
    without_tflm = (f"{INT32}SELECT_V2", *(kind for kind in kinds if kind.endswith("SELECT")))

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if len(node.inputs) != 3 or -1 in node.inputs or graph.is_constant(node.inputs[0]):
            return [f"{node.label}: needs a condition that is computed and two tensors; fold it before converting"]
        problems = require_types(node, graph, node.inputs[:1], "bool")
        problems += require_moved(node, graph, [output_of(node), *node.inputs[1:]])
        if problems:
            return problems
        shapes = [graph.tensors[index].shape for index in node.inputs]
        if node.operator == "SELECT" and len(set(shapes)) > 1:
            return [f"{node.label}: shapes {[list(shape) for shape in shapes]} differ; use the operator SELECT_V2"]
        problems = require_shape(node, output_tensor(node, graph), _shape(shapes), "what is chosen from")
        if not problems and len(_axes_of(node, graph)) > AXES:
            problems.append(f"{node.label}: broadcasts along too many axes in turn; repeat a tensor in the model")
        return problems

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [np.where(inputs[0], inputs[1], inputs[2]).astype(output_tensor(node, graph).dtype)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        # Constants come before tensors among a kernel's arguments.
        order = sorted(range(3), key=lambda position: not graph.is_constant(node.inputs[position]))
        axes = _axes_of(node, graph)
        loops = [TripleAxis(1, (0, 0, 0))] * (AXES - len(axes)) + list(axes)
        walks = [
            {"count": loop.count, "condition": loop.steps[0], "first": loop.steps[1], "second": loop.steps[2]}
            for loop in loops
        ]
        places = int32(condition=order.index(0), first=order.index(1), second=order.index(2))
        return Step(
            node=node, header="em_select.h", function="em_select", struct_type="em_select_params",
            parameters=(
                *axis_fields("axis", "em_triple_axis", walks), *places,
                *int32(element=output_tensor(node, graph).itemsize),
            ),
            inputs=graph.activations([node.inputs[position] for position in order]), outputs=node.outputs,
            as_bytes=True,
            arrays=tuple(
                raw_bytes(f"operand_{position}", graph.tensors[node.inputs[position]])
                for position in order
                if graph.is_constant(node.inputs[position])
            ),
        )  # fmt: skip


def _shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def _axes_of(node: Node, graph: Graph) -> tuple[TripleAxis, ...]:
    """Return the loops over the output, outermost first; neighbours that walk on evenly are one loop."""
    shape = output_tensor(node, graph).shape
    tensors = [graph.tensors[index] for index in node.inputs]
    steps = [[step * one.itemsize for step in steps_of(one.shape, shape)] for one in tensors]
    axes: list[TripleAxis] = []
    for count, a, b, c in zip(shape, *steps, strict=True):
        if count == 1:
            continue
        if axes and axes[-1].steps == (a * count, b * count, c * count):
            axes[-1] = TripleAxis(axes[-1].count * count, (a, b, c))
        else:
            axes.append(TripleAxis(count, (a, b, c)))
    return tuple(axes)
