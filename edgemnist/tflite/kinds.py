"""Which kind of model a file holds."""

from __future__ import annotations

import enum
from types import MappingProxyType

import numpy as np

from edgemnist.tflite.file import TfliteModel


class ModelKind(enum.Enum):
    """What a model file holds, by its arithmetic; the values are what ``edgemnist convert`` calls them."""

    KERAS = "keras"
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    DYNAMIC = "dynamic"
    INT8 = "int8"
    INT16X8 = "int16x8"


FIXED_RANGES = ("SOFTMAX", "LOGISTIC", "TANH", "L2_NORMALIZATION", "LOG_SOFTMAX")
"""Operators whose output's scale is the specification's, whatever the values are (TFLite 8-bit quantisation)."""

OUTPUT_AXIS = MappingProxyType({"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0})
"""The axis of the output channels in a layer's weights; along it int8 can have a scale for each (TFLite 8-bit
quantisation; FULLY_CONNECTED since version 12, and for int8 activations)."""

TFLITE_KINDS = frozenset(ModelKind) - {ModelKind.KERAS}
"""Every kind that a ``.tflite`` file can be."""


def model_kind(model: TfliteModel) -> ModelKind:
    """Return the kind of a TFLite model from the types of its activations and constants.

    Integer activations decide first, so an int8 model with float input and output is still int8.
    """
    activations = {
        model.tensors[index].dtype
        for operator in model.operators
        for index in operator.outputs
        if operator.kind not in ("DEQUANTIZE", "QUANTIZE")
    }
    constants = {tensor.dtype for tensor in model.tensors if tensor.data is not None and tensor.elements > 1}
    if "int16" in activations:
        return ModelKind.INT16X8
    if activations & {"int8", "uint8"}:
        return ModelKind.INT8
    if "float16" in constants:
        return ModelKind.FLOAT16
    return ModelKind.DYNAMIC if constants & {"int8", "uint8"} else ModelKind.FLOAT32


def operator_outputs(model: TfliteModel) -> list[int]:
    """Return the indices of every tensor of numbers that an operator writes, in the order of execution.

    A string has no shape of its own, and the handle of a variable is no value: TFLM crashes where one is read.
    """
    written = [index for operator in model.operators for index in operator.outputs if index != -1]
    return [index for index in written if model.tensors[index].dtype not in ("string", "resource", "variant")]


def has_state(model: TfliteModel) -> bool:
    """Whether what comes out depends on the inputs before: by variables, or by another graph that may have some."""
    return model.subgraphs != 1 or any(tensor.is_variable for tensor in model.tensors)


def keeps_something(model: TfliteModel) -> bool:
    """Whether a model keeps variables or the states of its operators from one inference to the next."""
    kept = any(tensor.is_variable for tensor in model.tensors)
    return kept or any(operator.kind == "VAR_HANDLE" for operator in model.operators)


def limits_of(dtype: str) -> tuple[int, int]:
    """Return the lowest and highest value of an integer type."""
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)
