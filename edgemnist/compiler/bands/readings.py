"""Which rows of its operands an operator needs for some rows of its output."""

from __future__ import annotations

from dataclasses import dataclass

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import HYBRID, UINT8, Graph, Node
from edgemnist.compiler.ops.convolution import conv_geometry, depthwise_geometry
from edgemnist.compiler.ops.operands import activations_of, integers, output_of, residual_of
from edgemnist.compiler.ops.pad import paddings_of
from edgemnist.compiler.ops.pooling import pool_geometry
from edgemnist.compiler.ops.uint8_elements import RESCALE
from edgemnist.compiler.ops.uint8_layers import PLACE_CHANNELS

POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")

_MADE = frozenset(kind.removeprefix(UINT8) for kind in (PLACE_CHANNELS, RESCALE))

ELEMENTWISE = _MADE | {
    "ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "CONCATENATION", "QUANTIZE", "DEQUANTIZE",
    "PRELU", "ABS", "ELU", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "HARD_SWISH", "LOGISTIC",
    "TANH",
}  # fmt: skip
"""Operators of which a row of the output needs the same row of each operand, in whatever type they compute."""

IMAGE_RANK = 4


@dataclass(frozen=True)
class Rows:
    """The rows of a tensor from ``first`` on, below ``last``."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many they are."""
        return self.last - self.first


@dataclass(frozen=True)
class Reading:
    """An operand, and its rows that an output row needs: ``reach`` of them, ``stride`` further for each next one.

    The first output row's begin ``before`` rows above the operand.
    """

    tensor: int
    reach: int = 1
    stride: int = 1
    before: int = 0

    def rows(self, written: Rows) -> Rows:
        """Return the operand's rows for some of the output's; they may hang over its border."""
        first = written.first * self.stride - self.before
        return Rows(first, first + (written.count - 1) * self.stride + self.reach)


def windowed_geometry(node: Node, graph: Graph) -> Geometry | None:
    """Return the geometry of an operator that slides a window over an image, None for any other."""
    if node.operator == "CONV_2D":
        return conv_geometry(node, graph)
    if node.operator == "DEPTHWISE_CONV_2D":
        return depthwise_geometry(node, graph)
    return pool_geometry(node, graph) if node.operator in POOLS else None


def readings_of(node: Node, graph: Graph) -> tuple[Reading, ...] | None:
    """Return what an operator reads, None for one that can't be done row by row."""
    if node.kind.startswith(HYBRID):
        return None  # its scale is that of its whole input
    if not _is_image(output_of(node), graph) or len(node.outputs) != 1:
        return None
    found = _readings(node, graph)
    if found is None or not found or not all(_is_image(one.tensor, graph) for one in found):
        return None
    by_tensor = {one.tensor: one for one in found}
    # One tensor that is read in two ways would need two heights at once.
    return tuple(by_tensor.values()) if set(found) == set(by_tensor.values()) else None


def _readings(node: Node, graph: Graph) -> tuple[Reading, ...] | None:
    geometry = windowed_geometry(node, graph)
    if geometry is not None:
        return _windows(node, geometry)
    if node.operator == "PAD":
        rank = len(graph.tensors[activations_of(node)].shape)
        amounts = integers(graph, paddings_of(node))
        one_image = rank == IMAGE_RANK and not any(amounts[:2])
        return (Reading(activations_of(node), before=amounts[2]),) if one_image else None
    if node.operator not in ELEMENTWISE or (node.operator == "CONCATENATION" and node.integer("axis") not in (-1, 3)):
        return None
    return _same_rows(node, graph)


def _windows(node: Node, g: Geometry) -> tuple[Reading, ...]:
    follower = node.fused[0] if node.fused else None
    pooled = follower.integer("filter_height") if follower is not None and follower.kind == "MAX_POOL_2D" else 1
    window = Reading(
        activations_of(node), g.reach + (pooled - 1) * g.stride_height, pooled * g.stride_height, g.padding.top
    )
    return (window, Reading(residual_of(node))) if follower is not None and follower.kind == "ADD" else (window,)


def _same_rows(node: Node, graph: Graph) -> tuple[Reading, ...] | None:
    height, width = graph.tensors[output_of(node)].shape[1:3]
    for index in node.inputs:
        shape = graph.tensors[index].shape
        if graph.is_constant(index):
            if len(shape) >= IMAGE_RANK - 1 and shape[-3] != 1:
                return None
        elif len(shape) != IMAGE_RANK or shape[1:3] != (height, width):
            return None
    return tuple(Reading(index) for index in graph.activations(node.inputs))


def _is_image(tensor: int, graph: Graph) -> bool:
    info = graph.tensors[tensor]
    return len(info.shape) == IMAGE_RANK and info.shape[0] == 1 and graph.root(tensor) == tensor
