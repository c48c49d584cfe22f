"""UNIDIRECTIONAL_SEQUENCE_LSTM of int8, with a cell state of int16.

Source: TFLM's ``lstm_eval``, the variant of 8-bit activations and weights and 16-bit cells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.fixedpoint import (
    IntArray,
    Multiplier,
    multiply_by_quantised_multiplier,
    quantise_multiplier,
)
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.fields import CArray, Field, factor_field, int16, int32, output_field
from edgemnist.compiler.ops.layer_checks import check_integers, sum_problems
from edgemnist.compiler.ops.lstm_operands import (
    BIASES,
    CELL,
    GATES,
    HIDDEN,
    HIDDEN_WEIGHTS,
    INPUT_WEIGHTS,
    SCHEMA,
    Sizes,
    check_parts,
    check_shapes,
    gate_values,
    lacks_operands,
    overlap_of,
    sizes_of,
)
from edgemnist.compiler.ops.operands import (
    activations_of,
    ends_of,
    input_tensor,
    output_of,
)
from edgemnist.compiler.ops.requantisation import check_multiplier
from edgemnist.compiler.ops.sigmoid_table import sigmoid_of, sigmoid_table, tanh_of

ARGUMENT_SCALE, RESULT_SCALE = 2.0**-12, 2.0**-15
"""Of what a gate's function takes and gives."""

LEAST, MOST = -(2**15), 2**15 - 1

_CELL_POWERS = range(-27, 1)
"""Exponents of the cell state's scale with which nothing leaves 32 bits on its way to tanh."""


@dataclass(frozen=True, eq=False)
class _Cells:
    """The layer in fixed point: a factor for each gate's two sums, for the three products, and for tanh's argument."""

    gates: tuple[tuple[Multiplier, Multiplier], ...]
    forgotten: Multiplier
    added: Multiplier
    shown: Multiplier
    argument: int
    argument_shift: int
    limits: tuple[int, int]


class Lstm(Operator):
    """Each step of each sequence brings hidden and cell state forward, which stay from one inference to the next."""

    kinds = MappingProxyType({"UNIDIRECTIONAL_SEQUENCE_LSTM": SCHEMA})
    states = (HIDDEN, CELL)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if lacks_operands(node):
            return []
        problems = require_int8(node, graph, ends_of(node)) + check_parts(node)
        if problems:
            return problems
        for gate, *places in zip(GATES, INPUT_WEIGHTS, HIDDEN_WEIGHTS, BIASES, strict=True):
            for place, what in zip(places, ("weights", "recurrent weights", "bias"), strict=True):
                bias = place in BIASES
                types = ("int32",) if bias else ("int8",)
                problems += check_integers(node, graph, place, types, 1 if bias else 2, f"{gate} gate's {what}")
                if not bias and graph.tensors[node.inputs[place]].quantisation is None:
                    problems.append(f"{node.label}: the {gate} gate's {what} have no scale; convert the model again")
        problems = problems or _check_states(node, graph) or check_shapes(node, graph)
        return problems or _check_arithmetic(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        sizes, cells = sizes_of(node, graph), _cells(node, graph)
        hidden, cell = inputs[HIDDEN].astype(np.int64), inputs[CELL].astype(np.int64)
        rows = inputs[0].reshape(sizes.rows, sizes.inputs)
        weights, recurrent = (gate_values(node, graph, places) for places in (INPUT_WEIGHTS, HIDDEN_WEIGHTS))
        sums = _products(rows, weights, _zero_point(node, graph, 0)) + gate_values(node, graph, BIASES)[:, None]
        zero_point = _zero_point(node, graph, HIDDEN)
        output = np.empty((sizes.rows, sizes.units), np.int8)
        for row in range(sizes.rows):
            place = sizes.sequence_of(row)
            old = _products(hidden[place : place + 1], recurrent, zero_point)
            gates = _gates(cells, sums[:, row], old[:, 0])
            cell[place], shown = _step(cells, gates, cell[place])
            hidden[place] = output[row] = np.clip(shown + zero_point, -128, 127)
        shape = graph.tensors[output_of(node)].shape
        return [output.reshape(shape), hidden.astype(np.int8), cell.astype(np.int16)]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return sizes_of(node, graph).macs

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        sizes = sizes_of(node, graph)
        return Step(
            node=node, header="em_lstm.h", function="em_lstm", struct_type="em_lstm_params",
            parameters=_fields(sizes, _cells(node, graph), _zero_point(node, graph, HIDDEN)),
            inputs=(activations_of(node),), outputs=node.outputs, states=self.states_of(node),
            arrays=_arrays(node, graph), overlaps={ends_of(node): overlap_of(sizes, 1)}, macs=sizes.macs,
        )  # fmt: skip


def _zero_point(node: Node, graph: Graph, place: int) -> int:
    return quantisation_of(graph.tensors[node.inputs[place]]).zero_point


def _scale(node: Node, graph: Graph, place: int) -> float:
    return quantisation_of(graph.tensors[node.inputs[place]]).scale


def _cells(node: Node, graph: Graph) -> _Cells:
    """Return the factors (TFLM's ``CreateGateParams`` and ``CreateInterGateMulParams``, in double precision)."""
    source, hidden, cell = (_scale(node, graph, place) for place in (0, HIDDEN, CELL))

    def factor(scale: float, place: int) -> Multiplier:
        return quantise_multiplier(scale * _scale(node, graph, place) / ARGUMENT_SCALE)

    gates = tuple(
        (factor(source, one), factor(hidden, other)) for one, other in zip(INPUT_WEIGHTS, HIDDEN_WEIGHTS, strict=True)
    )
    power = 12 + round(math.log2(cell))
    clip = int(min(node.number("cell_clip") / cell, float(MOST)))
    return _Cells(
        gates,
        quantise_multiplier(RESULT_SCALE),
        quantise_multiplier(RESULT_SCALE * RESULT_SCALE / cell),
        quantise_multiplier(RESULT_SCALE * RESULT_SCALE / hidden),
        3 << max(power, 0),
        max(-power, 0),
        (-clip, clip) if node.number("cell_clip") > 0 else (LEAST, MOST),
    )


def _products(rows: NDArray[Any], weights: NDArray[Any], zero_point: int) -> IntArray:
    """Return every gate's sums for each row, int64 (gates, rows, units); doubles hold them exactly."""
    shifted = rows.astype(np.float64) - zero_point
    return (shifted @ weights.astype(np.float64).transpose(0, 2, 1)).astype(np.int64)


def _limited(values: IntArray, multiplier: Multiplier) -> IntArray:
    return np.clip(multiply_by_quantised_multiplier(values, multiplier), LEAST, MOST)


def _gates(cells: _Cells, sums: IntArray, hidden: IntArray) -> list[IntArray]:
    """Return what the four gates give for sums of products with the input and with the hidden state."""
    arguments = [
        np.clip(_limited(a, one) + _limited(b, other), LEAST, MOST) * 3
        for a, b, (one, other) in zip(sums, hidden, cells.gates, strict=True)
    ]
    return [tanh_of(one) if gate == "cell" else sigmoid_of(one) for gate, one in zip(GATES, arguments, strict=True)]


def _step(cells: _Cells, gates: list[IntArray], cell: IntArray) -> tuple[IntArray, IntArray]:
    """Return the cell state after a step, and what is shown of it, before the zero point."""
    enters, stays, news, leaves = gates
    total = _limited(stays * cell, cells.forgotten) + _limited(enters * news, cells.added)
    after = np.clip(total, *cells.limits)
    half = (1 << cells.argument_shift) >> 1
    shown = tanh_of((after * cells.argument + half) >> cells.argument_shift)
    return after, multiply_by_quantised_multiplier(shown * leaves, cells.shown)


def _fields(sizes: Sizes, cells: _Cells, zero_point: int) -> tuple[Field, ...]:
    gates = (
        Field(f"{gate}_gate", "em_lstm_gate", (factor_field("input", one), factor_field("hidden", other)))
        for gate, (one, other) in zip(GATES, cells.gates, strict=True)
    )
    low, high = cells.limits
    return (
        *int32(rows=sizes.rows, batch=sizes.batch), *int16(time_major=int(sizes.time_major)),
        *int32(inputs=sizes.inputs, units=sizes.units), *gates,
        factor_field("forgotten", cells.forgotten), factor_field("added", cells.added),
        factor_field("shown", cells.shown), *int32(argument=cells.argument),
        *int16(argument_shift=cells.argument_shift, cell_minimum=low, cell_maximum=high),
        output_field(zero_point, (-128, 127)),
    )  # fmt: skip


def _arrays(node: Node, graph: Graph) -> tuple[CArray, ...]:
    weights, recurrent = (gate_values(node, graph, places) for places in (INPUT_WEIGHTS, HIDDEN_WEIGHTS))
    packed = np.concatenate([weights, recurrent], axis=2).transpose(1, 2, 0)
    first = gate_values(node, graph, BIASES).astype(np.int64) - _folded(weights, _zero_point(node, graph, 0))
    second = -_folded(recurrent, _zero_point(node, graph, HIDDEN))
    sums = np.stack([first.T, second.T], axis=1)
    return (
        CArray("weights", "int8_t", packed),
        CArray("sums", "int32_t", sums),
        CArray("table", "uint16_t", sigmoid_table()),
    )


def _folded(weights: NDArray[Any], zero_point: int) -> IntArray:
    sums: IntArray = zero_point * weights.astype(np.int64).sum(axis=2)
    return sums


def _check_states(node: Node, graph: Graph) -> list[str]:
    hidden, cell = node.inputs[HIDDEN], node.inputs[CELL]
    problems = require_int8(node, graph, (hidden,))
    if problems:
        return problems
    tensor, quantisation = graph.tensors[cell], graph.tensors[cell].quantisation
    if tensor.dtype != "int16" or quantisation is None or quantisation.per_channel or quantisation.zero_point != 0:
        return [f"{node.label}: the cell state {tensor.name!r} must be int16 with one scale and the zero point 0"]
    mantissa, exponent = math.frexp(quantisation.scale)
    if mantissa != 0.5 or exponent - 1 not in _CELL_POWERS:
        powers = f"2^{_CELL_POWERS[0]} to 2^{_CELL_POWERS[-1]}"
        return [
            f"{node.label}: the cell state's scale is {quantisation.scale:g}, needed is a power of two from {powers}; "
            "convert the model again"
        ]
    return []


def _check_arithmetic(node: Node, graph: Graph) -> list[str]:
    cells = _cells(node, graph)
    factors = [*(one for pair in cells.gates for one in pair), cells.added, cells.shown]
    coarsest = max(factors, key=lambda one: one.exponent)
    problems = check_multiplier(node, coarsest)
    none = np.zeros(sizes_of(node, graph).units, np.int64)
    point, hidden_point = quantisation_of(input_tensor(node, graph)).zero_point, _zero_point(node, graph, HIDDEN)
    for weights, recurrent, bias in zip(INPUT_WEIGHTS, HIDDEN_WEIGHTS, BIASES, strict=True):
        rows, more, biases = (np.asarray(graph.tensors[node.inputs[one]].data) for one in (weights, recurrent, bias))
        problems += sum_problems(node, rows, point, biases.astype(np.int64))
        problems += sum_problems(node, more, hidden_point, none)
    return problems
