"""SOFTMAX, LOG_SOFTMAX and L2_NORMALIZATION of float32 rows, as TFLite's references compute them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import ACTIVATION_NONE, FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step
from edgemnist.compiler.ops.fields import Field, int32
from edgemnist.compiler.ops.floats import Floats, c_function, in_order, require_float
from edgemnist.compiler.ops.operands import ends_of, input_tensor, require_same_shape

_LEAST_NORM = np.float32(1e-6)
"""By what a row is divided at least (TFLite ``reference_ops::L2Normalization``)."""


def _softmax(rows: Floats, beta: float) -> Floats:
    powers = c_function("expf", (rows - rows.max(axis=1, keepdims=True)) * np.float32(beta))
    result: Floats = powers / in_order(powers.T)[:, None]
    return result


def _log_softmax(rows: Floats, _: float) -> Floats:
    below = rows - rows.max(axis=1, keepdims=True)
    result: Floats = below - c_function("logf", in_order(c_function("expf", below).T))[:, None]
    return result


def _normalised(rows: Floats, _: float) -> Floats:
    norms = np.sqrt(in_order((rows * rows).T))
    result: Floats = rows / np.where(norms < _LEAST_NORM, _LEAST_NORM, norms)[:, None]
    return result


_FUNCTIONS: Mapping[str, Callable[[Floats, float], Floats]] = {
    "SOFTMAX": _softmax,
    "LOG_SOFTMAX": _log_softmax,
    "L2_NORMALIZATION": _normalised,
}


class FloatRows(Operator):
    """Each row by itself; what takes an exponential has the C library's, its last bit too."""

    kinds = MappingProxyType(
        {
            f"{FLOAT}SOFTMAX": Schema("SoftmaxOptions", needed=True),
            f"{FLOAT}LOG_SOFTMAX": Schema("LogSoftmaxOptions"),
            f"{FLOAT}L2_NORMALIZATION": Schema("L2NormOptions", axes=4),
        }
    )
    with_library = (f"{FLOAT}SOFTMAX", f"{FLOAT}LOG_SOFTMAX")

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + require_same_shape(node, graph)
        if node.integer("fused_activation_function") != ACTIVATION_NONE:
            problems.append(f"{node.label}: has a fused activation; put the activation into a layer of its own")
        if node.operator == "SOFTMAX" and not 0 < node.number("beta") < math.inf:
            problems.append(
                f"{node.label}: beta is {node.number('beta')}, needed is a number above 0; convert it again"
            )
        return problems

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        rows = np.asarray(inputs[0], np.float32).reshape(-1, inputs[0].shape[-1])
        return [_FUNCTIONS[node.operator](rows, node.number("beta")).astype(np.float32).reshape(inputs[0].shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        tensor = input_tensor(node, graph)
        depth, beta = tensor.shape[-1], Field("beta", "float", node.number("beta"))
        return Step(
            node=node, header="em_float_rows.h", function=f"em_float_{node.operator.lower()}",
            struct_type="em_float_rows_params",
            parameters=(*int32(rows=tensor.elements // depth, depth=depth), beta),
            inputs=node.inputs, outputs=node.outputs, overlaps={ends_of(node): Overlap(exactly=0)},
        )  # fmt: skip
