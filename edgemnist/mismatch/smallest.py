"""An operator with its bytes cut down to the smallest shapes at which two runtimes may still differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.case import Case
from edgemnist.mismatch.layers import Layer, layer_of
from edgemnist.tflite.schema import read_objects, schema_module, write_objects

_ONE_BY_ONE = ("ADD", "SUB", "MUL", "LEAKY_RELU", "LOGISTIC", "TANH", "HARD_SWISH", "RELU", "RELU6", "QUANTIZE")
"""Operators of which each output depends on one element of each operand."""

_VALID = 1
"""The schema's ``Padding.VALID``."""


@dataclass(frozen=True, eq=False)
class Small:
    """A model of one operator and one input for it, one array per input; ``what`` says how it was cut down."""

    content: bytes
    inputs: tuple[NDArray[Any], ...]
    what: str


def smaller_and_smaller(case: Case) -> Iterator[Small]:
    """Yield models of the operator for one element that differs, the smallest first, the operator as it is last."""
    image, *place = (int(index[0]) for index in np.nonzero(case.sample.found != case.sample.oracle))
    layer = layer_of(case)
    if layer is not None:
        yield from _of_layer(case, layer, image, place)
    if case.kind in _ONE_BY_ONE:
        yield _one_element(case, image, tuple(place))
    inputs = tuple(one[image] for one in case.sample.inputs)
    yield Small(_written(case, {}, {}), inputs, "the operator as it is in the model")


def _of_layer(case: Case, layer: Layer, image: int, place: Sequence[int]) -> Iterator[Small]:
    """Yield a layer of one weight, then one of one window, for one output channel."""
    sums, channel = layer.sums, place[-1]
    flat = int(np.ravel_multi_index(place[:-1], case.sample.oracle.shape[1:-1]))
    y, x = divmod(flat, sums.geometry.out_width)
    window = sums.windows()[image, y, x]
    depthwise = case.kind == "DEPTHWISE_CONV_2D"
    weights = sums.weights[..., channel] if depthwise else sums.weights[channel]
    if depthwise:
        per_input = sums.weights.shape[-1] // window.shape[-1]
        window, weights = window[..., channel // per_input, None], weights[..., None]
    values = (window + sums.zero_point).astype(np.int64)
    total = int(sums.values[image, y, x, channel])
    one_weight = int(np.argmax(np.abs(weights)))
    first = np.array([values.flat[one_weight]]), np.array([weights.flat[one_weight]])
    rest = total - int(first[1][0]) * (int(first[0][0]) - sums.zero_point)
    for value, weight, bias, what in (
        (first[0].reshape(1, 1, 1), first[1].reshape(1, 1, 1), rest, "one weight, the rest of the sum in the bias"),
        (values, weights, int(sums.bias[channel]), "one window and one output channel"),
    ):
        has_bias = case.operand(2) is not None
        if abs(bias) < 2**31 and (has_bias or bias == 0):
            yield _layer(case, channel, value, weight, bias, what)


def _layer(case: Case, channel: int, values: Any, weights: Any, bias: int, what: str) -> Small:
    operator = case.model.operators[case.index]
    dense = case.kind == "FULLY_CONNECTED"
    shape = (1, values.size) if dense else (1, *values.shape)
    data = {
        operator.inputs[1]: weights.astype(np.int8).reshape((1, weights.size) if dense else (1, *weights.shape)),
        **(
            {operator.inputs[2]: np.array([bias], case.model.tensors[operator.inputs[2]].dtype)}
            if len(operator.inputs) > 2 and operator.inputs[2] != -1
            else {}
        ),
    }
    shapes = {operator.inputs[0]: shape, operator.outputs[0]: (1, 1) if dense else (1, 1, 1, 1)}
    image = values.astype(case.sample.inputs[0].dtype).reshape(shape)
    return Small(_written(case, shapes, data, channel=channel), (image,), what)


def _one_element(case: Case, image: int, place: tuple[int, ...]) -> Small:
    """Return the operator on one element of each operand, each of as many axes as before."""
    shapes: dict[int, tuple[int, ...]] = {case.output.index: (1,) * len(case.output.shape)}
    inputs, data = [], {}
    for tensor, operand in zip(case.model.operators[case.index].inputs, case.operands, strict=True):
        if operand is None:
            continue
        constant = case.model.tensors[tensor].data is not None
        whole = operand[0 if constant else image]
        value = np.broadcast_to(whole, case.output.shape)[place].reshape((1,) * whole.ndim)
        shapes[tensor] = value.shape
        if constant:
            data[tensor] = value
        else:
            inputs.append(value)
    return Small(_written(case, shapes, data), tuple(inputs[: len(case.sample.inputs)]), "one element of each operand")


def _written(
    case: Case, shapes: dict[int, tuple[int, ...]], data: dict[int, NDArray[Any]], channel: int | None = None
) -> bytes:
    """Return a file with the operator alone, its tensors of other shapes and with other constants.

    :param channel: the only output channel that is left, whose scale its weights and bias keep.
    """
    model = read_objects(case.model.content)
    graph = model.subgraphs[0]
    operator = graph.operators[case.index]
    used = sorted({int(one) for one in (*operator.inputs, *operator.outputs) if one != -1})
    places = {index: place for place, index in enumerate(used)}
    tensors, buffers = [], [schema_module().BufferT()]
    for index in used:
        tensor = graph.tensors[index]
        content = model.buffers[tensor.buffer].data
        if index in data:
            content = np.frombuffer(np.ascontiguousarray(data[index]).tobytes(), np.uint8)
        shape = data[index].shape if index in data else shapes.get(index)
        if shape is not None:
            tensor.shape, tensor.shapeSignature = list(shape), None
        if channel is not None and index in data:
            _keep_channel(tensor.quantization, channel)
        tensor.buffer = 0
        if content is not None and len(content):
            buffers.append(schema_module().BufferT())
            buffers[-1].data, tensor.buffer = content, len(buffers) - 1
        tensors.append(tensor)
    given = [tensor for tensor in dict.fromkeys(int(one) for one in operator.inputs) if tensor in places]
    graph.inputs = [places[index] for index in given if tensors[places[index]].buffer == 0]
    graph.outputs = [places[int(index)] for index in operator.outputs]
    operator.inputs = [places.get(int(index), -1) for index in operator.inputs]
    operator.outputs = graph.outputs
    if channel is not None and hasattr(operator.builtinOptions, "padding"):
        _plain_window(operator.builtinOptions)
    model.operatorCodes = [model.operatorCodes[operator.opcodeIndex]]
    operator.opcodeIndex = 0
    graph.tensors, graph.operators, graph.name = tensors, [operator], None
    model.subgraphs, model.buffers = [graph], buffers
    model.metadata = model.metadataBuffer = model.signatureDefs = model.description = None
    return write_objects(model)


def _keep_channel(quantisation: Any, channel: int) -> None:
    for name in ("scale", "zeroPoint"):
        values = getattr(quantisation, name)
        if values is not None and len(values) > 1:
            setattr(quantisation, name, [values[channel]])


def _plain_window(options: Any) -> None:
    options.padding, options.strideH, options.strideW = _VALID, 1, 1
    options.dilationHFactor = options.dilationWFactor = 1
    if hasattr(options, "depthMultiplier"):
        options.depthMultiplier = 1
