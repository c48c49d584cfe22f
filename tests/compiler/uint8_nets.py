"""int8 test models as uint8 ones, as older converters made them: one scale and zero point for a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.compiler.model_builder import edited

_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def as_uint8(content: bytes, *, weights_zero_point: int = 0) -> bytes:
    """Return a model with every quantised int8 tensor as uint8; its layers' weights get that zero point before."""

    def change(model: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        graph = model.subgraphs[0]
        names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
        for operator in graph.operators:
            if names[model.operatorCodes[operator.opcodeIndex].builtinCode] in _LAYERS:
                _per_tensor(graph.tensors, [int(index) for index in operator.inputs], weights_zero_point)
        flipped = set()
        for tensor in graph.tensors:
            if tensor.type == schema.TensorType.INT8 and tensor.quantization is not None:
                tensor.type = schema.TensorType.UINT8
                tensor.quantization.zeroPoint = [int(point) + 128 for point in tensor.quantization.zeroPoint]
                if model.buffers[tensor.buffer].data is not None and tensor.buffer not in flipped:
                    flipped.add(tensor.buffer)
                    data = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
                    model.buffers[tensor.buffer].data = data ^ np.uint8(128)

    return edited(content, change)


def _per_tensor(tensors: list[Any], inputs: list[int], zero_point: int) -> None:
    """Give a layer's weights one scale and zero point, and its bias the scale of its sums."""
    weights = tensors[inputs[1]].quantization
    weights.scale, weights.zeroPoint, weights.quantizedDimension = [float(weights.scale[0])], [zero_point], 0
    if len(inputs) > 2 and inputs[2] != -1:
        source = tensors[inputs[0]].quantization
        tensors[inputs[2]].quantization = type(weights)()
        tensors[inputs[2]].quantization.scale = [float(source.scale[0]) * weights.scale[0]]
        tensors[inputs[2]].quantization.zeroPoint = [0]


def as_unsigned(images: NDArray[Any]) -> NDArray[Any]:
    """Return int8 images as uint8."""
    result: NDArray[Any] = (images.astype(np.int16) + 128).astype(np.uint8)
    return result
