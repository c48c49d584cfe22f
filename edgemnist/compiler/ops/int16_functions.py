"""SOFTMAX, LOGISTIC and TANH to int16, from int16 by tables between whose entries they interpolate."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import IntArray, Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import INT16, Graph, Node
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Overlap,
    Step,
    quantisation_of,
    require_no_zero_point,
    require_own_type,
)
from edgemnist.compiler.ops.fields import CArray, int16, int32
from edgemnist.compiler.ops.operands import ends_of, input_tensor, output_tensor, require_same_shape
from edgemnist.compiler.ops.softmax import Softmax

OUTPUT_SCALE = 1 / 32768

LARGEST_DEPTH = 2**16
"""The sum of so many exponentials of 15 bits is below 2**31."""

LARGEST_EXPONENT = 15
"""So far a difference of two int16 can be shifted up in 32 bits."""

STEPS = 512
"""Of a table between whose entries is interpolated; it has one entry more."""

_ARGUMENT_SCALE = 1 / 12288
"""LOGISTIC and TANH take their argument in these."""

LARGEST_ARGUMENT_MULTIPLIER = 2**16 - 1


def _check_output(node: Node, graph: Graph) -> list[str]:
    problems = require_own_type(node, graph, ends_of(node)) + require_same_shape(node, graph)
    if not problems and quantisation_of(output_tensor(node, graph)).scale != OUTPUT_SCALE:
        target = output_tensor(node, graph)
        problems.append(
            f"{node.label}: output {target.name!r} has scale {quantisation_of(target).scale:g}, needed is 1/32768; "
            "convert the model again"
        )
    return problems


_FROM_INT8 = Softmax()


def _is_from_int8(node: Node, graph: Graph) -> bool:
    return input_tensor(node, graph).dtype == "int8"


class Int16Softmax(Operator):
    """exp of each element over the sum of the row's; of int8 as :class:`Softmax` does it."""

    kinds = MappingProxyType({f"{INT16}SOFTMAX": Schema("SoftmaxOptions", needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if _is_from_int8(node, graph):
            return _FROM_INT8.check(node, graph)
        problems, beta = _check_output(node, graph), node.number("beta")
        problems = problems or require_no_zero_point(node, graph, ends_of(node))
        if not 0 < beta < math.inf:
            problems.append(f"{node.label}: beta is {beta}, needed is a number above 0; convert it again")
        if problems:
            return problems
        source = input_tensor(node, graph)
        if source.shape[-1] > LARGEST_DEPTH:
            problems.append(
                f"{node.label}: {source.shape[-1]} classes in {source.name!r}, allowed are {LARGEST_DEPTH}; "
                "leave the softmax out of the model"
            )
        if softmax_multiplier(node, graph).exponent > LARGEST_EXPONENT:
            problems.append(
                f"{node.label}: beta {beta:g} times the scale of {source.name!r} is too large for fixed point; "
                "convert the model again with representative data"
            )
        return problems

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`; source: TFLite ``SoftmaxInt16``."""
        if _is_from_int8(node, graph):
            return _FROM_INT8.reference(node, graph, inputs, settings)
        values = inputs[0].astype(np.int64)
        differences = values - values.max(axis=-1, keepdims=True)
        scaled = multiply_by_quantised_multiplier(differences, softmax_multiplier(node, graph))
        exponentials = interpolated(exponential_table(), np.clip(scaled + 32767, -32768, 32767))
        sums = exponentials.sum(axis=-1, keepdims=True)
        highest_bit = np.frexp(sums.astype(np.float64))[1].astype(np.int64) - 1
        fractions = (((sums << (30 - highest_bit)) + 8192) >> 14) - 98304
        scales = interpolated(reciprocal_table(), np.clip(fractions, -32768, 32767))
        results = (exponentials * scales + (1 << (highest_bit - 1))) >> highest_bit
        return [np.clip(results, 0, 32767).astype(np.int16)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        if _is_from_int8(node, graph):
            return _FROM_INT8.lower(node, graph, settings)
        source, multiplier = input_tensor(node, graph), softmax_multiplier(node, graph)
        depth = source.shape[-1]
        return Step(
            node=node, header="em_int16_functions.h", function="em_int16_softmax",
            struct_type="em_int16_softmax_params",
            parameters=(
                *int32(rows=source.elements // depth, depth=depth, multiplier=multiplier.mantissa),
                *int16(exponent=multiplier.exponent),
            ),
            arrays=(
                CArray("exponentials", "int16_t", exponential_table()),
                CArray("reciprocals", "int16_t", reciprocal_table()),
            ),
            inputs=node.inputs, outputs=node.outputs, overlaps={ends_of(node): Overlap(at_most=0)},
        )  # fmt: skip


def softmax_multiplier(node: Node, graph: Graph) -> Multiplier:
    """Return the factor that brings differences to 65,535ths of 10 (TFLM ``CalculateSoftmaxParams``)."""
    beta = float(np.float32(node.number("beta")))
    return quantise_multiplier(quantisation_of(input_tensor(node, graph)).scale * beta / (10.0 / 65535.0))


def interpolated(table: IntArray, values: IntArray) -> IntArray:
    """Return a table's function of int16 values, between two of its 513 entries (TFLite ``LUTLookup``)."""
    entries = 256 + (values >> 7)
    below, above = table[entries], table[entries + 1]
    result: IntArray = below + (((above - below) * (values & 127) + 64) >> 7)
    return result


@functools.cache
def exponential_table() -> IntArray:
    """Return exp of -10 to 0 in Q15: 513 entries."""
    return _table(np.float32(10.0 / 65535.0), 32767, lambda value: np.float32(math.exp(value)))


@functools.cache
def reciprocal_table() -> IntArray:
    """Return 1 / (1 + x) for 0 to 1 in Q15: 513 entries."""
    one = np.float32(1)
    return _table(np.float32(1.0 / 65535.0), -32768, lambda value: one / (one + value))


def _table(scale: np.float32, zero_point: int, function: Callable[[np.float32], np.float32]) -> IntArray:
    """Return a table whose entries are moved by half of the error halfway to the next (TFLite ``LUTPopulateInt16``)."""
    single, two = np.float32, np.float32(2)
    start, end = scale * single(-32768 - zero_point), scale * single(32767 - zero_point)
    step, output = (end - start) / single(STEPS), single(2.0 / 65535.0)
    factor = single(65536) / (output * single(32767) - output * single(-32768))
    entries = []
    for number in range(STEPS):
        at = start + single(number) * step
        value, following = function(at), function(start + single(number + 1) * step)
        halfway = _rounded(function(at + step / two) * factor)
        straight = _rounded((following * factor + _rounded(value * factor)) / two)
        entries.append(_rounded(value * factor) - _rounded((straight - halfway) / two))
    entries.append(_rounded(function(end) * factor))
    return np.clip(np.array(entries), -32768, 32767).astype(np.int64)


def _rounded(value: np.float32) -> np.float32:
    """Return the nearest whole number, halves away from zero."""
    return np.float32(math.copysign(math.floor(abs(float(value)) + 0.5), value))


class Int16Sigmoid(Operator):
    """The logistic function, or the hyperbolic tangent."""

    kinds = MappingProxyType(dict.fromkeys((f"{INT16}LOGISTIC", f"{INT16}TANH"), Schema()))

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = _check_output(node, graph)
        if problems or argument_factor(node, graph)[0] <= LARGEST_ARGUMENT_MULTIPLIER:
            return problems
        scale = quantisation_of(input_tensor(node, graph)).scale
        return [f"{node.label}: the input's scale {scale:g} is too large; convert the model with representative data"]

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`; source: TFLite ``Logistic`` and ``Tanh`` for int16."""
        multiplier, shift = argument_factor(node, graph)
        argument = (inputs[0].astype(np.int64) * multiplier + ((1 << shift) >> 1)) >> shift
        if node.operator == "LOGISTIC":
            value = _interpolated_sigmoid(np.abs(argument), 9, 32767 << 10)
            return [(np.where(argument >= 0, value + 512, (1 << 25) - value + 511) >> 10).astype(np.int16)]
        value = _interpolated_sigmoid(np.abs(argument), 8, 65535 << 8)
        return [(np.where(argument >= 0, value - (1 << 23) + 128, (1 << 23) - value + 127) >> 8).astype(np.int16)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        multiplier, shift = argument_factor(node, graph)
        return Step(
            node=node, header="em_int16_functions.h", function=f"em_{node.kind.lower()}",
            struct_type="em_int16_sigmoid_params",
            parameters=(*int32(count=input_tensor(node, graph).elements, multiplier=multiplier), *int16(shift=shift)),
            arrays=(CArray("table", "uint16_t", sigmoid_table()),),
            inputs=node.inputs, outputs=node.outputs, overlaps={ends_of(node): Overlap(at_most=0)},
        )  # fmt: skip


@functools.cache
def sigmoid_table() -> IntArray:
    """Return the logistic function of i / 24 in Q16: 256 entries, of which the last one is where it saturates.

    Each is moved by half of the error that straight lines have halfway to the next.
    """
    entries = np.arange(255)
    here, halfway, following = (65536 / (1 + np.exp(-(entries + part) / 24)) for part in (0, 0.5, 1))
    moved = here + (halfway - (here + following) / 2) / 2
    result: IntArray = np.append(np.floor(moved + 0.5), 65535).astype(np.int64)
    return result


def _interpolated_sigmoid(size: IntArray, bits: int, saturated: int) -> IntArray:
    entry = np.minimum(size >> bits, 254)
    below, above = sigmoid_table()[entry], sigmoid_table()[entry + 1]
    between = (below << bits) + (size & ((1 << bits) - 1)) * (above - below)
    result: IntArray = np.where(size >> bits >= 255, saturated, between)
    return result


def argument_factor(node: Node, graph: Graph) -> tuple[int, int]:
    """Return multiplier and right shift that bring an input to 12,288ths (TFLM ``CalculateArithmeticOpDataLogistic``).

    Scales that are nearly 2**-12, for TANH 2**-11 too, are taken for these.
    """
    scale = quantisation_of(input_tensor(node, graph)).scale
    log2 = np.log(np.float32(scale)) * (np.float32(1) / np.log(np.float32(2)))
    left = 12 + round(float(log2))
    if abs(float(log2) - (left - 12)) < 1e-3 and 0 <= left <= (node.operator == "TANH"):
        return 3 << left, 0
    multiplier, shift = scale / _ARGUMENT_SCALE, 0
    while multiplier <= 32767 / 2 and shift <= 30:
        multiplier, shift = multiplier * 2, shift + 1
    return int(multiplier), shift
