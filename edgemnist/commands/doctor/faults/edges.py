"""Floating point in a net of integers."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.commands.doctor.faults.base import Fault, Network, Place, Severity
from edgemnist.tflite.kinds import ModelKind

_BETWEEN = ("QUANTIZE", "DEQUANTIZE")


def _of_integers(network: Network) -> bool:
    return network.kind in (ModelKind.INT8, ModelKind.INT16X8)


def _float_edges(network: Network) -> Iterator[Place]:
    model = network.model
    if not _of_integers(network):
        return
    for index in model.inputs:
        readers = network.readers.get(index, ())
        if model.tensors[index].dtype == "float32" and readers and all(one.kind == "QUANTIZE" for one in readers):
            yield network.at(readers[0], model.tensors[index], "the input is float32, quantised in the model")
    for index in model.outputs:
        writer = network.writers.get(index)
        if model.tensors[index].dtype == "float32" and writer is not None and writer.kind == "DEQUANTIZE":
            yield network.at(writer, model.tensors[index], "the output is float32, dequantised in the model")


def _float_inside(network: Network) -> Iterator[Place]:
    if not _of_integers(network):
        return
    for operator in network.model.operators:
        source, target = network.activation(operator), network.output(operator)
        if operator.kind in _BETWEEN or source is None or target is None:
            continue
        if "float32" in (source.dtype, target.dtype):
            yield network.at(operator, target, f"{source.dtype} to {target.dtype}, {target.elements:,} values")


def _uint8(network: Network) -> Iterator[Place]:
    for operator in network.model.operators:
        source, target = network.activation(operator), network.output(operator)
        if source is not None and target is not None and source.dtype == target.dtype == "uint8":
            count = sum(tensor.dtype == "uint8" and tensor.data is None for tensor in network.model.tensors)
            yield network.at(operator, target, f"{count} activations are uint8")
            return


FAULTS = (
    Fault(
        "float-edges", Severity.COSTS,
        "the net computes with integers, its input or output does not: a device needs floating point for it",
        "set the converter's inference_input_type and inference_output_type to tf.int8 (`edgemnist convert --int8`)",
        _float_edges,
    ),
    Fault(
        "float-inside", Severity.COSTS,
        "an operator within the net of integers computes with floats, because the converter has no integers for it",
        "replace the layer by one that int8 has, or leave it to what reads the output; with "
        "target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8] the converter says which layer it is",
        _float_inside,
    ),
    Fault(
        "uint8-scheme", Severity.COSTS,
        "activations are uint8, the scheme of TensorFlow 1 with one scale for all channels; TFLM and edgemnist's C "
        "take int8",
        "convert the trained model again, with `edgemnist convert --int8`",
        _uint8,
    ),
)  # fmt: skip
