"""L2_NORMALIZATION over the last axis, in fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import INT32_MAX, Multiplier, multiply_by_quantised_multiplier
from edgemnist.compiler.graph import ACTIVATION_NONE, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.fields import int16, int32
from edgemnist.compiler.ops.inverse_root import inverse_root
from edgemnist.compiler.ops.operands import ends_of, input_tensor, output_tensor, require_same_shape

OUTPUT_BITS = 7
"""Behind the binary point of an output."""

LARGEST_DEPTH = INT32_MAX // 255**2
"""The sum of so many squares fits."""


class L2Normalization(Operator):
    """Each element over the root of the sum of the row's squares."""

    kinds = MappingProxyType({"L2_NORMALIZATION": Schema("L2NormOptions", axes=4)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, ends_of(node)) + require_same_shape(node, graph)
        if node.integer("fused_activation_function") != ACTIVATION_NONE:
            problems.append(f"{node.label}: has a fused activation; put the activation into a layer of its own")
        if problems:
            return problems
        source, target = input_tensor(node, graph), output_tensor(node, graph)
        output = quantisation_of(target)
        if (output.scale, output.zero_point) != (1 / 128, 0):
            problems.append(
                f"{node.label}: output {target.name!r} has scale {output.scale:g} and zero point {output.zero_point}, "
                "needed are 1/128 and 0; convert the model again"
            )
        if source.shape[-1] > LARGEST_DEPTH:
            problems.append(
                f"{node.label}: {source.shape[-1]} elements in a row, allowed are {LARGEST_DEPTH}; use fewer"
            )
        return problems

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        centred = inputs[0].astype(np.int64) - quantisation_of(input_tensor(node, graph)).zero_point
        rows = centred.reshape(-1, centred.shape[-1])
        scaled = np.stack([_normalised(row) for row in rows])
        return [np.clip(scaled, -128, 127).astype(np.int8).reshape(inputs[0].shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        source = input_tensor(node, graph)
        return Step(
            node=node, header="em_l2_normalization.h", function="em_l2_normalization",
            struct_type="em_l2_normalization_params",
            parameters=(
                *int32(rows=source.elements // source.shape[-1], depth=source.shape[-1]),
                *int16(zero_point=quantisation_of(source).zero_point),
            ),
            inputs=node.inputs, outputs=node.outputs,
            overlaps={ends_of(node): Overlap(at_most=0)},
        )  # fmt: skip


def _normalised(row: NDArray[np.int64]) -> NDArray[np.int64]:
    root = inverse_root(int((row * row).sum()))
    return multiply_by_quantised_multiplier(row, Multiplier(root.mantissa, root.exponent + OUTPUT_BITS))
