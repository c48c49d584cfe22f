"""DEPTHWISE_CONV_2D, a channel at a time, several neighbouring outputs at once."""

from __future__ import annotations

from edgemnist.compiler.bodies.base import in_place
from edgemnist.compiler.ops.base import Overlap, Step, quantisation_of
from edgemnist.compiler.ops.fields import CArray, int16
from edgemnist.compiler.ops.layer import Convolution
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor
from edgemnist.compiler.ops.overlaps import rows_overlap

BLOCKS = (4, 2, 1)
"""How many neighbouring outputs kernels do at once."""


def lower_depthwise(layer: Convolution, function: str) -> Step:
    """Return the call of one of the functions of ``em_depthwise_conv_2d.h``."""
    node, graph, g = layer.node, layer.graph, layer.geometry
    multiplier = g.out_channels // g.in_channels
    body = layer.settings.bodies.depthwise
    overlaps = {}
    if body.by_rows:
        overlaps[ends_of(node)] = rows_overlap(g)
    elif in_place(g):
        overlaps[ends_of(node)] = Overlap(exactly=0)
    return Step(
        node=node, header="em_depthwise_conv_2d.h", function=function,
        struct_type="em_depthwise_conv_2d_params",
        parameters=(
            *int16(
                in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels,
                out_height=g.out_height, out_width=g.out_width, multiplier=multiplier,
                kernel_height=g.kernel_height, kernel_width=g.kernel_width,
                stride_height=g.stride_height, stride_width=g.stride_width,
                dilation_height=g.dilation_height, dilation_width=g.dilation_width,
                pad_top=g.padding.top, pad_left=g.padding.left,
                plane_height=g.plane_height, plane_width=g.plane_width, rows=body.rows(g),
                in_zero_point=quantisation_of(input_tensor(node, graph)).zero_point,
            ),
            layer.output,
        ),
        inputs=(activations_of(node),), outputs=node.outputs,
        arrays=(CArray("weights", "int8_t", body.pack(layer.rows, g)), *layer.channels.arrays()),
        scratch=body.scratch(g),
        overlaps=overlaps,
        macs=g.out_height * g.out_width * layer.rows.size,
    )  # fmt: skip


def best_block(out_width: int, kernel_width: int) -> int:
    """Return how many neighbouring outputs to do at once (4, 2 or 1) for the fewest estimated instructions.

    A block of B outputs loads each weight once and, for stride 1, B + kernel - 1 elements per kernel row; the
    last block of a row repeats outputs when B does not divide the width.
    """

    def cost(block: int) -> float:
        blocks = -(-out_width // block)
        return blocks * (kernel_width * (kernel_width + block * kernel_width + kernel_width + block - 1) + 12 * block)

    return min((block for block in BLOCKS if block <= out_width), key=cost)
