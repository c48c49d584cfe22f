"""ARG_MAX and ARG_MIN: where the largest or the smallest element along an axis is; an integer output of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, require_int8
from edgemnist.compiler.ops.cumsum import axis_problems
from edgemnist.compiler.ops.fields import int32
from edgemnist.compiler.ops.floats import require_float
from edgemnist.compiler.ops.operands import activations_of, input_tensor, integers, output_tensor, require_constants
from edgemnist.tflite.tables import enumeration

_FUNCTIONS: Mapping[str, str] = MappingProxyType({"int32": "", "int64": "_wide"})
"""How the kernel's name ends, by the type of its output."""


class ArgMax(Operator):
    """Where the largest or the smallest element is; of several the first."""

    kinds = MappingProxyType(
        {
            f"{computed}{kind}": Schema(options, 2, 2)
            for computed in ("", FLOAT)
            for kind, options in (("ARG_MAX", "ArgMaxOptions"), ("ARG_MIN", "ArgMinOptions"))
        }
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        require = require_float if _is_float(node) else require_int8
        problems = require(node, graph, [activations_of(node)])
        problems += require_constants(node, graph, {1: "axis"}, ("int32",))
        source, target = input_tensor(node, graph), output_tensor(node, graph)
        if target.dtype not in _FUNCTIONS:
            problems.append(
                f"{node.label}: {target.name!r} is {target.dtype}, needed is {' or '.join(_FUNCTIONS)}; "
                "convert with that type"
            )
        if problems:
            return problems
        problems = axis_problems(node, graph)
        if problems:
            return problems
        if node.options and enumeration("TensorType").get(node.integer("output_type")) != target.dtype.upper():
            return [
                f"{node.label}: {target.name!r} is {target.dtype}, and its option says another type; the file is "
                "corrupt, convert it again"
            ]
        axis = integers(graph, node.inputs[1])[0] % len(source.shape)
        shape = (*source.shape[:axis], *source.shape[axis + 1 :])
        return require_shape(node, target, shape, f"{source.name!r} {list(source.shape)} along axis {axis}")

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        find = np.argmax if node.operator == "ARG_MAX" else np.argmin
        found = np.asarray(find(inputs[0], axis=integers(graph, node.inputs[1])[0]))
        return [found.astype(output_tensor(node, graph).dtype)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        shape = input_tensor(node, graph).shape
        axis = integers(graph, node.inputs[1])[0] % len(shape)
        return Step(
            node=node, header="em_arg_max.h", struct_type="em_arg_max_params",
            function=f"em_{node.kind.lower()}{_FUNCTIONS[output_tensor(node, graph).dtype]}",
            parameters=int32(rows=prod(shape[:axis]), count=shape[axis], inner=prod(shape[axis + 1 :])),
            inputs=(activations_of(node),), outputs=node.outputs,
        )  # fmt: skip


def _is_float(node: Node) -> bool:
    return node.kind.startswith(FLOAT)
