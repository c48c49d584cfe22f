"""Sums, products, activations, means and the softmax on float32, as TFLite's references compute them."""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import ACTIVATION_RELU, ACTIVATION_RELU6, ACTIVATION_RELU_N1_TO_1, FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step, check_activation
from edgemnist.compiler.ops.fields import CArray, Field, int32
from edgemnist.compiler.ops.float_layers import (
    Floats,
    check_constant,
    float_step,
    limit_fields,
    limited,
    require_float,
)
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    integers,
    output_of,
    output_tensor,
    require_constants,
    require_same_shape,
)

_IN_PLACE = Overlap(at_most=0)
_PAIRS: Mapping[str, Callable[[Floats, Floats], Floats]] = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply}


class FloatArithmetic(Operator):
    """Element by element; the second operand may be a constant of the last axes."""

    kinds = MappingProxyType(
        {f"{FLOAT}{name}": Schema(f"{name.capitalize()}Options", 2, 2, needed=True) for name in _PAIRS}
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if len(node.inputs) != 2 or -1 in node.inputs:
            return [f"{node.label}: needs two operands; the file is corrupt, convert it again"]
        problems = require_float(node, graph, [*node.inputs, output_of(node)]) + check_activation(node)
        for index in node.inputs:
            problems += check_constant(node, graph, index) if graph.is_constant(index) else []
        if problems:
            return problems
        first, second = _operands(node, graph)
        if graph.is_constant(first) or not _is_suffix(graph.tensors[second].shape, graph.tensors[first].shape):
            shapes = [list(graph.tensors[index].shape) for index in node.inputs]
            return [
                f"{node.label}: shapes {shapes} are neither equal nor is one a constant of the other's last axes; "
                "broadcast before converting"
            ]
        return require_shape(node, output_tensor(node, graph), graph.tensors[first].shape, "the result")

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        a, b = (np.asarray(one, np.float32) for one in inputs)
        values = _PAIRS[node.kind.removeprefix(FLOAT)](a, b).astype(np.float32)
        return [limited(values, node.integer("fused_activation_function")).reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        first, second = _operands(node, graph)
        constant = graph.is_constant(second)
        count, period = (graph.tensors[index].elements for index in (first, second))
        inputs = (first,) if constant else (first, second)
        name = f"{node.kind.removeprefix(FLOAT).lower()}{'_constant' if constant else ''}"
        fields = (*int32(count=count, period=period), *limit_fields(node.integer("fused_activation_function")))
        arrays = (CArray("operand", "float", np.asarray(graph.tensors[second].data)),) if constant else ()
        over = {(one, output_of(node)): _IN_PLACE for one in inputs if graph.tensors[one].elements == count}
        return float_step(node, name, "pair_params", fields, inputs=inputs, arrays=arrays, overlaps=over)


def _operands(node: Node, graph: Graph) -> tuple[int, int]:
    """Return the operands, the constant of a sum or product last: those may change places."""
    first, second = node.inputs
    swaps = graph.is_constant(first) and node.kind != f"{FLOAT}SUB"
    return (second, first) if swaps else (first, second)


def _is_suffix(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether a shape without its leading axes of 1 is the end of another one."""
    sizes = list(shape)
    while sizes and sizes[0] == 1:
        del sizes[0]
    return not sizes or tuple(sizes) == whole[-len(sizes) :]


class FloatActivation(Operator):
    """RELU and its like."""

    kinds = MappingProxyType({f"{FLOAT}{name}": Schema() for name in ("RELU", "RELU6", "RELU_N1_TO_1")})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return require_float(node, graph, ends_of(node)) + require_same_shape(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [limited(np.asarray(inputs[0], np.float32), _ACTIVATIONS[node.kind])]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        count = input_tensor(node, graph).elements
        fields = (*int32(count=count, period=1), *limit_fields(_ACTIVATIONS[node.kind]))
        return float_step(node, "clamp", "pair_params", fields, overlaps={ends_of(node): _IN_PLACE})


_ACTIVATIONS = {
    f"{FLOAT}RELU": ACTIVATION_RELU,
    f"{FLOAT}RELU6": ACTIVATION_RELU6,
    f"{FLOAT}RELU_N1_TO_1": ACTIVATION_RELU_N1_TO_1,
}


class FloatMean(Operator):
    """The mean over height and width."""

    kinds = MappingProxyType({f"{FLOAT}MEAN": Schema("ReducerOptions", 2, 2)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_constants(node, graph, {1: "axes"}) or require_float(node, graph, ends_of(node))
        if problems:
            return problems
        shape = input_tensor(node, graph).shape
        axes = integers(graph, node.inputs[1])
        if len(shape) != 4 or {axis + 4 * (axis < 0) for axis in axes} != {1, 2} or shape[0] != 1:
            return [f"{node.label}: a mean in float32 is over height and width; use GlobalAveragePooling2D"]
        kept = (1, 1, 1, shape[3]) if node.options.get("keep_dims") else (1, shape[3])
        return require_shape(node, output_tensor(node, graph), kept, "the result")

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        pixels = np.asarray(inputs[0], np.float32).reshape(-1, inputs[0].shape[-1])
        # Unlike a sum, an accumulation is made in order; it begins with 0, as TFLite's does.
        sums = np.add.accumulate(np.concatenate([np.zeros((1, pixels.shape[1]), np.float32), pixels]), axis=0)[-1]
        return [(sums / np.float32(len(pixels))).reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        _, height, width, channels = input_tensor(node, graph).shape
        fields = int32(pixels=height * width, channels=channels)
        return float_step(node, "mean", "mean_params", fields, inputs=node.inputs[:1])


class FloatSoftmax(Operator):
    """exp of each element over the sum of the row's; the exp is the C library's, its last bit too."""

    kinds = MappingProxyType({f"{FLOAT}SOFTMAX": Schema("SoftmaxOptions", needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + require_same_shape(node, graph)
        if not 0 < node.number("beta") < math.inf:
            problems.append(
                f"{node.label}: beta is {node.number('beta')}, needed is a number above 0; convert it again"
            )
        return problems

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        rows = np.asarray(inputs[0], np.float32).reshape(-1, inputs[0].shape[-1])
        powers: Floats = ((rows - rows.max(axis=1, keepdims=True)) * np.float32(node.number("beta"))).astype(np.float32)
        exp = _expf()
        found = np.array([[exp(value) for value in row] for row in powers.tolist()], np.float32)
        sums = np.zeros((len(found), 1), np.float32)
        for column in range(found.shape[1]):
            sums = sums + found[:, column : column + 1]
        return [(found / sums).reshape(inputs[0].shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        tensor = input_tensor(node, graph)
        depth, beta = tensor.shape[-1], Field("beta", "float", node.number("beta"))
        fields = (*int32(rows=tensor.elements // depth, depth=depth), beta)
        return float_step(node, "softmax", "softmax_params", fields, overlaps={ends_of(node): Overlap(exactly=0)})


@functools.cache
def _expf() -> Callable[[float], float]:
    """Return this machine's ``expf``, where its C library shows one, else the rounded exponential."""
    try:
        function = ctypes.CDLL(None).expf
    except (OSError, AttributeError, TypeError):
        return lambda value: float(np.float32(math.exp(value)))
    function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    return lambda value: float(function(value))
