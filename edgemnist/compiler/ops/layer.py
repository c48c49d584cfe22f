"""A layer with weights while it is lowered: what the forms that it can take ask of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from numpy.typing import NDArray

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.ops.convolution import (
    ChannelParameters,
    channel_multipliers,
    channel_parameters,
    conv_geometry,
    depthwise_geometry,
    output_of_layer,
)
from edgemnist.compiler.ops.fields import Field
from edgemnist.compiler.ops.operands import residual_of, weight_values, weights_tensor

_ValueT = TypeVar("_ValueT")


@dataclass(frozen=True, eq=False)
class Layer:
    """A CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED; ``rows`` holds the weights of each output channel."""

    node: Node
    graph: Graph
    settings: LoweringSettings
    rows: NDArray[Any]

    @cached_property
    def channels(self) -> ChannelParameters:
        """How each output channel is requantised."""
        node, graph = self.node, self.graph
        return self.once(
            "channels", lambda: channel_parameters(node, graph, self.rows, channel_multipliers(node, graph))
        )

    def once(self, what: str, work_out: Callable[[], _ValueT]) -> _ValueT:
        """Return what the layer's constants come to, worked out once for all targets and ways; ``what`` names it."""
        known, key = self.graph.worked_out, (what, self.node.sources, self.node.inputs, self.node.outputs)
        if key not in known:
            known[key] = work_out()
        found: _ValueT = known[key]
        return found

    @property
    def output(self) -> Field:
        """The C struct ``em_output``."""
        return output_of_layer(self.node, self.graph)

    @property
    def weights(self) -> NDArray[Any]:
        """The weights as they are in the file."""
        return weight_values(self.node, self.graph)


@dataclass(frozen=True, eq=False)
class Convolution(Layer):
    """A CONV_2D or DEPTHWISE_CONV_2D, with what was fused into it."""

    geometry: Geometry

    @property
    def follower(self) -> str:
        """The kind of the operator that was fused into it, empty without one."""
        return self.node.fused[0].kind if self.node.fused else ""

    @property
    def groups(self) -> int:
        """Groups of a CONV_2D; a DEPTHWISE_CONV_2D of one channel is one too, with one group."""
        if self.geometry.in_channels == 1:
            return 1
        return self.geometry.in_channels // weights_tensor(self.node, self.graph).shape[3]

    @property
    def pool(self) -> tuple[int, int]:
        """Height and width of the max pool's window, 1 x 1 without one."""
        pool = self.node.fused[0] if self.follower == "MAX_POOL_2D" else None
        return (pool.integer("filter_height"), pool.integer("filter_width")) if pool else (1, 1)


def convolution_of(node: Node, graph: Graph, settings: LoweringSettings) -> Convolution:
    """Return a CONV_2D as a layer; :func:`without_add` comes before where an ADD was fused into it."""
    geometry = conv_geometry(node, graph)
    return Convolution(node, graph, settings, weight_values(node, graph).reshape(geometry.out_channels, -1), geometry)


def depthwise_of(node: Node, graph: Graph, settings: LoweringSettings) -> Convolution:
    """Return a DEPTHWISE_CONV_2D as a layer."""
    geometry = depthwise_geometry(node, graph)
    if not settings.bodies.depthwise.by_rows:
        geometry = geometry.column_as_row
    rows = weight_values(node, graph)[0].reshape(-1, geometry.out_channels).T
    return Convolution(node, graph, settings, rows, geometry)


def without_add(node: Node, graph: Graph) -> Node:
    """Return the convolution of a node into which an ADD was fused, writing the tensor that the ADD reads."""
    between = next(index for index in node.fused[0].inputs if index != residual_of(node))
    # Nothing of the ADD is left in the convolution's own call but its sources, so that it is told where it stands.
    padding = conv_geometry(node, graph).padding
    return replace(node, inputs=node.inputs[:3], outputs=(between,), fused=(), padding=padding)
