"""uint8 operators as the int8 operators that they are once 128 is taken off their bytes and zero points."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.case import Case, Prediction
from edgemnist.mismatch.compare import Sample
from edgemnist.mismatch.one_operator import activations_of
from edgemnist.tflite.file import Quantisation, TensorInfo

_OFFSET = 128


def has_unsigned(case: Case) -> bool:
    """Whether an operator reads or writes uint8."""
    operator = case.model.operators[case.index]
    tensors = [case.model.tensors[tensor] for tensor in (*operator.inputs, *operator.outputs) if tensor != -1]
    return any(tensor.dtype == "uint8" and tensor.quantisation is not None for tensor in tensors)


@functools.lru_cache(maxsize=16)
def signed(case: Case) -> Case:
    """Return the same case in int8."""
    operator = case.model.operators[case.index]
    touched = {tensor for tensor in (*operator.inputs, *operator.outputs) if tensor != -1}
    tensors = tuple(_signed_tensor(one) if one.index in touched else one for one in case.model.tensors)
    inputs = zip(activations_of(case.model, case.index), case.sample.inputs, strict=True)
    target, sample = case.output, case.sample
    outputs = (_signed_values(target, values) for values in (sample.oracle, sample.found, sample.before))
    given = tuple(_signed_values(case.model.tensors[tensor], values) for tensor, values in inputs)
    return Case(replace(case.model, tensors=tensors), case.index, Sample(given, *outputs), unsigned=True)


def as_unsigned(case: Case, prediction: Prediction) -> Prediction:
    """Return what was predicted of the signed case as outputs of the case itself."""
    if case.output.dtype != "uint8" or prediction.values.dtype != np.int8:
        return prediction
    return replace(prediction, values=prediction.values.view(np.uint8) ^ _OFFSET)


def _signed_values(tensor: TensorInfo, values: NDArray[Any]) -> NDArray[Any]:
    if tensor.dtype != "uint8" or tensor.quantisation is None:
        return values
    return np.asarray(np.ascontiguousarray(values) ^ np.uint8(_OFFSET)).view(np.int8)


def _signed_tensor(tensor: TensorInfo) -> TensorInfo:
    """Return a tensor in int8; a constant has its zero point taken off, which may take it beyond 8 bits."""
    found = tensor.quantisation
    if tensor.dtype != "uint8" or found is None:
        return tensor
    if tensor.data is not None:
        data = tensor.data.astype(np.int16) - found.zero_point
        return replace(
            tensor, dtype="int8", data=data, quantisation=Quantisation(found.scales, (0,) * len(found.scales))
        )
    zero_points = tuple(zero_point - _OFFSET for zero_point in found.zero_points)
    return replace(tensor, dtype="int8", quantisation=Quantisation(found.scales, zero_points, found.axis))
