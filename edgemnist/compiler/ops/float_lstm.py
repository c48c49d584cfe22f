"""UNIDIRECTIONAL_SEQUENCE_LSTM on float32, summed in the order of TFLM's reference kernels."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import ACTIVATION_NONE, FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.fields import CArray, Field, int16, int32
from edgemnist.compiler.ops.floats import Floats, c_function, check_constant, limited, require_float
from edgemnist.compiler.ops.lstm_operands import (
    BIASES,
    CELL,
    HIDDEN,
    HIDDEN_WEIGHTS,
    INPUT_WEIGHTS,
    SCHEMA,
    check_parts,
    check_shapes,
    gate_values,
    lacks_operands,
    overlap_of,
    sizes_of,
)
from edgemnist.compiler.ops.operands import activations_of, ends_of, output_of

_KIND = f"{FLOAT}UNIDIRECTIONAL_SEQUENCE_LSTM"


class FloatLstm(Operator):
    """As the one of int8; exp and tanh are the C library's, their last bit too."""

    kinds = MappingProxyType({_KIND: SCHEMA})
    states = (HIDDEN, CELL)
    with_library = (_KIND,)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if lacks_operands(node):
            return []
        problems = require_float(node, graph, ends_of(node)) + check_parts(node)
        if problems:
            return problems
        problems = require_float(node, graph, self.states_of(node))
        for place in (*INPUT_WEIGHTS, *HIDDEN_WEIGHTS, *BIASES):
            problems += check_constant(node, graph, node.inputs[place])
        return problems or check_shapes(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        sizes, limit = sizes_of(node, graph), np.float32(node.number("cell_clip"))
        hidden, cell = inputs[HIDDEN].astype(np.float32), inputs[CELL].astype(np.float32)
        weights, recurrent, bias = (
            gate_values(node, graph, places).astype(np.float32) for places in (INPUT_WEIGHTS, HIDDEN_WEIGHTS, BIASES)
        )
        sums = _finite(_products(inputs[0].reshape(sizes.rows, sizes.inputs), weights) + bias[:, None])
        output = np.empty((sizes.rows, sizes.units), np.float32)
        for row in range(sizes.rows):
            place = sizes.sequence_of(row)
            gates = sums[:, row] + _finite(_products(hidden[place : place + 1], recurrent)[:, 0] + np.float32(0))
            old = _finite(_sigmoid(gates[1]) * cell[place])
            after = old + _finite(_sigmoid(gates[0]) * c_function("tanhf", gates[2]))
            cell[place] = _clipped(after, limit) if limit > 0 else after
            hidden[place] = output[row] = _finite(c_function("tanhf", cell[place]) * _sigmoid(gates[3]))
        return [output.reshape(graph.tensors[output_of(node)].shape), hidden, cell]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return sizes_of(node, graph).macs

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        sizes = sizes_of(node, graph)
        weights, recurrent = (gate_values(node, graph, places) for places in (INPUT_WEIGHTS, HIDDEN_WEIGHTS))
        packed = np.concatenate([weights, recurrent], axis=2).transpose(1, 0, 2)
        return Step(
            node=node, header="em_float_lstm.h", function="em_float_lstm", struct_type="em_float_lstm_params",
            parameters=(
                *int32(rows=sizes.rows, batch=sizes.batch), *int16(time_major=int(sizes.time_major)),
                *int32(inputs=sizes.inputs, units=sizes.units),
                Field("cell_limit", "float", node.number("cell_clip")),
            ),
            inputs=(activations_of(node),), outputs=node.outputs, states=self.states_of(node),
            arrays=(CArray("weights", "float", packed), CArray("bias", "float", gate_values(node, graph, BIASES).T)),
            overlaps={ends_of(node): overlap_of(sizes, 4)}, macs=sizes.macs,
        )  # fmt: skip


def _products(rows: NDArray[Any], weights: Floats) -> Floats:
    """Return every gate's sums for each row, (gates, rows, units), product after product."""
    sums = np.zeros((len(weights), len(rows), weights.shape[1]), np.float32)
    for feature in range(weights.shape[2]):
        sums = sums + rows[:, feature, None] * weights[:, None, :, feature]
    return sums


def _finite(values: Floats) -> Floats:
    return limited(values, ACTIVATION_NONE)


def _sigmoid(x: Floats) -> Floats:
    """Return the logistic function as TFLite's reference kernel has it."""
    middle = np.float32(1) / (np.float32(1) + c_function("expf", -x))
    ends = np.where(x < np.float32(-9), c_function("expf", x), middle)
    return np.where(x > np.float32(16.619047164916992188), np.float32(1), ends)


def _clipped(values: Floats, limit: np.float32) -> Floats:
    least = np.where(values < limit, values, limit)
    return np.where(least < -limit, -limit, least)
