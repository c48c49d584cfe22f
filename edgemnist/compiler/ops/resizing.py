"""What RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR ask of a file, and the sizes that their kernels need."""

from __future__ import annotations

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.fields import Field, int16
from edgemnist.compiler.ops.moving import require_moved
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    integers,
    output_tensor,
    require_constants,
)


def check_resize(node: Node, graph: Graph) -> list[str]:
    """Return problems with types, quantisation, shapes and options."""
    problems = require_moved(node, graph, ends_of(node))
    problems += require_constants(node, graph, {1: "size"}, ("int32",))
    if problems:
        return problems
    source, target = input_tensor(node, graph).shape, output_tensor(node, graph).shape
    size = integers(graph, node.inputs[1])
    if len(source) != 4 or target != (source[0], *size, source[-1]):
        return [
            f"{node.label}: {list(source)} resized to {list(size)} is not {list(target)}; "
            "the file is corrupt, convert it again"
        ]
    if node.integer("align_corners") and node.integer("half_pixel_centers"):
        problems.append(f"{node.label}: has both align_corners and half_pixel_centers; choose one")
    return problems


def size_fields(node: Node, graph: Graph, size: int = 1) -> tuple[Field, ...]:
    """Return the width of the input, and height, width and channels of the output, each channel ``size`` units."""
    _, _, in_width, channels = input_tensor(node, graph).shape
    _, out_height, out_width, _ = output_tensor(node, graph).shape
    return int16(in_width=in_width, out_height=out_height, out_width=out_width, channels=channels * size)
