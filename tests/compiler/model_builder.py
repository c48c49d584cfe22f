"""Writes small TFLite files operator by operator, so that a test can ask for what no converter would make.

builder = ModelBuilder()
image = builder.input((1, 7, 5, 3), scale=0.5, zero_point=-1)
weights = builder.constant(array, scale=[0.1, 0.2, 0.3, 0.4])
output = builder.op("CONV_2D", [image, weights], (1, 7, 5, 4), 0.7, 3, padding=PADDING_SAME, stride_h=1, stride_w=1)
content = builder.finish([output])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import ArrayLike, NDArray

INT8_VERSIONS = {
    "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "MAX_POOL_2D": 2, "AVERAGE_POOL_2D": 2, "ADD": 2,
    "SUB": 2, "MUL": 2, "MEAN": 2, "CONCATENATION": 2, "PAD": 2, "SOFTMAX": 2, "LOGISTIC": 2, "TANH": 2, "RELU": 2,
    "RELU6": 2, "LEAKY_RELU": 2, "QUANTIZE": 2, "DEQUANTIZE": 2, "TRANSPOSE": 2, "STRIDED_SLICE": 2, "SPLIT": 2,
    "RESIZE_NEAREST_NEIGHBOR": 2, "TRANSPOSE_CONV": 3, "SPLIT_V": 2, "MAXIMUM": 2, "MINIMUM": 2,
    "SQUARED_DIFFERENCE": 2, "BATCH_MATMUL": 2, "L2_NORMALIZATION": 2,
}  # fmt: skip
"""The version that today's converter gives each operator in an int8 model; 1 where none is named."""

OPTIONS = {
    "CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions", "MAX_POOL_2D": "Pool2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions", "L2_POOL_2D": "Pool2DOptions", "MEAN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions", "REDUCE_MAX": "ReducerOptions", "REDUCE_MIN": "ReducerOptions",
    "SUM": "ReducerOptions", "BATCH_MATMUL": "BatchMatMulOptions", "L2_NORMALIZATION": "L2NormOptions",
    "SVDF": "SVDFOptions", "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "LOGISTIC": None, "TANH": None, "RELU": None, "RELU6": None, "RELU_N1_TO_1": None,
    "MAXIMUM": "MaximumMinimumOptions", "MINIMUM": "MaximumMinimumOptions",
}  # fmt: skip
"""The schema's options table of an operator where it is not the operator's own name in capitals and small letters."""


@dataclass
class Operator:
    """An operator of a model under construction; without ``options`` it gets no options table."""

    kind: str
    inputs: list[int]
    outputs: list[int]
    version: int
    options: dict[str, Any] | None


@dataclass
class ModelBuilder:
    """Collects tensors and operators; every method that adds a tensor returns its index."""

    description: str = "test"
    _tensors: list[Any] = field(default_factory=list)
    _buffers: list[bytes] = field(default_factory=lambda: [b""])
    operators: list[Operator] = field(default_factory=list)
    _inputs: list[int] = field(default_factory=list)

    def input(self, shape: Sequence[int], scale: float | None = 1.0, zero_point: int = 0, **details: Any) -> int:
        """Add a model input; ``details`` as for :meth:`tensor`, no scale too."""
        index = self.tensor(shape, scale, zero_point, **{"name": "input", **details})
        self._inputs.append(index)
        return index

    def tensor(
        self,
        shape: Sequence[int],
        scale: float | Sequence[float] | None = None,
        zero_point: int | Sequence[int] = 0,
        *,
        dtype: str = "int8",
        axis: int = 0,
        data: NDArray[Any] | None = None,
        signature: Sequence[int] | None = None,
        name: str | None = None,
        variable: bool = False,
    ) -> int:
        """Add a tensor of any kind.

        A sequence of scales means one per channel along ``axis``; without a scale the tensor is not quantised.
        ``signature`` is the shape with -1 where the size is dynamic.
        """
        from ai_edge_litert import schema_py_generated as schema

        tensor = schema.TensorT()
        tensor.shape = [int(size) for size in shape]
        tensor.type = getattr(schema.TensorType, dtype.upper())
        tensor.name = name or f"tensor_{len(self._tensors)}"
        tensor.isVariable = variable
        tensor.shapeSignature = None if signature is None else list(signature)
        if scale is not None:
            tensor.quantization = _quantisation(scale, zero_point, axis)
        if data is not None:
            tensor.buffer = len(self._buffers)
            self._buffers.append(data.tobytes())
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def constant(
        self,
        values: ArrayLike,
        scale: float | Sequence[float] | None = None,
        zero_point: int | Sequence[int] = 0,
        *,
        dtype: str = "int8",
        axis: int = 0,
        name: str | None = None,
    ) -> int:
        """Add a tensor with a value in the file."""
        data = np.asarray(values, np.dtype(dtype))
        return self.tensor(data.shape, scale, zero_point, dtype=dtype, axis=axis, data=data, name=name)

    def op(
        self,
        kind: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        scale: float | None = None,
        zero_point: int = 0,
        *,
        version: int | None = None,
        dtype: str = "int8",
        name: str | None = None,
        without_options: bool = False,
        **options: Any,
    ) -> int:
        """Add an operator with one output and return that output.

        ``options`` are the schema's fields in snake case, enums as integers; unnamed ones have the schema's default,
        strides, which would be 0, are 1. An input of -1 is an absent one.
        """
        output = self.tensor(shape, scale, zero_point, dtype=dtype, name=name or f"{kind.lower()}_{len(self._tensors)}")
        self.multi_op(kind, inputs, [output], version=version, without_options=without_options, **options)
        return output

    def multi_op(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        version: int | None = None,
        without_options: bool = False,
        **options: Any,
    ) -> None:
        """Add an operator that writes tensors made with :meth:`tensor` before; as :meth:`op` otherwise."""
        number = INT8_VERSIONS.get(kind, 1) if version is None else version
        chosen = None if without_options else options
        self.operators.append(Operator(kind, list(inputs), list(outputs), number, chosen))

    def finish(self, outputs: Sequence[int], *, old_codes: bool = False, subgraphs: int = 1) -> bytes:
        """Return the file.

        With ``old_codes`` the operator codes stand only in the field that files before TensorFlow 2.4 have.
        """
        from ai_edge_litert import schema_py_generated as schema

        model, graph = schema.ModelT(), schema.SubGraphT()
        codes = sorted({(operator.kind, operator.version) for operator in self.operators})
        graph.tensors, graph.inputs, graph.outputs = self._tensors, self._inputs, list(outputs)
        graph.operators = [_operator(operator, codes) for operator in self.operators]
        graph.name = "main"
        model.version, model.description = 3, self.description
        model.operatorCodes = [_code(kind, version, old_codes) for kind, version in codes]
        model.buffers = [_buffer(data) for data in self._buffers]
        model.subgraphs = [graph] * subgraphs
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def _quantisation(scale: float | Sequence[float], zero_point: int | Sequence[int], axis: int) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    scales = [float(value) for value in np.atleast_1d(np.asarray(scale))]
    quantisation = schema.QuantizationParametersT()
    quantisation.scale = scales
    zero_points = np.atleast_1d(np.asarray(zero_point))
    quantisation.zeroPoint = [int(value) for value in np.broadcast_to(zero_points, (len(scales),))]
    quantisation.quantizedDimension = axis
    return quantisation


def _buffer(data: bytes) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8) if data else None
    return buffer


def _code(kind: str, version: int, old: bool) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    code = schema.OperatorCodeT()
    number = 32 if kind.startswith("CUSTOM:") else getattr(schema.BuiltinOperator, kind)
    code.version, code.deprecatedBuiltinCode = version, min(number, 127)
    if not old:
        code.builtinCode = number
    if kind.startswith("CUSTOM:"):
        code.customCode = kind.removeprefix("CUSTOM:")
    return code


def _operator(operator: Operator, codes: Sequence[tuple[str, int]]) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    packed = schema.OperatorT()
    packed.opcodeIndex = codes.index((operator.kind, operator.version))
    packed.inputs, packed.outputs = operator.inputs, operator.outputs
    name = _options_name(operator.kind)
    if operator.options is None or name is None or not hasattr(schema.BuiltinOptions, name):
        return packed
    table = getattr(schema, name + "T")()
    fields = {attribute.lower(): attribute for attribute in vars(table)}
    for option, value in {**_default_strides(fields), **operator.options}.items():
        setattr(table, fields[option.replace("_", "")], value)
    packed.builtinOptionsType = getattr(schema.BuiltinOptions, name)
    packed.builtinOptions = table
    return packed


def _options_name(kind: str) -> str | None:
    if kind in OPTIONS:
        return OPTIONS[kind]
    return "".join(word.capitalize() for word in kind.split("_")) + "Options"


def _default_strides(fields: dict[str, str]) -> dict[str, int]:
    return {name: 1 for name in ("stride_h", "stride_w") if name.replace("_", "") in fields}


def edited(content: bytes, change: Callable[[Any], None]) -> bytes:
    """Return a file after ``change`` was made to it in the schema's object form (``ModelT``)."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
