"""What is in a TFLite file: operators, multiply-accumulates, weight bytes, quantisation and peak activation memory.

Read from the file alone: no interpreter and no TensorFlow. Counts are nominal: what the operators' shapes say, without
what a runtime may save (fusion, in-place) or add (scratch buffers, alignment).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel, parse_subgraph
from edgemnist.tflite.kept import KeptTensor, kept_of
from edgemnist.tflite.lifetimes import alive_bytes
from edgemnist.tflite.macs import macs_of
from edgemnist.tflite.signatures import Signature

MOST_SUBGRAPHS = 16
"""So many are looked into; each takes the whole file's time to read."""


@dataclass(frozen=True)
class QuantisationSummary:
    """A quantisation without its long lists: scale and zero point of the first channel, and how many channels."""

    scale: float
    zero_point: int
    channels: int


@dataclass(frozen=True)
class TensorSummary:
    """One activation tensor; ``index`` is its number in the file, ``label`` its name for people."""

    index: int
    name: str
    label: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    quantisation: QuantisationSummary | None


@dataclass(frozen=True)
class OperatorSummary:
    """One operator.

    ``macs``: multiply-accumulates, None where they are not counted for this kind (recurrent layers, custom operators).
    ``parameters``: elements of weights and biases. ``weight_bytes`` and ``bias_bytes``: their size in the file;
    a constant that several operators share counts at the first. ``live_bytes``: activations alive while it runs.
    """

    index: int
    kind: str
    version: int
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    macs: int | None
    parameters: int
    weight_shape: tuple[int, ...]
    weight_bytes: int
    bias_bytes: int
    weight_quantisation: QuantisationSummary | None
    live_bytes: int


@dataclass(frozen=True)
class SubgraphSummary:
    """A graph beside the first one: what signatures, control flow or first values need."""

    index: int
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    operators: tuple[OperatorSummary, ...]


@dataclass(frozen=True)
class Inspection:
    """A whole file; counts are those of its first graph.

    ``further`` are the other graphs, as far as they were looked into; ``subgraphs`` counts all. ``states`` are what is
    kept from one inference to the next.

    ``file_overhead_bytes`` is the file's size less weights and biases: structure, names, quantisation tables,
    shapes. ``peak_activation_bytes`` is the largest sum of live activation tensors at any operator, its inputs and
    outputs included, and ``peak_operator`` that operator's index (-1: no operators). ``uncounted`` names the operator
    kinds whose multiply-accumulates are missing from ``macs``.
    """

    size: int
    sha256: str
    description: str
    subgraphs: int
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    operators: tuple[OperatorSummary, ...]
    macs: int
    uncounted: tuple[str, ...]
    parameters: int
    weight_bytes: int
    bias_bytes: int
    file_overhead_bytes: int
    peak_activation_bytes: int
    peak_operator: int
    states: tuple[KeptTensor, ...]
    signatures: tuple[Signature, ...]
    further: tuple[SubgraphSummary, ...]

    @property
    def state_bytes(self) -> int:
        """Bytes of all states together."""
        return sum(state.bytes for state in self.states)

    def as_json(self) -> dict[str, Any]:
        """Return the inspection as JSON values."""
        return {**asdict(self), "state_bytes": self.state_bytes}


def inspect(model: TfliteModel) -> Inspection:
    """Return what a TFLite file holds.

    :raises ModelError: an operator or a further graph is corrupt.
    """
    operators, live = _operators(model)
    weight_bytes = sum(operator.weight_bytes for operator in operators)
    bias_bytes = sum(operator.bias_bytes for operator in operators)
    peak = max(range(len(operators)), key=lambda index: live[index], default=-1)
    return Inspection(
        size=model.size,
        sha256=model.sha256,
        description=model.description,
        subgraphs=model.subgraphs,
        inputs=_summaries(model, model.inputs),
        outputs=_summaries(model, model.outputs),
        operators=operators,
        macs=sum(operator.macs or 0 for operator in operators),
        uncounted=tuple(sorted({operator.kind for operator in operators if operator.macs is None})),
        parameters=sum(operator.parameters for operator in operators),
        weight_bytes=weight_bytes,
        bias_bytes=bias_bytes,
        file_overhead_bytes=model.size - weight_bytes - bias_bytes,
        peak_activation_bytes=live[peak] if operators else 0,
        peak_operator=peak,
        states=kept_of(model),
        signatures=model.signatures,
        further=tuple(_subgraph(model, index) for index in range(1, min(model.subgraphs, MOST_SUBGRAPHS))),
    )


def _operators(model: TfliteModel) -> tuple[tuple[OperatorSummary, ...], list[int]]:
    """Return a graph's operators, and the bytes alive while each runs."""
    constants, counted = _constants(model), set[int]()
    live = _live_bytes(model, constants)
    return tuple(_operator(model, one, constants, counted, live[one.index]) for one in model.operators), live


def _subgraph(model: TfliteModel, index: int) -> SubgraphSummary:
    graph = parse_subgraph(model.content, index)
    return SubgraphSummary(
        index, _summaries(graph, graph.inputs), _summaries(graph, graph.outputs), _operators(graph)[0]
    )


def _summaries(model: TfliteModel, indices: Sequence[int]) -> tuple[TensorSummary, ...]:
    return tuple(_summary(model.tensors[index], model.readable[index]) for index in indices)


# --- constants -----------------------------------------------------------------------------------------------------


def _constants(model: TfliteModel) -> Mapping[int, TensorInfo]:
    """Map a tensor index to the constant stored for it.

    The output of DEQUANTIZE or DENSIFY of a constant (how float16 and sparse weights are stored) stands for that
    constant: interpreters unpack it once, so it's a weight and no activation.
    """
    found = {tensor.index: tensor for tensor in model.tensors if tensor.data is not None}
    for operator in model.operators:
        unpacks = operator.kind in ("DEQUANTIZE", "DENSIFY") and operator.inputs and operator.outputs
        if unpacks and operator.inputs[0] in found:
            found[operator.outputs[0]] = found[operator.inputs[0]]
    return found


_WEIGHT_AND_BIAS: Mapping[str, tuple[int, int]] = {
    "CONV_2D": (1, 2),
    "CONV_3D": (1, 2),
    "DEPTHWISE_CONV_2D": (1, 2),
    "FULLY_CONNECTED": (1, 2),
    "TRANSPOSE_CONV": (1, 3),
}
"""Positions of weights and bias among an operator's inputs (TFLite schema and kernels)."""


def _parameters(
    operator: OperatorInfo, constants: Mapping[int, TensorInfo]
) -> tuple[list[TensorInfo], TensorInfo | None]:
    """Return the constants that enter an operator's arithmetic: weights, and the bias if there is one.

    Where the schema gives no weight position, a constant is a weight if it is floating or quantised; plain integers
    are shapes, axes and paddings.
    """
    if operator.kind in ("DEQUANTIZE", "DENSIFY"):
        return [], None
    if operator.kind in _WEIGHT_AND_BIAS:
        weight, bias = (
            constants.get(operator.inputs[position]) if position < len(operator.inputs) else None
            for position in _WEIGHT_AND_BIAS[operator.kind]
        )
        return ([weight] if weight is not None else []), bias
    candidates = [constants[index] for index in operator.inputs if index in constants]
    return [t for t in candidates if t.quantisation is not None or t.dtype.startswith("float")], None


def _operator(
    model: TfliteModel,
    operator: OperatorInfo,
    constants: Mapping[int, TensorInfo],
    counted: set[int],
    live_bytes: int,
) -> OperatorSummary:
    weights, bias = _parameters(operator, constants)
    new_weights = [tensor for tensor in weights if tensor.index not in counted]
    new_biases = [bias] if bias is not None and bias.index not in counted else []
    counted.update(tensor.index for tensor in (*new_weights, *new_biases))
    activations = [index for index in operator.inputs if index != -1 and index not in constants]
    return OperatorSummary(
        index=operator.index,
        kind=operator.kind,
        version=operator.version,
        inputs=_summaries(model, activations),
        outputs=_summaries(model, operator.outputs),
        macs=macs_of(model, operator),
        parameters=sum(tensor.elements for tensor in (*new_weights, *new_biases)),
        weight_shape=weights[0].shape if weights else (),
        weight_bytes=sum(_stored_bytes(tensor) for tensor in new_weights),
        bias_bytes=sum(_stored_bytes(tensor) for tensor in new_biases),
        weight_quantisation=_quantisation(weights[0]) if weights else None,
        live_bytes=live_bytes,
    )


def _stored_bytes(tensor: TensorInfo) -> int:
    return 0 if tensor.data is None else int(tensor.data.nbytes)


def _summary(tensor: TensorInfo, label: str) -> TensorSummary:
    quantisation = _quantisation(tensor)
    return TensorSummary(tensor.index, tensor.name, label, tensor.shape, tensor.dtype, tensor.bytes, quantisation)


def _quantisation(tensor: TensorInfo) -> QuantisationSummary | None:
    quantisation = tensor.quantisation
    if quantisation is None:
        return None
    return QuantisationSummary(quantisation.scale, quantisation.zero_point, len(quantisation.scales))


# --- activation memory -----------------------------------------------------------------------------------------------


def _live_bytes(model: TfliteModel, constants: Mapping[int, TensorInfo]) -> list[int]:
    """Return for each operator the bytes of all activation tensors alive while it runs.

    A tensor lives from the operator that writes it (a graph input: from the start) to the last that reads it
    (a graph output: to the end). Variable tensors keep state, so they always live. No buffer is shared.
    """
    last = len(model.operators) - 1
    first_use: dict[int, int] = dict.fromkeys(model.inputs, 0)
    last_use: dict[int, int] = dict.fromkeys(model.inputs, 0)
    for operator in model.operators:
        for index in operator.outputs:
            first_use.setdefault(index, operator.index)
            last_use[index] = operator.index
        for index in operator.inputs:
            if index in first_use:
                last_use[index] = operator.index
    last_use.update({index: last for index in model.outputs if index in first_use})
    for tensor in model.tensors:
        if tensor.is_variable:
            first_use[tensor.index], last_use[tensor.index] = 0, last
    spans = [
        (start, last_use[index], model.tensors[index].bytes)
        for index, start in first_use.items()
        if index not in constants
    ]
    return alive_bytes(spans, len(model.operators))
