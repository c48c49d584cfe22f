"""SVDF: a layer over the last inputs, of which each filter keeps one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.fixedpoint import (
    IntArray,
    Multiplier,
    multiply_by_quantised_multiplier,
    quantise_multiplier,
    wrap_int32,
)
from edgemnist.compiler.graph import ACTIVATION_NONE, ACTIVATION_RELU, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.fields import CArray, factor_field, int16, int32, output_field
from edgemnist.compiler.ops.layer_checks import check_integers, sum_problems
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor, output_tensor
from edgemnist.compiler.ops.requantisation import check_multiplier

FEATURE, TIME, BIAS, STATE = 1, 2, 3, 4
_OPERANDS = ("input", "feature weights", "time weights", "bias", "state")

_BIAS_TOLERANCE = 1e-5
"""By so much the bias' scale may be another than the products' (TFLM's ``PrepareSvdf``)."""

_CORRUPT = "the file is corrupt, convert it again"


@dataclass(frozen=True, eq=False)
class _Layer:
    """The operands: ``feature`` int8 (filters, inputs), ``time`` int8 or int16 (filters, memory), ``bias`` (units,)."""

    feature: NDArray[Any]
    time: NDArray[Any]
    bias: IntArray
    rank: int
    batch: int
    input_zero_point: int
    state_zero_point: int
    to_state: Multiplier
    to_output: Multiplier

    @property
    def units(self) -> int:
        """Outputs of each row."""
        return len(self.feature) // self.rank

    @property
    def first_sums(self) -> IntArray:
        """Where each filter's sum of products begins: what the input's zero point makes of it."""
        sums: IntArray = -self.input_zero_point * self.feature.astype(np.int64).sum(axis=1)
        return sums


class Svdf(Operator):
    """Filters over what each keeps of the last inputs, in int16 or int8; activated by the output's range only."""

    kinds = MappingProxyType({"SVDF": Schema("SVDFOptions", 5, 5, needed=True)})
    states = (STATE,)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if len(node.inputs) != len(_OPERANDS):
            return []  # the reader has said so
        absent = [what for what, index in zip(_OPERANDS, node.inputs, strict=False) if index == -1]
        if absent:
            return [f"{node.label}: has no {absent[0]}, which TFLM needs; convert a layer that has all operands"]
        problems = require_int8(node, graph, ends_of(node))
        problems += check_integers(node, graph, FEATURE, ("int8",), 2, "feature weights")
        problems += check_integers(node, graph, TIME, ("int8", "int16"), 2, "time weights")
        problems += check_integers(node, graph, BIAS, ("int32",), 1, "bias")
        problems = problems or _check_state(node, graph) or _check_shapes(node, graph)
        return problems or _check_arithmetic(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        layer, old = _layer(node, graph), inputs[STATE]
        products = inputs[0].astype(np.int64) @ layer.feature.astype(np.int64).T + layer.first_sums
        limits = np.iinfo(old.dtype)
        new = np.clip(multiply_by_quantised_multiplier(products, layer.to_state), limits.min, limits.max)
        state = np.roll(old.reshape(layer.batch, *layer.time.shape), -1, axis=2)
        state[:, :, -1] = (new + layer.state_zero_point).astype(old.dtype)  # wraps, as TFLM's does
        filters = (layer.time.astype(np.int64) * (state.astype(np.int64) - layer.state_zero_point)).sum(axis=2)
        sums = wrap_int32(filters.reshape(layer.batch, layer.units, layer.rank).sum(axis=2) + layer.bias)
        scaled = multiply_by_quantised_multiplier(sums, layer.to_output)
        output = np.clip(scaled + quantisation_of(output_tensor(node, graph)).zero_point, -128, 127)
        return [output.astype(np.int8), state.reshape(old.shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        layer = _layer(node, graph)
        (filters, inputs), memory = layer.feature.shape, layer.time.shape[1]
        zero_point = quantisation_of(output_tensor(node, graph)).zero_point
        dtype = layer.time.dtype.name
        return Step(
            node=node, header="em_svdf.h", function=f"em_svdf_{dtype}", struct_type="em_svdf_params",
            parameters=(
                *int32(batch=layer.batch, inputs=inputs, units=layer.units, rank=layer.rank, memory=memory),
                *int16(state_zero_point=layer.state_zero_point),
                factor_field("feature", layer.to_state), factor_field("time", layer.to_output),
                output_field(zero_point, (-128, 127)),
            ),
            inputs=(activations_of(node),), outputs=node.outputs, states=self.states_of(node),
            arrays=(
                CArray("feature", "int8_t", layer.feature), CArray("sums", "int32_t", layer.first_sums),
                CArray("time", f"{dtype}_t", layer.time), CArray("bias", "int32_t", layer.bias),
            ),
            macs=layer.batch * filters * (inputs + memory),
        )  # fmt: skip


def _layer(node: Node, graph: Graph) -> _Layer:
    tensors = [graph.tensors[index] for index in node.inputs]
    feature, time, bias = (np.asarray(tensors[place].data) for place in (FEATURE, TIME, BIAS))
    to_state, to_output = (quantise_multiplier(scale) for scale in _scales(node, graph))
    return _Layer(
        feature, time.astype(time.dtype.newbyteorder("=")), bias.astype(np.int64), node.integer("rank"),
        tensors[0].shape[0], quantisation_of(tensors[0]).zero_point, quantisation_of(tensors[STATE]).zero_point,
        to_state, to_output,
    )  # fmt: skip


def _scales(node: Node, graph: Graph) -> tuple[float, float]:
    """Return the factors to the state and to the output, in double precision as TFLM computes them."""
    source, feature, time, _, state = (float(_scale(node, graph, place)) for place in range(5))
    output = quantisation_of(output_tensor(node, graph)).scale
    return source * feature / state, state * time / output


def _scale(node: Node, graph: Graph, place: int) -> np.float32:
    """Return an operand's scale; TFLM takes an absent one for 0."""
    quantisation = graph.tensors[node.inputs[place]].quantisation
    return np.float32(quantisation.scale if quantisation is not None else 0.0)


def _check_state(node: Node, graph: Graph) -> list[str]:
    state, time = graph.tensors[node.inputs[STATE]], graph.tensors[node.inputs[TIME]]
    if state.dtype != time.dtype:
        return [f"{node.label}: the state is {state.dtype} and the time weights {time.dtype}; {_CORRUPT}"]
    if state.quantisation is None or state.quantisation.per_channel:
        return [f"{node.label}: the state {state.name!r} needs one scale; {_CORRUPT}"]
    if state.dtype == "int16" and state.quantisation.zero_point != 0:
        return [f"{node.label}: an int16 state has the zero point 0, not {state.quantisation.zero_point}; {_CORRUPT}"]
    return []


def _check_shapes(node: Node, graph: Graph) -> list[str]:
    source, feature, time, bias, state = (graph.tensors[index].shape for index in node.inputs)
    rank = node.integer("rank")
    if rank < 1 or feature[0] % rank:
        return [f"{node.label}: {feature[0]} filters can't be {rank} to a unit; {_CORRUPT}"]
    units, memory = feature[0] // rank, time[1]
    wanted = {
        "the input": (source, (source[0], feature[1])),
        "time weights": (time, (feature[0], memory)),
        "the bias": (bias, (units,)),
        "the state": (state, (source[0], memory * feature[0])),
    }
    wrong = [(what, *shapes) for what, shapes in wanted.items() if shapes[0] != shapes[1]]
    if wrong:
        return [f"{node.label}: {what} has shape {list(a)}, needed is {list(b)}; {_CORRUPT}" for what, a, b in wrong]
    return require_shape(node, output_tensor(node, graph), (source[0], units), "what the filters give")


def _check_arithmetic(node: Node, graph: Graph) -> list[str]:
    activation, output = node.integer("fused_activation_function"), quantisation_of(output_tensor(node, graph))
    if activation not in (ACTIVATION_NONE, ACTIVATION_RELU):
        return [f"{node.label}: fused activation {activation} is neither none nor ReLU; put it into a layer of its own"]
    if activation == ACTIVATION_RELU and output.zero_point != -128:
        return [
            f"{node.label}: TFLM has no ReLU here but that of the output's range, and that begins below 0; "
            "convert the model again"
        ]
    products = _scale(node, graph, STATE) * _scale(node, graph, TIME)
    if not abs(float(_scale(node, graph, BIAS)) - float(products)) < _BIAS_TOLERANCE:
        return [f"{node.label}: the bias has not the scale of the products, {products:g}; {_CORRUPT}"]
    layer = _layer(node, graph)
    problems = [problem for one in (layer.to_state, layer.to_output) for problem in check_multiplier(node, one)]
    zero_point = quantisation_of(input_tensor(node, graph)).zero_point
    return problems or sum_problems(node, layer.feature, zero_point, np.zeros(len(layer.feature), np.int64))
