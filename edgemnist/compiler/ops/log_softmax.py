"""LOG_SOFTMAX over the last axis, in fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import (
    INT32_MIN,
    Multiplier,
    multiply_by_quantised_multiplier,
    quantise_multiplier,
    rounding_divide_by_power_of_two,
)
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.fields import Field, int16, int32
from edgemnist.compiler.ops.logarithm import log_of
from edgemnist.compiler.ops.operands import ends_of, output_tensor, require_same_shape
from edgemnist.compiler.ops.softmax import (
    SUM_FRACTION_BITS,
    Scaling,
    row_problems,
    scaled,
    scaling_of,
    softmax_fields,
    sum_of_exponentials,
)

OUTPUT_SHIFT = 22
"""From 26 fractional bits to the output's 4."""


class LogSoftmax(Operator):
    """Logarithm of exp of each element over the sum of the row's."""

    kinds = MappingProxyType({"LOG_SOFTMAX": Schema("LogSoftmaxOptions")})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, ends_of(node)) + require_same_shape(node, graph)
        if problems:
            return problems
        target = output_tensor(node, graph)
        output = quantisation_of(target)
        if (output.scale, output.zero_point) != (1 / 16, 127):
            problems.append(
                f"{node.label}: output {target.name!r} has scale {output.scale:g} and zero point {output.zero_point}, "
                "needed are 1/16 and 127; convert the model again"
            )
        return problems + row_problems(node, graph, 1.0)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        values, scaling = inputs[0].astype(np.int64), scaling_of(node, graph, 1.0)
        differences = values.max(axis=-1, keepdims=True) - values
        logarithm = log_of(sum_of_exponentials(differences, scaling), 31 - SUM_FRACTION_BITS)
        # What would be less than the least number in Q26 is the least output.
        least = multiply_by_quantised_multiplier(logarithm + INT32_MIN, _inverse(scaling))
        near = -differences > np.maximum(least, -scaling.furthest - 1)
        result = rounding_divide_by_power_of_two(-scaled(differences, scaling) - logarithm, OUTPUT_SHIFT) + 127
        return [np.where(near, np.clip(result, -128, 127), -128).astype(np.int8)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        inverse = _inverse(scaling_of(node, graph, 1.0))
        return Step(
            node=node, header="em_log_softmax.h", function="em_log_softmax", struct_type="em_log_softmax_params",
            parameters=(
                Field("softmax", "em_softmax_params", softmax_fields(node, graph, 1.0)),
                *int32(inverse_multiplier=inverse.mantissa), *int16(inverse_shift=inverse.exponent),
            ),
            inputs=node.inputs, outputs=node.outputs,
            overlaps={ends_of(node): Overlap(at_most=0)},
        )  # fmt: skip


def _inverse(scaling: Scaling) -> Multiplier:
    """Return the factor from Q26 to input steps (TFLite ``PreprocessLogSoftmaxScalingExp``)."""
    return quantise_multiplier((1 << (31 - scaling.shift)) / scaling.multiplier)
