"""Operators with int16 activations and int8 weights (16x8), as the oracle computes them.

Their shapes and options are checked as those of the same operator in int8, which the compiler knows. Layers with a
64-bit bias, or none, add up in 64 bits and requantise by 16 bits of the multiplier, rounded once (TFLite's
``MultiplyByQuantizedMultiplier`` for int64); the others as in int8. ADD and SUB shift their operands by 15 bits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgemnist.compiler.graph import Graph, Node
from edgemnist.tflite.file import TensorInfo

ADDITION_SHIFT = 15
"""By how many bits ADD and SUB shift up what they add. Source: TFLM ``add_common.cc``."""

KINDS = frozenset({
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN",
    "RELU", "LEAKY_RELU", "QUANTIZE",
})  # fmt: skip
"""Operators whose arithmetic in int16 is known."""


_BIAS_TYPE = "quantized_bias_type"
"""The option that names the bias' type, which the tensor has too."""


def is_wide(node: Node, graph: Graph) -> bool:
    """Whether an operator reads or writes int16."""
    return any(graph.tensors[index].dtype == "int16" for index in (*node.inputs, *node.outputs) if index != -1)


def as_int8(node: Node, graph: Graph) -> tuple[Node, Graph]:
    """Return an operator whose tensors are said to be of int8, and its bias of int32, without values."""
    touched = {index for index in (*node.inputs, *node.outputs) if index != -1}
    tensors = {index: _narrow(one) if index in touched else one for index, one in graph.tensors.items()}
    options = {name: 0 if name == _BIAS_TYPE else value for name, value in node.options.items()}
    narrow = replace(node, options=options)
    return narrow, replace(graph, tensors=tensors, nodes=(narrow,))


def _narrow(tensor: TensorInfo) -> TensorInfo:
    if tensor.dtype == "int64" and tensor.data is not None:
        return replace(tensor, dtype="int32", data=np.zeros(tensor.shape, np.int32))
    if tensor.dtype != "int16":
        return tensor
    data = None if tensor.data is None else tensor.data.clip(-128, 127).astype(np.int8)
    return replace(tensor, dtype="int8", data=data)
