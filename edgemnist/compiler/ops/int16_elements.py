"""ABS, RELU, RELU6 and LEAKY_RELU on int16; QUANTIZE and DEQUANTIZE where one side is int16."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import IntArray, Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import (
    ACTIVATION_NONE,
    ACTIVATION_RELU,
    ACTIVATION_RELU6,
    INT16,
    Graph,
    Node,
)
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Overlap,
    Step,
    activation_range,
    quantisation_of,
    require_no_zero_point,
    require_own_type,
    require_quantised,
)
from edgemnist.compiler.ops.fields import Field, int16, int32
from edgemnist.compiler.ops.float_edges import check_float, nearest
from edgemnist.compiler.ops.operands import (
    activations_of,
    ends_of,
    input_tensor,
    output_of,
    output_tensor,
    require_same_quantisation,
    require_same_shape,
)
from edgemnist.compiler.ops.requantisation import check_multiplier
from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.kinds import limits_of

_ACTIVATIONS = {"RELU": ACTIVATION_RELU, "RELU6": ACTIVATION_RELU6}
_FORWARD, _BACKWARD = Overlap(at_most=0), Overlap(at_least=0)


def _alpha(node: Node) -> float:
    """Return the factor of negative values, 1 of what is no LEAKY_RELU."""
    return node.number("alpha") if node.operator == "LEAKY_RELU" else 1.0


def _multipliers(node: Node, graph: Graph) -> tuple[Multiplier, Multiplier]:
    """Return the factors of what is not negative and of what is, without the sign of alpha."""
    source, target = (quantisation_of(graph.tensors[index]).scale for index in ends_of(node))
    if node.operator == "ABS":  # in float32, as TFLM divides here
        factor = quantise_multiplier(float(np.float32(source) / np.float32(target)))
        return factor, factor
    return quantise_multiplier(source / target), quantise_multiplier(source * abs(_alpha(node)) / target)


def _limits(node: Node, graph: Graph) -> tuple[int, int]:
    target, activation = output_tensor(node, graph), _ACTIVATIONS.get(node.operator, ACTIVATION_NONE)
    return limits_of(target.dtype) if activation == ACTIVATION_NONE else activation_range(activation, target)


def _check_multipliers(node: Node, graph: Graph) -> list[str]:
    return [problem for one in _multipliers(node, graph) for problem in check_multiplier(node, one)]


def _scaled(node: Node, graph: Graph, values: IntArray) -> NDArray[Any]:
    source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
    positive, negative = _multipliers(node, graph)
    centred, sign = values - source.zero_point, -1 if _alpha(node) < 0 else 1
    falling = sign * multiply_by_quantised_multiplier(centred, negative)
    scaled = np.where(centred >= 0, multiply_by_quantised_multiplier(centred, positive), falling)
    clipped: NDArray[Any] = np.clip(scaled + target.zero_point, *_limits(node, graph))
    return clipped.astype(output_tensor(node, graph).dtype)


def _lower_scale(node: Node, graph: Graph, function: str, overlap: Overlap) -> Step:
    source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
    (positive, negative), (low, high) = _multipliers(node, graph), _limits(node, graph)
    return Step(
        node=node, header="em_int16_elements.h", function=function, struct_type="em_int16_scale_params",
        parameters=(
            *int32(
                count=input_tensor(node, graph).elements, multiplier=positive.mantissa,
                negative_multiplier=negative.mantissa, minimum=low, maximum=high,
            ),
            *int16(
                exponent=positive.exponent, negative_exponent=negative.exponent,
                negative_sign=-1 if _alpha(node) < 0 else 1, in_zero_point=source.zero_point,
                out_zero_point=target.zero_point,
            ),
        ),
        inputs=node.inputs, outputs=node.outputs, overlaps={ends_of(node): overlap},
    )  # fmt: skip


class Int16Activation(Operator):
    """Activations of one element."""

    kinds = MappingProxyType(
        {
            f"{INT16}RELU": Schema(),
            f"{INT16}RELU6": Schema(),
            f"{INT16}LEAKY_RELU": Schema("LeakyReluOptions", needed=True),
        }
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_own_type(node, graph, ends_of(node)) + require_same_shape(node, graph)
        if problems:
            return problems
        if not math.isfinite(_alpha(node)):
            return [f"{node.label}: alpha is {_alpha(node)}, needed is a number; the file is corrupt"]
        # TFLM's RELU6 only clamps.
        same = require_same_quantisation(node, graph, ends_of(node)) if node.operator == "RELU6" else []
        return same + _check_multipliers(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [_scaled(node, graph, inputs[0].astype(np.int64))]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return _lower_scale(node, graph, "em_int16_scale", _FORWARD)


class Int16Absolute(Operator):
    """The magnitude of one element."""

    kinds = MappingProxyType({f"{INT16}ABS": Schema("AbsOptions")})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_own_type(node, graph, ends_of(node)) + require_same_shape(node, graph)
        return problems or _check_multipliers(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [_scaled(node, graph, np.abs(inputs[0].astype(np.int64)))]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return _lower_scale(node, graph, "em_int16_abs", _FORWARD)


_SCALES: Mapping[tuple[str, str], tuple[str, Overlap]] = {
    ("int16", "int16"): ("em_int16_scale", _FORWARD),
    ("int16", "int8"): ("em_int16_to_int8", _FORWARD),
    ("int8", "int16"): ("em_int16_from_int8", _BACKWARD),
    ("int16", "int32"): ("em_int16_to_int32", _BACKWARD),
    ("int32", "int16"): ("em_int16_from_int32", _FORWARD),
}
"""By the types of both sides the kernel, and how it may overlap."""


class Int16Quantise(Operator):
    """float32, int8, int16 or int32 to int16, and int16 to int8 or int32."""

    kinds = MappingProxyType({f"{INT16}QUANTIZE": Schema("QuantizeOptions")})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        source, target = input_tensor(node, graph), output_tensor(node, graph)
        problems = require_same_shape(node, graph)
        if source.dtype == "float32":
            problems += check_float(node, graph, source.index) + require_own_type(node, graph, node.outputs)
            return problems or require_no_zero_point(node, graph, node.outputs)
        if (source.dtype, target.dtype) not in _SCALES:
            problems.append(
                f"{node.label}: goes from {source.dtype} to {target.dtype}, needed are int16 and one of int8, int16, "
                "int32 or float32; convert with `edgemnist convert --int16x8`"
            )
        problems = problems or [
            p for one in (source, target) for p in require_quantised(node, graph, [one.index], one.dtype)
        ]
        wide = [one.index for one in (source, target) if one.dtype == "int32"]
        problems = problems or require_no_zero_point(node, graph, wide)
        return problems or _check_multipliers(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        if inputs[0].dtype == np.float32:
            whole = nearest(inputs[0], quantisation_of(output_tensor(node, graph)).scale, 65536)
            return [np.clip(whole, *limits_of("int16")).astype(np.int16)]
        return [_scaled(node, graph, inputs[0].astype(np.int64))]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        source, target = input_tensor(node, graph), output_tensor(node, graph)
        if source.dtype == "float32":
            return _lower_float(node, graph, "em_int16_quantise", target, _FORWARD)
        return _lower_scale(node, graph, *_SCALES[source.dtype, target.dtype])


class Int16Dequantise(Operator):
    """int16 to float32."""

    kinds = MappingProxyType({f"{INT16}DEQUANTIZE": Schema("DequantizeOptions")})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_own_type(node, graph, (activations_of(node),)) + check_float(node, graph, output_of(node))
        return problems + require_same_shape(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        quantisation = quantisation_of(input_tensor(node, graph))
        return [((inputs[0].astype(np.float64) - quantisation.zero_point) * quantisation.scale).astype(np.float32)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return _lower_float(node, graph, "em_int16_dequantise", input_tensor(node, graph), _BACKWARD)


def _lower_float(node: Node, graph: Graph, function: str, quantised: TensorInfo, overlap: Overlap) -> Step:
    quantisation = quantisation_of(quantised)
    scale = Field("scale", "float", quantisation.scale)
    return Step(
        node=node, header="em_int16_elements.h", function=function, struct_type="em_quantise_params",
        parameters=(*int32(count=quantised.elements), scale, *int16(zero_point=quantisation.zero_point)),
        inputs=node.inputs, outputs=node.outputs, overlaps={ends_of(node): overlap},
    )  # fmt: skip
