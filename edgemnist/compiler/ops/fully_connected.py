"""FULLY_CONNECTED, one weight scale or one per output."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.fixedpoint import multiply_single_rounding
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Step,
    check_activation,
    quantisation_of,
    require_own_type,
)
from edgemnist.compiler.ops.convolution import (
    activated,
    bias_values,
    channel_multipliers,
    outputs_of,
)
from edgemnist.compiler.ops.dense import dense_work
from edgemnist.compiler.ops.fields import CArray, Field, field_problems, int16, int32
from edgemnist.compiler.ops.layer import Layer
from edgemnist.compiler.ops.layer_checks import check_weights, dense_shape
from edgemnist.compiler.ops.operands import (
    activations_of,
    ends_of,
    input_tensor,
    output_tensor,
    weight_values,
    weights_tensor,
)
from edgemnist.compiler.ops.requantisation import kernel_name
from edgemnist.compiler.ops.sparse_forms import lower_sparse_pixels


class FullyConnected(Operator):
    """Dense layer over the last axis."""

    kinds = MappingProxyType({"FULLY_CONNECTED": Schema("FullyConnectedOptions", 2, 3, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_own_type(node, graph, ends_of(node))
        problems += check_weights(node, graph, 2, channel_axis=0) + check_activation(node)
        if node.integer("weights_format"):
            problems.append(f"{node.label}: shuffled weights are not supported; convert the model again")
        if problems:
            return problems
        problems = require_shape(node, output_tensor(node, graph), dense_shape(node, graph), "what the weights give")
        return problems or field_problems(node.label, _sizes(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        accumulators = dense_sums(node, graph, inputs)
        once = _is_rounded_once(node, graph, settings)
        values = _rounded_once(node, graph, accumulators) if once else outputs_of(node, graph, accumulators)
        return [values.reshape(*output_tensor(node, graph).shape[:-1], accumulators.shape[1])]

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return input_tensor(node, graph).elements * weights_tensor(node, graph).shape[0]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        weights = weight_values(node, graph)
        layer = Layer(node, graph, settings, weights)
        rows = input_tensor(node, graph).elements // weights.shape[1]
        once = _is_rounded_once(node, graph, settings)
        if settings.way.sparse and layer.channels.fast and not once:
            return lower_sparse_pixels(layer, rows, overlap=False)
        body = "em_fully_connected"
        dense, features = settings.bodies.dense, weights.shape[1]
        return Step(
            node=node, header="em_fully_connected.h", body=body, struct_type="em_fully_connected_params",
            parameters=(*_sizes(node, graph), layer.output),
            function=f"{body}_once" if once else kernel_name(body, fast=layer.channels.fast),
            inputs=(activations_of(node),), outputs=node.outputs,
            arrays=(
                CArray("weights", "int8_t", dense.pack_single(weights, features), dense.in_words),
                *(layer.channels.plain_arrays() if once else layer.channels.arrays()),
            ),
            scratch=dense.strip_single(1, features, len(weights)), takes_scratch=True, macs=rows * weights.size,
            work=dense_work(rows, rows, 1, features, len(weights)),
        )  # fmt: skip


def _is_rounded_once(node: Node, graph: Graph, settings: LoweringSettings) -> bool:
    """Return whether TensorFlow's rounding is asked for, which for uint8 is no other."""
    return settings.rounding == "tflite" and activations_of(node) not in graph.shifted


def dense_sums(node: Node, graph: Graph, inputs: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the sums of products, (rows, units), without the bias."""
    weights = inputs[1].astype(np.int64)
    zero_point = quantisation_of(input_tensor(node, graph)).zero_point
    rows = inputs[0].astype(np.int64).reshape(-1, weights.shape[1]) - zero_point
    sums: NDArray[np.int64] = rows @ weights.T
    return sums


def _rounded_once(node: Node, graph: Graph, accumulators: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the outputs for sums of products (rows, units), as TensorFlow's reference kernel rounds them."""
    units = accumulators.shape[1]
    sums, multipliers = accumulators + bias_values(node, graph, units), channel_multipliers(node, graph)
    every = multipliers * (units // len(multipliers))
    columns = [multiply_single_rounding(sums[:, unit], multiplier) for unit, multiplier in enumerate(every)]
    return activated(node, graph, np.stack(columns, axis=1))


def _sizes(node: Node, graph: Graph) -> tuple[Field, ...]:
    """Return how many rows of features the layer is applied to, and the features and units of each."""
    units, features = weights_tensor(node, graph).shape
    rows = input_tensor(node, graph).elements // features
    return *int16(rows=rows), *int32(in_features=features), *int16(out_features=units)
